"""The operator that checks a connection's token, so that a team learns of its end before a load fails."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from airflow.sdk import BaseOperator

from airflow_provider_msginsights.airflow_names import AirflowFailException, AirflowSkipException
from airflow_provider_msginsights.documentation import ending_with
from airflow_provider_msginsights.failures import failing_without_retry, wrapped
from airflow_provider_msginsights.hooks.msginsights import MessagingInsightsHook
from airflow_provider_msginsights.insights.parameters.numbers import (
    parse_number,
)
from airflow_provider_msginsights.insights.parameters.parse import (
    parse_choice,
    parse_page_ids,
    parse_switch,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from airflow.sdk import Context

    from airflow_provider_msginsights.insights.token.report import TokenReport

ON_PROBLEM = ("fail", "skip", "warn")
_MOST_LISTED = 20


class MessagingInsightsTokenCheckOperator(BaseOperator):
    """Check that a connection's token works, holds all it needs, and does not end soon.

    A problem is whatever keeps loads from working (a token that ended, a permission, task or Page that is missing), or
    an end within ``fail_within_days``. An end within ``warn_within_days`` is logged. Without app id and secret in the
    connection the end is not known; then the task warns, or has a problem if ``require_known_end`` is set.

    :param page_ids: the Pages that loads read: one id, several, or text with commas; the connection's default ones when
        left out (templated)
    :param fail_within_days: an end of the token, or of its access to data, within so many days is a problem (templated)
    :param warn_within_days: an end within so many days is logged as a warning (templated)
    :param on_problem: ``fail`` (at once, without retries), ``skip`` (so that tasks behind it are skipped too) or
        ``warn`` (templated)
    :param require_known_end: whether an end that is not known is a problem
    :param msginsights_conn_id: the Airflow connection of type ``msginsights`` (templated)
    :param api_version: Graph API version such as ``v26.0``; the connection's when left out (templated)
    :return: a small dictionary without secrets, stored also when the task then fails or skips: ``ok``, ``is_valid``,
        ``kind``, ``application``, ``expires_at``, ``data_access_expires_at``, ``days_left`` (of the nearer end),
        ``end_is_known``, ``missing_permissions``, ``page_count``, ``api_version``, and the lists ``problems`` and
        ``warnings``, which say what it is and what helps.
    :raises AirflowFailException: when there is a problem and ``on_problem`` is ``fail``; for a parameter or connection
        that is wrong.
    :raises AirflowSkipException: when there is a problem and ``on_problem`` is ``skip``.
    :raises MessagingInsightsError: when the API does not answer, which is no problem of the token; a retry may help.
    """

    template_fields: Sequence[str] = (
        "page_ids",
        "fail_within_days",
        "warn_within_days",
        "on_problem",
        "msginsights_conn_id",
        "api_version",
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {"page_ids": "json"}
    ui_color = "#e4e6fb"

    def __init__(
        self,
        *,
        page_ids: str | int | Sequence[str | int] | None = None,
        fail_within_days: float | str = 3,
        warn_within_days: float | str = 14,
        on_problem: str = "fail",
        require_known_end: bool = False,
        msginsights_conn_id: str = MessagingInsightsHook.default_conn_name,
        api_version: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.page_ids = page_ids
        self.fail_within_days = fail_within_days
        self.warn_within_days = warn_within_days
        self.on_problem = on_problem
        self.require_known_end = require_known_end
        self.msginsights_conn_id = msginsights_conn_id
        self.api_version = api_version

    def execute(self, context: Context) -> dict[str, Any]:
        """Inspect the token; fail, skip or warn as ``on_problem`` says; return a summary of the report."""
        from airflow_provider_msginsights.insights.token.render import render_report

        with failing_without_retry(msginsights_conn_id=self.msginsights_conn_id, log=self.log):
            fail_days = parse_number("fail_within_days", self.fail_within_days)
            warn_days = parse_number("warn_within_days", self.warn_within_days)
            on_problem = parse_choice("on_problem", self.on_problem, ON_PROBLEM)
            require_known_end = parse_switch("require_known_end", self.require_known_end)
            page_ids = parse_page_ids(self.page_ids)
            hook = MessagingInsightsHook(self.msginsights_conn_id, api_version=self.api_version)
            report = hook.inspect_token(page_ids=page_ids)
        summary = _summary(report, fail_days, warn_days, require_known_end=require_known_end)
        self.log.info("%s", render_report(report))
        for warning in summary["warnings"]:
            self.log.warning("Connection %s: %s", self.msginsights_conn_id, warning)
        if summary["problems"]:
            self._end(context, summary, on_problem)
        return summary

    def _end(self, context: Context, summary: dict[str, Any], on_problem: str) -> None:
        problems = f"Connection {self.msginsights_conn_id}: {' '.join(summary['problems'])}"
        message = ending_with(problems, "MSGI-token-check")
        if on_problem == "warn":
            self.log.warning("%s", message)
            return
        if (ti := context.get("ti")) is not None:
            ti.xcom_push(key="return_value", value=summary)  # a task that fails or skips returns nothing
        for problem in summary["problems"]:
            for line in wrapped(f"Connection {self.msginsights_conn_id}: {problem}"):
                self.log.error("%s", line)
        _raise(message, skip=on_problem == "skip")


def _raise(message: str, *, skip: bool) -> NoReturn:
    raise AirflowSkipException(message) if skip else AirflowFailException(message)


def _summary(report: TokenReport, fail_days: float, warn_days: float, *, require_known_end: bool) -> dict[str, Any]:
    from airflow_provider_msginsights.insights.token.findings import ENDING_TOPICS, endings_of
    from airflow_provider_msginsights.insights.token.report import Severity

    urgent, soon = (tuple(endings_of(report, days)) for days in (fail_days, max(fail_days, warn_days)))
    others = [finding for finding in report.findings if finding.topic not in ENDING_TOPICS]
    problems = [*urgent, *(finding for finding in others if finding.severity is Severity.ERROR)]
    warnings = [
        *(finding for finding in soon if finding not in urgent),
        *(finding for finding in others if finding.severity is Severity.WARNING),
    ]
    end_is_known = report.expires.is_known or report.is_valid is False
    for finding in others:
        if finding.severity is Severity.UNKNOWN and finding.topic != "not_known":
            warnings.append(finding)
        elif finding.severity is Severity.UNKNOWN and not end_is_known:
            (problems if require_known_end else warnings).append(finding)
    end = report.ends_at
    return {
        "ok": not problems,
        "is_valid": report.is_valid,
        "kind": str(report.kind),
        "application": report.application,
        "expires_at": _text(report.expires.ends_at),
        "data_access_expires_at": _text(report.data_access.ends_at),
        "days_left": None if end is None else round((end - report.asked_at).total_seconds() / 86_400, 2),
        "end_is_known": end_is_known,
        "missing_permissions": None if report.missing_permissions is None else list(report.missing_permissions),
        "page_count": len(report.pages),
        "api_version": report.answered_version,
        "problems": [finding.in_words for finding in problems[:_MOST_LISTED]],
        "warnings": [finding.in_words for finding in warnings[:_MOST_LISTED]],
    }


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
