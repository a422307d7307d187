"""A stranger finds the way: rooms of a readable size, short modules and functions, one class a name."""

from __future__ import annotations

import ast
from collections import defaultdict
from functools import cache
from pathlib import Path

import airflow_provider_msginsights

PACKAGE = Path(airflow_provider_msginsights.__file__).parent
MODULES_A_LEVEL, LINES_A_MODULE, LINES_A_FUNCTION = 15, 400, 50

LONG_FUNCTIONS = {
    "get_provider_info.py:get_provider_info": "one dictionary that Airflow wants in one piece",
    "operators/fill.py:__init__": "an operator's parameters, assigned one a line",
    "operators/msginsights.py:__init__": "an operator's parameters, assigned one a line",
    "sensors/msginsights.py:__init__": "a sensor's parameters, assigned one a line",
    "triggers/new_day.py:__init__": "a trigger's parameters, checked and assigned",
    "triggers/msginsights.py:__init__": "a trigger's parameters, assigned one a line",
}


@cache
def sources() -> dict[str, str]:
    return {str(file.relative_to(PACKAGE)): file.read_text() for file in sorted(PACKAGE.rglob("*.py"))}


@cache
def tree_of(name: str) -> ast.Module:
    return ast.parse(sources()[name])


def test_no_level_of_a_package_holds_too_many_modules() -> None:
    levels = defaultdict(list)
    for name in sources():
        if Path(name).name not in {"__init__.py", "__main__.py"}:
            levels[str(Path(name).parent)].append(name)
    assert {level: len(names) for level, names in levels.items() if len(names) > MODULES_A_LEVEL} == {}


def test_no_module_is_too_long_to_read() -> None:
    lengths = {name: len(text.splitlines()) for name, text in sources().items()}
    assert {name: length for name, length in lengths.items() if length > LINES_A_MODULE} == {}


def test_no_function_is_too_long_to_read() -> None:
    long = {
        f"{name}:{node.name}"
        for name in sources()
        for node in ast.walk(tree_of(name))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and lines_of(node) > LINES_A_FUNCTION
    }
    assert long <= set(LONG_FUNCTIONS)


def lines_of(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def test_each_package_has_a_map() -> None:
    maps = {name: ast.get_docstring(tree_of(name)) for name in sources() if Path(name).name == "__init__.py"}
    without = {name for name, text in maps.items() if not text and name != "__init__.py"}
    assert without == set()
    bare = {name for name, text in maps.items() if text and len(text.splitlines()) < 2 and has_modules(name)}
    assert bare == set()


def has_modules(name: str) -> bool:
    """Whether a package holds several modules, which its docstring has to name."""
    folder = (PACKAGE / name).parent
    return folder != PACKAGE and len([file for file in folder.glob("*.py") if not file.name.startswith("__")]) > 1


def test_outside_the_emulator_no_two_classes_share_a_name() -> None:
    places = defaultdict(set)
    for name in sources():
        if name.startswith("emulator/"):
            continue
        for node in ast.walk(tree_of(name)):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].add(name)
    assert {name: files for name, files in places.items() if len(files) > 1} == {}
