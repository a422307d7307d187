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

Each error has an id, which its text ends with and which names its place in the errors reference:

- ``MSGI-190-463``: what the Graph API says, by ``code`` and ``error_subcode``; ``MSGI-100-permission`` where a sentence
  tells what the code does not. The error table names them.
- ``MSGI-config-page_ids``: a parameter or a field of the connection, as its author writes it; ``MSGI-cli-save-env``: an
  option of the command line.
- ``MSGI-storage``, ``MSGI-limit`` …: everything else, by the kind of error unless the place that raises it says more.

Ids are public names: they are frozen once released, whatever becomes of the words before them.
"""

from __future__ import annotations

import re
from typing import Any, ClassVar

ID_PREFIX = "MSGI-"

_ID_AT_THE_END = re.compile(rf"\s*\b({ID_PREFIX}[\w-]+)\s*$")


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
    :param error_id: its name in the errors reference; where left out, the id that the message ends with, as one made of
        another error does, or else that of its kind.
    """

    kind_id: ClassVar[str] = "MSGI-error"
    """The id of errors of this kind of which nothing more is known."""

    def __init__(  # noqa: PLR0913 - the evidence
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
        error_id: str | None = None,
    ) -> None:
        message, named = self.split_id(message)
        super().__init__(message)
        self.message = message
        self.error_id = error_id or named or self.kind_id
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
        return {name: value for name, value in vars(self).items() if name not in {"message", "address"}}

    address: str | None = None
    """Where the documentation says more, once this has been looked up for a person."""

    @property
    def reference(self) -> str:
        """What the text ends with: the id, and the address of its place in the documentation where there is one."""
        return f"{self.error_id} {self.address}" if self.address else self.error_id

    @property
    def described(self) -> str:
        """The message and the evidence, less the id: for texts that go on, and end with the id themselves."""
        evidence = (
            ("Page", self.page_id),
            ("HTTP", self.http_status),
            ("code", self.code),
            ("subcode", self.error_subcode),
            ("trace", self.fbtrace_id),
        )
        facts = ", ".join(f"{name} {value}" for name, value in evidence if value is not None)
        return f"{self.message} ({facts})" if facts else self.message

    @staticmethod
    def split_id(text: str) -> tuple[str, str | None]:
        """Return a text less the id that it ends with, and that id."""
        found = _ID_AT_THE_END.search(text)
        return (text, None) if found is None else (text[: found.start()], found[1])

    def __str__(self) -> str:
        return f"{self.described} {self.reference}"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"

    def __reduce__(self) -> tuple[object, ...]:
        """Let pickle rebuild the error from its message; the attributes travel as its state."""
        return type(self), (self.message,), self.__dict__


class ConfigurationError(MessagingInsightsError):
    """The DAG or the connection is wrong, which mostly shows before any request; a person must act.

    :param parameter: the parameter, the field of the connection or the option (``--name``) that is wrong: its id.
    """

    kind_id = "MSGI-config"

    def __init__(self, message: str, *, parameter: str | None = None, **evidence: Any) -> None:
        if parameter is not None:
            evidence = {"error_id": self.id_of(parameter)} | evidence
        super().__init__(message, **evidence)

    @staticmethod
    def id_of(parameter: str) -> str:
        """Return the id of a wrong parameter, field of a connection or option of the command line.

        ``page_ids`` gives ``MSGI-config-page_ids``, ``extra_columns['brand']`` ``MSGI-config-extra_columns``,
        ``--save-env`` ``MSGI-cli-save-env``, and the argument ``CONN_ID`` ``MSGI-cli-conn_id``.
        """
        named = re.match(r"(--)?([\w-]+)", parameter.strip())
        if named is None:
            return ConfigurationError.kind_id
        room = "cli" if named[1] or named[2][0].isupper() else "config"
        return f"{ID_PREFIX}{room}-{named[2].lower()}"


class FatalGraphAPIError(MessagingInsightsError):
    """The API refused, and asking again cannot help."""

    kind_id = "MSGI-refused"


class AuthenticationError(FatalGraphAPIError):
    """The token is expired, revoked, malformed or of the wrong kind."""

    kind_id = "MSGI-token"


class PermissionDeniedError(FatalGraphAPIError):
    """A permission, a task on the Page or an access level is missing."""

    kind_id = "MSGI-permission"


class InvalidRequestError(FatalGraphAPIError):
    """The API refused the metric, period, breakdown or range."""

    kind_id = "MSGI-request"


class RetriableGraphAPIError(MessagingInsightsError):
    """The API could not answer now; asking again may help."""

    kind_id = "MSGI-again"


class EmptyAnswerError(RetriableGraphAPIError):
    """The API answered, but with no row at all: not computed yet, or not visible to this token."""

    kind_id = "MSGI-no-rows"


class RateLimitError(RetriableGraphAPIError):
    """A limit on calls was reached; ``retry_after_seconds`` is what the server demanded."""

    kind_id = "MSGI-limit"


class ServiceUnavailableError(RetriableGraphAPIError):
    """The API is down or overloaded, or answered with something that is not JSON."""

    kind_id = "MSGI-unavailable"


class TransportError(MessagingInsightsError):
    """No reply arrived: connection, TLS, timeout; asking again may help."""

    kind_id = "MSGI-no-reply"


class StorageError(MessagingInsightsError):
    """The storage of ``output_path`` failed in passing, or contradicts itself; trying again may help."""

    kind_id = "MSGI-storage"


class WriteConflictError(StorageError):
    """Other writers replaced the same file again and again; nothing of theirs is lost, and trying again may help."""

    kind_id = "MSGI-write-conflict"


class ResponseFormatError(MessagingInsightsError):
    """A successful reply had a shape this package does not know; nothing was guessed."""

    kind_id = "MSGI-reply-format"


class NewFindingsError(MessagingInsightsError):
    """Everything is stored, and the data shows something new that a person should look at (``on_finding="fail"``)."""

    kind_id = "MSGI-finding"


NEVER_RETRIED = (ConfigurationError, FatalGraphAPIError, ResponseFormatError, NewFindingsError)
"""Errors that the same request would meet again: a person must act first."""
