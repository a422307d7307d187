"""Loads and fills publish what their ledger says to the state store of their assets, and nothing else of theirs."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk import Asset, AssetAlias
from support.airflow_versions import needs_airflow
from support.dag_runs import connection_to
from support.made_ledgers import METRICS, DailyLoads
from support.made_reports import made_report, report_with
from support.operator_calls import NEW, execute, run_context
from support.published import AssetStore, published, report_in, store_context

from airflow_provider_msginsights.airflow_names import AirflowFailException
from airflow_provider_msginsights.operators.fill import MessagingInsightsFillOperator
from airflow_provider_msginsights.operators.load import publishing
from airflow_provider_msginsights.operators.load.storage import storage_root
from airflow_provider_msginsights.outputs.coverage_files import CoverageFiles
from airflow_provider_msginsights.outputs.stores.locations import parse_location

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_provider_msginsights.emulator import GraphEmulator

pytestmark = [
    pytest.mark.usefixtures("connection"),
    needs_airflow("3.3", "assets have a state store"),
]

INSIGHTS = Asset("messaging_insights")


def load(path: Path, store: AssetStore, *, outlets: dict[Any, AssetStore] | None = None, **parameters: Any) -> Any:
    context = run_context() | store_context(outlets or {INSIGHTS: store})
    return execute(context, outlets=[INSIGHTS], output_path=path.as_uri(), metrics=NEW, **parameters)


def test_a_load_publishes_days_and_no_values(tmp_path: Path) -> None:
    store = AssetStore()
    load(tmp_path, store)
    report = report_in(store)
    (page,) = report["pages"]
    assert page["page_id"] == "101"
    assert page["metrics"][NEW][0][0] == "final"
    assert "values" not in page
    assert report["runs"] == ["daily/load/scheduled__1"]
    (head,) = store.values()
    assert (head["generation"], head["period"], head["breakdowns"], head["publish"]) == (1, "day", [], "days")


def test_values_are_published_where_they_are_wanted(tmp_path: Path) -> None:
    store = AssetStore()
    load(tmp_path, store, publish="values")
    assert report_in(store)["pages"][0]["values"][NEW][0] == "2026-11-01"


def test_an_equal_report_is_not_written_again(tmp_path: Path) -> None:
    store = AssetStore()
    load(tmp_path, store)
    before = list(store.writes())
    load(tmp_path, store)
    assert store.writes() == before
    load(tmp_path, store, since="2026-11-02", until="2026-11-03")
    (head,) = store.values()
    assert head["generation"] == 2


def test_what_was_published_goes_when_nothing_is_to_be(tmp_path: Path) -> None:
    store = AssetStore()
    load(tmp_path, store)
    load(tmp_path, store, publish="none")
    assert store == {}


def test_a_fill_publishes_too(tmp_path: Path) -> None:
    store = AssetStore()
    load(tmp_path, store, since="2026-11-03", until="2026-11-04")
    fill = MessagingInsightsFillOperator(
        task_id="fill", output_path=tmp_path.as_uri(), fill_since="2026-11-01", page_ids="101", metrics=NEW
    )
    fill.execute(run_context(task_id="fill") | store_context({INSIGHTS: store}))  # type: ignore[arg-type]
    assert report_in(store)["since"] == "2026-11-01"
    state, days = report_in(store)["pages"][0]["metrics"][NEW][0]
    assert (state, days > 20) == ("final", True)


def test_what_was_stored_before_a_failure_is_published(tmp_path: Path) -> None:
    store = AssetStore()
    with pytest.raises(AirflowFailException, match="Page 102"):
        load(tmp_path, store, page_ids=["101", "102"])
    assert {page["page_id"] for page in report_in(store)["pages"]} == {"101", "102"}


@pytest.mark.parametrize("call", ["get", "set"])
def test_a_store_that_fails_costs_a_warning(tmp_path: Path, call: str, capfd: pytest.CaptureFixture[str]) -> None:
    load(tmp_path, AssetStore(broken=(call,)))
    assert "state store of asset 'messaging_insights' could not be used (OSError)" in capfd.readouterr().out
    assert list(tmp_path.glob("dt=*/*"))


def test_a_damaged_file_of_people_costs_a_warning(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    store = AssetStore()
    load(tmp_path, store)
    (tmp_path / "_coverage" / "acknowledged.json").write_text("{")
    load(tmp_path, store, since="2026-11-02", until="2026-11-03")
    assert "The coverage of part '0' is not published" in capfd.readouterr().out


@pytest.mark.parametrize("found", [7, "text", ["x"], {"generation": "many", "pieces": -1}, {"pieces": True}])
def test_what_others_stored_under_the_key_is_replaced(tmp_path: Path, found: Any) -> None:
    store = AssetStore()
    load(tmp_path, store)
    (key,) = store
    expected = report_in(store)
    store[key] = found
    load(tmp_path, store)
    assert report_in(store) == expected


def test_aliases_get_nothing_and_each_asset_its_own(tmp_path: Path) -> None:
    first, second = AssetStore(), AssetStore()
    context = run_context() | store_context({INSIGHTS: first, Asset("reports"): second})
    context["task"].outlets.append(AssetAlias("later"))
    execute(context, output_path=tmp_path.as_uri(), metrics=NEW)
    assert report_in(first) == report_in(second)


def test_no_path_connection_or_token_is_published(tmp_path: Path, emulator: GraphEmulator) -> None:
    store = AssetStore()
    load(tmp_path / "secret-folder", store, publish="values")
    text = json.dumps(store) + json.dumps(report_in(store))
    for secret in (str(tmp_path), "secret-folder", "msginsights_default", emulator.page_token("101")):
        assert secret not in text


def test_what_is_none_of_the_three_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AirflowFailException, match=r"publish='everything' is not valid\. Use one of: none, days"):
        load(tmp_path, AssetStore(), publish="everything")


def test_a_large_report_is_cut_into_values_that_airflow_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    rng, report = random.Random(7), made_report()  # noqa: S311 - reasons that do not compress
    report["reasons"] = ["".join(rng.choices("abcdefghijklmnopqrstuvwxyz0123456789", k=300_000))]
    values = published(report)
    assert len(values) > 3
    assert max(len(json.dumps(value)) for value in values.values()) < 64 * 1024
    store = AssetStore()
    store.update(values)
    assert report_in(store) == report
    monkeypatch.setattr(publishing, "LONGEST_DATA", 1000)
    key = next(iter(values))
    publishing._replace(store, key, publishing.Publication({}, b"{}"))
    assert list(store) == [key]


@pytest.mark.parametrize(("pages", "kibibytes"), [(20, 20), pytest.param(200, 200, marks=pytest.mark.thorough)])
def test_two_years_of_a_page_take_less_than_a_kibibyte(pages: int, kibibytes: int) -> None:
    loads = DailyLoads([str(100000000000 + number) for number in range(pages)], metrics=[*METRICS, *map(str, range(8))])
    loads.load(range(730), 732)
    rng = random.Random(7)  # noqa: S311 - holes, not secrets
    for page in loads.ledger.pages.values():
        for series in page.series.values():
            for _ in range(3):
                series.put(series.first + rng.randrange(700), b"0" * rng.randrange(1, 9))
    values = published(report_with(loads).to_json())
    assert sum(len(json.dumps(value)) for value in values.values()) <= kibibytes * 1024


def test_pages_of_other_parts_and_erased_ones_are_not_in_it(
    tmp_path: Path, emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection_to(emulator, monkeypatch, password=emulator.system_user_token)
    store = AssetStore()

    def page_ids(part: str) -> list[str]:
        values = {key: value for key, value in store.items() if key.endswith(f"/{part}")}
        return [page["page_id"] for page in report_in(values)["pages"]]

    load(tmp_path, store, page_ids="101")
    load(tmp_path, store, page_ids="102,103", part="1")
    assert (page_ids("0"), page_ids("1")) == (["101"], ["102", "103"])
    files = CoverageFiles(storage_root(parse_location(tmp_path.as_uri(), None)))
    files.update_pages(lambda pages: pages.erased(["102"], at=datetime.now(UTC), reason="left"))
    load(tmp_path, store, page_ids="103", part="1", since="2026-11-02", until="2026-11-03")
    assert page_ids("1") == ["103"]
