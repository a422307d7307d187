"""Every example is whole: it parses, the scheduler can store it, it explains itself, and its run does what it says."""

from __future__ import annotations

import asyncio
import json
import re
import runpy
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest
import time_machine
from airflow.providers.amazon.aws.hooks.s3 import S3Hook
from airflow.sdk import DAG
from airflow.sdk.definitions.mappedoperator import MappedOperator
from airflow.timetables.interval import CronDataIntervalTimetable
from airflow.timetables.trigger import CronTriggerTimetable
from support import s3_server
from support.airflow_versions import WATCHERS_HAVE_MEMORY, DagSerialization, needs_airflow
from support.dag_runs import FinishedRun, connection_to
from support.mail_server import mail_server
from support.page_blocks import blocks
from support.paths import EXAMPLES, README, TESTS

from airflow_provider_msginsights.emulator import Event, EventKind, GraphEmulator
from airflow_provider_msginsights.emulator.pacific_days import PACIFIC
from airflow_provider_msginsights.insights.catalog import METRICS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from email.message import EmailMessage

    from airflow.sdk.definitions.deadline import DeadlineAlert

    RunExample = Callable[..., FinishedRun]

FOLDER = EXAMPLES
FILES = sorted(FOLDER.glob("*.py"))
NEED_MEMORY = {"event_driven"}
PARSED_HERE = [file for file in FILES if WATCHERS_HAVE_MEMORY or file.stem not in NEED_MEMORY]
RUN_ELSEWHERE = {
    "event_driven": "system/test_example_events.py",
    "sensor_as_event_source": "system/test_example_events.py",
}
"""Examples that a test in another file runs: name, and that file below ``tests``."""
PRINTED_ROW = re.compile(r"^\| (10\d)" + r" \| (\S+)" * 6 + r" \|$", re.MULTILINE)
MIDNIGHT = datetime(2026, 11, 18, 8, tzinfo=UTC)
"""A Pacific midnight: the run of a daily example that ends here loads 17 November."""


def dags_of(file: Path) -> dict[str, DAG]:
    """The DAGs of a file by id: those it names, and those of the tasks it names."""
    found = [getattr(value, "dag", value) for value in runpy.run_path(str(file)).values()]
    return {dag.dag_id: dag for dag in found if isinstance(dag, DAG)}


@pytest.fixture
def run_source(
    airflow_database: Path, connection: None, capfd: pytest.CaptureFixture[str]
) -> Iterator[Callable[..., FinishedRun]]:
    """Runs the source of a DAG file through ``dag.test()``, from the folder Airflow reads DAGs from."""
    del connection
    files: list[Path] = []

    def run(source: str, name: str, *, logical_date: datetime = MIDNIGHT, **params: Any) -> FinishedRun:
        file = airflow_database / "dags" / f"{name}.py"
        files.append(file)
        file.write_text(source)
        (dag,) = dags_of(file).values()
        for task in dag.tasks:
            task.retries = 0  # a failure shows at once
        dag.deadline = None  # ``dag.test()`` cannot end a run that has one: it looks for it by no id
        dag_run = dag.test(logical_date=logical_date, run_conf=params)
        printed = capfd.readouterr()
        return FinishedRun(dag_run=dag_run, log=printed.out + printed.err)

    yield run
    for file in files:
        file.unlink(missing_ok=True)


@pytest.fixture
def run_example(run_source: Callable[..., FinishedRun]) -> RunExample:
    """Runs an example by its name, with params."""

    def run(name: str, **given: Any) -> FinishedRun:
        return run_source((FOLDER / f"{name}.py").read_text(), name, **given)

    return run


def rows_below(folder: Path) -> list[dict[str, Any]]:
    files = sorted(folder.glob("[!_]*/*.jsonl"))
    return [json.loads(line) for file in files for line in file.read_text().splitlines()]


def days_below(folder: Path) -> list[str]:
    return sorted(found.name for found in folder.glob("dt=*"))


