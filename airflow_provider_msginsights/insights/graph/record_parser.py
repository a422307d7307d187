"""Reply -> records: one for each value the API returned, in every shape it is known to take.

Sources: Messaging Insights API page, "Response properties" and its samples (end times and values as text); Page
Insights guide (ISO end times); Meta's Python SDK, ``InsightsValue`` (flat breakdown rows, ``start_time``). A shape
beyond these raises `ResponseFormatError` with its path in the document; nothing is guessed and no text of the reply
is quoted.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Literal, NoReturn

from airflow_provider_msginsights.exceptions import ResponseFormatError
from airflow_provider_msginsights.insights.catalog import METRICS
from airflow_provider_msginsights.insights.graph.json_text import canonical
from airflow_provider_msginsights.insights.graph.row_columns import RowColumns
from airflow_provider_msginsights.insights.graph.row_times import RowTimes
from airflow_provider_msginsights.insights.graph.row_values import RowValue, plain_columns, read_value
from airflow_provider_msginsights.insights.records import Records, RecordSeries, make_record

if TYPE_CHECKING:
    from airflow_provider_msginsights.insights.query import InsightsQuery, Slice
    from airflow_provider_msginsights.insights.records import InsightsRecord, Part

DropReason = Literal["other metric", "other period", "outside the range", "duplicate"]

_UNTOLD = "\ud800"
"""Stands for what cannot be shown as text; no store could hold it."""

_NOT_DIMENSIONS = frozenset({"value", "end_time", "start_time"})


@dataclass(frozen=True, slots=True)
class Parsed:
    """What one reply held.

    :param answered: metrics with at least one record.
    :param dropped: rows left out, by reason.
    """

    records: Records
    answered: tuple[str, ...]
    dropped: Counter[DropReason]


class RecordParser:
    """Reads the replies to one query; remembers the end times it has met, which a run repeats thousands of times."""

    def __init__(self, query: InsightsQuery) -> None:
        self._query = query
        self._times = RowTimes(query.period)

    def parse(self, document: dict[str, object], part: Slice) -> Parsed:
        """Return the records of a reply to the request for a slice.

        :raises ResponseFormatError: for a shape that is not known; names its path.
        """
        data = document.get("data")
        reading = _Reading(self._query, part, self._times)
        if not isinstance(data, list):
            reading.fail("data", "a list was expected")
        for index, entry in enumerate(data):
            reading.entry(entry, f"data[{index}]")
        return Parsed(
            records=Records(tuple(reading.parts)),
            answered=tuple(metric for metric in part.metrics if reading.seen[metric] or metric in reading.series),
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
        self.parts: list[Part] = []
        self.series: dict[str, RecordSeries] = {}
        self.seen: dict[str, dict[object, object]] = {metric: {} for metric in part.metrics}
        self.dropped: Counter[DropReason] = Counter()

    def entry(self, entry: object, path: str) -> None:
        if not isinstance(entry, dict) or not isinstance(rows := entry.get("values"), (list, RowColumns)):
            self.fail(f"{path}.values", "a list was expected")
        self._check_owner(entry.get("id"), path)
        metric, period = entry.get("name"), entry.get("period")
        if not isinstance(metric, str) or not isinstance(period, str):
            self.fail(path, "a name and a period were expected, as text")
        if metric not in self.seen:
            self.dropped["other metric"] += len(rows)
        elif period != self.query.period:
            self.dropped["other period"] += len(rows)
        else:
            self._rows(metric, rows, path)

    def _check_owner(self, entry_id: object, path: str) -> None:
        """Refuse an entry of another Page of the query; an id with no such Page is a Page's own under another name."""
        if isinstance(entry_id, str) and not entry_id.startswith(self.own_ids):
            owner = entry_id.partition("/")[0]
            if owner in self.query.page_ids:
                self.fail(f"{path}.id", f"the entry belongs to Page {owner}")

    def _rows(self, metric: str, rows: list[object] | RowColumns, path: str) -> None:
        if (series := self._series(metric, rows)) is not None:
            self.series[metric] = series
            self.parts.append(series)
            return
        if (earlier := self.series.get(metric)) is not None:
            self.seen[metric].update(zip(earlier.times.pacific_dates, earlier.values, strict=True))
        parsed = (self._record(metric, row, f"{path}.values[{index}]") for index, row in enumerate(rows))
        if records := tuple(record for record in parsed if record is not None):
            self.parts.append(records)

    def _series(self, metric: str, rows: list[object] | RowColumns) -> RecordSeries | None:
        """Take all rows at once if they are the usual ones: a number and an end time each, no day twice.

        A long load spends its time here, so nothing is done row by row. Whatever is not usual is left to `_record`.
        """
        has_rows = self.seen[metric] or metric in self.series
        if has_rows or self.query.breakdowns or (columns := plain_columns(rows)) is None:
            return None
        values, end_times = columns.values, columns.end_times
        try:
            times = self.columns[end_times]
        except KeyError:
            times = self.columns[end_times] = self.times.column(end_times, self.part.days)
        if times is None:
            return None
        return RecordSeries(self.part.page_id, metric, self.query.period, METRICS[metric].unit, times, values)

    def _record(self, metric: str, row: object, path: str) -> InsightsRecord | None:
        if not isinstance(row, dict) or "value" not in row:
            self.fail(path, "an object with a value was expected")
        if (value := read_value(row["value"])) is None:
            self.fail(f"{path}.value", "neither a number nor an amount of money")
        if (when := self.times.read(row, self.part.days)) is None:
            self.fail(f"{path}.end_time", "neither an ISO time with an offset nor unix seconds")
        if when.pacific_date not in self.part.days:
            self.dropped["outside the range"] += 1
            return None
        named, other = self._dimensions(row, path)
        key = (when.pacific_date, named, other) if named or other else when.pacific_date
        if not self._is_new(metric, key, value, path):
            self.dropped["duplicate"] += 1
            return None
        unit, period = METRICS[metric].unit, self.query.period
        return make_record(
            (self.part.page_id, metric, period, *when, value.value, value.raw, unit, value.currency, named, other)
        )

    def _is_new(self, metric: str, key: object, value: RowValue, path: str) -> bool:
        seen = self.seen[metric]
        if key not in seen:
            seen[key] = value.value
            return True
        if seen[key] != value.value:
            self.fail(path, f"the same row came twice, with the values {seen[key]} and {value.value}")
        return False

    def _dimensions(
        self, row: dict[str, object], path: str
    ) -> tuple[tuple[tuple[str, str | None], ...], tuple[tuple[str, str], ...]]:
        """Breakdown values, which are siblings of the value: requested ones in the query's order, others by name."""
        asked = self.query.breakdowns
        named = tuple((name, _text(row.get(name))) for name in asked)
        other = tuple(
            (name, _text(value) or "")
            for name, value in sorted(row.items())
            if name not in _NOT_DIMENSIONS and name not in asked
        )
        for text in chain.from_iterable((*named, *other)):
            if text is not None and not _storable(text):
                self.fail(path, "a dimension is not valid Unicode text, or nested too deeply")
        return named, other

    def fail(self, path: str, what: str) -> NoReturn:
        raise ResponseFormatError(
            f"The reply has a shape this package does not know at {path}: {what}. Nothing of this reply was used.",
            http_status=200,
            page_id=self.part.page_id,
        )


def _text(value: object) -> str | None:
    """Return a dimension's value as text; JSON text where it is none, and nothing where there is nothing."""
    if value is None or isinstance(value, str):
        return value
    return _UNTOLD if (text := canonical(value)) is None else text


def _storable(text: str) -> bool:
    """Whether every store can hold the text: JSON can spell halves of characters that UTF-8 cannot."""
    return text.isascii() or not any("\ud800" <= char <= "\udfff" for char in text)
