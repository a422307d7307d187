"""Reference tables in Markdown, made from signatures, docstrings, help texts and declarations of the package."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path
from types import FunctionType
from typing import TYPE_CHECKING

from docstrings import in_markdown

from airflow_provider_msginsights.outputs.schema import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from types import ModuleType

ROOT = Path(__file__).parents[2]
PACKAGE = "airflow_provider_msginsights"
MADE = "<!-- Made from the code by docs/generate.py: change it there. -->"
DEFAULTS = {"deferrable": "`[operators] default_deferrable`", "poke_interval": "15 minutes", "timeout": "48 hours"}
"""What a default says that is read from Airflow's configuration, or that Airflow gives a unit."""
TYPES = {
    Kind.STRING: "text",
    Kind.DATE: "date",
    Kind.TIMESTAMP: "timestamp, UTC",
    Kind.NUMBER: "number",
    Kind.BOOLEAN: "true or false",
}
METHODS = (
    "get_records",
    "list_pages",
    "inspect_token",
    "probe_metrics",
    "probe_availability",
    "get_conn",
)
"""The hook's public methods that have a twin with a leading ``a``."""
MORE_METHODS = ("fetch_flow", "resolve_page_ids", "check_availability", "test_connection")
PUBLIC_MODULES = (
    "operators.msginsights",
    "operators.fill",
    "operators.coverage_check",
    "operators.token_check",
    "sensors.msginsights",
    "triggers.new_day",
    "hooks.msginsights",
    "retry_policies",
    "insights.query",
    "exceptions",
    "emulator",
    "emulator.pytest_fixtures",
)


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: int = 0) -> str:
    """Return a Markdown table.

    :param numbers: how many columns, at the right, hold numbers.
    """
    dashes = "|---" * (len(heads) - numbers) + "|---:" * numbers + "|"
    head, *lines = (f"| {' | '.join(line)} |" for line in (heads, *rows))
    return "\n".join([head, dashes, *lines])


def page_of(title: str, sections: Iterable[str]) -> str:
    """Return the text of a page of the reference."""
    return "\n\n".join([f"# {title}", MADE, *sections]) + "\n"


def entry(anchor: str, name: str, facts: str, text: str) -> str:
    """Return an item of a list that links can name: a parameter, field or option, with what is known of it."""
    said = f" · {facts}" if facts else ""
    return f'- <a id="{anchor}"></a>[`{name}`](#{anchor}){said}<br>\n  {text}'


def code_list(names: Iterable[str]) -> str:
    """Return the names as code, with commas."""
    return ", ".join(f"`{name}`" for name in names)


def default_of(parameter: inspect.Parameter | None) -> str:
    """Return the default of a parameter, as code."""
    if parameter is None:  # Airflow's own, which the docstring says more of
        return ""
    if parameter.name in DEFAULTS:
        return DEFAULTS[parameter.name]
    value = parameter.default
    if value is inspect.Parameter.empty:
        return "required"
    return f'`"{value}"`' if isinstance(value, str) else "none" if value in (None, ()) else f"`{value}`"


def examples() -> str:
    """Return the examples, each with the first sentence of its docstring, and below the table the code of each."""
    rows, sections = [], []
    for file in sorted((ROOT / "example_dags").glob("*.py")):
        summary = (ast.get_docstring(ast.parse(file.read_text())) or "").partition("\n\n")[0]
        rows.append((f"[`{file.name}`](#{file.stem}py)", in_markdown(summary).removesuffix(".")))
        sections.append(f"## `{file.name}`\n\n```python\n{file.read_text()}```")
    return "\n\n".join([table(("DAG", "What it shows"), rows), *sections])


def exported(module: ModuleType) -> list[str]:
    """Return what ``__all__`` says; without it the classes, functions and fixtures defined there by public names."""
    if hasattr(module, "__all__"):
        return list(module.__all__)
    return [
        name
        for name, value in vars(module).items()
        if not name.startswith("_")
        and (isinstance(value, (type, FunctionType)) or type(value).__name__ == "FixtureFunctionDefinition")
        and value.__module__ == module.__name__
    ]