def mapped(done: FinishedRun, task_id: str) -> list[str]:
    """The labels of a mapped task's instances, as the UI shows them."""
    found = [ti for ti in done.dag_run.get_task_instances() if ti.task_id == task_id]
    assert {str(ti.state) for ti in found} == {"success"}
    return [ti.rendered_map_index for ti in sorted(found, key=lambda ti: ti.map_index)]


def test_there_is_no_example_that_no_test_runs() -> None:
    run_here = set(re.findall(r'run_example\(\s*"(\w+)"', Path(__file__).read_text()))
    assert {file.stem for file in FILES} == run_here | set(RUN_ELSEWHERE)
    for name, test_file in RUN_ELSEWHERE.items():
        assert name in (TESTS / test_file).read_text()


@pytest.mark.parametrize("file", PARSED_HERE, ids=lambda file: file.stem)
def test_it_parses_as_one_dag_that_the_scheduler_can_store(file: Path) -> None:
    (dag,) = dags_of(file).values()
    stored = DagSerialization.to_dict(dag)
    json.dumps(stored)
    assert dag.dag_id == f"msginsights_{file.stem}"
    assert set(DagSerialization.from_dict(stored).task_dict) == set(dag.task_dict)


@pytest.mark.parametrize("file", PARSED_HERE, ids=lambda file: file.stem)
def test_it_keeps_the_conventions_that_a_copy_needs(file: Path) -> None:
    (dag,) = dags_of(file).values()
    assert dag.doc_md
    assert dag.doc_md.splitlines()[0].endswith(".")
    assert "messaging-insights" in dag.tags
    assert dag.catchup is False
    assert dag.max_active_runs == 1
    assert dag.start_date is not None
    assert dag.start_date.astimezone(PACIFIC) == datetime(2026, 1, 1, tzinfo=PACIFIC)
    assert all(task.retries for task in dag.tasks)
    source = file.read_text()
    assert len(source.splitlines()) <= 80
    assert re.findall(r"password|token=|from airflow\.(?:models|decorators|operators)|datetime\.now", source) == []


@pytest.mark.parametrize("file", PARSED_HERE, ids=lambda file: file.stem)
def test_its_schedule_leaves_no_day_behind_before_it_is_final(file: Path) -> None:
    """The load would warn of it: a copy of an example begins without a warning."""
    (dag,) = dags_of(file).values()
    if not isinstance(dag.timetable, (CronDataIntervalTimetable, CronTriggerTimetable)):
        return
    for task in dag.tasks:
        given = task.partial_kwargs if isinstance(task, MappedOperator) else vars(task)
        if task.task_type != "MessagingInsightsOperator" or given.get("since") or given.get("date_preset"):
            continue
        before = (dag.get_task(task_id) for task_id in task.upstream_task_ids)
        waits = any(getattr(one, "wait_for", "") == "final" for one in before)
        assert waits or given["lookback_days"] >= 2, task.task_id


def test_the_daily_load_waits_for_its_day_loads_it_with_those_before_and_reads_it_back(
    run_example: RunExample, tmp_path: Path
) -> None:
    done = run_example("daily_load", output_path=f"file://{tmp_path}")
    assert done.state == "success", done.log
    assert days_below(tmp_path) == ["dt=2026-11-15", "dt=2026-11-16", "dt=2026-11-17"]
    values = {row["metric"]: row["value"] for row in rows_below(tmp_path) if row["pacific_date"] == "2026-11-17"}
    assert set(values) == set(METRICS)
    assert done.xcom("newest_values") == values
    assert "for the last time" not in done.log


@pytest.mark.thorough
def test_the_backfill_loads_each_day_of_its_year_once(
    run_example: RunExample, tmp_path: Path, emulator: GraphEmulator
) -> None:
    done = run_example("backfill", year=2025, output_path=f"file://{tmp_path}")
    assert done.state == "success", done.log
    every_day = [f"dt={date(2025, 1, 1) + timedelta(days=number)}" for number in range(365)]
    assert days_below(tmp_path) == every_day
    keys = [(row["pacific_date"], row["metric"]) for row in rows_below(tmp_path)]
    assert len(keys) == len(set(keys)) == 365 * len(METRICS)
    assert mapped(done, "load_quarter") == [
        "2025-01-01 to 2025-04-01",
        "2025-04-01 to 2025-07-01",
        "2025-07-01 to 2025-10-01",
        "2025-10-01 to 2026-01-01",
    ]
    assert emulator.stats()["graph_calls"] == 8


