"""Rows as text: JSON Lines and CSV, plain or gzipped."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import sys
import zlib
from datetime import date, datetime
from functools import lru_cache
from itertools import islice
from json.encoder import encode_basestring
from operator import itemgetter
from typing import IO, TYPE_CHECKING, Any

import msgspec
from msgspec.structs import astuple

from airflow_provider_msginsights.outputs.formats.json_values import iso_text, json_text
from airflow_provider_msginsights.outputs.schema import Kind
from airflow_provider_msginsights.outputs.series_rows import DayRows
from airflow_provider_msginsights.outputs.values import UNIT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from airflow_provider_msginsights.outputs.formats.protocol import Format
    from airflow_provider_msginsights.outputs.schema import Column
    from airflow_provider_msginsights.outputs.series_rows import HeadColumns
    from airflow_provider_msginsights.outputs.values import ColumnValues, Values


_BOOLEANS = {"true": True, "false": False}
_ESCAPED_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_OF_ITS_OWN = ("record_id", "page_id", "metric", "value", "value_raw")
_LINES_AT_ONCE = 200
"""About 100 kB: larger texts are given to the process, and taken from it, page by page."""

_MOST_REMEMBERED = 2_000
_READ_AT_ONCE_BYTES, _READ_AT_ONCE_ROWS = 2**20, 2_000
_FIELD_TYPES: dict[Kind, Any] = {
    Kind.STRING: str,
    Kind.DATE: date,
    Kind.TIMESTAMP: datetime,
    Kind.NUMBER: int | float,
    Kind.BOOLEAN: bool,
}


class JsonLines:
    """One JSON object a line, every column's key always present, UTF-8, a line feed after each (jsonlines.org).

    Dates are ``YYYY-MM-DD``; times are ISO 8601 in UTC with a ``Z``; integers stay integers.
    """

    extension = "jsonl"
    least_row_bytes = 500

    def write(self, rows: Iterable[Values], columns: Sequence[Column], file: IO[bytes]) -> int:
        """Write the rows, return how many."""
        if isinstance(rows, DayRows):
            for text in _lines_of_day(rows, columns):
                file.write(text.encode())
            return len(rows)
        count, lines = 0, _lines(rows, columns)
        while held := list(islice(lines, _LINES_AT_ONCE)):
            file.write("".join(held).encode())
            count += len(held)
        return count

    def read(self, data: bytes, columns: Sequence[Column]) -> Iterator[Values]:
        """Read the rows of a whole file."""
        may_hold_surrogates = _ESCAPED_SURROGATE.search(data) is not None
        for number, line in enumerate(io.BytesIO(data), start=1):
            found = _parsed(line.decode(), f"line {number}")  # decoded here: json would take more than UTF-8
            if not isinstance(found, dict):
                raise ValueError(f"line {number} is not a JSON object")  # noqa: TRY004 - the contract: ValueError
            if may_hold_surrogates:
                _check_encodable(found, number)
            yield tuple([_typed(found.get(column.name), column) for column in columns])

    def read_columns(self, data: bytes, columns: Sequence[Column]) -> Iterator[ColumnValues]:
        """Read a whole file as columns, if each line has every column as this package writes it."""
        decode = _line_decoder(tuple(columns)).decode
        file = io.BytesIO(data)
        try:
            while lines := file.readlines(_READ_AT_ONCE_BYTES):
                yield list(zip(*map(astuple, map(decode, lines)), strict=True))
        except (msgspec.MsgspecError, RecursionError) as error:
            raise ValueError(str(error)) from error


@lru_cache(maxsize=8)
def _line_decoder(columns: tuple[Column, ...]) -> msgspec.json.Decoder[Any]:
    fields = [
        (f"column_{place}", _FIELD_TYPES[column.kind] | None, msgspec.field(name=column.name))
        for place, column in enumerate(columns)
    ]
    # Fields that are none of ours would be passed over unread, whatever bytes they are.
    return msgspec.json.Decoder(msgspec.defstruct("Line", fields, forbid_unknown_fields=True, gc=False))


class Csv:
    """RFC 4180: a header always, lines ended by CRLF, quotes where needed, UTF-8; null is an empty field.

    Dates are ``YYYY-MM-DD``; times are ISO 8601 in UTC with a ``Z``; booleans are ``true`` and ``false``.
    """

    extension = "csv"
    least_row_bytes = 100

    def write(self, rows: Iterable[Values], columns: Sequence[Column], file: IO[bytes]) -> int:
        """Write the header and the rows, return how many rows."""
        text = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
        writer = csv.writer(text, lineterminator="\r\n")
        writer.writerow([column.name for column in columns])
        count = 0
        for values in rows:
            writer.writerow(map(_csv_text, values))
            count += 1
        text.detach()
        return count

    def read(self, data: bytes, columns: Sequence[Column]) -> Iterator[Values]:
        """Read the rows of a whole file."""
        csv.field_size_limit(sys.maxsize)  # for the process; the default of 128 kB would refuse what was written
        if not data.endswith(b"\n"):
            raise ValueError("its last line has no end, so something is cut off")
        lines = csv.reader(io.TextIOWrapper(io.BytesIO(data), encoding="utf-8", newline=""), strict=True)
        try:
            names = next(lines, [])
            if not {column.name for column in columns} & set(names):
                raise ValueError("the header names none of the columns")
            if len(set(names)) < len(names):
                raise ValueError("the header names a column twice")
            for fields in lines:
                found = dict(zip(names, fields, strict=True))
                yield tuple([_typed(_csv_value(found.get(column.name), column), column) for column in columns])
        except csv.Error as error:
            raise ValueError(str(error)) from error

    def read_columns(self, data: bytes, columns: Sequence[Column]) -> Iterator[ColumnValues]:
        """Read a whole file as columns."""
        rows = self.read(data, columns)
        while some := list(islice(rows, _READ_AT_ONCE_ROWS)):
            yield list(zip(*some, strict=True))


class Gzipped:
    """A text format under gzip, without a time or a name inside, so that equal rows give equal bytes."""

    least_row_bytes = 30

    def __init__(self, text: Format) -> None:
        self._text = text
        self.extension = f"{text.extension}.gz"

    def write(self, rows: Iterable[Values], columns: Sequence[Column], file: IO[bytes]) -> int:
        """Write the rows, return how many."""
        with gzip.GzipFile(filename="", mode="wb", fileobj=file, compresslevel=6, mtime=0) as packed:
            return self._text.write(rows, columns, packed)  # type: ignore[arg-type] # typed as IO[bytes] nowhere

    def read(self, data: bytes, columns: Sequence[Column]) -> Iterator[Values]:
        """Read the rows of a whole file."""
        return self._text.read(_unpacked(data), columns)

    def read_columns(self, data: bytes, columns: Sequence[Column]) -> Iterator[ColumnValues]:
        """Read a whole file as columns."""
        return self._text.read_columns(_unpacked(data), columns)


def _unpacked(data: bytes) -> bytes:
    try:
        return gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(str(error)) from error


class _Stretches(dict["Values", tuple[str, ...]]):
    """What a row repeats of many others -> the stretches of its JSON line around what differs from row to row."""

    def __init__(self, columns: Sequence[Column]) -> None:
        names = [f"{',' if place else ''}{json_text(column.name)}:" for place, column in enumerate(columns)]
        self._names = [(name, column.name in _OF_ITS_OWN) for name, column in zip(names, columns, strict=True)]

    def __missing__(self, repeated: Values) -> tuple[str, ...]:
        values = iter(repeated)
        stretches, stretch = [], "{"
        for name, is_own in self._names:
            stretch += name
            if is_own:
                stretches.append(stretch)
                stretch = ""
            else:
                stretch += json_text(iso_text(next(values)))
        if len(self) >= _MOST_REMEMBERED:
            self.clear()
        whole = self[repeated] = (*stretches, stretch + "}\n")
        return whole


def _lines(rows: Iterable[Values], columns: Sequence[Column]) -> Iterator[str]:
    """Return each row's line; what repeats is encoded once, since neighbours differ in little."""
    own_of = itemgetter(*[place for place, column in enumerate(columns) if column.name in _OF_ITS_OWN])
    repeated_of = itemgetter(*[place for place, column in enumerate(columns) if column.name not in _OF_ITS_OWN])
    known = _Stretches(columns)
    text_of = lru_cache(_MOST_REMEMBERED)(encode_basestring)
    latest: Values = ()
    stretches: tuple[str, ...] = ()
    for row in rows:
        if (repeated := repeated_of(row)) != latest:
            latest, stretches = repeated, known[repeated]
        to_id, to_page, to_metric, to_value, to_raw, to_end = stretches
        record_id, page_id, metric, value, raw = own_of(row)
        # Numbers are never looked up: 1 and 1.0 are equal, and yet differ in their text.
        number = repr(value) if value.__class__ is int else json_text(value)
        raw_text = "null" if raw is None else encode_basestring(raw)
        yield (
            f"{to_id}{encode_basestring(record_id)}{to_page}{text_of(page_id)}{to_metric}{text_of(metric)}"
            f"{to_value}{number}{to_raw}{raw_text}{to_end}"
        )


