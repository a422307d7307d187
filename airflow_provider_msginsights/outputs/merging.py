"""Stored rows and answers become one file's rows; counts what that changes.

The unit of replacement is (page, metric, day or range): an answer replaces it whole, so that a breakdown value the API
no longer lists goes; a unit without an answer stays as it is.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import groupby, pairwise, repeat
from math import isfinite
from operator import ne
from typing import TYPE_CHECKING, NamedTuple

from airflow_provider_msginsights.outputs.rows import has_present_id, present_id
from airflow_provider_msginsights.outputs.values import (
    IS_FINAL,
    PACIFIC_DATE,
    RECORD_ID,
    VALUE,
    facts_of,
    key_of_days,
    sort_key,
    unit_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import date

    from airflow_provider_msginsights.outputs.series_rows import DayRows
    from airflow_provider_msginsights.outputs.values import ColumnValues, Values

_ANY_OF = {VALUE: frozenset({int, float}), IS_FINAL: frozenset({bool})}
_EXTRA_TYPES = frozenset({str, type(None)})
"""What may stand in columns in which a stored row need not say what the answer says."""


class Change(NamedTuple):
    """A row of a stored unit that says something else now.

    :param old: ``None`` where the unit had no such row.
    :param new: ``None`` where the answer has no such row.
    :param was_final: whether the unit had been stored as final.
    """

    old: Values | None
    new: Values | None
    was_final: bool


@dataclass(slots=True, kw_only=True)
class Tally:
    """What answers did to the rows of one file.

    :param rows_added: rows whose key was not stored.
    :param rows_changed: rows whose key was stored with another value.
    :param rows_unchanged: rows stored with the same value; their finality and extra columns may be new.
    :param rows_removed: stored rows that the new answer to their unit no longer has.
    :param restated_days: Pacific days of stored units that now say something else.
    :param restated_final_days: those of them that had been stored as final.
    :param changes: the rows of stored units that now say something else.
    """

    rows_added: int = 0
    rows_changed: int = 0
    rows_unchanged: int = 0
    rows_removed: int = 0
    restated_days: set[date] = field(default_factory=set)
    restated_final_days: set[date] = field(default_factory=set)
    changes: list[Change] = field(default_factory=list)


def merged(stored: Iterable[Values], answered: Iterable[Values], tally: Tally) -> Iterator[Values]:
    """Return the rows to store; both inputs and the result are sorted by key."""
    old_units, new_units = groupby(stored, unit_of), groupby(answered, unit_of)
    old = next(old_units, None)
    if old is None:
        for row in answered:
            tally.rows_added += 1
            yield row
        return
    new = next(new_units, None)
    while old is not None or new is not None:
        if new is None or (old is not None and old[0] < new[0]):
            yield from old[1] if old else ()
            old = next(old_units, None)
        elif old is None or new[0] < old[0]:
            for row in new[1]:
                tally.rows_added += 1
                yield row
            new = next(new_units, None)
        else:
            yield from _replaced(list(old[1]), new[1], tally)
            old, new = next(old_units, None), next(new_units, None)


def compared(stored: Iterable[ColumnValues], answered: DayRows) -> Tally | None:
    """Count what a day's answers do to stored rows of which each is replaced by one of theirs.

    That is what loading a day once more mostly is: the answers are then all there is to store, and no stored row has to
    be made. ``None`` for any other rows, damaged ones among them: `merged` takes those.

    :param stored: all rows of a file, some at a time.
    """
    places = {record_id: place for place, record_id in enumerate(answered.record_ids)}
    tally, last = Tally(), -1
    for columns in stored:
        replaced_by = [places.get(record_id, -1) for record_id in columns[RECORD_ID]]
        if not _are_replaced(columns, answered, replaced_by, after=last):
            return None
        last = replaced_by[-1]
        _count_values(columns, answered, replaced_by, tally)
    tally.rows_added = len(answered) - tally.rows_changed - tally.rows_unchanged
    return tally if last >= 0 else None


def _are_replaced(columns: ColumnValues, answered: DayRows, replaced_by: Sequence[int], *, after: int) -> bool:
    """Return whether stored rows are sound, in order, and say of all but the number what the answers say."""
    if any(place <= before for before, place in pairwise((after, *replaced_by))):
        return False
    for place, (column, expected) in enumerate(zip(columns, answered.columns(), strict=True)):
        if (types := _ANY_OF.get(place, _EXTRA_TYPES if place > IS_FINAL else None)) is not None:
            if not types.issuperset(map(type, column)):
                return False
        elif isinstance(expected, repeat):
            if column.count(next(expected)) < len(column):
                return False
        elif any(map(ne, column, map(expected.__getitem__, replaced_by))):
            return False
    try:
        return all(map(isfinite, columns[VALUE]))
    except OverflowError:
        return False


def _count_values(columns: ColumnValues, answered: DayRows, replaced_by: Sequence[int], tally: Tally) -> None:
    """Count which numbers are others now."""
    now = map(answered.values.__getitem__, replaced_by)
    changed = [place for place, differs in enumerate(map(ne, columns[VALUE], now)) if differs]
    tally.rows_changed += len(changed)
    tally.rows_unchanged += len(replaced_by) - len(changed)
    for place in changed:
        old = tuple([column[place] for column in columns])
        (new,) = answered[replaced_by[place] : replaced_by[place] + 1]
        tally.changes.append(Change(old, new, old[IS_FINAL]))
        tally.restated_days.add(old[PACIFIC_DATE])
        if old[IS_FINAL]:
            tally.restated_final_days.add(old[PACIFIC_DATE])


def _replaced(old: list[Values], new: Iterable[Values], tally: Tally) -> Iterator[Values]:
    """Return a unit's new rows, counting against those it had."""
    before = {present_id(row): row for row in sorted(old, key=has_present_id)}
    doubled, was_final = len(old) - len(before), any(row[IS_FINAL] for row in old)
    restated = False
    for row in new:
        former = before.pop(row[RECORD_ID], None)
        if former is None:
            tally.rows_added += 1
        elif facts_of(former) != facts_of(row):
            tally.rows_changed += 1
        else:
            tally.rows_unchanged += 1
            yield row
            continue
        restated = True
        tally.changes.append(Change(former, row, was_final))
        yield row
    tally.changes += [Change(gone, None, was_final) for gone in before.values()]
    tally.rows_removed += len(before) + doubled
    if restated or before or doubled:
        day = old[0][PACIFIC_DATE]
        tally.restated_days.add(day)
        if was_final:
            tally.restated_final_days.add(day)


def in_order(rows: Iterable[Values]) -> Iterator[Values]:
    """Pass rows on, making sure that each comes after the one before.

    :raises ValueError: when one does not or has no key, and so was not written by this package.
    """
    last: tuple[object, ...] = ()
    for row in rows:
        if None in key_of_days(row):
            raise ValueError("a row has no key")
        key = sort_key(row)
        if key <= last:
            raise ValueError("its rows are not in the order of their keys")
        last = key
        yield row
