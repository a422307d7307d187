"""Checks of what users hand in, so that a wrong value is refused by name and never breaks a later answer."""

from collections.abc import Mapping
from dataclasses import fields
from functools import cache
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints


@cache
def _hints(kind: type) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {field.name: hints[field.name] for field in fields(kind)}


@cache
def _parts(hint: Any) -> tuple[Any, tuple[Any, ...]]:
    return get_origin(hint), get_args(hint)


def check_types(instance: Any) -> None:
    """Compare each field of a dataclass with its declared type.

    Raises ValueError naming the class and the field. Whole numbers pass as float; True and False do not pass as
    numbers.
    """
    kind: type = type(instance)
    for name, hint in _hints(kind).items():
        if not _fits(getattr(instance, name), hint):
            raise ValueError(f"{kind.__name__}: '{name}' must be {_spelled(hint)}.")


def check_range(instance: Any, field: str, least: float, most: float) -> None:
    """Check that a number lies within bounds; None passes.

    Raises ValueError naming the class and the field.
    """
    value = getattr(instance, field)
    if value is not None and not least <= value <= most:
        raise ValueError(f"{type(instance).__name__}: '{field}' must lie between {least:g} and {most:g}.")


def _fits(value: Any, hint: Any) -> bool:
    origin, arguments = _parts(hint)
    if hint is Any:
        return True
    if origin in {Union, UnionType}:
        return any(_fits(value, argument) for argument in arguments)
    if origin is dict:
        return isinstance(value, Mapping) and all(
            _fits(key, arguments[0]) and _fits(item, arguments[1]) for key, item in value.items()
        )
    if origin in {tuple, set, frozenset}:
        return isinstance(value, origin) and all(_fits(item, arguments[0]) for item in value)
    if hint in {int, float}:
        accepted = (int, float) if hint is float else (int,)
        return isinstance(value, accepted) and not isinstance(value, bool)
    return isinstance(value, hint)


def _spelled(hint: Any) -> str:
    arguments = [argument for argument in get_args(hint) if argument is not Ellipsis]
    if get_origin(hint) in {Union, UnionType}:
        return " or ".join(_spelled(argument) for argument in arguments)
    if arguments:
        return f"a {get_origin(hint).__name__} of {' and '.join(_spelled(argument) for argument in arguments)}"
    return "empty" if hint is NoneType else str(getattr(hint, "__name__", hint))