def _lines_of_day(rows: DayRows, columns: Sequence[Column]) -> Iterator[str]:
    """Yield the lines, many at a time: a text for each column or stretch of columns, joined without a step a row."""
    known = _Stretches(columns)
    repeated_of = itemgetter(*[place for place, column in enumerate(columns) if column.name not in _OF_ITS_OWN])
    (row,) = rows[:1]
    stretches = {
        unit: known[repeated_of((*row[:UNIT], unit, *row[UNIT + 1 :]))] for unit in frozenset(rows.heads.units)
    }
    (to_id, to_page, to_metric, to_value, to_raw, _), *_ = stretches.values()
    ends = {unit: f"{to_raw}null{to_end}" for unit, (*_, to_end) in stretches.items()}
    ids, heads, units = rows.record_ids, _head_texts(rows.heads, f'"{to_page}', to_metric), rows.heads.units
    for first in range(0, len(rows), _LINES_AT_ONCE):
        some = slice(first, first + _LINES_AT_ONCE)
        values = rows.values[some]
        pieces = [f'{to_id}"', "", "", to_value, "", ""] * len(values)
        pieces[1::6] = ids[some]
        pieces[2::6] = heads[some]
        pieces[4::6] = map(repr, values)  # they are finite, and so JSON writes them as Python does
        pieces[5::6] = map(ends.__getitem__, units[some])
        yield "".join(pieces)


