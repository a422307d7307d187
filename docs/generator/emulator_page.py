"""The reference page of the emulator: its class, settings, faults, control plane and fixtures, from its docstrings."""

from __future__ import annotations

import ast
import inspect
from dataclasses import MISSING, Field, fields
from datetime import date
from enum import StrEnum
from typing import Any

import short_examples
from docstrings import Docstring, in_markdown, prose, sentence, words_of
from hook_page import MODULE, code_of
from reference import entry, page_of, table

from airflow_provider_msginsights.emulator import (
    Event,
    EventKind,
    Fault,
    FaultKind,
    GraphEmulator,
    JournalEntry,
    Liveliness,
    Page,
    Settings,
    Stats,
    Token,
    TokenKind,
    documentation,
    pytest_fixtures,
)
from airflow_provider_msginsights.emulator.control.handlers import HANDLERS
from airflow_provider_msginsights.emulator.state.settings import CHANGEABLE_SETTINGS
from airflow_provider_msginsights.emulator.state.tokens import page_token_value

INTRODUCTION = """
The Messaging Insights API as a local server, computed from messaging events. It needs the extra `emulator`. How to use
it in tests: [Testing your DAGs](../guides/testing.md). The command that serves it:
[`msginsights emulator`](cli.md#msginsights-emulator).
"""
FIXED = (
    ("Page ids", f"{documentation.FIRST_PAGE_ID}, {documentation.FIRST_PAGE_ID + 1}, …"),
    ("Page tokens", f"{page_token_value('101')}, {page_token_value('102')}, …"),
    ("User token", documentation.USER_TOKEN),
    ("System user token", documentation.SYSTEM_USER_TOKEN),
    ("App id", documentation.APP_ID),
    ("App secret", documentation.APP_SECRET),
)
"""What never changes, so that scripts may rely on it."""
CONTROL_PLANE = """
The same from other processes and languages: under `/_emulator/`, in JSON. `GET /_emulator/` lists the routes. A refusal
is HTTP 400 with `{"error": {"message": …}}`. Bodies are sent as `application/json`; pages of other origins and any
`Host` but this machine's are refused, so that no web page can steer the emulator.
"""
FIXTURES = """
For a project that has this line in its `conftest.py`:
"""


def page() -> str:
    """Return the page."""
    return page_of(
        "Emulator",
        [
            prose(INTRODUCTION),
            "## What never changes\n\n" + table(("What", "Value"), [(what, f"`{value}`") for what, value in FIXED]),
            f"## pytest fixtures\n\n{prose(FIXTURES)}\n\n{_plugin()}\n\n{_fixtures()}",
            f"## GraphEmulator\n\n{Docstring.of(GraphEmulator).description}\n\n{_methods()}",
            f"## Settings\n\n{Docstring.of(Settings).description}\n\n{_settings()}",
            _record(Fault, "fault", FaultKind),
            _record(Page, "page", Liveliness),
            _record(Token, "token", TokenKind),
            _record(Event, "event", EventKind),
            f"## What stats() returns\n\n{_typed(Stats)}\n\nAn entry of the journal:\n\n{_typed(JournalEntry)}",
            f"## Control plane\n\n{prose(CONTROL_PLANE)}\n\n{_routes()}",
        ],
    )


def _plugin() -> str:
    return f'```python\n# conftest.py\npytest_plugins = ["{pytest_fixtures.__name__}"]\n```'


def _fixtures() -> str:
    tree = ast.parse(inspect.getsource(pytest_fixtures))
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    listed = "\n".join(f"- `{node.name}`: {in_markdown(ast.get_docstring(node) or '')}" for node in functions)
    return f"{listed}\n\n```python\n{short_examples.FIXTURE.strip()}\n```"


def _methods() -> str:
    """Return every public method and property, those of the class itself first."""
    found: dict[str, Any] = {}
    for owner in GraphEmulator.__mro__[:-1]:
        for name, value in vars(owner).items():
            if not name.startswith("_") and (inspect.isfunction(value) or isinstance(value, property)):
                found.setdefault(name, value)
    return "\n".join(
        entry(f"emulator-{name}", _shown(name, value), "", Docstring.of(value).description.replace("\n\n", " "))
        for name, value in found.items()
    )


def _shown(name: str, value: Any) -> str:
    return name if isinstance(value, property) else code_of(name, value).strip("`")


def _settings() -> str:
    meanings = _meanings(Settings)
    return "\n".join(
        entry(
            f"setting-{one.name}",
            one.name,
            _facts(one) + ("" if one.name in CHANGEABLE_SETTINGS else " · fixed at the start"),
            sentence(meanings[one.name]),
        )
        for one in fields(Settings)
    )


def _record(owner: type[Any], prefix: str, kinds: type[StrEnum]) -> str:
    """Return the section of a dataclass, and of the words that one of its fields may hold."""
    meanings = _meanings(owner)
    listed = "\n".join(
        entry(f"{prefix}-{one.name}", one.name, _facts(one), sentence(meanings[one.name])) for one in fields(owner)
    )
    words = "\n".join(f"- `{word}`{text and f': {text}'}" for word, text in words_of(kinds).items())
    return (
        f"## {owner.__name__}\n\n{Docstring.of(owner).description}\n\n{listed}\n\n"
        f"### {kinds.__name__}\n\n{in_markdown(inspect.getdoc(kinds) or '')}\n\n{words}"
    )


def _meanings(owner: type[Any]) -> dict[str, str]:
    meanings = Docstring.of(owner).parameters
    if differing := {one.name for one in fields(owner)} ^ set(meanings):
        raise ValueError(f"{owner.__name__}: a field or described, not both: {sorted(differing)}.")
    return meanings


def _facts(one: Field[Any]) -> str:
    default = one.default_factory() if one.default_factory is not MISSING else one.default
    kind = one.type.__name__ if isinstance(one.type, type) else MODULE.sub("", str(one.type))
    shown = (
        "required"
        if default is MISSING
        else f"default `{default if isinstance(default, (StrEnum, date)) else repr(default)}`"
    )
    return f"`{kind}` · {shown}"


def _typed(owner: Any) -> str:
    listed = ", ".join(f"`{name}`" for name in owner.__annotations__)
    return f"{listed}.\n\n{Docstring.of(owner).description}"


def _routes() -> str:
    return "\n".join(
        f"- `{method} /_emulator/{name}`: {in_markdown(inspect.getdoc(handler) or '')}"
        for name, methods in HANDLERS.items()
        for method, handler in methods.items()
    )
