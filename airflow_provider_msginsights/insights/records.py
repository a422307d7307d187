"""Reply -> records: one `InsightsRecord` for each value the API returned, in every shape it is known to take.

Sources: Messaging Insights API page, "Response properties" and its samples (end times and values as text); Page
Insights guide (ISO end times); Meta's Python SDK, ``InsightsValue`` (flat breakdown rows, ``start_time``). A shape
beyond these raises `ResponseFormatError` with its path in the document; nothing is guessed and no text of the reply
is quoted.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from functools import partial
from itertools import repeat
from typing import TYPE_CHECKING, Literal, NamedTuple, NoReturn

from airflow_provider_msginsights.exceptions import ResponseFormatError
from airflow_provider_msginsights.insights.catalog import METRICS
from airflow_provider_msginsights.insights.row_times import RowTimes
from airflow_provider_msginsights.insights.row_values import RowValue, plain_columns, read_value

if TYPE_CHECKING:
    from datetime import date, datetime

    from airflow_provider_msginsights.insights.catalog import Unit
    from airflow_provider_msginsights.insights.query import InsightsQuery, Slice


class InsightsRecord(NamedTuple):
    """One value of one metric of one Page.

    A tuple and not a dataclass: a load makes one per value, millions in a backfill, and this is nine times as quick.

    :param page_id: the Page, as the query named it.
    :param metric: the metric's name.
    :param period: the period asked for.
    :param range_start: first Pacific day the value covers.
    :param pacific_date: last Pacific day the value covers; for ``period="day"`` the day itself.
    :param end_time: the API's end time as an aware UTC datetime.
    :param value: the number; money in units of ``currency``; ``None`` where the API said ``null``.
    :param value_raw: the value's JSON text, only where it was no plain number.
    :param unit: ``count``, ``ratio`` or ``money``.
    :param currency: ISO code, where the API gave one.
    :param breakdowns: the query's breakdowns in the query's order, as (name, value); ``None`` where the row had none.
    :param breakdowns_other: dimensions the row had beyond those, as (name, value), sorted by name.
    """

    page_id: str
    metric: str
    period: str
    range_start: date
    pacific_date: date
    end_time: datetime
    value: float | None
    value_raw: str | None
    unit: Unit
    currency: str | None
    breakdowns: tuple[tuple[str, str | None], ...]
    breakdowns_other: tuple[tuple[str, str], ...]


_new = partial(tuple.__new__, InsightsRecord)

DropReason = Literal["other metric", "other period", "outside the range", "duplicate"]

_NOT_DIMENSIONS = frozenset({"value", "end_time", "start_time"})


@dataclass(frozen=True, slots=True)
class Parsed:
    """What one reply held.

    :param answered: metrics with at least one record.
    :param dropped: rows left out, by reason.
    """

    records: tuple[InsightsRecord, ...]
    answered: tuple[str, ...]
    dropped: Counter[DropReason]


class RecordParser:
    """Reads the replies to one query; remembers the end times it has met, which a run repeats thousands of times."""

    def __init__(self, query: InsightsQuery) -> None:
        self._query = query
        self._times = RowTimes(query.period)

    def parse(self, document: dict[str, object], part: Slice) -> Parsed:
        """The records of a reply to the request for a slice.

        :raises ResponseFormatError: for a shape that is not known; names its path.
        """
        data = document.get("data")
        reading = _Reading(self._query, part, self._times)
        if not isinstance(data, list):
            reading.fail("data", "a list was expected")
        for index, entry in enumerate(data):
            reading.entry(entry, f"data[{index}]")
        return Parsed(
            records=tuple(reading.records),
            answered=tuple(metric for metric, seen in reading.seen.items() if seen),
            dropped=reading.dropped,
        )


class _Reading:
    """One document on its way to records."""

    def __init__(self, query: InsightsQuery, part: Slice, times: RowTimes) -> None:
        self.query = query
        self.part = part
        self.own_ids = f"{part.page_id}/"
        self.times = times
        self.columns = times.columns_of(part.days)
        self.records: list[InsightsRecord] = []
        self.seen: dict[str, dict[object, object]] = {metric: {} for metric in part.metrics}
        self.dropped: Counter[DropReason] = Counter()

    def entry(self, entry: object, path: str) -> None:
        if not isinstance(entry, dict) or not isinstance(rows := entry.get("values"), list):
            self.fail(f"{path}.values", "a list was expected")
        self._check_owner(entry.get("id"), path)
        metric = entry.get("name")
        if not isinstance(metric, str) or metric not in self.seen:
            self.dropped["other metric"] += len(rows)
        elif entry.get("period") != self.query.period:
            self.dropped["other period"] += len(rows)
        else:
            self._rows(metric, rows, path)

    def _check_owner(self, entry_id: object, path: str) -> None:
        """Refuse an entry of another Page of the query; an id with no such Page is a Page's own under another name."""
        if isinstance(entry_id, str) and not entry_id.startswith(self.own_ids):
            owner = entry_id.partition("/")[0]
            if owner in self.query.page_ids:
                self.fail(f"{path}.id", f"the entry belongs to Page {owner}")

    def _rows(self, metric: str, rows: list[object], path: str) -> None:
        if not self._plain_rows(metric, rows):
            for index, row in enumerate(rows):
                self._any_row(metric, row, f"{path}.values[{index}]")

    def _plain_rows(self, metric: str, rows: list[object]) -> bool:
        """Take all rows at once if they are the usual ones: a number and an end time each, no day twice.

        A long load spends its time here, so nothing is done row by row. Whatever is not usual is left to `_any_row`.
        """
        seen, part = self.seen[metric], self.part
        if seen or self.query.breakdowns or (columns := plain_columns(rows)) is None:
            return False
        values, end_times = columns
        if end_times not in self.columns:
            self.columns[end_times] = self.times.column(end_times, part.days)
        if (times := self.columns[end_times]) is None:
            return False
        whose = map(repeat, (part.page_id, metric, self.query.period))
        plain = map(repeat, (None, METRICS[metric].unit, None, (), ()))
        self.records += map(_new, zip(*whose, *times, values, *plain))  # noqa: B905 - some never end
        seen.update(zip(times.pacific_dates, values, strict=True))
        return True

    def _any_row(self, metric: str, row: object, path: str) -> None:
        if not isinstance(row, dict) or "value" not in row:
            self.fail(path, "an object with a value was expected")
        if (told := read_value(row["value"])) is None:
            self.fail(f"{path}.value", "neither a number nor an amount of money")
        if (when := self.times.read(row, self.part.days)) is None:
            self.fail(f"{path}.end_time", "neither an ISO time with an offset nor unix seconds")
        if when.pacific_date not in self.part.days:
            self.dropped["outside the range"] += 1
            return
        named, other = self._dimensions(row, path)
        key = (when.pacific_date, named, other) if named or other else when.pacific_date
        if not self._is_new(metric, key, told, path):
            self.dropped["duplicate"] += 1
            return
        unit, period = METRICS[metric].unit, self.query.period
        self.records.append(
            _new((self.part.page_id, metric, period, *when, told.value, told.raw, unit, told.currency, named, other))
        )

    def _is_new(self, metric: str, key: object, told: RowValue, path: str) -> bool:
        seen = self.seen[metric]
        if key not in seen:
            seen[key] = told.value
            return True
        if seen[key] != told.value:
            self.fail(path, f"the same row came twice, with the values {seen[key]} and {told.value}")
        return False

    def _dimensions(
        self, row: dict[str, object], path: str
    ) -> tuple[tuple[tuple[str, str | None], ...], tuple[tuple[str, str], ...]]:
        """Breakdown values, which are siblings of the value: those asked for in the query's order, others by name."""
        asked = self.query.breakdowns
        named = tuple((name, _text(row.get(name))) for name in asked)
        other = tuple(
            (name, _text(value) or "")
            for name, value in sorted(row.items())
            if name not in _NOT_DIMENSIONS and name not in asked
        )
        for name, value in (*named, *other):
            if not _storable(name) or not _storable(value or ""):
                self.fail(path, "a dimension is not valid Unicode text")
        return named, other

    def fail(self, path: str, what: str) -> NoReturn:
        raise ResponseFormatError(
            f"The reply has a shape this package does not know at {path}: {what}. Nothing of this reply was used.",
            http_status=200,
            page_id=self.part.page_id,
        )


def _text(value: object) -> str | None:
    """A dimension's value as text; JSON text where it is none, and nothing where there is nothing."""
    return value if value is None or isinstance(value, str) else json.dumps(value, sort_keys=True)


def _storable(text: str) -> bool:
    """Whether every store can hold the text: JSON can spell halves of characters that UTF-8 cannot."""
    return text.isascii() or not any("\ud800" <= char <= "\udfff" for char in text)
