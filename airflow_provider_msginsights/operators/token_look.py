"""An answer without any row is also what a lost permission looks like: one look at the token tells them apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_msginsights.hooks.msginsights import MessagingInsightsHook

_WHAT_IT_MAY_BE = (
    "Either Meta has not computed the days yet (put a MessagingInsightsSensor before this task), or the token lacks "
    "read_insights or the ANALYZE task on the Page, or the Page has fewer than 100 followers."
)


def why_empty(hook: MessagingInsightsHook, page_ids: Sequence[str], log: Any) -> str:
    """Say what is wrong with the token, or, when nothing is or it cannot be looked at, what may be the reason.

    :param page_ids: the Pages that gave no row; the first one is looked at.
    """
    from airflow_provider_msginsights.insights.token.report import Severity

    try:
        report = hook.inspect_token(page_ids=page_ids[:1])
    except Exception as trouble:  # noqa: BLE001 - the empty answer is what the task has to tell
        log.warning("The token could not be looked at: %s: %s", type(trouble).__name__, trouble)
        return _WHAT_IT_MAY_BE
    errors = [one for one in report.findings if one.severity is Severity.ERROR]
    if not errors:
        return _WHAT_IT_MAY_BE
    told = " ".join(f"{one.what} {one.remedy}" for one in errors)
    return f"A look at the token of connection {hook.msginsights_conn_id!r} says why: {told}"