@lru_cache(maxsize=2)
def _head_texts(heads: HeadColumns, to_page: str, to_metric: str) -> list[str]:
    """Return what each line of a day says of Page and metric, which other days say again."""
    text_of = lru_cache(_MOST_REMEMBERED)(encode_basestring)
    pages, metrics = map(text_of, heads.page_ids), map(text_of, heads.metrics)
    return [f"{to_page}{page}{to_metric}{metric}" for page, metric in zip(pages, metrics, strict=True)]


def _csv_text(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else iso_text(value)


def _csv_value(text: str | None, column: Column) -> Any:
    if not text:
        return None if column.nullable or text is None else text
    if column.kind is Kind.BOOLEAN:
        return _BOOLEANS.get(text, text)
    if column.kind is Kind.NUMBER:
        return _parsed(text, column.name)
    return text


def _typed(value: Any, column: Column) -> Any:
    """Turn dates and times into their types; what is not the text of one stays as it is, for `checked_rows` to name."""
    kind = column.kind
    if value is None or (kind is not Kind.DATE and kind is not Kind.TIMESTAMP) or not isinstance(value, str):
        return value
    return date.fromisoformat(value) if kind is Kind.DATE else datetime.fromisoformat(value)


def _parsed(text: str, name: str) -> Any:
    try:
        return _DECODER.decode(text)
    except RecursionError:
        raise ValueError(f"{name} is nested too deeply") from None


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _check_encodable(found: dict[str, Any], number: int) -> None:
    """Refuse text with half of a surrogate pair, which no file could hold again."""
    for value in found.values():
        if isinstance(value, str):
            try:
                value.encode()
            except UnicodeEncodeError:
                raise ValueError(f"line {number} has text that is not Unicode") from None


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)
