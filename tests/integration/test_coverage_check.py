"""The gate: which Pages of a dataset are complete, by what loads and fills kept, without a request."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
import time_machine
from airflow.sdk import Asset
from support.airflow_versions import needs_airflow
from support.dag_runs import connection_to
from support.operator_calls import execute, run_context
from support.published import AssetStore, report_in, store_context
from upath import UPath

from airflow_provider_msginsights.airflow_names import AirflowFailException
from airflow_provider_msginsights.operators.coverage_check import MessagingInsightsCoverageCheckOperator
from airflow_provider_msginsights.operators.fill import MessagingInsightsFillOperator
from airflow_provider_msginsights.outputs.coverage_files import CoverageFiles

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_msginsights.emulator import GraphEmulator

NOW = datetime(2026, 11, 30, 20, tzinfo=UTC)


@pytest.fixture(autouse=True)
def several_pages(emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    emulator.set_clock(NOW)
    connection_to(emulator, monkeypatch, password=emulator.system_user_token)
    with time_machine.travel(NOW, tick=True):
        yield


def load(path: Path, since: str, until: str, *page_ids: str, **different: Any) -> None:
    parameters = {"output_path": str(path), "since": since, "until": until, "page_ids": page_ids} | different
    execute(run_context(run_id=f"{since}-{'-'.join(page_ids)}"), **parameters)


@pytest.fixture
def dataset(original: Path, tmp_path: Path) -> Path:
    """Of Pages 101 and 102 in part 0, and of 103 in another part, since 1 November; 102 lacks nine days."""
    if not any(original.iterdir()):
        load(original, "2026-11-01", "2026-11-30", "101")
        load(original, "2026-11-01", "2026-11-11", "102")
        load(original, "2026-11-20", "2026-11-30", "102")
        load(original, "2026-11-01", "2026-11-30", "103", part="b")
    return Path(shutil.copytree(original, tmp_path, dirs_exist_ok=True))


def check(path: Path, **parameters: Any) -> dict[str, Any]:
    """The result of a gate that lets every number of Pages through unless told otherwise."""
    pushed: dict[str, Any] = {}
    given = {"check_since": "2026-11-01", "max_incomplete_pages": None} | parameters
    task = MessagingInsightsCoverageCheckOperator(task_id="gate", output_path=str(path), **given)
    names = vars(run_context(task_id="gate")["ti"])
    ti = SimpleNamespace(**names, xcom_push=lambda key, value: pushed.update({key: value}))
    try:
        result: dict[str, Any] = task.execute({"ti": ti})  # type: ignore[typeddict-item] # as much of it as is used
    except AirflowFailException as error:
        error.add_note(str(pushed))
        raise
    return result


def test_it_tells_complete_pages_of_all_parts_from_those_that_lack_days(dataset: Path) -> None:
    found = check(dataset)
    assert (found["complete_page_ids"], found["incomplete_page_ids"]) == (["101", "103"], ["102"])
    assert found["needs_person_count"] == 1
    assert found["reasons"]["102"].startswith("9 of 29 days missing (2026-11-11 to 2026-11-19: never requested).")


def test_it_fails_without_retries_and_names_page_days_and_reason(dataset: Path) -> None:
    with pytest.raises(AirflowFailException, match="Page 102 incomplete, and nobody works on it") as failed:
        check(dataset, max_incomplete_pages=0)
    assert "9 of 29 days missing (2026-11-11 to 2026-11-19: never requested)" in str(failed.value)
    assert "'complete_page_ids': ['101', '103']" in failed.value.__notes__[0]


@pytest.mark.parametrize(("most", "fails"), [(0, True), (1, False), (0.3, True), (0.4, False), ("0.5", False)])
def test_a_count_or_a_share_of_pages_may_be_incomplete(dataset: Path, most: float | str, *, fails: bool) -> None:
    if fails:
        with pytest.raises(AirflowFailException):
            check(dataset, max_incomplete_pages=most)
    else:
        assert check(dataset, max_incomplete_pages=most)["incomplete_page_ids"] == ["102"]


def test_days_before_the_first_one_do_not_count(dataset: Path) -> None:
    assert check(dataset, check_since="2026-11-20", max_incomplete_pages=0)["incomplete_page_ids"] == []
    assert check(dataset, check_since=None, last_days=9, max_incomplete_pages=0)["since"] == "2026-11-21"


def test_a_page_that_a_fill_works_on_does_not_count(dataset: Path) -> None:
    fill = MessagingInsightsFillOperator(
        task_id="fill", output_path=str(dataset), fill_since="2026-01-01", page_ids=["101", "102"], max_graph_calls=1
    )
    fill.execute(run_context(task_id="fill"))  # type: ignore[arg-type] # a context may lack what is not used
    found = check(dataset, check_since="2026-01-01", max_incomplete_pages=0)
    assert found["filling_count"] == len([page_id for page_id in found["incomplete_page_ids"] if page_id != "103"])
    assert found["needs_person_count"] == 0


def test_what_people_acknowledged_does_not_count(dataset: Path) -> None:
    files = CoverageFiles(UPath(dataset.as_uri()))
    files.update_acknowledgements(
        lambda acks: acks.with_ack(["102"], until=datetime(2026, 12, 15, tzinfo=UTC).date(), reason="agreed")
    )
    found = check(dataset, max_incomplete_pages=0)
    assert (found["incomplete_page_ids"], found["acknowledged_count"]) == (["102"], 1)
    assert "Known until 2026-12-15: agreed" in found["reasons"]["102"]


def test_a_named_page_that_the_dataset_does_not_have_is_incomplete(dataset: Path) -> None:
    found = check(dataset, page_ids=["101", "999"])
    assert (found["complete_page_ids"], found["incomplete_page_ids"]) == (["101"], ["999"])
    with pytest.raises(AirflowFailException, match="the dataset has nothing of it"):
        check(dataset, page_ids=["101", "999"], max_incomplete_pages=0)


def test_a_metric_that_nobody_requested_is_missing_where_it_is_named(dataset: Path) -> None:
    assert check(dataset, metrics="page_messages_sent")["complete_page_ids"] == []


def test_a_retired_page_is_neither(dataset: Path) -> None:
    files = CoverageFiles(UPath(dataset.as_uri()))
    files.update_pages(lambda pages: pages.retired(["102"], on=datetime(2026, 11, 10, tzinfo=UTC).date(), reason=""))
    found = check(dataset, max_incomplete_pages=0)
    assert (found["complete_page_ids"], found["incomplete_page_ids"]) == (["101", "103"], [])
    assert found["not_managed_count"] == 1


def test_a_dataset_from_before_ledgers_never_fails_and_says_what_to_run(
    dataset: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (dataset / "_coverage/part-0.json.gz").unlink()
    load(dataset, "2026-11-20", "2026-11-30", "102")
    found = check(dataset, max_incomplete_pages=0)
    assert (found["complete_page_ids"], found["unchecked_page_ids"]) == (["103"], ["101", "102"])
    assert "--rebuild" in capsys.readouterr().out


def test_it_asks_the_api_nothing_and_writes_nothing(emulator: GraphEmulator, dataset: Path) -> None:
    files = {file: file.read_bytes() for file in dataset.rglob("*") if file.is_file()}
    calls = emulator.stats()["http_requests"]
    check(dataset)
    assert emulator.stats()["http_requests"] == calls
    assert {file: file.read_bytes() for file in dataset.rglob("*") if file.is_file()} == files


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"check_since": "2026-12-24"}, "check_since"),
        ({"check_since": "2026-11-30"}, "check_since"),
        ({"check_since": "soon"}, "check_since"),
        ({"check_since": None, "last_days": 0}, "last_days"),
        ({"max_incomplete_pages": 1.5}, "max_incomplete_pages"),
        ({"page_ids": "12a"}, "page_ids"),
        ({"metrics": "no_such_metric"}, "no_such_metric"),
        ({"final_after_hours": -1}, "final_after_hours"),
        ({"output_conn_id": "a b"}, "output_conn_id"),
    ],
)
def test_a_wrong_parameter_is_named(tmp_path: Path, wrong: dict[str, Any], named: str) -> None:
    load(tmp_path, "2026-11-29", "2026-11-30", "101")
    with pytest.raises(AirflowFailException, match=named):
        check(tmp_path, **wrong)


def test_what_is_no_dataset_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AirflowFailException, match="is not a dataset"):
        check(tmp_path / "nothing")


@needs_airflow("3.3", "assets have a state store")
def test_it_publishes_what_it_read_of_all_parts(dataset: Path) -> None:
    store = AssetStore()
    task = MessagingInsightsCoverageCheckOperator(
        task_id="gate", output_path=str(dataset), last_days=3, max_incomplete_pages=None, publish="values"
    )
    context = run_context(task_id="gate") | store_context({Asset("messaging_insights"): store})
    task.execute(context)  # type: ignore[arg-type]
    reports = {key[-1]: report_in({key: value}) for key, value in store.items()}
    assert {part: [page["page_id"] for page in report["pages"]] for part, report in reports.items()} == {
        "0": ["102", "101"],
        "b": ["103"],
    }
    assert reports["b"]["since"] == "2026-11-01"
    assert reports["b"]["pages"][0]["values"]
