"""The errors of this package, ordered by remedy: who must act, and whether asking again can help.

::

    MessagingInsightsError
    ├─ ConfigurationError            the DAG or the connection is wrong; a person must act
    ├─ FatalGraphAPIError            asking again cannot help
    │   ├─ AuthenticationError       token expired, revoked, malformed, of the wrong kind
    │   ├─ PermissionDeniedError     missing permission, task or access level
    │   └─ InvalidRequestError       metric, period, breakdown or range refused
    ├─ RetriableGraphAPIError        asking again may help
    │   ├─ EmptyAnswerError          the API returned no row at all
    │   ├─ RateLimitError            carries retry_after_seconds when the server says
    │   └─ ServiceUnavailableError   5xx, "try later" codes, a body that is not JSON
    ├─ TransportError                no reply at all; retriable
    ├─ StorageError                  the storage of output_path failed in passing; retriable
    │   └─ WriteConflictError        other writers kept replacing the same file; retriable
    ├─ ResponseFormatError           a 200 whose shape we do not know: stop, never guess
    └─ NewFindingsError              all is stored, and a person asked to be stopped by what it shows
"""

from __future__ import annotations

from typing import Any


class MessagingInsightsError(Exception):
    """What every error of this package is; carries the evidence Meta's support asks for.

    :param message: what happened, what is wrong and what helps; never holds a token.
    :param http_status: status of the HTTP reply, or of the part of a batch reply.
    :param code: ``error.code`` of the Graph API's error object.
    :param error_subcode: ``error.error_subcode``.
    :param fbtrace_id: ``error.fbtrace_id``; Meta keeps it for a short time only.
    :param retry_after_seconds: how long the server said to stay away.
    :param page_id: the Page whose request met the error, where it belongs to one.
    :param advice: the part of the message that says what helps, where it is known by itself.
    """

    def __init__(
        self,
        message: str,
        *,
        http_status: int | None = None,
        code: int | None = None,
        error_subcode: int | None = None,
        fbtrace_id: str | None = None,
        retry_after_seconds: float | None = None,
        page_id: str | None = None,
        advice: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.http_status = http_status
        self.code = code
        self.error_subcode = error_subcode
        self.fbtrace_id = fbtrace_id
        self.retry_after_seconds = retry_after_seconds
        self.page_id = page_id
        self.advice = advice

    @property
    def what(self) -> str:
        """The message less the advice in it: what happened."""
        return self.message.removesuffix(self.advice or "").strip()

    @property
    def evidence(self) -> dict[str, Any]:
        """The keyword arguments that, with the message, rebuild this error; plain JSON."""
        return {name: value for name, value in vars(self).items() if name != "message"}

    def __str__(self) -> str:
        evidence = (
            ("Page", self.page_id),
            ("HTTP", self.http_status),
            ("code", self.code),
            ("subcode", self.error_subcode),
            ("trace", self.fbtrace_id),
        )
        facts = ", ".join(f"{name} {value}" for name, value in evidence if value is not None)
        return f"{self.message} ({facts})" if facts else self.message

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"

    def __reduce__(self) -> tuple[object, ...]:
        """Let pickle rebuild the error from its message; the attributes travel as its state."""
        return type(self), (self.message,), self.__dict__


class ConfigurationError(MessagingInsightsError):
    """The DAG or the connection is wrong, which mostly shows before any request; a person must act."""


class FatalGraphAPIError(MessagingInsightsError):
    """The API refused, and asking again cannot help."""


class AuthenticationError(FatalGraphAPIError):
    """The token is expired, revoked, malformed or of the wrong kind."""


class PermissionDeniedError(FatalGraphAPIError):
    """A permission, a task on the Page or an access level is missing."""


class InvalidRequestError(FatalGraphAPIError):
    """The API refused the metric, period, breakdown or range."""


class RetriableGraphAPIError(MessagingInsightsError):
    """The API could not answer now; asking again may help."""


class EmptyAnswerError(RetriableGraphAPIError):
    """The API answered, but with no row at all: not computed yet, or not visible to this token."""


class RateLimitError(RetriableGraphAPIError):
    """A limit on calls was reached; ``retry_after_seconds`` is what the server demanded."""


class ServiceUnavailableError(RetriableGraphAPIError):
    """The API is down or overloaded, or answered with something that is not JSON."""


class TransportError(MessagingInsightsError):
    """No reply arrived: connection, TLS, timeout; asking again may help."""


class StorageError(MessagingInsightsError):
    """The storage of ``output_path`` failed in passing, or contradicts itself; trying again may help."""


class WriteConflictError(StorageError):
    """Other writers replaced the same file again and again; nothing of theirs is lost, and trying again may help."""


class ResponseFormatError(MessagingInsightsError):
    """A successful reply had a shape this package does not know; nothing was guessed."""


class NewFindingsError(MessagingInsightsError):
    """Everything is stored, and the data shows something new that a person should look at (``on_finding="fail"``)."""


NEVER_RETRIED = (ConfigurationError, FatalGraphAPIError, ResponseFormatError, NewFindingsError)
"""Errors that the same request would meet again: a person must act first."""
