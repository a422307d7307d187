"""The README's list of public names is what the modules export, and all that a user is shown to import."""

from __future__ import annotations

import ast
import re
from importlib import import_module
from types import FunctionType, ModuleType

import pytest
from support import paths
from support.paths import README
from support.readme_blocks import blocks

from airflow_provider_msginsights.hooks.msginsights import MessagingInsightsHook

PACKAGE = "airflow_provider_msginsights"
EXAMPLES = sorted(paths.EXAMPLES.glob("*.py"))
SECTION = README.read_text().partition("\n## Public names\n")[2].partition("\n## ")[0]
ROWS = dict(re.findall(r"^\| `([\w.]+)` \| (.+) \|$", SECTION, re.MULTILINE))


def listed(module: str) -> list[str]:
    """The names of a row; what stands behind a colon are methods."""
    return re.findall(r"`(\w+)`", ROWS[module].partition(":")[0])


def exported(module: ModuleType) -> list[str]:
    """What ``__all__`` says; without it the classes, functions and fixtures made there under a public name."""
    if hasattr(module, "__all__"):
        return list(module.__all__)
    return [
        name
        for name, value in vars(module).items()
        if not name.startswith("_")
        and (isinstance(value, (type, FunctionType)) or type(value).__name__ == "FixtureFunctionDefinition")
        and value.__module__ == module.__name__
    ]


def imports_of(code: str) -> set[tuple[str, str]]:
    """(module below our package, name) of every import in the code."""
    return {
        (node.module.removeprefix(PACKAGE).lstrip("."), alias.name)
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == PACKAGE
        for alias in node.names
    }


@pytest.mark.parametrize("module", ROWS)
def test_a_module_exports_what_the_readme_lists(module: str) -> None:
    assert sorted(exported(import_module(f"{PACKAGE}.{module}"))) == sorted(listed(module))


def test_the_list_has_every_room_that_users_import_from() -> None:
    assert len(ROWS) == 10
    code = [block.code for block in blocks() if block.language == "python"]
    used = set().union(*map(imports_of, [*code, *(file.read_text() for file in EXAMPLES)]))
    assert len(used) > 8
    assert {(module, name) for module, name in used if name not in listed(module)} == set()


def test_the_methods_it_promises_are_there() -> None:
    methods = re.findall(r"`(\w+)`", ROWS["hooks.msginsights"].partition(":")[2])
    assert methods
    assert all(callable(getattr(MessagingInsightsHook, name)) for name in methods)


def test_what_the_hook_gives_back_is_named() -> None:
    promised = re.findall(r"`(\w+)`", SECTION.partition("gives back")[2])
    annotations = " ".join(
        str(vars(MessagingInsightsHook)[name].__annotations__["return"])
        for name in ("get_records", "list_pages", "inspect_token", "probe_metrics", "probe_availability")
    )
    ours = set(re.findall(r"\b[A-Z]\w+", annotations)) - {"Generator", "None"}
    assert set(promised) == ours
