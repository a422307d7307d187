"""A token's report as plain text: whole, or what somebody has to know at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_msginsights.insights.graph.error_table import ANALYZE, PERMISSIONS
from airflow_provider_msginsights.insights.token.report import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from airflow_provider_msginsights.insights.token.report import Lifetime, PageAccess, TokenFinding, TokenReport

_MOST_PAGES = 10
_TITLES = {
    Severity.ERROR: "Problem",
    Severity.WARNING: "Warning",
    Severity.UNKNOWN: "Not known",
    Severity.NOTE: "Note",
}


def render_report(report: TokenReport) -> str:
    """Return the verdict, the facts, then what to know and what helps."""
    # Airflow's form shows the lines as one: each is a sentence, so that it reads there too.
    facts = (f"{fact}." for fact in _facts(report))
    return "\n".join((verdict_of(report), *facts, *map(_finding_lines, report.findings)))


def render_summary(report: TokenReport) -> str:
    """Return the verdict, the problems and warnings with what helps, and when the token and its data access end."""
    grave = (one for one in report.findings if one.severity in (Severity.ERROR, Severity.WARNING))
    ends = [f"{_ends(report)}."] if report.is_valid else []
    return "\n".join((verdict_of(report), *map(_finding_lines, grave), *ends))


def verdict_of(report: TokenReport) -> str:
    """One sentence: whether loads can work."""
    errors = sum(one.severity is Severity.ERROR for one in report.findings)
    if report.is_valid is False:
        return "The API refuses the token."
    if errors:
        return f"The token needs attention: {errors} {'problem' if errors == 1 else 'problems'}."
    if any(one.topic == "no_rows" for one in report.findings) and not any(page.reads_insights for page in report.pages):
        return "The API takes the token, but a read gave no row."
    if not report.is_valid:
        return "Whether the token works could not be found out."
    if not any(page.reads_insights for page in report.pages):
        return "The API takes the token. Whether it reads insights could not be found out."
    return "The token works."


def _facts(report: TokenReport) -> Iterator[str]:
    yield f"Token: {report.kind.in_words}{_owner(report)}{_app(report)}"
    if report.is_valid:
        yield f"Valid until: {_end(report.expires, report.asked_at)}"
        yield f"Data access until: {_end(report.data_access, report.asked_at)}"
        yield f"Permissions: {_permissions(report.missing_permissions)}"
    shown = [page for page in report.pages if page.is_asked_for] or report.pages
    yield from map(_page, shown[:_MOST_PAGES])
    if more := len(report.pages) - len(shown[:_MOST_PAGES]):
        yield f"Pages beside: {more}"
    yield f"API version: {report.answered_version or 'unknown'} (requested {report.asked_version})"


def _owner(report: TokenReport) -> str:
    return f" of {report.owner_name or 'id'} ({report.owner_id})" if report.owner_id else ""


def _app(report: TokenReport) -> str:
    return f", made with the app {report.application or ''} ({report.app_id})" if report.app_id else ""


def _end(lifetime: Lifetime, now: datetime) -> str:
    if not lifetime.is_known:
        return "not known"
    return lifetime.describe(now).removeprefix("on ") if lifetime.ends_at else "without end"


def _ends(report: TokenReport) -> str:
    ends = (_end(lifetime, report.asked_at) for lifetime in (report.expires, report.data_access))
    return "Valid until: {}; data access until: {}".format(*ends)


def _permissions(missing: tuple[str, ...] | None) -> str:
    if missing is None:
        return "not known"
    if not missing:
        return f"all four ({', '.join(PERMISSIONS)})"
    having = [one for one in PERMISSIONS if one not in missing]
    return f"{', '.join(having) or 'none of the four'}; missing: {', '.join(missing)}"


def _page(page: PageAccess) -> str:
    name = f"{f' {page.name}' if page.name else ''}{' (requested)' if page.is_asked_for else ''}"
    facts = [
        *([f"{ANALYZE} {'yes' if page.may_analyze else 'missing'}"] if page.may_analyze is not None else []),
        *(["insights can be read"] if page.reads_insights else []),
        *(["insights cannot be read"] if page.problem is not None else []),
    ]
    return f"Page {page.page_id}{name}: {', '.join(facts) or f'{ANALYZE} not known'}"


def _finding_lines(finding: TokenFinding) -> str:
    helps = finding.in_words.removeprefix(f"{finding.what} ")
    return f"{_TITLES[finding.severity]}: {finding.what}\n  What helps: {helps}"
