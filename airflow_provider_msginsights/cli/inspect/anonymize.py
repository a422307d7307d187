"""Replies without anything that is anyone's: the shape stays, and of the words only those everyone knows.

What survives is decided by a list and never by a guess: names of fields, metrics, breakdowns, permissions, error codes
that this package knows from public documentation. All else is replaced by a stand-in of its own kind: a whole number
stays a whole number, a number in text stays one, a time keeps its spelling and whether it is a midnight in US Pacific.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, timezone
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

from airflow_provider_msginsights.cli.inspect.allowed_words import FIELD_NAMES, PUBLIC_WORDS
from airflow_provider_msginsights.insights.catalog import METRICS
from airflow_provider_msginsights.insights.dates import pacific_date, pacific_midnight
from airflow_provider_msginsights.insights.graph.error_table import known_codes

_FIRST_DAY = date(2000, 1, 1)
_ODD_TIME = timedelta(hours=12, minutes=34, seconds=56)
_STANDS_FOR_MINUS_8 = timezone(timedelta(hours=-8))
_UNIX_SECONDS = range(10**8, 10**11)

_OWN_TEXT = frozenset({"name", "title", "description", "message", "application", "category", "fbtrace_id", "id"})
"""Fields that hold words of their own: here only a metric's name means what it says."""

_TIMES = frozenset({"end_time", "start_time", "since", "until", "expires_at", "issued_at", "data_access_expires_at"})
_CODES = frozenset({"code", "error_subcode", "subcode"})
_STATUSES = frozenset(map(int, HTTPStatus))
_VERSION = re.compile(r"v[0-9]{1,2}\.0")
_ISO = re.compile(
    r"(?P<day>\d{4}-\d{2}-\d{2})(?:(?P<sep>[T ])(?P<time>\d{2}:\d{2}:\d{2})(?P<part>\.\d{1,6})?"
    r"(?P<zone>Z|[+-]\d{2}:?\d{2})?)?",
    re.ASCII,
)
_BETWEEN = re.compile(r"([/?&=,:|]+)")


@dataclass(slots=True)
class Anonymiser:
    """Replaces what is someone's; the same thing by the same stand-in, as long as this object lives.

    :param unknown_fields: names of fields that were replaced, in the order they were met.
    """

    unknown_fields: dict[str, str] = field(default_factory=dict)
    _words: dict[str, str] = field(default_factory=dict)
    _moments: dict[datetime, int] = field(default_factory=dict)

    def of(self, value: object, name: str = "") -> Any:
        """Return the JSON value with stand-ins; ``name`` is the field it stands in."""
        match value:
            case dict():
                return {self.field_name(str(key)): self.of(item, str(key)) for key, item in value.items()}
            case list():
                return [self.of(item, name) for item in value]
            case str():
                return self._text(value, name)
            case bool() | None:
                return value
            case int():
                return self._integer(value, name)
            case _:
                return 0.5

    def field_name(self, name: str) -> str:
        """Return a field's name, if it is known to everyone."""
        if name in FIELD_NAMES:
            return name
        return self.unknown_fields.setdefault(name, f"unknown_field_{len(self.unknown_fields) + 1}")

    def _integer(self, value: int, name: str) -> int:
        if (name in _CODES and value in known_codes()) or (name == "status" and value in _STATUSES):
            return value
        if name in _TIMES and value in _UNIX_SECONDS:
            return int(self._moment(datetime.fromtimestamp(value, UTC)).timestamp())
        return 0

    def _text(self, text: str, name: str) -> str:
        if not text or text in METRICS or (text in PUBLIC_WORDS and name not in _OWN_TEXT):
            return text
        if text[0] in "{[" and (document := _json(text)) is not None:
            return json.dumps(self.of(document, name))
        return self._time(text, name) or _number(text) or self._pieces(text, name)

    def _pieces(self, text: str, name: str) -> str:
        """Text that may be put together of words, such as an address: the words everyone knows stay."""
        if re.search(r"\s", text):
            return "some text"
        pieces = _BETWEEN.split(unquote(text))
        if len(pieces) == 1 and name in _OWN_TEXT:
            return self._stand_in(text)
        return "".join(piece if place % 2 else self._word(piece) for place, piece in enumerate(pieces))

    def _word(self, word: str) -> str:
        if not word or word in PUBLIC_WORDS or _VERSION.fullmatch(word):
            return word
        return _number(word) or self._stand_in(word)

    def _stand_in(self, word: str) -> str:
        return self._words.setdefault(word, f"word-{len(self._words) + 1}")

    def _time(self, text: str, name: str) -> str | None:
        """Return a time in the same spelling, at another moment."""
        if name in _TIMES and re.fullmatch(r"[0-9]{9,11}", text):
            return str(int(self._moment(datetime.fromtimestamp(int(text), UTC)).timestamp()))
        if not (match := _ISO.fullmatch(text)):
            return None
        try:
            parsed = datetime.fromisoformat(text)
        except ValueError:
            return None
        if not match["time"]:
            return self._moment(pacific_midnight(parsed.date())).strftime("%Y-%m-%d")
        offset = parsed.utcoffset()
        shown = self._moment(parsed.replace(tzinfo=UTC) if offset is None else parsed)
        zone = match["zone"] or ""
        if offset:
            shown = shown.astimezone(_STANDS_FOR_MINUS_8)
            zone = "-08:00" if ":" in zone else "-0800"
        fraction = "." + "0" * (len(match["part"]) - 1) if match["part"] else ""
        return f"{shown:%Y-%m-%d}{match['sep']}{shown:%H:%M:%S}{fraction}{zone}"

    def _moment(self, moment: datetime) -> datetime:
        """Another moment: a Pacific midnight for a Pacific midnight; each one met gets a day of its own."""
        number = self._moments.setdefault(moment, len(self._moments))
        midnight = pacific_midnight(_FIRST_DAY + timedelta(days=number))
        return midnight if moment == pacific_midnight(pacific_date(moment)) else midnight + _ODD_TIME


def _json(text: str) -> object | None:
    try:
        found: object = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found


def _number(text: str) -> str | None:
    match = re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", text)
    return None if match is None else "0.5" if match[1] else "0"
