"""What outlets tell the next DAG: small, and enough to load the same days."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import date, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk import Asset, AssetAlias
from airflow.sdk.exceptions import AirflowRuntimeError, ErrorType
from airflow.sdk.execution_time.comms import ErrorResponse
from airflow.sdk.execution_time.context import OutletEventAccessors
from support.airflow_versions import needs_airflow
from support.operator_calls import NEW, execute

from airflow_provider_msginsights.airflow_names import AirflowFailException
from airflow_provider_msginsights.insights.dates import DateRange
from airflow_provider_msginsights.operators.load.lineage import storage_names
from airflow_provider_msginsights.outlets import dataset_asset
from airflow_provider_msginsights.run_days.requested import requested_days
from airflow_provider_msginsights.sensors.msginsights import MessagingInsightsSensor

if TYPE_CHECKING:
    from pathlib import Path

    from support.dag_runs import RunDag

    from airflow_provider_msginsights.emulator import GraphEmulator

pytestmark = pytest.mark.usefixtures("connection")

INSIGHTS = Asset("messaging_insights")
needs_partitions = needs_airflow("3.3", "tasks can give partition keys")


def event_of(context: dict[str, Any] | None = None, **parameters: Any) -> tuple[Any, Any]:
    """The asset's event after a load, and the load's result."""
    events = OutletEventAccessors()
    result = execute({"outlet_events": events, **(context or {})}, outlets=[INSIGHTS], **parameters)
    return events[INSIGHTS], result


def days_loaded_for(extra: dict[str, Any]) -> tuple[DateRange, ...]:
    """The days a DAG triggered by such an event is about."""
    return requested_days({"triggering_asset_events": {INSIGHTS.name: [SimpleNamespace(extra=extra)]}})


def test_an_event_names_rows_days_and_manifest(tmp_path: Path) -> None:
    event, result = event_of(output_path=tmp_path.as_uri(), until="2026-11-03")
    assert event.extra == {
        "rows": 8,
        "rows_added": 8,
        "rows_changed": 0,
        "rows_removed": 0,
        "day_count": 2,
        "first_day": "2026-11-01",
        "last_day": "2026-11-02",
        "days": ["2026-11-01", "2026-11-02"],
        "restated_day_count": 0,
        "restated_days": [],
        "manifest": result["manifest"],
    }


def test_a_dag_triggered_by_it_is_about_the_same_days(tmp_path: Path) -> None:
    event, _ = event_of(output_path=tmp_path.as_uri(), until="2026-11-03")
    assert days_loaded_for(event.extra) == (DateRange(date(2026, 11, 1), date(2026, 11, 3)),)


def test_many_days_are_told_by_the_first_and_the_last_and_still_mean_each_of_them(tmp_path: Path) -> None:
    event, _ = event_of(output_path=tmp_path.as_uri(), metrics=NEW, since="2026-01-01", until="2026-10-01")
    assert "days" not in event.extra
    assert event.extra["day_count"] == 273
    assert len(json.dumps(event.extra)) < 1024
    assert days_loaded_for(event.extra) == (DateRange(date(2026, 1, 1), date(2026, 10, 1)),)


def test_rows_for_xcom_make_an_event_without_a_manifest() -> None:
    event, rows = event_of()
    assert event.extra["rows"] == len(rows)
    assert event.extra["days"] == ["2026-11-01"]
    assert "manifest" not in event.extra


def test_what_another_hook_of_the_dag_put_there_is_kept() -> None:
    events = OutletEventAccessors()
    events[INSIGHTS].extra = {"owner": "growth"}
    execute({"outlet_events": events}, outlets=[INSIGHTS])
    assert events[INSIGHTS].extra["owner"] == "growth"


def events_sent(**parameters: Any) -> list[dict[str, Any]]:
    """The events of a load as Airflow sends them to its API server."""
    from airflow.sdk.execution_time.task_runner import _serialize_outlet_events

    events = OutletEventAccessors()
    context = parameters.pop("context", {})
    execute({"outlet_events": events, **context}, outlets=[INSIGHTS], **parameters)
    return [json.loads(json.dumps(event)) for event in _serialize_outlet_events(events)]


@needs_partitions
def test_each_day_has_an_event_that_names_it_alone_and_one_event_says_everything(tmp_path: Path) -> None:
    full, *others = events_sent(output_path=tmp_path.as_uri(), until="2026-11-03")
    assert full["extra"]["rows"] == 8
    assert "partition_key" not in full
    assert [(event["partition_key"], event["extra"]) for event in others] == [
        (day, {"days": [day]}) for day in ("2026-11-01", "2026-11-02")
    ]
    assert {json.dumps(event["dest_asset_key"]) for event in others} == {json.dumps(full["dest_asset_key"])}


@needs_partitions
def test_a_load_of_many_days_sends_few_bytes(tmp_path: Path) -> None:
    events = events_sent(output_path=tmp_path.as_uri(), metrics=NEW, since="2026-01-01", until="2026-10-01")
    assert len(events) == 1 + 273
    assert max(len(json.dumps(event["extra"])) for event in events[1:]) <= len('{"days": ["2026-01-01"]}')


@needs_partitions
@pytest.mark.parametrize("switch", [False, "false"])
def test_partition_events_can_be_switched_off(tmp_path: Path, switch: object) -> None:
    (event,) = events_sent(output_path=tmp_path.as_uri(), until="2026-11-03", partition_events=switch)
    assert "partition_key" not in event
    assert event["extra"]["day_count"] == 2


@needs_partitions
def test_more_than_a_year_of_days_gets_no_partition_keys_and_says_so(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    start = date(2025, 9, 1)
    until = start + timedelta(days=367)
    (event,) = events_sent(output_path=tmp_path.as_uri(), metrics=NEW, since=start, until=until)
    assert "partition_key" not in event
    assert event["extra"]["day_count"] == 367
    assert "gets no partition keys: 367 days are more than 366" in capfd.readouterr().out


@needs_partitions
def test_a_partitioned_run_keeps_its_own_key() -> None:
    (event,) = events_sent(context={"partition_key": "2026-11-01T00:00:00"})
    assert "partition_key" not in event


class KnownAssets(OutletEventAccessors):
    """What sets events, where Airflow knows one asset by its name and address."""

    @staticmethod
    def _get_asset_from_db(name: str | None = None, uri: str | None = None) -> Asset:
        if INSIGHTS.name in {name, uri}:
            return INSIGHTS
        raise AirflowRuntimeError(ErrorResponse(error=ErrorType.ASSET_NOT_FOUND))


@pytest.mark.parametrize("ref", [Asset.ref(name=INSIGHTS.name), Asset.ref(uri=INSIGHTS.uri)], ids=["name", "uri"])
def test_an_asset_that_is_named_by_a_reference_hears_the_same(ref: Any, tmp_path: Path) -> None:
    events = KnownAssets()
    result = execute({"outlet_events": events}, outlets=[ref], output_path=tmp_path.as_uri())
    assert events[INSIGHTS].extra["days"] == ["2026-11-01"]
    assert events[INSIGHTS].extra["manifest"] == result["manifest"]


@needs_partitions
def test_a_reference_gets_an_event_for_each_day_too(tmp_path: Path) -> None:
    events = KnownAssets()
    ref = Asset.ref(name=INSIGHTS.name)
    execute({"outlet_events": events}, outlets=[ref], output_path=tmp_path.as_uri(), until="2026-11-03")
    keys = [event.partition_keys for event in events._dict.values()]  # noqa: SLF001 - what Airflow serializes
    assert keys == [set(), {"2026-11-01"}, {"2026-11-02"}]


def test_a_sensor_tells_a_reference_its_days() -> None:
    events = KnownAssets()
    sensor = MessagingInsightsSensor(
        task_id="available",
        page_ids="101",
        since="2026-11-01",
        until="2026-11-02",
        outlets=[Asset.ref(uri=INSIGHTS.uri)],
        deferrable=False,
    )
    context: Any = {"outlet_events": events}
    sensor.execute(context)
    assert events[INSIGHTS].extra == {"days": ["2026-11-01"], "page_ids": ["101"]}


def test_a_reference_that_airflow_does_not_know_is_a_warning(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    ref = Asset.ref(name="renamed_since")
    result = execute({"outlet_events": KnownAssets()}, outlets=[ref], output_path=tmp_path.as_uri())
    assert result["rows"] == 4
    assert "renamed_since" in capfd.readouterr().out


def of_alias(**parameters: Any) -> tuple[Any, Any]:
    """What an alias in the outlets of a load became, and the load's result."""
    alias = AssetAlias("chosen_later")
    events = OutletEventAccessors()
    result = execute({"outlet_events": events}, outlets=[alias, INSIGHTS], **parameters)
    (event,) = events[alias].asset_alias_events
    assert event.source_alias_name == "chosen_later"
    assert event.extra == events[INSIGHTS].extra
    return event, result


