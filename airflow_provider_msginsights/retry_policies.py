"""A retry policy for tasks that talk to Meta: ``retry_policy=MessagingInsightsRetryPolicy()`` (Airflow 3.3 and newer).

Importing this module works on every supported Airflow; only making a policy needs one that knows retry policies.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow_provider_msginsights.exceptions import (
    NEVER_RETRIED,
    ConfigurationError,
    MessagingInsightsError,
    RateLimitError,
)
from airflow_provider_msginsights.insights.parameters.numbers import parse_count, parse_number

if TYPE_CHECKING:
    from airflow.sdk import Context, RetryDecision, RetryPolicy
else:
    try:
        from airflow.sdk import RetryDecision, RetryPolicy
    except ImportError:  # before Airflow 3.3
        RetryDecision, RetryPolicy = None, object

_LATER_SECONDS = 5.0
"""Meta gives whole minutes: a little later is certainly not too early, and a call that is lengthens the wait."""


class MessagingInsightsRetryPolicy(RetryPolicy):
    """Retry as Meta's errors ask for, whatever the task's ``retry_delay``.

    * A limit for which a moment is known: again at that moment. On Airflow 3.4 and newer this is a reschedule, which
      spends no retry; on 3.3 it is a retry.
    * What the same request would meet again (a token that ended, a missing permission, a wrong parameter): fail now.
      The provider's own tasks fail at once anyway; this holds for ``@task`` functions that use the hook.
    * Everything else, errors of others too: as the task says by ``retries`` and ``retry_delay``.

    :param max_reschedules: how often one try may be rescheduled; later limits spend retries (Airflow 3.4).
    :param reschedule_timeout_hours: how long after its first reschedule a try may be rescheduled again (Airflow 3.4).
    :raises ConfigurationError: before Airflow 3.3, and for bounds that mean nothing.
    """

    def __init__(self, *, max_reschedules: int = 24, reschedule_timeout_hours: float = 24.0) -> None:
        if RetryDecision is None:
            raise ConfigurationError(
                "MessagingInsightsRetryPolicy needs Airflow 3.3 or newer. Omit retry_policy on older versions: the "
                "provider's tasks fail at once where a retry cannot help, and deferrable=True waits for limits.",
                error_id="MSGI-airflow-version",
            )
        self.max_reschedules = parse_count("max_reschedules", max_reschedules)
        self.reschedule_timeout_hours = parse_number("reschedule_timeout_hours", reschedule_timeout_hours)

    def evaluate(
        self, exception: BaseException, try_number: int, max_tries: int, context: Context | None = None
    ) -> RetryDecision:
        """Give Airflow's decision for what made the task fail."""
        del try_number, max_tries, context
        error = _error_of_ours(exception)
        if isinstance(error, NEVER_RETRIED):
            return RetryDecision.fail(reason=str(error))
        if isinstance(error, RateLimitError) and error.retry_after_seconds:
            return self._after_the_limit(timedelta(seconds=error.retry_after_seconds + _LATER_SECONDS), str(error))
        return RetryDecision.default()

    def _after_the_limit(self, delay: timedelta, reason: str) -> RetryDecision:
        reschedule = getattr(RetryDecision, "reschedule", None)  # Airflow 3.4
        if reschedule is None:
            return RetryDecision.retry(delay, reason)
        decision: RetryDecision = reschedule(
            delay,
            max_reschedules=self.max_reschedules,
            reschedule_timeout=timedelta(hours=self.reschedule_timeout_hours),
            reason=reason,
        )
        return decision

    def serialize(self) -> dict[str, Any]:
        """Give the policy's bounds as plain JSON."""
        return {
            "max_reschedules": self.max_reschedules,
            "reschedule_timeout_hours": self.reschedule_timeout_hours,
        }

    @classmethod
    def deserialize(cls, data: dict[str, Any]) -> MessagingInsightsRetryPolicy:
        """Return the policy that ``serialize`` described."""
        return cls(max_reschedules=data["max_reschedules"], reschedule_timeout_hours=data["reschedule_timeout_hours"])


def _error_of_ours(exception: BaseException | None) -> MessagingInsightsError | None:
    """Return the error itself, or the error it was raised from."""
    while exception is not None and not isinstance(exception, MessagingInsightsError):
        exception = exception.__cause__
    return exception
