"""The file of a ledger: JSON in which series of the same codes share them, so that it grows with changes of state.

Equal ledgers give equal text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from airflow_provider_msginsights.exceptions import ConfigurationError
from airflow_provider_msginsights.insights.coverage import cells
from airflow_provider_msginsights.insights.coverage.ledger import FileMark, Ledger, PageCells, Requester
from airflow_provider_msginsights.insights.coverage.series import Note, Series

if TYPE_CHECKING:
    from collections.abc import Sequence

VERSION = 1


class NewerLedgerError(ConfigurationError):
    """The ledger was written by a newer version of the package: it is left alone."""

    kind_id = "MSGI-ledger"


class _SeriesFields(msgspec.Struct, array_like=True, forbid_unknown_fields=True, gc=False):
    """A series: codes and reasons by number, notes as `Note` has its fields."""

    first: int
    codes: int
    notes: list[tuple[int, int, int, int, int]]
    values_first: int
    values: list[int | float | None]


class _PageFields(msgspec.Struct, gc=False):
    """A Page: ``wait`` is empty, or says how often it failed and when last."""

    wait: list[int]
    rechecked: int
    series: dict[str, _SeriesFields]


class _LedgerFields(msgspec.Struct, gc=False):
    """A ledger: runs of files by number.

    Pages stay text until it is their turn, so that what one took in memory serves the next.
    """

    version: int
    covers_all: bool
    fill: tuple[int, int]
    requesters: dict[str, tuple[str, int, list[str], list[str]]]
    reasons: list[str]
    codes: list[str]
    runs: list[str]
    pages: dict[str, msgspec.Raw]
    files: dict[str, tuple[int, str, int, int]]


class _Head(msgspec.Struct):
    version: int


_PAGE = msgspec.json.Decoder(_PageFields)


def ledger_text(ledger: Ledger) -> bytes:
    """Return the text of a ledger."""
    reasons: dict[str, int] = {}
    codes: dict[bytes, int] = {}
    pages = {page_id: _page_text(page, reasons, codes) for page_id, page in sorted(ledger.pages.items())}
    runs: dict[str, int] = {}
    files = {
        name: [mark.size_bytes, mark.tag, runs.setdefault(mark.run, len(runs)), int(mark.restated)]
        for name, mark in sorted(ledger.files.items())
    }
    requesters = {
        task: [known.run, known.on, list(known.page_ids), list(known.metrics)]
        for task, known in sorted(ledger.requesters.items())
    }
    return msgspec.json.encode(
        {
            "version": VERSION,
            "covers_all": ledger.covers_all,
            "fill": [ledger.fill_since, ledger.filled_on],
            "requesters": requesters,
            "reasons": list(reasons),
            "codes": [text.decode("ascii") for text in codes],
            "runs": list(runs),
            "pages": pages,
            "files": files,
        }
    )


def _page_text(page: PageCells, reasons: dict[str, int], codes: dict[bytes, int]) -> msgspec.Raw:
    """Return a Page as the file has it.

    :param reasons: reasons met so far, each with its number; those of the Page are added. Likewise the codes.
    """
    fields = {
        "wait": [page.failures, page.failed_on] if page.failures else [],
        "rechecked": page.rechecked_on,
        "series": {metric: _series_fields(page.series[metric], reasons, codes) for metric in sorted(page.series)},
    }
    return msgspec.Raw(msgspec.json.encode(fields))


def _series_fields(series: Series, reasons: dict[str, int], codes: dict[bytes, int]) -> list[Any]:
    notes = [
        [note.first, note.end, reasons.setdefault(note.reason, len(reasons)), note.tries, note.last_on]
        for note in (series.needed_notes() if series.notes else ())
    ]
    number = codes.setdefault(series.codes, len(codes))
    return [series.first, number, notes, series.values_first, series.values]


def read_ledger(text: bytes) -> Ledger:
    """Return the ledger of a text.

    :raises NewerLedgerError: when a newer version wrote it.
    :raises ValueError: when it is no ledger.
    """
    try:
        fields = msgspec.json.decode(text, type=_LedgerFields)
        if fields.version <= VERSION:
            return _ledger_of(fields)
        version = fields.version
    except (msgspec.DecodeError, LookupError, ValueError, RecursionError) as damage:
        version = _version_of(text)
        if version <= VERSION:
            raise ValueError(f"it is damaged ({type(damage).__name__})") from None
    raise NewerLedgerError(f"It was written by a newer version of this package (ledger {version}).")


def _version_of(text: bytes) -> int:
    try:
        return msgspec.json.decode(text, type=_Head).version
    except msgspec.ValidationError:
        raise ValueError("it is not a ledger") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as damage:
        raise ValueError(f"it is damaged ({type(damage).__name__})") from None


def _ledger_of(fields: _LedgerFields) -> Ledger:
    codes = [one.encode("ascii") for one in fields.codes]
    if any(one.translate(None, cells.CODES) for one in codes):
        raise ValueError("unknown codes")
    ledger = Ledger(covers_all=fields.covers_all, fill_since=fields.fill[0], filled_on=fields.fill[1])
    for page_id, text in fields.pages.items():
        page = _PAGE.decode(text)
        failures, failed_on = page.wait or (0, 0)
        series = {
            metric: Series(
                one.first,
                codes[one.codes],
                _notes_of(one, fields.reasons) if one.notes else (),
                one.values_first,
                one.values,
            )
            for metric, one in page.series.items()
        }
        ledger.pages[page_id] = PageCells(series, failures, failed_on, page.rechecked)
    for name, (size_bytes, tag, run, restated) in fields.files.items():
        ledger.files[name] = FileMark(size_bytes, tag, fields.runs[run], bool(restated))
    for task, (by, on, page_ids, metrics) in fields.requesters.items():
        ledger.requesters[task] = Requester(by, on, tuple(page_ids), tuple(metrics))
    return ledger


def _notes_of(one: _SeriesFields, reasons: Sequence[str]) -> tuple[Note, ...]:
    return tuple(Note(first, end, reasons[reason], tries, on) for first, end, reason, tries, on in one.notes)