def test_an_alias_becomes_the_asset_of_the_dataset(tmp_path: Path) -> None:
    event, result = of_alias(output_path=f"{tmp_path.as_uri()}/insights/")
    assert event.dest_asset_key.uri == event.dest_asset_key.name == f"{tmp_path.as_uri()}/insights"
    assert event.extra["days"] == ["2026-11-01"]
    assert event.extra["manifest"] == result["manifest"]


def test_a_path_that_is_not_ascii_is_an_asset_too(tmp_path: Path) -> None:
    event, _ = of_alias(output_path=str(tmp_path / "Zürich 100%"))
    assert event.dest_asset_key.uri == f"{tmp_path.as_uri()}/Z%C3%BCrich%20100%25"


@pytest.mark.parametrize(
    ("output_path", "uri"),
    [
        ("s3://warehouse@agency/insights/", "s3://agency/insights"),
        ("gs://agency/a/b", "gs://agency/a/b"),
        ("/data/insights", "file:///data/insights"),
        ("file:///data/insights", "file:///data/insights"),
    ],
)
def test_the_asset_of_a_dataset_names_no_connection(output_path: str, uri: str) -> None:
    assert dataset_asset(*storage_names(output_path)).uri == uri


def test_an_alias_without_a_dataset_is_refused_before_any_request(emulator: GraphEmulator) -> None:
    with pytest.raises(AirflowFailException, match=r"AssetAlias\('chosen_later'\).*rows for XCom are in none"):
        of_alias()
    assert emulator.stats()["graph_calls"] == 0