@pytest.mark.thorough
def test_the_breakdown_report_counts_the_opt_ins_of_a_pacific_month(
    run_example: RunExample, emulator: GraphEmulator
) -> None:
    start, end = (datetime(2026, month, 1, tzinfo=PACIFIC) for month in (10, 11))
    done = run_example("breakdown_report", logical_date=end.astimezone(UTC))
    assert done.state == "success", done.log
    expected: dict[str, dict[str, int]] = {}
    for event in emulator.events("101", since=start, until=end, kinds=(EventKind.OPTED_IN, EventKind.OPTED_OUT)):
        topic = expected.setdefault(event.recurring_notifications_topic or "no topic", {})
        frequency = event.recurring_notifications_frequency or "no frequency"
        topic[frequency] = topic.get(frequency, 0) + (1 if event.kind is EventKind.OPTED_IN else -1)
    with_tokens = {name: {word: count for word, count in topic.items() if count} for name, topic in expected.items()}
    assert sum(map(len, with_tokens.values())) > 1
    assert done.xcom("report") == with_tokens  # the API has no row for a group without tokens


@pytest.mark.thorough
def test_two_businesses_write_their_pages_side_by_side(
    run_example: RunExample, tmp_path: Path, emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    with GraphEmulator(pages=0) as florist:
        for page_id in ("901", "902"):
            florist.add_page(page_id, seeded=True)
        for name, business in (("bakery", emulator), ("florist", florist)):
            connection_to(
                business,
                monkeypatch,
                variable=f"AIRFLOW_CONN_MSGINSIGHTS_{name.upper()}",
                login="",
                password=business.system_user_token,
            )
        done = run_example("two_businesses", output_path=f"file://{tmp_path}")
    assert done.state == "success", done.log
    assert mapped(done, "load_business") == ["bakery", "florist"]
    assert days_below(tmp_path) == ["dt=2026-11-15", "dt=2026-11-16", "dt=2026-11-17"]
    folder = tmp_path / "dt=2026-11-17"
    assert sorted(file.name for file in folder.iterdir()) == ["part-bakery.jsonl", "part-florist.jsonl"]
    assert {row["page_id"] for row in rows_below(tmp_path)} == {*emulator.page_ids, "901", "902"}


@pytest.mark.thorough
def test_rows_reach_the_python_task_that_wants_them(
    run_example: RunExample, emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection_to(emulator, monkeypatch, password=emulator.system_user_token)
    done = run_example("rows_to_xcom", page_ids="101,102,103")
    assert done.state == "success", done.log
    rows = done.xcom("rows_of_day")
    assert len(rows) == 3 * 2
    assert {(row["pacific_date"], row["is_final"]) for row in rows} == {("2026-11-15", True)}
    balance = done.xcom("new_less_blocked")
    for page_id in ("101", "102", "103"):
        new, blocked = (
            next(row["value"] for row in rows if row["page_id"] == page_id and word in row["metric"])
            for word in ("_new_", "_blocked_")
        )
        assert balance[page_id] == new - blocked


@pytest.fixture
def bucket(s3_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """An S3 bucket over HTTP, which only the connection ``aws_default`` opens."""
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", s3_server.airflow_connection(s3_endpoint))
    S3Hook("aws_default").create_bucket("my-bucket")
    return "s3://my-bucket"


@pytest.mark.parametrize("store", [pytest.param("s3", marks=pytest.mark.thorough), "local disk"])
def test_duckdb_queries_what_was_loaded_wherever_it_is(
    run_example: RunExample, tmp_path: Path, emulator: GraphEmulator, store: str, request: pytest.FixtureRequest
) -> None:
    if store == "s3":
        where = {"output_path": f"{request.getfixturevalue('bucket')}/messaging_insights"}
    else:
        where = {"output_path": f"file://{tmp_path}", "output_conn_id": ""}
    done = run_example("s3_duckdb", **where)
    assert done.state == "success", done.log
    sent_from_sunday = [
        event.at.astimezone(PACIFIC).date()
        for event in emulator.events(
            "101",
            since=datetime(2026, 11, 15, tzinfo=PACIFIC),
            until=datetime(2026, 11, 18, tzinfo=PACIFIC),
            kinds=(EventKind.MARKETING_MESSAGE_SENT,),
        )
    ]
    on_sunday = sent_from_sunday.count(date(2026, 11, 15))
    assert 0 < on_sunday < len(sent_from_sunday)
    assert done.xcom("sent_by_week") == [
        ["101", "2026-11-09", on_sunday],
        ["101", "2026-11-16", len(sent_from_sunday) - on_sunday],
    ]


def test_an_alert_is_raised_when_a_day_was_restated_and_only_then(
    run_example: RunExample, tmp_path: Path, emulator: GraphEmulator, caplog: pytest.LogCaptureFixture
) -> None:
    quiet = run_example("restated_days", output_path=f"file://{tmp_path}")
    assert quiet.state == "success", quiet.log
    assert str(quiet.tasks["alert"].state) == "skipped"
    late = Event(
        page_id="101", kind=EventKind.PERSON_ACTED, at=datetime(2026, 11, 13, 20, tzinfo=UTC), person_id="late guest"
    )
    emulator.add_events([late])
    loud = run_example("restated_days", output_path=f"file://{tmp_path}", logical_date=MIDNIGHT + timedelta(days=1))
    assert loud.state == "success", loud.log
    assert loud.xcom("alert")["restated_days"][0] == "2026-11-13"
    assert "Meta restated days" in caplog.text


@pytest.fixture
def complete(connection: None, emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A day in November on which the API has what tasks ask for that count from the present."""
    del connection
    now = datetime(2026, 11, 20, 20, tzinfo=UTC)
    emulator.set_clock(now)
    connection_to(emulator, monkeypatch, password=emulator.system_user_token)
    with time_machine.travel(now, tick=True):
        yield


@pytest.mark.thorough
@needs_airflow("3.2", "what mapped tasks left can be read; 3.1 ends in an AttributeError of its own")
@pytest.mark.usefixtures("complete")
def test_each_complete_page_gets_its_report_whatever_is_the_matter_with_another(
    run_example: RunExample, tmp_path: Path, emulator: GraphEmulator
) -> None:
    emulator.add_fault(kind="error", code=10, page_id="102", times=None)
    done = run_example("coverage", page_ids=["101", "102"], output_path=f"file://{tmp_path}")
    assert done.state == "success", done.log
    assert done.xcom("complete_page_ids") == ["101"]
    assert mapped(done, "report") == ["Page 101"]
    totals = done.xcom("report")
    every_day = [f"dt=2026-11-{day:02}" for day in range(1, 20)]
    assert days_below(tmp_path) == every_day
    assert totals


@pytest.mark.thorough
@pytest.mark.usefixtures("complete")
def test_the_history_of_a_client_is_filled_into_the_dataset_run_by_run(
    run_example: RunExample, tmp_path: Path, emulator: GraphEmulator
) -> None:
    done = run_example("onboard_client", page_ids=["103"], output_path=f"file://{tmp_path}")
    assert done.state == "success", done.log
    assert done.xcom("progress") == "complete"
    assert len(days_below(tmp_path)) == 720
    assert emulator.stats()["graph_calls"] < 20


@pytest.mark.thorough
@pytest.mark.usefixtures("complete")
def test_a_closed_month_lists_what_changed_since_it_was_reported(
    run_example: RunExample, tmp_path: Path, emulator: GraphEmulator
) -> None:
    run_example("coverage", output_path=f"file://{tmp_path}")
    first = run_example("close_month", output_path=f"file://{tmp_path}")
    assert first.state == "success", first.log
    assert first.xcom("changes") == {}
    late = Event(
        page_id="101", kind=EventKind.PERSON_ACTED, at=datetime(2026, 10, 13, 20, tzinfo=UTC), person_id="late guest"
    )
    emulator.add_events([late])
    again = run_example("close_month", output_path=f"file://{tmp_path}", logical_date=MIDNIGHT + timedelta(days=1))
    assert again.state == "success", again.log
    assert again.xcom("changes")
    assert {name.partition(" ")[0] for name in again.xcom("changes")} == {"101"}


@pytest.fixture
def mails(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[EmailMessage]]:
    """What is sent through the connection ``smtp_default``."""
    with mail_server() as server:
        monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", server.airflow_connection)
        yield server.messages


def text_of(mail: EmailMessage) -> str:
    body = mail.get_body()
    assert body is not None
    return str(body.get_content())


@pytest.mark.thorough
def test_a_day_that_arrives_in_time_sends_no_mail(
    run_example: RunExample, tmp_path: Path, mails: list[EmailMessage]
) -> None:
    done = run_example("deadline_alert", output_path=f"file://{tmp_path}")
    assert done.state == "success", done.log
    assert days_below(tmp_path) == ["dt=2026-11-15", "dt=2026-11-16", "dt=2026-11-17"]
    assert mails == []


@needs_airflow("3.2", "`dag.test` gives callbacks the exception, as a scheduled run does in every release")
def test_a_load_that_fails_sends_a_mail_that_says_what_helps(
    run_example: RunExample, tmp_path: Path, emulator: GraphEmulator, mails: list[EmailMessage]
) -> None:
    emulator.expire_token(emulator.page_token("101"))
    done = run_example("deadline_alert", output_path=f"file://{tmp_path}")
    assert done.state == "failed"
    (mail,) = mails
    assert mail["To"] == "data-team@example.com"
    assert mail["Subject"] == f"Messaging Insights: day_is_available failed in {done.dag_run.run_id}"
    assert "Get a new token" in text_of(mail)
    assert emulator.page_token("101") not in text_of(mail)


@needs_airflow("3.2", "what is called after a deadline has a context")
def test_a_day_that_is_late_sends_a_mail_nine_hours_after_its_run_was_queued(mails: list[EmailMessage]) -> None:
    """What Airflow's triggerer does when the scheduler has found that the deadline of a run has passed."""
    from airflow.triggers.callback import CallbackTrigger

    (dag,) = dags_of(FOLDER / "deadline_alert.py").values()
    alert = next(iter(cast("list[DeadlineAlert]", dag.deadline)))
    assert alert.interval == timedelta(hours=9)
    assert alert.reference.reference_name == "DagRunQueuedAtDeadline"
    context = {
        "dag_run": {"dag_id": dag.dag_id, "dag_run_id": "scheduled__2026-11-18T08:00:00+00:00"},
        "deadline": {"id": "1", "deadline_time": "2026-11-18T17:00:00+00:00"},
    }
    trigger = CallbackTrigger(alert.callback.path, {**alert.callback.kwargs, "context": context})

    async def told() -> list[Any]:
        return [event.payload["state"] async for event in trigger.run()]

    assert asyncio.run(told()) == ["running", "success"]
    (mail,) = mails
    assert mail["Subject"] == "Messaging Insights are late: scheduled__2026-11-18T08:00:00+00:00"
    assert "due by 2026-11-18T17:00:00+00:00" in text_of(mail)


def test_the_dag_of_the_readme_leaves_the_rows_that_the_readme_prints(
    run_source: Callable[..., FinishedRun], tmp_path: Path, emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection_to(emulator, monkeypatch, password=emulator.system_user_token)
    first = next(block for block in blocks() if block.language == "python")
    source, paths = re.subn(r"file:///tmp/\w+", f"file://{tmp_path}", first.code)
    assert paths == 1
    done = run_source(source, "readme", logical_date=MIDNIGHT + timedelta(days=1))
    assert done.state == "success", done.log
    rows = {(row["page_id"], row["metric"]): row for row in rows_below(tmp_path)}
    assert len(rows) == 2 * len(METRICS)
    printed = PRINTED_ROW.findall(README.read_text())
    assert len(printed) == 4
    for page_id, metric, *told in printed:
        row = rows[page_id, metric]
        is_final = "true" if row["is_final"] else "false"
        assert told == [row["pacific_date"], row["end_time"], str(row["value"]), row["unit"], is_final]
