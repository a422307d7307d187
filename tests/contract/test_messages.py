"""The guide's table of errors and the code know the same errors."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from airflow_provider_msginsights import exceptions
from airflow_provider_msginsights.insights.graph.error_table import LIMIT_CODES, PERMISSION_CODES, RULES

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "airflow_provider_msginsights"
KINDS = {
    name: kind
    for name, kind in vars(exceptions).items()
    if isinstance(kind, type) and issubclass(kind, exceptions.MessagingInsightsError)
}
RANGES = {f"{codes.start}–{codes.stop - 1}" for codes in (PERMISSION_CODES, LIMIT_CODES)}  # noqa: RUF001 - as printed
CODE = re.compile(r"[0-9]+(?:/[0-9]+|–[0-9]+)?")  # noqa: RUF001 - as printed
NAMES_NOTHING = re.compile(r"[…\W]*")


@dataclass(frozen=True)
class Row:
    """One row of the table: the kinds, codes and pieces of messages in its first column."""

    kinds: frozenset[str]
    codes: frozenset[str]
    pieces: tuple[str, ...]
    cells: tuple[str, ...]

    def covers(self, kind: str, message: str) -> bool:
        if kind not in self.kinds:
            return False
        return any(piece in message for piece in self.pieces) or not (self.pieces or self.codes)


def rows_of(page: str) -> list[Row]:
    lines = [line for line in page.splitlines() if line.startswith("| ")][1:]
    rows = []
    for line in lines:
        cells = tuple(cell.strip() for cell in line.strip("|").split(" | "))
        marked = re.findall(r"`([^`]+)`", cells[0])
        kinds = frozenset(one for one in marked if one.endswith("Error"))
        codes = frozenset(one for one in marked if CODE.fullmatch(one))
        pieces = tuple(one for one in marked if one not in kinds | codes)
        rows.append(Row(kinds, codes, pieces, cells))
    return rows


PAGE = ROOT / "docs" / "guides" / "troubleshooting.md"
ROWS = rows_of(PAGE.read_text())


def template(node: ast.expr) -> str:
    """The text of an expression, with … for what is only known when it runs."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(template(part) for part in node.values)
    if isinstance(node, ast.BinOp):
        return template(node.left) + template(node.right)
    return "…"


@cache
def trees() -> tuple[tuple[str, ast.Module], ...]:
    files = [file for file in sorted(PACKAGE.rglob("*.py")) if "emulator" not in file.relative_to(PACKAGE).parts]
    return tuple((str(file.relative_to(PACKAGE)), ast.parse(file.read_text())) for file in files)


def raised() -> Iterator[tuple[str, str, str]]:
    """Every message made where an error is made, as (file, kind, message)."""
    for file, tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in KINDS and node.args:
                message = message_of(node.args[0], tree)
                if not NAMES_NOTHING.fullmatch(message):
                    yield file, node.func.id, message


def message_of(argument: ast.expr, tree: ast.Module) -> str:
    """The text of an argument; for a name, the text it was given last before."""
    if not isinstance(argument, ast.Name):
        return template(argument)
    given = {
        node.lineno: template(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and node.lineno < argument.lineno
        for target in node.targets
        if isinstance(target, ast.Name) and target.id == argument.id
    }
    return given[max(given)] if given else "…"


@cache
def texts() -> tuple[str, ...]:
    """Every text in the code bar docstrings, where messages are made that an error only takes over."""
    nodes = [node for _, tree in trees() for node in ast.walk(tree)]
    docstrings = {node.value for node in nodes if isinstance(node, ast.Expr)}
    texts = (node for node in nodes if isinstance(node, ast.Constant | ast.JoinedStr) and node not in docstrings)
    return tuple(map(template, texts))


def code_text(pair: tuple[int, int | None]) -> str:
    return str(pair[0]) if pair[1] is None else f"{pair[0]}/{pair[1]}"


def kind_named(pair: tuple[int, int | None]) -> str:
    return RULES[pair].kind.__name__


def test_the_messages_are_found() -> None:
    """The search sees the code: otherwise nothing below could fail."""
    found = list(raised())
    assert len(found) > 80
    assert len({file for file, _, _ in found}) > 20
    assert "exceptions.py" in {file for file, _ in trees()}
    assert len(KINDS) > 10


def test_every_kind_of_error_has_a_row_and_every_row_a_kind() -> None:
    assert {kind for row in ROWS for kind in row.kinds} == set(KINDS)
    assert [row.cells[0] for row in ROWS if not row.kinds and (row.codes or row.pieces)] == []


def test_every_code_has_one_row_of_its_kind_and_no_row_names_another() -> None:
    named = [code for row in ROWS for code in row.codes]
    assert sorted(named) == sorted({*map(code_text, RULES), *RANGES})
    kind_of = {code_text(pair): kind_named(pair) for pair in RULES}
    kind_of |= dict(zip(sorted(RANGES), ("PermissionDeniedError", "RateLimitError"), strict=True))
    wrong = [(code, row.cells[0]) for row in ROWS for code in row.codes if row.kinds != {kind_of[code]}]
    assert wrong == []


def test_every_message_made_in_the_code_has_a_row() -> None:
    without = [one for one in raised() if not any(row.covers(*one[1:]) for row in ROWS)]
    assert without == []


def test_no_row_stands_for_all_of_the_configuration_errors() -> None:
    assert [row.cells[0] for row in ROWS if "ConfigurationError" in row.kinds and not (row.pieces or row.codes)] == []


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.cells[0][:60])
def test_every_piece_of_a_message_in_the_table_is_in_the_code(row: Row) -> None:
    assert [piece for piece in row.pieces if not any(piece in text for text in texts())] == []


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.cells[0][:60])
def test_every_row_says_why_and_what_helps(row: Row) -> None:
    assert len(row.cells) == 3
    assert all(len(cell) > 8 for cell in row.cells)


@pytest.mark.parametrize(
    ("broken", "fails"),
    [
        ("`190/463`", test_every_code_has_one_row_of_its_kind_and_no_row_names_another),
        ("`EmptyAnswerError`", test_every_kind_of_error_has_a_row_and_every_row_a_kind),
        ("`xcom_max_rows=`", test_every_message_made_in_the_code_has_a_row),
    ],
)
def test_a_table_that_lacks_something_is_noticed(monkeypatch: pytest.MonkeyPatch, broken: str, fails: object) -> None:
    page = PAGE.read_text()
    kept = [line for line in page.splitlines() if broken not in line.split(" | ")[0]]
    assert len(kept) < len(page.splitlines())
    monkeypatch.setitem(globals(), "ROWS", rows_of("\n".join(kept)))
    with pytest.raises(AssertionError):
        fails()  # type: ignore[operator]
