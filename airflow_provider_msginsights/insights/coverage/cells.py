"""What is known of a cell: (Page, metric, Pacific day), one byte each.

A series of days is ``bytes`` with a code a day, so that years of many Pages are changed, searched and written in
stretches by the standard library and not day by day. What an answer makes of a cell is a table of 256 bytes for
``bytes.translate``.

Rules:
- a stored row stays stored, whatever is answered later;
- no row, a refusal and a failure follow the newest answer, and a failure is none: it changes what nothing is known of;
- what people removed ends with a new row only.
"""

from __future__ import annotations

from enum import StrEnum

NEVER = b"."
"""Never requested."""
FINAL = b"F"
"""Stored, loaded when the day changed no more."""
PROVISIONAL = b"p"
"""Stored, loaded before that."""
SETTLED = b"P"
"""Stored before that, and the API has no newer answer though the Page has others."""
SILENT = b"q"
"""Stored before that, and when requested again the Page had no row at all, or the metric was refused."""
NO_ROW = b"n"
"""Requested when the day was final, answered without this row."""
PASSED = b"w"
"""The same, with a row of a later day of the Page in the same run: the Page was not silent."""
MUTE = b"m"
"""Requested when the day was final, and the Page had no row at all in that run: a lost permission looks so too."""
EARLY = b"e"
"""Requested after the day's end but before it was final, answered without this row."""
OPEN = b"o"
"""Without a row, or refused, in a stretch that has ended since: requested once more."""
CLOSED = b"N"
"""Without a row when it was requested once more: asked about no more."""
REFUSED = b"r"
"""The API refuses the metric."""
FAILED = b"x"
"""Requested, and nothing was answered."""
REMOVED = b"g"
"""Stored once; its file is gone, or its row was taken out."""

CODES = b"".join(
    (NEVER, FINAL, PROVISIONAL, SETTLED, SILENT, NO_ROW, PASSED, MUTE, EARLY, OPEN, CLOSED, REFUSED, FAILED, REMOVED)
)


class State(StrEnum):
    """The state of a cell in words, as reports show it."""

    FINAL = "final"
    PROVISIONAL = "provisional"
    NO_ROW = "no_row"
    REFUSED = "refused"
    FAILED = "failed"
    NEVER_REQUESTED = "never_requested"
    REMOVED = "removed"
    NOT_MANAGED = "not_managed"
    TOO_OLD = "too_old"


STATES = {
    NEVER: State.NEVER_REQUESTED,
    FINAL: State.FINAL,
    PROVISIONAL: State.PROVISIONAL,
    SETTLED: State.PROVISIONAL,
    SILENT: State.PROVISIONAL,
    NO_ROW: State.NO_ROW,
    PASSED: State.NO_ROW,
    EARLY: State.NO_ROW,
    MUTE: State.NO_ROW,
    OPEN: State.NO_ROW,
    CLOSED: State.NO_ROW,
    REFUSED: State.REFUSED,
    FAILED: State.FAILED,
    REMOVED: State.REMOVED,
}


def _table(changes: dict[bytes, bytes]) -> bytes:
    """Return a table that changes these codes and keeps all others."""
    table = bytearray(range(256))
    for old, new in changes.items():
        table[old[0]] = new[0]
    return bytes(table)


_UNANSWERED = (NEVER, EARLY, MUTE, REFUSED, FAILED)

_NO_NEWER = {OPEN: CLOSED, PROVISIONAL: SETTLED, SILENT: SETTLED}

EMPTY_OF_LIVE_PAGE = _table(dict.fromkeys(_UNANSWERED, NO_ROW) | _NO_NEWER)
"""A final day answered without the row, by a Page that had rows of earlier days in the same run."""

EMPTY_BEFORE_ROW = _table(dict.fromkeys((*_UNANSWERED, NO_ROW), PASSED) | _NO_NEWER)
"""A final day answered without the row, by a Page that had rows of later days in the same run."""

EMPTY_OF_SILENT_PAGE = _table(dict.fromkeys((*_UNANSWERED, OPEN), MUTE) | {PROVISIONAL: SILENT})
"""A final day answered without the row, when the Page had no row at all: a lost permission looks so too."""

EMPTY_EARLY = _table(dict.fromkeys((NEVER, REFUSED, FAILED), EARLY))
"""An ended day, not final yet, answered without the row."""

REFUSAL = _table(
    dict.fromkeys((NEVER, NO_ROW, PASSED, MUTE, EARLY, OPEN, CLOSED, FAILED), REFUSED) | {PROVISIONAL: SILENT}
)
"""The metric was refused."""

FAILURE = _table(dict.fromkeys((NEVER, EARLY), FAILED))
"""No answer came."""

REMOVAL = _table(dict.fromkeys((FINAL, PROVISIONAL, SETTLED, SILENT), REMOVED))
"""The row is no longer in the dataset, and no load took it out."""

REOPENED = _table({REFUSED: OPEN})
"""The metric has rows again after it was refused."""
REOPENED_MUTE = _table({MUTE: OPEN})
"""The Page has rows again."""
REOPENED_SILENT = _table({NO_ROW: OPEN, MUTE: OPEN})
"""The stretch in which the Page had no rows has ended."""
REOPENED_UNRELEASED = _table({NO_ROW: OPEN, PASSED: OPEN, MUTE: OPEN})
"""The metric has its very first row, on a later day."""
REVIVED = _table({SILENT: PROVISIONAL})
"""The metric has rows again."""

NEVER_REOPENED = bytes(code for code in CODES if bytes([code]) not in (NO_ROW, PASSED, MUTE, REFUSED, SILENT))
"""What the tables of reopening leave alone."""


def marks(codes: tuple[bytes, ...]) -> bytes:
    """Return a table that makes these codes ``1`` and all others ``0``."""
    table = bytearray(b"0" * 256)
    for code in codes:
        table[code[0]] = ord("1")
    return bytes(table)


STORED = marks((FINAL, PROVISIONAL, SETTLED, SILENT))
NOT_REMOVED = marks(tuple(bytes([code]) for code in CODES if code != REMOVED[0]))
MISSING_IF_FINAL = marks((NEVER, FAILED, OPEN, PROVISIONAL, EARLY))
"""What a day that is final must not be."""
MISSING_IF_EARLY = marks((NEVER, FAILED, OPEN))
"""What a day that has ended, but is not final yet, must not be."""
REOPENED_BY_ROWS = marks((MUTE, REFUSED, SILENT))
"""What new rows of the Page or the metric reopen, which never come of a Page that has left."""
NEVER_MISSING = b"".join((FINAL, SETTLED, SILENT, NO_ROW, PASSED, MUTE, CLOSED, REFUSED, REMOVED))
