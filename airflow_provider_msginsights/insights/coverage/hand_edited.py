"""JSON files of a dataset that people edit: read strictly, and refused with the line of the fault and its cure.

Reading is the standard library's; only a file with a fault is looked at again, to find the fault's line. Nothing in
such a file is ignored: a misspelled name would otherwise do nothing, and nobody would see it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, TypeAlias

from airflow_provider_msginsights.exceptions import ConfigurationError
from airflow_provider_msginsights.insights.dates import parse_moment
from airflow_provider_msginsights.insights.parameters.values import shown, suggestion

if TYPE_CHECKING:
    from collections.abc import Iterator

JsonPath: TypeAlias = tuple[str | int, ...]
"""Where a value stands: the keys and indexes that lead to it."""

_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\]:,]|[^\s{}\[\]:,"]+')
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_LONGEST_INTEGER = 18
_UNDO = "Correct it there, or put back the file as it was before the edit."


class _DuplicateKeyError(ValueError):
    """An object names a key twice."""


@dataclass(frozen=True, slots=True)
class EditedFile:
    """A kind of file.

    :param name: what errors call it, such as ``_coverage/pages.json``.
    :param version: the version that this package writes.
    :param error: what is raised for a file that cannot be read.
    """

    name: str
    version: int
    error: type[ConfigurationError]

    def read(self, data: bytes) -> Place:
        """Return the outermost object of a file of this kind, its version checked.

        :raises ConfigurationError: of the kind's own class, for anything else.
        """
        text = self._text(data)
        try:
            content = json.loads(text, object_pairs_hook=_unique, parse_int=_whole)
        except json.JSONDecodeError as fault:
            raise self.refusal(fault.lineno, f"it is not JSON ({fault.msg}, column {fault.colno}). {_UNDO}") from None
        except _DuplicateKeyError:
            line, key = _Lines.of(text).duplicate
            raise self.refusal(line, f"{shown(key)} stands there for the second time: keep one of the two.") from None
        except RecursionError:
            raise self.refusal(1, f"it has lists in lists in lists. {_UNDO}") from None
        place = Place(content, (), self, text)
        self._check_version(place)
        return place

    def refusal(self, line: int, what: str) -> ConfigurationError:
        """Return the error that names the file, a line, what is wrong there and what helps."""
        return self.error(f"{self.name}, line {line}: {what}")

    def _text(self, data: bytes) -> str:
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError as fault:
            line = data.count(b"\n", 0, fault.start) + 1
            raise self.refusal(line, "it is not UTF-8 text: save the file in UTF-8.") from None
        if not text.strip():
            raise self.refusal(1, "the file is empty: delete it, or put back the file as it was before the edit.")
        return text

    def _check_version(self, place: Place) -> None:
        """Check the version before the names: a newer one may have others."""
        if not isinstance(place.value, dict):
            raise place.refusal(f"the file must hold one object in braces. {_UNDO}")
        version = place.value.get("version")
        if isinstance(version, int) and not isinstance(version, bool) and version > self.version:
            raise place.at("version").refusal(
                f"a newer version of this package wrote the file (version {version}): "
                "upgrade airflow-provider-msginsights here."
            )
        if version != self.version or isinstance(version, (bool, float)):
            at = place.at("version") if "version" in place.value else place
            raise at.refusal(f'the file must have "version": {self.version}.')

    def write(self, name: str, entries: Mapping[str, dict[str, Any]] | Sequence[dict[str, Any]]) -> bytes:
        """Return a file's bytes: a line for each entry, so that people and ``git diff`` see what changed.

        :param name: the key that holds the entries.
        """
        if isinstance(entries, Mapping):
            (first, last), lines = "{}", [f"{json.dumps(key)}: {_line(fields)}" for key, fields in entries.items()]
        else:
            (first, last), lines = "[]", [_line(fields) for fields in entries]
        body = "".join(f"\n    {line}," for line in lines).removesuffix(",") + ("\n  " if lines else "")
        return f'{{\n  "version": {self.version},\n  "{name}": {first}{body}{last}\n}}\n'.encode()


@dataclass(frozen=True, slots=True)
class Place:
    """A value in such a file, and where it stands."""

    value: Any
    path: JsonPath
    file: EditedFile
    text: str = field(repr=False)

    def at(self, key: str | int) -> Place:
        """Return what stands under a key or an index."""
        return Place(self.value[key], (*self.path, key), self.file, self.text)

    def refusal(self, what: str) -> ConfigurationError:
        """Return the error that names the file, this line, what is wrong there and what helps."""
        return self.file.refusal(_Lines.of(self.text).lines.get(self.path, 1), what)

    def members(self, required: Sequence[str], optional: Sequence[str] = ()) -> dict[str, Place]:
        """Return the named values of an object; optional ones may be missing, or ``null``."""
        allowed = (*required, *optional)
        places = dict(self.entries())
        for key, place in places.items():
            if key not in allowed:
                names = ", ".join(allowed)
                raise place.refusal(f"unknown name {shown(key)}.{suggestion(key, allowed)} Allowed: {names}.")
        for key in required:
            if key not in places:
                raise self.refusal(f'"{key}" is missing here: add it.')
        return {key: place for key, place in places.items() if key in required or place.value is not None}

    def entries(self) -> Iterator[tuple[str, Place]]:
        """Give each key of an object, and what stands under it."""
        if not isinstance(self.value, dict):
            raise self.refusal(f"{shown(self.value)} stands where an object in braces must stand.")
        return ((key, self.at(key)) for key in self.value)

    def items(self) -> list[Place]:
        """Return the values of a list."""
        if not isinstance(self.value, list):
            raise self.refusal(f"{shown(self.value)} stands where a list in brackets must stand.")
        return [self.at(index) for index in range(len(self.value))]

    def as_text(self) -> str:
        """Return a text that can be printed."""
        if not isinstance(self.value, str) or _UNPRINTABLE.search(self.value):
            raise self.refusal(f'{self._named()} must be text in quotes, such as "text", without control characters.')
        return self.value

    def as_day(self) -> date:
        """Return a Pacific day."""
        allowed = f'{self._named()} must be a day in quotes, such as "2026-11-30".'
        if not isinstance(self.value, str) or not _DAY.fullmatch(self.value):
            raise self.refusal(allowed)
        try:
            day = parse_moment(self.value)
        except ConfigurationError as error:
            raise self.refusal(f"{allowed} {error.message}") from None
        return day

    def as_moment(self) -> datetime:
        """Return a moment, in UTC."""
        allowed = f'{self._named()} must be a moment in quotes, such as "2026-11-30T14:00:00+00:00".'
        if not isinstance(self.value, str):
            raise self.refusal(allowed)
        try:
            moment = parse_moment(self.value)
        except ConfigurationError as error:
            raise self.refusal(f"{allowed} {error.message}") from None
        if not isinstance(moment, datetime):
            raise self.refusal(allowed)
        return moment.astimezone(UTC)

    def _named(self) -> str:
        names = [shown(key) for key in self.path if isinstance(key, str)]
        return f"{names[-1] if names else 'this'}: {shown(self.value)} is not valid: it"


def printable(text: str) -> str:
    """Return a text that such a file can hold: what cannot be printed becomes a question mark."""
    return _UNPRINTABLE.sub("?", text)


def _line(fields: dict[str, Any]) -> str:
    return json.dumps(fields, ensure_ascii=False)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise _DuplicateKeyError
    return found


def _whole(digits: str) -> int | float:
    """Read an integer; a huge one, which Python would refuse to read, is no integer that means anything here."""
    return int(digits) if len(digits) <= _LONGEST_INTEGER else float(digits)


@dataclass(slots=True)
class _Lines:
    """On which line of a JSON text each value stands, and the first key that an object names twice."""

    lines: dict[JsonPath, int] = field(default_factory=lambda: {(): 1})
    duplicate: tuple[int, str] = (1, "")

    @classmethod
    def of(cls, text: str) -> _Lines:
        """Look through a text that is JSON."""
        found = cls()
        path: list[str | int] = []
        in_object: list[bool] = []
        is_key, line, seen = False, 1, 0
        for match in _TOKEN.finditer(text):
            piece = match[0]
            line, seen = line + text.count("\n", seen, match.start()), match.start()
            if piece in "}]":
                path.pop()
                in_object.pop()
                is_key = False
            elif piece == ",":
                is_key = in_object[-1]
                if not is_key:
                    path[-1] = int(path[-1]) + 1
            elif piece == ":":
                is_key = False
            elif is_key:
                path[-1] = json.loads(piece)
                found._note(tuple(path), line)
            else:
                if in_object and not in_object[-1]:
                    found._note(tuple(path), line)
                if piece in "{[":
                    is_key = piece == "{"
                    in_object.append(is_key)
                    path.append("" if is_key else 0)
        return found

    def _note(self, path: JsonPath, line: int) -> None:
        if path in self.lines and not self.duplicate[1]:
            self.duplicate = line, str(path[-1])
        self.lines[path] = line
