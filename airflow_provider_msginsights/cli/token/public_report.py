"""What may be committed about a connection: whose token, until when, for which Pages, and what is missing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from airflow_provider_msginsights.exceptions import ConfigurationError
from airflow_provider_msginsights.insights.graph.error_table import PERMISSIONS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from airflow_provider_msginsights.cli.token.pages import PageChoice
    from airflow_provider_msginsights.insights.token.report import Lifetime, TokenReport


def public_facts(conn_id: str, report: TokenReport, *, choice: PageChoice | None = None) -> dict[str, Any]:
    """Return the facts as plain JSON: no secret, and no name of a person or a Page.

    :param choice: the Pages of the connection; without one those that the report was made for.
    """
    missing = report.missing_permissions
    page_ids = [page.page_id for page in report.pages if page.is_asked_for] if choice is None else choice.page_ids
    unreadable = {page.page_id for page in report.pages if page.problem is not None or page.may_analyze is False}
    return {
        "connection": conn_id,
        "app_id": report.app_id,
        "kind": str(report.kind),
        "ends_at": _end(report.expires),
        "data_access_ends_at": _end(report.data_access),
        "permissions": None if missing is None else [one for one in PERMISSIONS if one not in missing],
        "missing_permissions": None if missing is None else list(missing),
        "page_ids": [one for one in page_ids if one not in unreadable],
        "missing_page_ids": [one for one in page_ids if one in unreadable],
        "extra_page_ids": [] if choice is None else list(choice.extra),
        "problems": [one.topic for one in report.findings if one.severity == "error"],
    }


def check_report_file(file: Path) -> None:
    """Refuse a file that cannot be written, before anything is asked for.

    :raises ConfigurationError: naming the option.
    """
    if file.is_dir() or not file.parent.is_dir():
        raise ConfigurationError(
            f"--report: {file} cannot be written: its folder is missing, or it is one itself.", parameter="--report"
        )


def write_report(file: Path, facts: Sequence[dict[str, Any]], *, saved_to: Sequence[str]) -> None:
    """Write the facts of one or several connections.

    :raises ConfigurationError: when the file cannot be written.
    """
    document = {"connections": list(facts), "saved_to": list(saved_to)}
    try:
        file.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(
            f"--report: {file} cannot be written: {error.strerror}.", parameter="--report"
        ) from None


def _end(lifetime: Lifetime) -> str | None:
    """Return a moment, ``never``, or nothing where it is not known."""
    if not lifetime.is_known:
        return None
    return "never" if lifetime.ends_at is None else lifetime.ends_at.isoformat()
