"""The benchmarks find rows that are missing, doubled or wrong in what a peer has loaded."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest
from peers.emulated import Emulated
from peers.jobs import METRICS, Job
from peers.study import END_DAY
from peers.truth import Truth

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("kind", ["flat", pytest.param("nested", marks=pytest.mark.thorough)])
def test_rows_that_are_missing_doubled_or_wrong_are_counted(tmp_path: Path, kind: str) -> None:
    with Emulated(pages=2, day=END_DAY, latency_ms=0, batch_part_ms=0) as emulated:
        first_day = END_DAY - timedelta(4)
        whole = Job(base_url=emulated.base_url, pages=2, first_day=first_day, days=4, output=tmp_path / "truth")
        truth = Truth(emulated, whole)
        rows = [
            {"page_id": page_id, "metric": metric, "end_time": row["end_time"], "value": row["value"]}
            for page_id in whole.page_ids
            for metric, row in _last_two_days(emulated, page_id)
        ]
    job = replace(whole, first_day=END_DAY - timedelta(2), days=2, output=tmp_path / "loaded")
    job.output.mkdir()
    _write(job, kind, rows)
    sound = {"rows": len(rows), "doubled": 0, "missing": 0, "wrong": 0}
    assert len(rows) == 2 * 2 * len(METRICS)
    assert truth.check(job, kind) == sound
    _write(job, kind, rows[3:])
    assert truth.check(job, kind) == sound | {"rows": len(rows) - 3, "missing": 3}
    _write(job, kind, [*rows, *rows[:5]])
    assert truth.check(job, kind) == sound | {"rows": len(rows) + 5, "doubled": 5}
    _write(job, kind, [{**rows[0], "value": -1}, *rows[1:]])
    assert truth.check(job, kind) == sound | {"wrong": 1}
    _write(job, kind, [*rows, {**rows[0], "end_time": "2026-01-01T08:00:00+0000"}])
    assert truth.check(job, kind) == sound | {"rows": len(rows) + 1, "wrong": 1}


def _last_two_days(emulated: Emulated, page_id: str) -> list[tuple[str, dict[str, Any]]]:
    query = urlencode({"metric": ",".join(METRICS), "period": "day", "since": END_DAY - timedelta(2), "until": END_DAY})
    url = f"{emulated.base_url}/v26.0/{page_id}/insights?{query}"
    with urlopen(Request(url, headers={"Authorization": f"Bearer page-token-{page_id}"})) as answer:  # noqa: S310
        return [(entry["name"], row) for entry in json.load(answer)["data"] for row in entry["values"]]


def _write(job: Job, kind: str, rows: list[dict[str, Any]]) -> None:
    told = rows
    if kind == "nested":
        told = [
            {
                "id": f"{row['page_id']}/insights/{row['metric']}/day",
                "name": row["metric"],
                "values": [{"value": row["value"], "end_time": row["end_time"]}],
            }
            for row in rows
        ]
    (job.output / "rows.jsonl").write_text("".join(json.dumps(one) + "\n" for one in told))
