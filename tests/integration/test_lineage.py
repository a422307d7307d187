"""Where data came from and went to, as lineage tools read it; and the button to the Page."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from support.airflow_versions import lineage as airflow_lineage
from support.dag_runs import connection_to
from support.histories import History
from support.operator_calls import DAY

from airflow_provider_msginsights.get_provider_info import get_provider_info
from airflow_provider_msginsights.hooks.msginsights import MessagingInsightsHook
from airflow_provider_msginsights.operators.links import PageInsightsLink
from airflow_provider_msginsights.operators.load import lineage
from airflow_provider_msginsights.operators.msginsights import MessagingInsightsOperator
from airflow_provider_msginsights.outputs.schema import COLUMN_NAMES

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_provider_msginsights.emulator import GraphEmulator

pytestmark = pytest.mark.usefixtures("connection")


def loaded(**parameters: Any) -> MessagingInsightsOperator:
    """A task that has run."""
    task = MessagingInsightsOperator(task_id="load", **DAY | parameters)
    task.execute({})
    return task


def test_openlineage_hears_of_the_pages_read_and_the_dataset_written(emulator: GraphEmulator, tmp_path: Path) -> None:
    from airflow.providers.openlineage.extractors import OperatorLineage

    facets = loaded(output_path=tmp_path.as_uri()).get_openlineage_facets_on_complete(None)
    assert isinstance(facets, OperatorLineage)
    (read,), (written,) = facets.inputs, facets.outputs
    assert (read.namespace, read.name) == (emulator.base_url, "v26.0/101/insights")
    assert (written.namespace, written.name) == ("file", str(tmp_path))
    assert [field.name for field in written.facets["schema"].fields] == list(COLUMN_NAMES)
    statistics = written.outputFacets["outputStatistics"]
    (file,) = tmp_path.glob("dt=*/*")
    assert (statistics.rowCount, statistics.fileCount, statistics.size) == (4, 1, file.stat().st_size)
    assert emulator.page_token("101") not in repr(facets)


def test_openlineage_takes_them_into_an_event(tmp_path: Path) -> None:
    """Its own extractor finds the method on the task and serializes what it gives."""
    from airflow.providers.openlineage.extractors.base import DefaultExtractor
    from openlineage.client.serde import Serde

    task = loaded(output_path=tmp_path.as_uri())
    found = DefaultExtractor(task).extract_on_complete(None)
    assert found is not None
    assert "outputStatistics" in Serde.to_json(found.outputs[0])


def test_openlineage_hears_of_findings_as_assertions(
    emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    connection_to(emulator, monkeypatch, password=emulator.system_user_token)
    history = History(tmp_path, emulator, date(2026, 9, 1), {"page_ids": ["101", "102", "103"]})
    for number in range(1, 11):
        history.load(date(2026, 9, 1) + timedelta(number))
    emulator.lose_permission(page_id="102")
    today = date(2026, 9, 13)
    given: dict[str, Any] = {"page_ids": ["101", "102", "103"], "output_path": str(tmp_path), "on_empty": "succeed"}
    task = MessagingInsightsOperator(task_id="load", since=today - timedelta(3), until=today, **given)
    with history.on(today):
        task.execute({})
    (stored,) = [read for read in task.get_openlineage_facets_on_complete(None).inputs if read.namespace == "file"]
    assertions = stored.inputFacets["dataQualityAssertions"].assertions
    assert [(one.assertion, one.success) for one in assertions] == [("page_silent:102:*", False)]


def test_rows_for_xcom_have_an_input_and_no_output() -> None:
    facets = loaded().get_openlineage_facets_on_complete(None)
    assert (len(facets.inputs), len(facets.outputs)) == (1, 0)


def test_a_task_that_loaded_nothing_has_nothing_to_say() -> None:
    assert MessagingInsightsOperator(task_id="load").get_openlineage_facets_on_complete(None) is None


@pytest.mark.parametrize(
    ("output_path", "names"),
    [
        ("s3://bucket/a/b/", ("s3://bucket", "a/b")),
        ("s3://storage_conn@bucket/a", ("s3://bucket", "a")),
        ("gs://bucket", ("gs://bucket", "/")),
        ("file:///data/insights", ("file", "/data/insights")),
        ("/data/insights", ("file", "/data/insights")),
    ],
)
def test_storage_is_named_as_openlineage_names_it(output_path: str, names: tuple[str, str]) -> None:
    assert lineage.storage_names(output_path) == names


def test_hook_lineage_hears_of_each_page_read_and_of_no_token(
    emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection_to(emulator, monkeypatch, password=emulator.system_user_token)
    collector = airflow_lineage.HookLineageCollector()  # type: ignore[no-untyped-call] # Airflow's own
    monkeypatch.setattr(airflow_lineage, "get_hook_lineage_collector", lambda: collector)
    loaded(page_ids=["101", "102"])
    uris = [one.asset.uri for one in collector.collected_assets.inputs]
    assert uris == [f"{emulator.base_url}/v26.0/{page_id}/insights" for page_id in ("101", "102")]
    assert isinstance(collector.collected_assets.inputs[0].context, MessagingInsightsHook)
    assert emulator.system_user_token not in repr(collector.collected_assets)


def test_the_link_opens_the_insights_of_the_page_that_was_loaded() -> None:
    link = PageInsightsLink()
    address = "https://business.facebook.com/latest/insights/overview"
    assert link.get_link(loaded(), ti_key=None) == f"{address}?asset_id=101"
    named = MessagingInsightsOperator(task_id="load", page_ids="102, 103")
    assert link.get_link(named, ti_key=None) == f"{address}?asset_id=102"
    odd = MessagingInsightsOperator(task_id="load", page_ids=["a/b?c"])
    assert link.get_link(odd, ti_key=None) == address
    rendered = MessagingInsightsOperator(task_id="load", page_ids=102)
    assert link.get_link(rendered, ti_key=None) == f"{address}?asset_id=102"
    assert link.get_link(MessagingInsightsOperator(task_id="load", page_ids="all"), ti_key=None) == address


def test_airflow_is_told_of_the_link() -> None:
    path = f"{PageInsightsLink.__module__}.{PageInsightsLink.__qualname__}"
    assert get_provider_info()["extra-links"] == [path]
    assert [type(link) for link in MessagingInsightsOperator.operator_extra_links] == [PageInsightsLink]