def test_airflow_keeps_the_event_of_an_alias(run_dag: RunDag, airflow_database: Path, tmp_path: Path) -> None:
    done = run_dag(
        f"""
from airflow.sdk import AssetAlias
MessagingInsightsOperator(
    task_id="load", since="2026-11-01", until="2026-11-02", output_path="{tmp_path.as_uri()}/kept",
    outlets=[AssetAlias("kept_by_airflow")],
)
"""
    )
    assert done.state == "success", done.log
    sql = "SELECT e.extra FROM asset_event e JOIN asset a ON a.id = e.asset_id WHERE a.uri = ?"
    with closing(sqlite3.connect(airflow_database / "airflow.db", timeout=30)) as database:
        ((extra,),) = database.execute(sql, [f"{tmp_path.as_uri()}/kept"]).fetchall()
    assert json.loads(extra)["days"] == ["2026-11-01"]


def test_airflow_keeps_what_the_event_of_a_reference_says(
    run_dag: RunDag, airflow_database: Path, tmp_path: Path
) -> None:
    done = run_dag(
        f"""
from airflow.sdk import Asset, task

@task(outlets=[Asset("owned_elsewhere")])
def owner():
    pass

owner() >> MessagingInsightsOperator(
    task_id="load", since="2026-11-01", until="2026-11-02", output_path="{tmp_path.as_uri()}/kept",
    outlets=[Asset.ref(name="owned_elsewhere")],
)
"""
    )
    assert done.state == "success", done.log
    sql = (
        "SELECT e.extra FROM asset_event e JOIN asset a ON a.id = e.asset_id "
        "WHERE a.name = ? AND e.source_task_id = 'load'"
    )
    with closing(sqlite3.connect(airflow_database / "airflow.db", timeout=30)) as database:
        kept = database.execute(sql, ["owned_elsewhere"]).fetchall()
    assert [json.loads(extra)["days"] for (extra,) in kept][:1] == [["2026-11-01"]]
