"""The usual reply of insights -> its document, with the rows of each metric as columns.

Most of a long load's time would go into an object for each row. A reply with anything unusual in it is left to
`json_text.decode`, which reads every JSON.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from airflow_provider_msginsights.insights.graph.json_text import is_unambiguous

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class RowColumns:
    """Rows that hold a number and an end time each, and nothing else; iterating gives them as the reply has them."""

    values: list[float]
    end_times: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.values)

    def __iter__(self) -> Iterator[dict[str, object]]:
        for value, end_time in zip(self.values, self.end_times, strict=True):
            yield {"value": value, "end_time": end_time}


class _Row(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    value: int | float
    end_time: str


class _Entry(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    period: str
    values: list[_Row]
    title: object = msgspec.UNSET
    description: object = msgspec.UNSET
    id: object = msgspec.UNSET


class _Document(msgspec.Struct, forbid_unknown_fields=True):
    data: list[_Entry]
    paging: object = msgspec.UNSET


_DECODER = msgspec.json.Decoder(_Document)


def decode_columns(text: str) -> dict[str, object] | None:
    """Return what records are read of in a reply, each ``values`` as `RowColumns`; ``None`` for an unusual reply."""
    try:
        found = _DECODER.decode(text)
        columns = _take_columns(found.data)
        colons = msgspec.json.encode(found).count(b":") + _colons(columns)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    if not columns or not is_unambiguous(text, colons):
        return None
    entries = [
        {"name": entry.name, "period": entry.period, "id": entry.id or None, "values": of_entry}
        for entry, of_entry in zip(found.data, columns, strict=True)
    ]
    return {"data": entries}


def _take_columns(entries: list[_Entry]) -> list[RowColumns]:
    """Return the rows of each entry, which leave it; neighbours with equal end times have one object for them."""
    columns: list[RowColumns] = []
    latest: tuple[str, ...] = ()
    for entry in entries:
        rows, entry.values = entry.values, []
        end_times = tuple([row.end_time for row in rows])
        if end_times != latest:
            latest = end_times
        columns.append(RowColumns([row.value for row in rows], latest))
    return columns


def _colons(columns: list[RowColumns]) -> int:
    """Return the colons that the rows take as JSON: one in each of two pairs, and those of the end times."""
    latest: tuple[str, ...] = ()
    colons = in_latest = 0
    for one in columns:
        if one.end_times is not latest:
            latest, in_latest = one.end_times, "".join(one.end_times).count(":")
        colons += 2 * len(one) + in_latest
    return colons
