"""The ids that errors of the package can end with, found in its code, and the messages that are made with each.

No list of them is kept: an id stands where its error is made, in the error tables, or follows from the name of a
parameter. The page of the errors is made of what is found here, and a test compares the two.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_provider_msginsights import exceptions
from airflow_provider_msginsights.exceptions import ConfigurationError, MessagingInsightsError
from airflow_provider_msginsights.insights.availability.check import MOMENTS
from airflow_provider_msginsights.insights.graph.error_codes import LIMIT_CODES, PERMISSION_CODES, RULES, id_of
from airflow_provider_msginsights.insights.graph.error_table import SENTENCES
from airflow_provider_msginsights.insights.parameters.numbers import NUMBERS
from airflow_provider_msginsights.insights.token.findings import ENDING_TOPICS
from airflow_provider_msginsights.transports.settings import EXTRA_FIELDS

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = Path(exceptions.__file__).parent
OTHER_HOMES = (
    "airflow_provider_msginsights.outputs.coverage_files",
    "airflow_provider_msginsights.insights.coverage.ledger_file",
    "airflow_provider_msginsights.insights.coverage.pages",
    "airflow_provider_msginsights.insights.coverage.findings.acknowledgements",
)
"""Where kinds of errors stand besides ``exceptions``."""

ID = re.compile(r"MSGI-[a-z0-9](?:[\w-]*\w)?")
TAKES_A_NAME = re.compile(r"_?(parse_\w+|refusal|items_of|literal_of|instant|truth|number|text)")
"""Functions whose first argument, or ``name=``, is the name of a parameter that they refuse."""

OF_A_NAME = "MSGI-config-…"
"""Stands for the ids of errors whose parameter is known when they are made."""

NAMES_NOTHING = re.compile(r"[…\W]*")


@cache
def found() -> dict[str, list[str]]:
    """Return every id, and the messages that the code makes with it: … stands for what is known when it runs."""
    return {error_id: messages for error_id, messages in made().items() if ID.fullmatch(error_id)}


@cache
def made() -> dict[str, list[str]]:
    """Return the messages of every id, those of `OF_A_NAME` too."""
    ids: defaultdict[str, list[str]] = defaultdict(list)
    names = (*NUMBERS, *EXTRA_FIELDS, *MOMENTS)
    endings = (f"MSGI-token-{topic.replace('_', '-')}" for topic in ENDING_TOPICS)
    for error_id in (*_of_the_api(), *_of_kinds(), *map(ConfigurationError.id_of, names), *endings):
        ids[error_id]
    for tree in trees():
        for error_id, message in _in_code(tree):
            if message and not NAMES_NOTHING.fullmatch(message) and message not in ids[error_id]:
                ids[error_id].append(message)
            ids[error_id]
    return dict(ids)


def codes() -> dict[str, tuple[int, int | None]]:
    """Return the ids that a code alone decides."""
    return {rule.error_id: pair for pair, rule in RULES.items()}


@cache
def kinds() -> dict[str, type[MessagingInsightsError]]:
    """Return every kind of error by its name, those that stand beside what raises them too."""
    every: dict[str, type[MessagingInsightsError]] = {}
    waiting: list[type[MessagingInsightsError]] = [MessagingInsightsError]
    for module in OTHER_HOMES:
        import_module(module)
    while waiting:
        kind = waiting.pop()
        every[kind.__name__] = kind
        ours = (one for one in kind.__subclasses__() if one.__module__.startswith(PACKAGE.name))
        waiting += sorted(ours, key=lambda one: (one.__module__, one.__name__), reverse=True)
    return every


@cache
def trees() -> tuple[ast.Module, ...]:
    """Return the modules of the package, less what makes no errors of its own."""
    left_out = {"emulator", "get_provider_info.py"}
    files = (file for file in sorted(PACKAGE.rglob("*.py")) if not left_out & {*file.relative_to(PACKAGE).parts})
    return tuple(ast.parse(file.read_text()) for file in files)


def _of_the_api() -> Iterator[str]:
    yield from (rule.error_id for rule in RULES.values())
    yield from (sentence.rule.error_id for sentence in SENTENCES)
    yield from (id_of(named.start) for named in (PERMISSION_CODES, LIMIT_CODES))


def _of_kinds() -> Iterator[str]:
    yield from (kind.kind_id for kind in kinds().values())


def _in_code(tree: ast.Module) -> Iterator[tuple[str, str]]:
    nodes = tuple(ast.walk(tree))
    docstrings = {node.value for node in nodes if isinstance(node, ast.Expr)}
    for node in nodes:
        if isinstance(node, ast.Constant) and node not in docstrings and ID.fullmatch(str(node.value)):
            yield str(node.value), ""
        elif isinstance(node, ast.Call):
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            yield from _of_call(node, name, tree)


def _of_call(node: ast.Call, name: str, tree: ast.Module) -> Iterator[tuple[str, str]]:
    given = {keyword.arg: _text(keyword.value) for keyword in node.keywords if _text(keyword.value)}
    if name == "TokenFinding" and "topic" in given and _severity_of(node) not in {"NOTE", "UNKNOWN"}:
        yield f"MSGI-token-{given['topic'].replace('_', '-')}", ""
    if "parameter" in given:
        yield ConfigurationError.id_of(given["parameter"]), ""
    if TAKES_A_NAME.fullmatch(name):
        parameter = given.get("name", _text(node.args[0]) if node.args else "")
        if re.fullmatch(r"[\w-]+", parameter):
            yield ConfigurationError.id_of(parameter), ""
    if name in kinds() and node.args:
        yield _id_made_by(name, given, node), message_of(node.args[0], tree)
    if name == "ending_with" and (error_id := _text(node.args[1])):
        yield error_id, message_of(node.args[0], tree)


def _text(node: ast.expr) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _severity_of(node: ast.Call) -> str:
    given = next((keyword.value for keyword in node.keywords if keyword.arg == "severity"), None)
    return given.attr if isinstance(given, ast.Attribute) else ""


def _id_made_by(kind: str, given: dict[str | None, str], node: ast.Call) -> str:
    """Return the id of the error that a call makes; `OF_A_NAME` or nothing where it is known when it runs."""
    if "error_id" in given:
        return given["error_id"]
    if "parameter" in given:
        return ConfigurationError.id_of(given["parameter"])
    named = {keyword.arg for keyword in node.keywords}
    if "parameter" in named:
        return OF_A_NAME
    return "" if named & {None, "error_id"} else kinds()[kind].kind_id


def template(node: ast.expr) -> str:
    """Return the text of an expression, with … for what is only known when it runs."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(template(part) for part in node.values)
    if isinstance(node, ast.BinOp):
        return template(node.left) + template(node.right)
    return "…"


def message_of(argument: ast.expr, tree: ast.Module) -> str:
    """Return the text of an argument; of a name, the text that it was given last before."""
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
