"""Which Pages loads will read: named, listed in a file, chosen in the terminal, or all."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_msginsights.cli import output
from airflow_provider_msginsights.exceptions import ConfigurationError, PermissionDeniedError
from airflow_provider_msginsights.insights.parameters.parse import ALL_PAGE_IDS, is_page_id, parse_page_ids
from airflow_provider_msginsights.insights.parameters.values import shown
from airflow_provider_msginsights.insights.token.report import TokenKind

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_provider_msginsights.cli.token.questions import Questions
    from airflow_provider_msginsights.insights.token.report import PageAccess, TokenReport

_COLUMNS = ("page_id", "page id", "id")
_MOST_LINES = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class PageChoice:
    """The Pages of the new connection.

    :param login: what the connection's login says: ids with commas, or ``all``.
    :param extra: Pages listed that were not expected.
    """

    page_ids: tuple[str, ...]
    login: str
    extra: tuple[str, ...] = ()


def expected_pages(file: Path) -> tuple[str, ...]:
    """Return the Page ids of a CSV file: of its column ``page_id``, or else of its first one.

    :raises ConfigurationError: when it cannot be read, holds none, or holds something else, naming the line.
    """
    try:
        with file.open(encoding="utf-8-sig", newline="") as opened:
            lines = [line for _, line in zip(range(_MOST_LINES), csv.reader(opened), strict=False)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not CSV in UTF-8"
        raise ConfigurationError(
            f"--expect-pages: {file} cannot be read: {reason}.", parameter="--expect-pages"
        ) from None
    column, begins = 0, 0
    if lines and not is_page_id("".join(lines[0][:1]).strip()):
        names = [name.strip().casefold() for name in lines[0]]
        column, begins = next((names.index(name) for name in _COLUMNS if name in names), 0), 1
    found: dict[str, None] = {}
    for number, line in enumerate(lines[begins:], begins + 1):
        text = line[column].strip() if column < len(line) else ""
        if not any(cell.strip() for cell in line):
            continue
        if not is_page_id(text):
            raise ConfigurationError(
                f"--expect-pages: line {number} of {file} has {shown(text)}, not a Page id.", parameter="--expect-pages"
            )
        found[text] = None
    if not found:
        raise ConfigurationError(f"--expect-pages: {file} names no Page.", parameter="--expect-pages")
    return tuple(found)


def choose_pages(
    report: TokenReport, questions: Questions, *, named: str | None, expected: tuple[str, ...]
) -> PageChoice:
    """Return the Pages: those named, else those expected, else those a person chooses, else all that are listed.

    :raises ConfigurationError: for ids that are none.
    :raises PermissionDeniedError: when the token has no Page and none was named.
    """
    listed = tuple(page.page_id for page in report.pages if page.may_analyze is not False)
    wanted = parse_page_ids(named, name="--page-ids")
    if wanted == ALL_PAGE_IDS:
        _need_some(listed, report)
        is_limited = report.kind is TokenKind.PAGE
        return PageChoice(page_ids=listed, login=",".join(listed) if is_limited else ALL_PAGE_IDS)
    if wanted is None and not expected:
        _need_some(listed, report)
        wanted = _chosen(report.pages, listed, questions) if questions.is_interactive else listed
    page_ids = tuple(wanted or expected)
    return PageChoice(
        page_ids=page_ids,
        login=",".join(page_ids),
        extra=tuple(one for one in listed if expected and one not in expected),
    )


def _need_some(listed: tuple[str, ...], report: TokenReport) -> None:
    if not listed:
        why = f" The list was refused: {report.list_refusal.described}" if report.list_refusal else ""
        raise PermissionDeniedError(
            "The API lists no Page that the token may analyze. Nothing was saved. Tick the Pages in the login dialog, "
            "or assign them to the system user with Insights and generate the token again; a Page held by a business "
            f"may be named by --page-ids all the same.{why}",
            error_id="MSGI-token-no-page",
        )


def _chosen(pages: tuple[PageAccess, ...], listed: tuple[str, ...], questions: Questions) -> tuple[str, ...]:
    """Let a person choose, by ids with commas."""
    from rich.text import Text

    table = output.table("Pages of the token", ("Page id", "Name", "May be analyzed"), ())
    for page in pages:
        # As they are: a Page may have any name, and one in brackets is no style.
        table.add_row(page.page_id, Text(page.name or ""), "yes" if page.page_id in listed else "no")
    questions.console.print(table)
    questions.tell("A Page that is missing here was not ticked in the login, or its person has no role on it.")
    while True:
        answer = questions.text("--page-ids", "Which Pages will loads read (ids with commas, or all)", default="all")
        try:
            wanted = parse_page_ids(answer, name="Pages")
        except ConfigurationError as error:
            questions.tell(str(error), style="bold red")
            continue
        if wanted is not None:
            return listed if wanted == ALL_PAGE_IDS else tuple(wanted)
