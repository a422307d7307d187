"""All that a user is shown to import is public."""

from __future__ import annotations

import ast
from importlib import import_module

import reference
from support.page_blocks import blocks
from support.paths import EXAMPLES, TESTS

PACKAGE = "airflow_provider_msginsights"


def imports_of(code: str) -> set[tuple[str, str]]:
    """(module below our package, name) of every import in the code."""
    return {
        (node.module.removeprefix(PACKAGE).lstrip("."), alias.name)
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == PACKAGE
        for alias in node.names
    }


def test_the_readme_and_the_examples_import_public_names_only() -> None:
    code = [block.code for block in blocks() if block.language == "python"]
    used = set().union(*map(imports_of, [*code, *(file.read_text() for file in EXAMPLES.glob("*.py"))]))
    public = {
        (module, name)
        for module in reference.PUBLIC_MODULES
        for name in reference.exported(import_module(f"{PACKAGE}.{module}"))
    }
    assert len(used) > 8
    assert used - public == set()


def test_mypy_checks_a_typed_use_of_each_public_module() -> None:
    used = {module for module, _ in imports_of((TESTS / "contract" / "typed_use.py").read_text())}
    assert set(reference.PUBLIC_MODULES) - used == {"emulator.pytest_fixtures"}  # pytest finds those by name
