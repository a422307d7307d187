"""JSON text -> a document, strictly: what two readers could take for two different things is reported as such.

Python's own reader silently takes the last of two equal keys, NaN, and halves of characters; bytes that are not UTF-8
arrive here as such halves (see `Response`). A reply with one of these would lose or merge data without a word.
"""

from __future__ import annotations

import json
from typing import NamedTuple, NoReturn

import msgspec

_LONGEST_TEXT = 1_000
_LONGEST_INTEGER = 1_000
"""More digits than any number that means something here; Python refuses 4,300 and more by a `ValueError`."""

_LARGEST_INTEGER = 10**12
_COLON = "\\u003"
"""How an escaped colon begins, which is written again as a plain one."""


class Decoded(NamedTuple):
    """A document, and why it must not be used, if so: such as the same key twice in one object."""

    document: object
    fault: str | None = None


class NotJsonError(ValueError):
    """The text is not JSON at all."""


class _Ambiguous(dict[str, object]):
    """An object in which the same key stood twice."""


def decode(text: str, *, holds_long_texts: bool = False) -> Decoded:
    """Read JSON text.

    :param holds_long_texts: most of it are few long strings, such as JSON within JSON. It is only a hint: their colons
        are then counted where they stand, and those of many short values by writing the document again.
    :raises NotJsonError: for text that is none.
    """
    try:
        document: object = msgspec.json.decode(text)
        if is_unambiguous(text, _colons(document) if holds_long_texts else msgspec.json.encode(document).count(b":")):
            return Decoded(document)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        pass
    return _decode_slowly(text)


def is_unambiguous(text: str, colons: int) -> bool:
    """Return whether no key can have stood twice in one object, given the colons of the document that was read of it.

    A pair has one colon, and what strings hold is counted as well: where equal keys became one, fewer colons are left
    than the text had. Counting takes a tenth of the time of looking at each object. An escaped colon would spoil it.
    """
    return text.count(":") == colons and not ("\\" in text and _COLON in text)


def _colons(value: object) -> int:
    """Return how many colons a document takes as JSON."""
    if isinstance(value, str):
        return value.count(":")
    if isinstance(value, dict):
        return len(value) + sum(map(_colons, value)) + sum(map(_colons, value.values()))
    return sum(map(_colons, value)) if isinstance(value, list) else 0


def _decode_slowly(text: str) -> Decoded:
    faults: list[str] = [] if is_unicode(text) else ["it holds bytes that are not UTF-8"]

    def unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
        found = dict(pairs)
        if len(found) == len(pairs):
            return found
        faults.append("the same key stands twice in one object")
        return _Ambiguous(found)

    def no_number(name: str) -> float:
        faults.append(f"{name} is not JSON")
        return float(name)

    try:
        document = json.loads(text, object_pairs_hook=unique, parse_int=_integer, parse_constant=no_number)
    except RecursionError:
        return Decoded(None, "it is nested too deeply")
    except ValueError:
        _refuse()
    return Decoded(document, faults[0] if faults else None)


def is_certain(value: object) -> bool:
    """Whether a part of a decoded document holds no object in which the same key stood twice."""
    waiting = [value]
    while waiting:
        held = waiting.pop()
        if isinstance(held, _Ambiguous):
            return False
        waiting += held.values() if isinstance(held, dict) else held if isinstance(held, list) else ()
    return True


def _refuse() -> NoReturn:
    """Raise without the reader's own exception, which holds the whole text."""
    raise NotJsonError("The text is not JSON.") from None


def _integer(digits: str) -> float:
    return int(digits) if len(digits) <= _LONGEST_INTEGER else float(digits)


def is_unicode(text: str) -> bool:
    """Whether UTF-8 can hold the text."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def whole_number(value: object) -> int | None:
    """Return the integer that a JSON value says, as number or text; ``None`` where it says none, or an absurd one."""
    if isinstance(value, str) and len(value) <= len(str(_LARGEST_INTEGER)) and value.removeprefix("-").isdecimal():
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    return value if abs(value) < _LARGEST_INTEGER else None


def printable(value: object) -> str:
    """Text that fits every log: JSON can spell halves of characters that UTF-8 cannot hold."""
    return as_text(value)[:_LONGEST_TEXT].encode("utf-8", "replace").decode()


def as_text(value: object) -> str:
    """Return a JSON value as text, however it is nested."""
    try:
        return value if isinstance(value, str) else str(value)
    except (ValueError, RecursionError):
        return "a value that cannot be shown"


def canonical(value: object) -> str | None:
    """Return a JSON value as JSON text with sorted keys; ``None`` where it is nested too deeply for that."""
    try:
        return json.dumps(value, sort_keys=True)
    except (ValueError, RecursionError):
        return None
