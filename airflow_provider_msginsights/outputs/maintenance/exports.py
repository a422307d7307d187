"""What is known of a dataset, for other tools: cells as a file, and kept changes added up."""

from __future__ import annotations

import csv
import gzip
import json
import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime
from typing import IO, TYPE_CHECKING, Any
from uuid import uuid4

from airflow_provider_msginsights.exceptions import ConfigurationError
from airflow_provider_msginsights.insights.dates import pacific_date
from airflow_provider_msginsights.outputs.changes import FOLDER
from airflow_provider_msginsights.outputs.maintenance.data_files import READ_AT_ONCE
from airflow_provider_msginsights.outputs.stores.opening import open_store

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from airflow_provider_msginsights.insights.coverage.report.model import CellRun
    from airflow_provider_msginsights.outputs.stores.store import StoragePath

CELL_FIELDS = {
    "page_id": "the Page",
    "metric": "the metric",
    "first_day": "the first Pacific day of the run of days",
    "last_day": "the last one",
    "state": "what is known of these days",
    "reason": "why there is no row, where that is known",
    "run": "the run that last wrote the file of the last day, where that is stored",
}
CELL_COLUMNS = tuple(CELL_FIELDS)
CELL_FORMATS = (".parquet", ".jsonl", ".csv")


def check_cells_path(path: Path) -> None:
    """Refuse a file of another kind.

    :raises ConfigurationError: names the kinds there are.
    """
    if path.suffix not in CELL_FORMATS:
        raise ConfigurationError(
            f"--cells {path} is not valid: use a file name that ends in {', '.join(CELL_FORMATS)}.", parameter="--cells"
        )
    if path.suffix == ".parquet":
        try:
            import pyarrow.parquet  # noqa: F401 - asked for now, so that it is missing before the work
        except ImportError:
            raise ConfigurationError(
                "--cells with a .parquet file needs pyarrow. Install it with: "
                "pip install 'airflow-provider-msginsights[parquet]'",
                error_id="MSGI-missing-package",
            ) from None


def write_cells(path: Path, runs: Iterable[CellRun]) -> int:
    """Write a row for each run of equal days of a (Page, metric); return how many.

    The file appears when it is complete. Days are dates in Parquet and ISO text elsewhere.

    :raises OSError: when it cannot be written.
    """
    check_cells_path(path)
    rows = [(*run[:4], str(run.state), run.reason, run.run) for run in runs]
    new_path = path.with_name(f".{path.name}.{uuid4().hex}.tmp")
    try:
        with new_path.open("wb") as file:
            _write(path.suffix, rows, file)
        new_path.replace(path)
    finally:
        new_path.unlink(missing_ok=True)
    return len(rows)


def _write(suffix: str, rows: Sequence[tuple[Any, ...]], file: IO[bytes]) -> None:
    if suffix == ".parquet":
        import pyarrow as pa
        import pyarrow.parquet as pq

        types = [pa.date32() if name.endswith("_day") else pa.string() for name in CELL_COLUMNS]
        columns = [pa.array([row[place] for row in rows], kind) for place, kind in enumerate(types)]
        pq.write_table(pa.table(columns, names=list(CELL_COLUMNS)), file)
    elif suffix == ".jsonl":
        for row in rows:
            file.write(json.dumps(dict(zip(CELL_COLUMNS, row, strict=True)), default=str).encode() + b"\n")
    else:
        import io

        text = io.TextIOWrapper(file, encoding="utf-8", newline="")
        csv.writer(text).writerows([CELL_COLUMNS, *rows])
        text.flush()
        text.detach()


@dataclass(slots=True)
class ChangedMonth:
    """What loads changed in the rows of a (Page, metric) and a month.

    :param month: as ``2026-10``.
    :param rows: how many times a stored row was given another value, or taken out, or came beside others.
    :param days: the Pacific days of these rows.
    :param final_rows: those whose former value had been stored as final.
    :param difference: by how much all of it moved the sum of the values.
    :param first_at: when the first of it was stored, ``last_at`` the last.
    """

    page_id: str
    metric: str
    month: str
    rows: int = 0
    days: int = 0
    final_rows: int = 0
    difference: float = 0
    first_at: str = ""
    last_at: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return it in JSON's own types."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


def changes_by_month(
    root: StoragePath, *, since: date | None, page_ids: Sequence[str] | None = None
) -> list[ChangedMonth]:
    """Add up the changes that loads and fills kept.

    :param since: changes stored before this Pacific day are left out.
    :raises ConfigurationError: for a file that is none of changes.
    """
    found: dict[tuple[str, str, str], ChangedMonth] = {}
    days: dict[tuple[str, str, str], set[str]] = {}
    for line in _lines(root):
        at, page_id, day = line["at"], line["page_id"], line["pacific_date"]
        if (since is not None and pacific_date(datetime.fromisoformat(at)) < since) or (
            page_ids is not None and page_id not in page_ids
        ):
            continue
        key = page_id, line["metric"], day[:7]
        month = found.setdefault(key, ChangedMonth(*key))
        month.rows += 1
        month.final_rows += bool(line["was_final"])
        month.difference += (line["new_value"] or 0) - (line["old_value"] or 0)
        month.first_at = min(month.first_at or at, at)
        month.last_at = max(month.last_at, at)
        days.setdefault(key, set()).add(day)
        month.days = len(days[key])
    return [found[key] for key in sorted(found)]


def _lines(root: StoragePath) -> Iterator[dict[str, Any]]:
    store = open_store(root)
    names = [f"{FOLDER}/{name}" for name in sorted(store.list(FOLDER)) if name.endswith(".jsonl.gz")]
    with ThreadPoolExecutor(READ_AT_ONCE, thread_name_prefix="msginsights-changes") as pool:
        for name, data in zip(names, pool.map(store.read, names), strict=True):
            try:
                lines = [json.loads(line) for line in gzip.decompress(data or gzip.compress(b"")).splitlines()]
                for line in lines:
                    date.fromisoformat(line["pacific_date"]), datetime.fromisoformat(line["at"])
                    _ = [str(line["page_id"]), str(line["metric"]), line["was_final"]]
                    _ = [(line["new_value"] or 0) + 0, (line["old_value"] or 0) + 0]
            except (OSError, EOFError, zlib.error, LookupError, TypeError, ValueError, RecursionError) as damage:
                raise ConfigurationError(
                    f"{store.shown_path(name)} cannot be read as a file of changes ({type(damage).__name__}). Restore "
                    "it from a copy, or remove it.",
                    error_id="MSGI-dataset-file",
                ) from None
            yield from lines
