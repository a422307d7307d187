"""The fill operator: what a dataset lacks is requested and stored, and nothing else."""

from __future__ import annotations

import gzip
import json
import re
import shutil
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import time_machine
from support.dag_runs import connection_to
from support.histories import LocalRoot
from support.made_events import late_conversation
from support.operator_calls import NEW, execute, run_context

from airflow_provider_msginsights.airflow_names import AirflowFailException
from airflow_provider_msginsights.operators.fill import MessagingInsightsFillOperator
from airflow_provider_msginsights.outputs.coverage_files import CoverageFiles

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from airflow_provider_msginsights.emulator import GraphEmulator

NOW = datetime(2026, 11, 30, 20, tzinfo=UTC)


@pytest.fixture(autouse=True)
def several_pages(emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A connection that reads every Page, on a day whose month is over."""
    emulator.set_clock(NOW)
    connection_to(emulator, monkeypatch, password=emulator.system_user_token, extra={"wait_bound_seconds": 0})
    with time_machine.travel(NOW, tick=True):
        yield


def fill(path: Path, **parameters: Any) -> Any:
    """The result of a fill of the days since November 1."""
    given = {"fill_since": "2026-11-01", "page_ids": ["101", "102"]} | parameters
    task = MessagingInsightsFillOperator(task_id="fill", output_path=str(path), **given)
    return task.execute(run_context(task_id="fill"))  # type: ignore[arg-type] # a context may lack what is not used


def test_an_empty_dataset_is_filled_with_what_one_load_would_hold(tmp_path: Path) -> None:
    result = fill(tmp_path / "filled")
    assert (result["missing_cells"], result["filled_cells"], result["still_missing"]) == (232, 232, {})
    assert result["filled"] == [
        {"page_id": page_id, "first_day": "2026-11-01", "last_day": "2026-11-29"} for page_id in ("101", "102")
    ]
    execute(output_path=str(tmp_path / "loaded"), since="2026-11-01", until="2026-11-30", page_ids=["101", "102"])
    assert rows(tmp_path / "filled") == rows(tmp_path / "loaded")
    assert fill(tmp_path / "filled")["graph_calls"] == 0


def test_only_what_is_missing_is_requested_the_newest_first(tmp_path: Path, emulator: GraphEmulator) -> None:
    execute(output_path=str(tmp_path), since="2026-11-10", until="2026-11-20", page_ids=["101", "102"])
    before = len(emulator.stats()["journal"])
    result = fill(tmp_path)
    asked = [call for call in emulator.stats()["journal"][before:] if call["path"].endswith("/insights")]
    assert len(asked) == 4, "two stretches of two Pages"
    firsts = [call["params"]["since"] for call in asked]
    assert sorted(firsts[:2]) > sorted(firsts[2:])
    assert (result["missing_cells"], result["filled_cells"], result["rows_changed"]) == (2 * 4 * 19, 2 * 4 * 19, 0)


def test_it_ends_at_its_bound_of_calls_and_the_next_run_goes_on(tmp_path: Path) -> None:
    pages = ["101", "102", "103"]
    result = fill(tmp_path, page_ids=pages, fill_since="2026-01-01", max_graph_calls=5)
    assert result["ended"] == "max_graph_calls=5"
    assert result["graph_calls"] <= 6
    assert result["filled"][0]["last_day"] == "2026-11-29", "the newest days come first"
    seen = [result]
    while seen[-1]["ended"] != "complete":
        seen.append(fill(tmp_path, page_ids=pages, fill_since="2026-01-01", max_graph_calls=5))
    assert len(seen) < 6
    assert seen[-1]["still_missing"] == {}
    execute(output_path=str(tmp_path / "once"), since="2026-01-01", until="2026-11-30", page_ids=pages)
    assert rows(tmp_path) == rows(tmp_path / "once")


def test_it_stops_while_others_need_the_allowance_of_the_app(tmp_path: Path, emulator: GraphEmulator) -> None:
    emulator.set_allowance(None, calls=60)
    result = fill(tmp_path, page_ids="all", new_pages="fill", fill_since="2025-01-01")
    assert result["ended"].startswith("below_percent=50")
    assert 0 < result["graph_calls"] < 80
    emulator.set_allowance(None, calls=100_000)
    assert fill(tmp_path, page_ids="all", new_pages="fill", fill_since="2025-01-01")["ended"] == "complete"


def test_what_people_removed_stays_removed(tmp_path: Path) -> None:
    fill(tmp_path)
    shutil.rmtree(tmp_path / "dt=2026-11-10")
    assert fill(tmp_path)["graph_calls"] == 0
    assert not (tmp_path / "dt=2026-11-10").exists()
    execute(output_path=str(tmp_path), since="2026-11-10", until="2026-11-11", page_ids=["101", "102"])
    assert (tmp_path / "dt=2026-11-10").exists(), "people ask for it again"


def test_a_dataset_from_before_ledgers_is_left_to_people(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    execute(output_path=str(tmp_path), since="2026-11-10", until="2026-11-12", page_ids=["101", "102"])
    shutil.rmtree(tmp_path / "_coverage")
    execute(output_path=str(tmp_path), since="2026-11-12", until="2026-11-13", page_ids=["101", "102"])
    result = fill(tmp_path)
    assert (result["graph_calls"], result["ended"]) == (0, "a dataset without a complete ledger")
    assert "--rebuild" in capfd.readouterr().out


def test_a_damaged_ledger_costs_no_load_its_rows_and_no_fill_guesses(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    execute(output_path=str(tmp_path), since="2026-11-10", until="2026-11-12", page_ids=["101", "102"])
    ledger = tmp_path / "_coverage" / "part-0.json.gz"
    ledger.write_bytes(b"damaged")
    assert execute(output_path=str(tmp_path), since="2026-11-12", until="2026-11-13", page_ids=["101"])["rows"] == 4
    assert "cannot be used" in capfd.readouterr().out
    assert ledger.read_bytes() == b"damaged", "it is left for a rebuild"
    with pytest.raises(AirflowFailException, match="--rebuild"):
        fill(tmp_path)


def test_pages_json_edited_wrongly_is_refused_with_line_and_loads_go_on(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    execute(output_path=str(tmp_path), page_ids=["101", "102"])
    pages = tmp_path / "_coverage" / "pages.json"
    pages.write_text(pages.read_text().replace('"part"', '"prat"', 1))
    assert execute(output_path=str(tmp_path), since="2026-11-12", until="2026-11-13", page_ids=["103"])["rows"] == 4
    assert "pages.json" in capfd.readouterr().out
    with pytest.raises(AirflowFailException, match="line 4"):
        fill(tmp_path)


@pytest.mark.parametrize(("new_pages", "first_day"), [("load", "2026-11-20"), ("fill", "2026-11-01"), ("announce", "")])
def test_of_all_pages_new_ones_get_what_was_wanted(tmp_path: Path, new_pages: str, first_day: str) -> None:
    execute(output_path=str(tmp_path), since="2026-11-20", until="2026-11-22", page_ids="all")
    result = fill(tmp_path, page_ids="all", new_pages=new_pages)
    firsts = {path.name for path in tmp_path.glob("dt=*")}
    if first_day:
        assert min(firsts) == f"dt={first_day}"
        assert max(firsts) == "dt=2026-11-29"
    else:
        assert (result["graph_calls"], len(firsts)) == (0, 2)


def test_a_page_that_fails_alone_waits_and_a_success_ends_the_wait(tmp_path: Path, emulator: GraphEmulator) -> None:
    emulator.unshare_page("102")
    result = fill(tmp_path)
    assert result["waiting_page_count"] == 1
    assert result["still_missing"] == {"failed": 4 * 29}
    assert fill(tmp_path)["graph_calls"] == 0, "not again on the same day"
    emulator.share_page("102")
    execute(output_path=str(tmp_path), since="2026-11-29", until="2026-11-30", page_ids=["101", "102"])
    assert fill(tmp_path)["still_missing"] == {}


def test_final_days_are_read_again_once_a_week_where_that_is_wanted(tmp_path: Path, emulator: GraphEmulator) -> None:
    fill(tmp_path)
    emulator.add_events(late_conversation(date(2026, 11, 3)))
    assert fill(tmp_path)["graph_calls"] == 0
    assert fill(tmp_path, recheck_days=28)["rows_changed"] > 0
    assert fill(tmp_path, recheck_days=28)["graph_calls"] == 0


def test_a_page_that_left_while_it_was_silent_is_asked_again_once_a_week(
    tmp_path: Path, emulator: GraphEmulator
) -> None:
    last_day = date(2026, 11, 20)
    execute(output_path=str(tmp_path), since="2026-11-01", until="2026-11-02", page_ids=["101", "102"])
    emulator.lose_permission(page_id="102", first_day=date(2026, 11, 30), last_day=date(2026, 11, 30))
    fill(tmp_path)
    CoverageFiles(LocalRoot(tmp_path)).update_pages(lambda pages: pages.retired(["102"], on=last_day, reason="left"))
    assert fill(tmp_path)["filled_cells"] == 0, "still silent"
    assert fill(tmp_path)["graph_calls"] == 0, "not twice in a week"
    for later, filled in ((NOW + timedelta(8), 4 * 19), (NOW + timedelta(16), 0)):
        with time_machine.travel(later, tick=True):
            emulator.set_clock(later)
            execute(output_path=str(tmp_path), since="2026-11-30", until=later.date(), page_ids=["101"])
            result = fill(tmp_path)
            assert (result["filled_cells"], result["still_missing"]) == (filled, {})
            assert fill(tmp_path)["graph_calls"] == 0, "nothing is left to ask for"


def test_changes_are_kept_where_that_is_wanted(tmp_path: Path, emulator: GraphEmulator) -> None:
    fill(tmp_path)
    emulator.add_events(late_conversation(date(2026, 11, 3)))
    fill(tmp_path, recheck_days=28, keep_changes=True)
    (file,) = (tmp_path / "_changes").iterdir()
    changes = [json.loads(line) for line in gzip.decompress(file.read_bytes()).splitlines()]
    assert [
        (change["page_id"], change["pacific_date"], change["was_final"], change["new_value"] - change["old_value"])
        for change in changes
        if change["metric"] == NEW
    ] == [("101", "2026-11-03", True, 1)]


@pytest.mark.parametrize(
    ("parameters", "told"),
    [
        ({"fill_since": "2027-01-01"}, "fill_since=2027-01-01 lies in the future"),
        ({"fill_since": None}, "fill_since"),
        ({"period": "month"}, "period='month' has no row for each day"),
        ({"period": "total_over_range"}, "period='total_over_range' has no row for each day"),
        ({"max_graph_calls": 0}, "max_graph_calls=0"),
        ({"new_pages": "none"}, "new_pages='none'"),
        ({"on_finding": "stop"}, "on_finding='stop'"),
        ({"below_percent": "many"}, "below_percent='many'"),
    ],
)
def test_bad_input_is_refused_before_any_request(
    tmp_path: Path, emulator: GraphEmulator, parameters: dict[str, Any], told: str
) -> None:
    with pytest.raises(AirflowFailException, match=re.escape(told)):
        fill(tmp_path, **parameters)
    assert emulator.stats()["graph_calls"] == 0


def test_days_that_the_api_keeps_no_more_are_left_out_in_silence(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    result = fill(tmp_path, fill_since="2020-01-01", max_graph_calls=2)
    assert result["missing_cells"] < 2 * 4 * 735
    assert "2020" not in capfd.readouterr().out


def rows(path: Path) -> dict[str, str]:
    return {f"{file.parent.name}/{file.name}": file.read_text() for file in sorted(path.glob("dt=*/part-0.jsonl"))}
