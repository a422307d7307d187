"""The README's numbers are those that were measured."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from peers.environments import PEERS
from peers.study import WORKLOADS
from peers.tables import tables_of, with_tables

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
