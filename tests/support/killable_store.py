"""A dataset in memory, on a store that dies at a put or a removal that a test chooses: before it, or after."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from airflow_provider_msginsights.insights.coverage.answers import RowLog, RunAnswers
from airflow_provider_msginsights.insights.dates import DateRange
from airflow_provider_msginsights.insights.query import Slice
from airflow_provider_msginsights.outputs.coverage_files import CoverageFiles
from airflow_provider_msginsights.outputs.coverage_recorder import CoverageRecorder
from airflow_provider_msginsights.outputs.dataset import Dataset
from airflow_provider_msginsights.outputs.formats.by_name import format_named
from airflow_provider_msginsights.outputs.manifest import write_manifest
from airflow_provider_msginsights.outputs.writer import DatasetWriter
from support.interleaving import Bucket, ConditionalStore, Place, PutRefusedError, Turns, etag_of
from support.made_records import record, replied, values_of

if TYPE_CHECKING:
    from collections.abc import Sequence

METRICS = ("page_messages_new_conversations_unique", "page_messages_total_messaging_connections")
DAYS = tuple(date(2026, 3, day) for day in range(6, 10))
FINAL_IF_ENDED_BY = datetime(2026, 3, 20, tzinfo=UTC)


class KilledError(BaseException):
    """Stands for SIGKILL: nothing of ours catches it."""


class KillableStore(ConditionalStore):
    """What is used of s3fs.

    :param dies_at: the number of the put or removal at which it dies, from 1 on; 0 for never.
    :param done: whether that one is done before.
    """

    def __init__(self, bucket: Bucket, *, dies_at: int = 0, done: bool = False) -> None:
        super().__init__(bucket, Turns(), "only")
        self.changes = 0
        self._dies_at, self._done = dies_at, done

    def pipe_file(self, path: str, value: bytes, *, chunksize: int | None = None, **condition: str) -> None:
        self._before()
        super().pipe_file(path, value, chunksize=chunksize or len(value), **condition)
        self._after()

    def call_s3(self, method: str, *, Bucket: str, Key: str, IfMatch: str) -> None:  # noqa: N803 - S3's names
        assert method == "delete_object"
        self._before()
        path = f"{Bucket}/{Key}"
        if path not in self._bucket.objects:
            raise FileNotFoundError(path)
        if etag_of(self._bucket.objects[path]) != IfMatch:
            raise PutRefusedError("PreconditionFailed")
        del self._bucket.objects[path]
        self._after()

    def find(self, path: str, *, prefix: str, detail: bool) -> dict[str, Any]:
        assert detail
        return {name: self._entry(name) for name in sorted(self._bucket.objects) if name.startswith(f"{path}/{prefix}")}

    def _before(self) -> None:
        self.changes += 1
        if self.changes == self._dies_at and not self._done:
            raise KilledError

    def _after(self) -> None:
        if self.changes == self._dies_at and self._done:
            raise KilledError


def place_in(bucket: Bucket, **killed: Any) -> Place:
    return Place(KillableStore(bucket, **killed))


def load_pages(
    bucket: Bucket,
    page_ids: Sequence[str],
    *,
    part: str = "0",
    days: Sequence[date] = DAYS,
    value: float = 1,
    **of: Any,
) -> None:
    """What a load of these Pages and days leaves: rows, ledger, Pages and a manifest."""
    dataset = Dataset(root=place_in(bucket), file_format=format_named("jsonl"), period="day", part=part, **of).claim()
    records = [
        record(day.isoformat(), page_id=page_id, metric=metric, value=value + place)
        for page_id in page_ids
        for place, metric in enumerate(METRICS)
        for day in days
    ]
    log = RowLog()
    log.add(replied(*records))
    wanted = DateRange(days[0], date.fromordinal(days[-1].toordinal() + 1))
    answers = RunAnswers(
        on=date(2026, 3, 21).toordinal(),
        ended_before=date(2026, 3, 21).toordinal(),
        final_before=date(2026, 3, 19).toordinal(),
        read=tuple(Slice(page_id, METRICS, wanted) for page_id in page_ids),
        rows=log.rows,
    )
    recorder = CoverageRecorder.open(dataset, days=days)
    with DatasetWriter(dataset) as writer:
        writer.add(values_of(records, final_if_ended_by=FINAL_IF_ENDED_BY))
        written = writer.finish()
    recorder.record(lambda ledger: ledger.apply(answers), written, run=f"run-{part}")
    files = CoverageFiles(dataset.root)
    files.update_pages(lambda pages: pages.with_entered(page_ids, part=part, run=f"run-{part}"))
    facts = {
        **written.as_fields(),
        "run_id": f"run-{part}",
        "page_ids": list(page_ids),
        "pages_ok": list(page_ids),
        "pages_failed": {page_ids[0]: f"Page {page_ids[0]}: it failed once"},
        "metrics_returned": list(METRICS),
    }
    write_manifest(dataset.root, f"run-{part}.{'-'.join(page_ids)}", facts, part=part)


def keep_changes_of(bucket: Bucket, *page_ids: str) -> None:
    lines = b"".join(json.dumps({"page_id": page_id, "old_value": 1}).encode() + b"\n" for page_id in page_ids)
    bucket.objects["bucket/insights/_changes/run.jsonl.gz"] = gzip.compress(lines, mtime=0)


def rows_in(bucket: Bucket) -> dict[tuple[str, str, str], list[str]]:
    """(Page, metric, day) -> the files that have a row of it; a file without rows is none of ours."""
    found: dict[tuple[str, str, str], list[str]] = {}
    for path, data in bucket.objects.items():
        if "/dt=" in path:
            rows = [json.loads(line) for line in data.splitlines()]
            assert rows, path
            for row in rows:
                found.setdefault((row["page_id"], row["metric"], row["pacific_date"]), []).append(path)
    return found
