"""The README's numbers are those that were measured."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest
from peers.emulated import Emulated
from peers.environments import PEERS
from peers.jobs import METRICS, Job
from peers.study import END_DAY, WORKLOADS
from peers.tables import tables_of, with_tables
from peers.truth import Truth

REPOSITORY = Path(__file__).parents[2]
RESULTS = REPOSITORY / "tests" / "benchmarks" / "results"
README = (REPOSITORY / "README.md").read_text()
MEASURED = json.loads((RESULTS / "results.json").read_text())


def test_tables_of_the_readme_are_those_of_the_results() -> None:
    assert with_tables(README, MEASURED) == README


def test_every_table_that_was_measured_stands_in_the_readme() -> None:
    assert set(re.findall(r"<!-- numbers: (\w+) -->", README)) == set(tables_of(MEASURED))


def test_a_changed_figure_would_be_noticed() -> None:
    changed = json.loads(json.dumps(MEASURED))
    changed["runs"][0]["http_requests"] += 1
    assert with_tables(README, changed) != README


def test_a_mark_without_a_table_is_an_error() -> None:
    with pytest.raises(KeyError):
        with_tables("<!-- numbers: typo -->\n<!-- /numbers -->", MEASURED)


def test_the_headline_is_a_figure_of_the_tables() -> None:
    ours, theirs = re.findall(r"\*\*(\d+)( HTTP requests)?\*\*", README.partition("\n## ")[0])
    measured = {run["peer"]: run["http_requests"] for run in MEASURED["runs"] if run["workload"] == "year-20"}
    assert (int(ours[0]), int(theirs[0])) == (measured["ours"], measured["http_mapped"])


@pytest.mark.parametrize("workload", [one.name for one in WORKLOADS])
def test_no_peer_takes_fewer_requests_or_calls(workload: str) -> None:
    runs = {run["peer"]: run for run in MEASURED["runs"] if run["workload"] == workload}
    assert set(runs) == {peer.name for peer in PEERS}
    for figure in ("http_requests", "graph_calls"):
        # What was stopped, or gave up, had not asked for everything.
        assert runs["ours"][figure] == min(
            run[figure] for run in runs.values() if not run["stopped"] and not run["errors"]
        )


def test_no_row_of_ours_is_missing_doubled_or_wrong() -> None:
    ours = [run for run in MEASURED["runs"] if run["peer"] == "ours"]
    assert {(run["missing"], run["doubled"], run["wrong"], *run["errors"]) for run in ours} == {(0, 0, 0)}


def test_every_plot_of_the_results_stands_in_the_readme() -> None:
    shown = set(re.findall(r"\(tests/benchmarks/results/([\w.]+\.svg)\)", README))
    assert shown == {file.name for file in RESULTS.glob("*.svg")}


@pytest.mark.parametrize("kind", ["flat", "nested"])
def test_rows_that_are_missing_doubled_or_wrong_are_counted(tmp_path: Path, kind: str) -> None:
    with Emulated(pages=2, latency_ms=0, batch_part_ms=0) as emulated:
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
