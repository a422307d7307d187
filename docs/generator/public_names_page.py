"""The reference page of the public names, made from what the modules export."""

from __future__ import annotations

from importlib import import_module

from docstrings import Docstring, prose
from reference import MORE_METHODS, PACKAGE, PUBLIC_MODULES, exported, page_of

INTRODUCTION = """
What is listed here is stable: it is deprecated by a warning, for one minor version at the least, before it goes. So are
the [parameters](operators.md), the [methods of the hook](hook.md) and the fields of its [results](hook.md#results), the
[columns and their meaning, the layout of a dataset and of its manifests](columns-and-manifest.md), the
[connection's fields](connection.md), the [commands](cli.md) with their exit codes and `--json`, and the
[routes of the emulator](emulator.md#control-plane). Everything else in the package may change any day.
"""
DESCRIBED_ON = {
    "operators": "operators.md#",
    "sensors": "operators.md#",
    "triggers": "operators.md#",
    "retry_policies": "operators.md#",
    "hooks": "hook.md#",
}
"""Where the classes of a package have a section each."""
SECTIONS = {
    "InsightsQuery": "hook.md#insightsquerycreate",
    "asked_days": "hook.md#asked_days",
    "GraphEmulator": "emulator.md#graphemulator",
    "Fault": "emulator.md#fault",
    "FaultKind": "emulator.md#faultkind",
    "Page": "emulator.md#page",
    "Liveliness": "emulator.md#liveliness",
    "Token": "emulator.md#token",
    "TokenKind": "emulator.md#tokenkind",
    "Event": "emulator.md#event",
    "EventKind": "emulator.md#eventkind",
    "Settings": "emulator.md#settings",
    "Stats": "emulator.md#what-stats-returns",
    "JournalEntry": "emulator.md#what-stats-returns",
    "graph_emulator": "emulator.md#pytest-fixtures",
    "graph_emulator_server": "emulator.md#pytest-fixtures",
}
"""The sections of other names."""


def page() -> str:
    """Return the page."""
    return page_of("Public names", [prose(INTRODUCTION), *map(_module, PUBLIC_MODULES)])


def _module(path: str) -> str:
    module = import_module(f"{PACKAGE}.{path}")
    names = "\n".join(_name(path, name, getattr(module, name)) for name in exported(module))
    return f"## {path}\n\nIn `{PACKAGE}.{path}`:\n\n{names}"


def _name(path: str, name: str, value: object) -> str:
    page_and_sign = DESCRIBED_ON.get(path.partition(".")[0])
    target = f"{page_and_sign}{name.lower()}" if page_and_sign else SECTIONS.get(name)
    shown = f"[`{name}`]({target})" if target else f"`{name}`"
    # A fixture's docstring is that of the library's own class.
    says = "" if path.endswith("pytest_fixtures") else Docstring.of(value).description.partition("\n\n")[0]
    more = f" Public methods: those of its page, {', '.join(f'`{one}`' for one in MORE_METHODS)} among them."
    return f"- {shown}{says and f': {says}'}{more if path.startswith('hooks') else ''}"
