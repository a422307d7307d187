"""What one value is, whoever wrote it: text, a number, a list or a dictionary; and how a message shows it."""

from __future__ import annotations

import operator
import re
from collections.abc import Iterable, KeysView, Mapping
from collections.abc import Set as AbstractSet
from decimal import Decimal
from difflib import get_close_matches
from itertools import islice

from airflow_provider_msginsights.exceptions import ConfigurationError

MAX_ITEMS = 100_000
"""Most values in one parameter: a collection without end is refused too."""

_MAX_LITERAL_CHARACTERS = 1_000_000
_MAX_SHOWN_CHARACTERS = 100
_MAX_DIGITS = 40
_NUMBER = re.compile(r"[+-]?[0-9]{1,40}(\.[0-9]{0,40})?([eE][+-]?[0-9]{1,3})?")
_WHOLE_NUMBER = re.compile(r"[+-]?[0-9]{1,40}")
_LITERAL_ENDS = {"[": "]", "(": ")", "{": "}"}
_LIKE_A_SECRET = re.compile(
    r"\bEA[A-Za-z0-9]{18,}"  # an access token
    r"|[0-9]{5,}(?:\||%7C)[A-Za-z0-9_-]{8,}"  # an app's token: id and secret
    r"|[0-9a-fA-F]{32,}"  # an app secret, a proof
    r"|[A-Za-z0-9]{45,}"  # longer than any word
)


def shown(value: object) -> str:
    """Return a value as a message shows it: short, and without what looks like a token or a secret."""
    try:
        text = repr(str.__str__(value) if isinstance(value, str) else value)
    except Exception:  # noqa: BLE001 - anything can be given, and its repr may fail in any way
        return f"a value of type {type(value).__name__}"
    if _LIKE_A_SECRET.search(text):
        size = f"a text of {len(value)} characters" if isinstance(value, str) else f"a {type(value).__name__}"
        return f"{size} (not shown: it may hold a secret)"
    return text if len(text) <= _MAX_SHOWN_CHARACTERS else f"{text[:_MAX_SHOWN_CHARACTERS]}…"


def refusal(name: str, value: object, allowed: str) -> ConfigurationError:
    """Return the error that names a parameter, its value and what is allowed."""
    return ConfigurationError(f"{name}={shown(value)} is not valid: use {allowed}.", parameter=name)


def is_given(value: object) -> bool:
    """Return whether a value was given: not ``None``, and not the text that a template makes of nothing."""
    return value is not None and not (isinstance(value, str) and value.strip() in {"", "None"})


def known(name: str, allowed: tuple[str, ...], kind: str, also: tuple[str, ...] = (), *, parameter: str) -> str:
    """Return the name itself, when it is allowed.

    :param kind: what it names, for the error.
    :param parameter: where it stands.
    :raises ConfigurationError: otherwise; names what is allowed and the nearest spelling.
    """
    if name in allowed:
        return name
    choices = (*allowed, *also)
    raise ConfigurationError(
        f"Unknown {kind} {shown(name)}.{suggestion(name, choices)} Allowed: {', '.join(choices)}.", parameter=parameter
    )


def suggestion(value: object, allowed: Iterable[str]) -> str:
    """Return the sentence that asks for the nearest spelling; empty where nothing is near."""
    text = str.__str__(value)[:_MAX_SHOWN_CHARACTERS] if isinstance(value, str) else ""
    near = get_close_matches(text, tuple(allowed), n=2, cutoff=0.6)
    return f" Did you mean {' or '.join(map(repr, near))}?" if near else ""


def text_of(value: object) -> str | None:
    """Return text and whole numbers as text; ``None`` for other types."""
    if isinstance(value, str):
        return str.__str__(value).strip()
    number = _whole_number(value)
    return None if number is None else str(number)


def _whole_number(value: object) -> int | None:
    """Return a number of a type that holds whole numbers exactly; floats do not: they lose digits of ids."""
    if isinstance(value, (bool, str, float)) or _is_sized(value):
        return None
    try:
        if isinstance(value, Decimal):
            whole = value.is_finite() and value.adjusted() < _MAX_DIGITS and value == value.to_integral_value()
            return int(value) if whole else None
        number = operator.index(value)  # type: ignore[arg-type] # asked of anything, NumPy's numbers too
    except Exception:  # noqa: BLE001 - a type of any library, whose conversion may fail in any way
        return None
    return number if abs(number) < 10**_MAX_DIGITS else None


def number_of(value: object) -> int | float | None:
    """Return the number that a value or a text is; whole ones stay ``int``; ``None`` for what is none."""
    if isinstance(value, str):
        text = value.strip()
        if _WHOLE_NUMBER.fullmatch(text):
            return int(text)
        return float(text) if _NUMBER.fullmatch(text) else None
    if (whole := _whole_number(value)) is not None and not isinstance(value, Decimal):
        return whole
    if type(value).__name__ in {"bool", "bool_"} or _is_sized(value):
        return None
    try:
        return float(value) if hasattr(type(value), "__float__") else None  # type: ignore[arg-type] # it has __float__
    except Exception:  # noqa: BLE001 - as above
        return None


def _is_sized(value: object) -> bool:
    """Return whether a value is a collection: arrays of one number can be converted to that number, too."""
    return any("__len__" in vars(kind) for kind in type(value).__mro__)  # not of the metaclass, as enumerations have


def items_of(name: str, value: object) -> list[object]:
    """Return what a parameter holds, as a list; text that a template made of a list is read as that list.

    :raises ConfigurationError: for what is neither one text nor a collection of them.
    """
    if isinstance(value, str):
        text = str.__str__(value).strip()
        value = literal_of(name, text) if is_literal(text) else [text]
    elif text_of(value) is not None:
        return [value]
    allowed = "text, or a list of texts"
    if not isinstance(value, Iterable) or isinstance(value, (str, bytes, bytearray, memoryview, Mapping)):
        raise refusal(name, value, allowed)
    try:
        items = list(islice(value, MAX_ITEMS + 1))
    except TypeError:  # it says that it can be iterated, and cannot
        raise refusal(name, value, allowed) from None
    if len(items) > MAX_ITEMS:
        raise ConfigurationError(f"{name} is not valid: use at most {MAX_ITEMS:,} values.", parameter=name)
    # A set has another order in each process; the keys of a dictionary keep theirs.
    has_order = not isinstance(value, AbstractSet) or isinstance(value, KeysView)
    return items if has_order else sorted(items, key=lambda item: text_of(item) or shown(item))


def is_literal(text: str) -> bool:
    """Return whether a text looks like a list or a dictionary that a template made text of."""
    return bool(text) and _LITERAL_ENDS.get(text[0]) == text[-1]


def literal_of(name: str, text: str) -> object:
    """Return the list or dictionary that a text spells, as JSON or as Python prints it."""
    import ast
    import json

    try:
        if len(text) <= _MAX_LITERAL_CHARACTERS:
            return json.loads(text)
    except (ValueError, RecursionError):
        try:
            return ast.literal_eval(text)
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            pass
    raise refusal(name, text, "text, or the text of a list or dictionary, as JSON or Python")
