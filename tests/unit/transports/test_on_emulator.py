"""Both drivers against the emulator: numbers equal what it counted, and each of its faults is met."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from support.drivers import Driver
from support.fetch_helpers import NEW, asked

from airflow_provider_msginsights.exceptions import AuthenticationError, PermissionDeniedError
from airflow_provider_msginsights.insights.catalog import METRICS
from airflow_provider_msginsights.insights.dates import (
    DATE_PRESETS,
    DateRange,
    end_of_day,
    pacific_date,
    resolve_preset,
)
from airflow_provider_msginsights.insights.fetch.retry_policy import RetryPolicy
from airflow_provider_msginsights.insights.flows import (
    fetch_insights,
    list_pages,
    probe_availability,
    probe_metrics,
)
from airflow_provider_msginsights.insights.query import InsightsQuery
from airflow_provider_msginsights.insights.token.inspection import inspect_token

if TYPE_CHECKING:
    from airflow_provider_msginsights.emulator import GraphEmulator

NOON = datetime(2026, 3, 20, 20, tzinfo=UTC)
FIRST_DAY = date(2026, 3, 1)
POLICY = RetryPolicy()


@pytest.fixture(params=["blocking", "nonblocking"])
def driver(request: pytest.FixtureRequest, emulator: GraphEmulator) -> Driver:
    emulator.set_clock(NOON)
    return Driver(request.param, host=emulator.base_url, password=emulator.user_token)


def make_query(pages: int = 3, days: int = 14, metrics: Any = "all", **more: Any) -> InsightsQuery:
    return InsightsQuery.create(
        page_ids=[str(101 + n) for n in range(pages)],
        metrics=metrics,
        days=DateRange(FIRST_DAY, FIRST_DAY + timedelta(days)),
        **more,
    )


def counted(emulator: GraphEmulator, query: InsightsQuery) -> dict[tuple[str, str, date], Any]:
    """The emulator's numbers, asked one Page at a time by a client that knows nothing of ours."""
    numbers = {}
    for page_id in query.page_ids:
        answer = httpx.get(
            f"{emulator.base_url}/v26.0/{page_id}/insights",
            params={
                "metric": ",".join(query.metrics),
                "period": "day",
                "since": query.days.first_day.isoformat(),
                "until": query.days.end_day.isoformat(),
                "access_token": emulator.page_token(page_id),
            },
        ).json()
        for entry in answer["data"]:
            for row in entry["values"]:
                day = datetime.fromisoformat(row["end_time"]).astimezone(UTC) - timedelta(hours=12)
                numbers[page_id, entry["name"], pacific_date(day)] = row["value"]
    return numbers


def fetched(driver: Driver) -> dict[tuple[str, str, date], Any]:
    keys = Counter((one.page_id, one.metric, one.pacific_date) for one in driver.records)
    assert not [key for key, count in keys.items() if count > 1], "a record came twice"
    return {(one.page_id, one.metric, one.pacific_date): one.value for one in driver.records}


def test_the_numbers_are_the_emulators(driver: Driver, emulator: GraphEmulator) -> None:
    query = make_query()
    outcome = driver.run(fetch_insights(query, policy=POLICY))
    assert fetched(driver) == counted(emulator, query)
    assert not outcome.errors
    assert sum(one.value or 0 for one in driver.records) > 0


def test_the_documentations_own_shape_gives_the_same_numbers(driver: Driver, emulator: GraphEmulator) -> None:
    query = make_query(metrics="stable")
    driver.run(fetch_insights(query, policy=POLICY))
    real = fetched(driver)
    emulator.configure(style="documentation")
    driver.records.clear()
    driver.run(fetch_insights(query, policy=POLICY))
    assert fetched(driver) == real


@pytest.mark.parametrize("token", ["user", "system user", "page"])
def test_every_kind_of_token_reads_insights(driver: Driver, emulator: GraphEmulator, token: str) -> None:
    driver.password = {
        "user": emulator.user_token,
        "system user": emulator.system_user_token,
        "page": emulator.page_token("101"),
    }[token]
    query = make_query(pages=1)
    driver.run(fetch_insights(query, policy=POLICY))
    assert sorted(fetched(driver)) == asked(query)


def test_no_secret_ever_stands_in_an_address(driver: Driver, emulator: GraphEmulator) -> None:
    driver.extra = {"app_id": emulator.app_id, "app_secret": emulator.app_secret}
    driver.run(fetch_insights(make_query(pages=4), policy=POLICY))
    driver.run(inspect_token(POLICY, now=emulator.now(), asked_version="v26.0", has_app_token=True))
    driver.run(list_pages(POLICY))
    journal = emulator.stats()["journal"]
    assert len(journal) >= 7
    assert not [entry for entry in journal if entry["secrets_in_url"]]


@pytest.mark.parametrize("proof", ["plain", "timed"])
def test_an_app_that_demands_a_proof_gets_one(driver: Driver, emulator: GraphEmulator, proof: str) -> None:
    emulator.configure(require_appsecret_proof=True)
    query = make_query()
    with pytest.raises(AuthenticationError, match="app_secret"):
        driver.run(fetch_insights(query, policy=POLICY))
    # The emulator's clock stands still, and a timed proof lives for five minutes of it.
    emulator.set_clock(datetime.now(UTC), ticking=True)
    driver.extra = {"app_secret": emulator.app_secret, "appsecret_proof": proof}
    driver.run(fetch_insights(query, policy=POLICY))
    assert sorted(fetched(driver)) == asked(query)


def test_breakdowns_arrive_with_their_dimensions(driver: Driver) -> None:
    names = ("messaging_channel", "recurring_notifications_topic")
    query = make_query(metrics="page_messages_sent", breakdowns=names)
    driver.run(fetch_insights(query, policy=POLICY))
    assert driver.records
    assert all(tuple(name for name, _ in one.breakdowns) == names for one in driver.records)
    plain = make_query(metrics="page_messages_sent")
    cut = Counter[tuple[str, date]]()
    for one in driver.records:
        cut[one.page_id, one.pacific_date] += int(one.value or 0)
    driver.records.clear()
    driver.run(fetch_insights(plain, policy=POLICY))
    assert {(one.page_id, one.pacific_date): one.value for one in driver.records if one.value} == dict(cut)


def test_a_total_covers_its_whole_range(driver: Driver) -> None:
    query = make_query(metrics=NEW, period="total_over_range")
    driver.run(fetch_insights(query, policy=POLICY))
    totals = {one.page_id: one for one in driver.records}
    assert {one.pacific_date for one in totals.values()} == {query.days.last_day}
    assert {one.range_start for one in totals.values()} == {query.days.first_day}
    driver.records.clear()
    driver.run(fetch_insights(make_query(metrics=NEW), policy=POLICY))
    days = Counter[str]()
    for one in driver.records:
        days[one.page_id] += int(one.value or 0)
    assert {page: one.value for page, one in totals.items()} == dict(days)


def test_a_retired_metric_is_named_and_all_else_is_read(driver: Driver, emulator: GraphEmulator) -> None:
    emulator.retire_metric(NEW)
    query = make_query(pages=8)
    outcome = driver.run(fetch_insights(query, policy=POLICY))
    assert sorted(fetched(driver)) == asked(query, but_metrics=[NEW])
    assert set(outcome.unavailable_metrics) == {NEW}


def test_a_metric_retired_on_one_page_is_read_on_the_others(driver: Driver, emulator: GraphEmulator) -> None:
    emulator.retire_metric(NEW, page_id="101")
    query = make_query(pages=5)
    outcome = driver.run(fetch_insights(query, policy=POLICY))
    assert sorted(fetched(driver)) == [key for key in asked(query) if key[:2] != ("101", NEW)]
    assert set(outcome.page_unavailable_metrics) == {("101", NEW)}


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "reset"},
        {"kind": "html_500"},
        {"kind": "unavailable_503"},
        {"kind": "unavailable_text"},
        {"kind": "garbage_json"},
        {"kind": "wrong_content_type"},
        {"kind": "cut"},
        {"kind": "null_part", "times": 4},
        {"code": 2, "times": 3},
        {"code": 1, "subcode": 99, "http_status": 500, "times": 2},
        {"code": 960, "on": "batch"},
        {"kind": "html_500", "on": "batch", "times": 2},
        {"kind": "reset", "on": "batch"},
        {"kind": "garbage_json", "on": "batch"},
        {"code": 4, "is_transient": True},
        {"code": 80001, "page_id": "103", "times": 2},
        {"code": 77, "is_transient": True, "omit_type": True},
    ],
    ids=str,
)
def test_a_fault_that_passes_loses_nothing(driver: Driver, emulator: GraphEmulator, fault: dict[str, Any]) -> None:
    emulator.add_fault(**{"skip": 2, **fault})
    query = make_query(pages=6, days=3)
    outcome = driver.run(fetch_insights(query, policy=POLICY))
    assert sorted(fetched(driver)) == asked(query)
    assert not outcome.errors


def test_a_throttled_page_is_handed_back_for_as_long_as_it_is_blocked(driver: Driver, emulator: GraphEmulator) -> None:
    emulator.set_throttled("103", minutes=15)
    query = make_query(pages=6)
    outcome = driver.run(fetch_insights(query, policy=POLICY))
    assert sorted(fetched(driver)) == asked(query, but_pages=["103"])
    assert [one.part.page_id for one in outcome.paused] == ["103"]
    assert outcome.resume_after_seconds == pytest.approx(900, abs=61)
    assert emulator.stats()["calls_by_page"]["103"] == 1


def test_an_expired_token_costs_one_call(driver: Driver, emulator: GraphEmulator) -> None:
    emulator.expire_token(emulator.user_token)
    with pytest.raises(AuthenticationError, match="expired"):
        driver.run(fetch_insights(make_query(pages=10), policy=POLICY))
    assert emulator.stats()["graph_calls"] == 1


def test_a_page_without_a_role_fails_alone(driver: Driver, emulator: GraphEmulator) -> None:
    emulator.add_page("777", tasks=("MESSAGING",), seeded=False)
    query = InsightsQuery.create(page_ids=["101", "777"], metrics="stable", days=make_query().days)
    outcome = driver.run(fetch_insights(query, policy=POLICY))
    assert {one.page_id for one in driver.records} == {"101"}
    assert isinstance(outcome.page_failures.get("777"), PermissionDeniedError) or "777" in {
        part.page_id for part in outcome.empty
    }


def test_a_day_becomes_available_when_the_emulator_publishes_it(driver: Driver, emulator: GraphEmulator) -> None:
    emulator.configure(readiness_lag_hours=10)
    last_day = date(2026, 3, 19)
    query = InsightsQuery.create(
        page_ids=["101", "102"], metrics="stable", days=DateRange(last_day, FIRST_DAY + timedelta(19))
    )
    end = end_of_day(last_day)
    for hours, ready in ((1, False), (11, True)):
        emulator.set_clock(end + timedelta(hours=hours))
        availability = driver.run(probe_availability(query, now=emulator.now(), policy=POLICY))
        assert availability.ready is ready
    emulator.configure(unready="provisional")
    emulator.set_clock(end - timedelta(hours=2))
    assert not driver.run(probe_availability(query, now=emulator.now(), policy=POLICY)).ready


def test_tokens_and_pages_can_be_looked_at(driver: Driver, emulator: GraphEmulator) -> None:
    driver.extra = {"app_id": emulator.app_id, "app_secret": emulator.app_secret}
    report = driver.run(inspect_token(POLICY, now=emulator.now(), asked_version="v26.0", has_app_token=True))
    assert (report.is_valid, report.kind, report.missing_permissions) == (True, "USER", ())
    pages = driver.run(list_pages(POLICY))
    assert [page.page_id for page in pages] == list(emulator.page_ids)
    assert all(page.may_analyze for page in pages)
    outcome = driver.run(probe_metrics(make_query(pages=1, days=1)))
    assert {metric for part in outcome.answered for metric in part.metrics} == set(METRICS)


def test_presets_mean_the_days_the_emulator_reads_in_them(emulator: GraphEmulator) -> None:
    client = httpx.Client()  # one, as each makes a TLS context
    for at in (
        NOON,
        datetime(2026, 3, 8, 8, tzinfo=UTC),
        datetime(2026, 11, 1, 19, tzinfo=UTC),
        datetime(2026, 1, 3, 7, 59, tzinfo=UTC),
    ):
        emulator.set_clock(at)
        for preset in DATE_PRESETS:
            answer = client.get(
                f"{emulator.base_url}/v26.0/101/insights",
                params={
                    "metric": NEW,
                    "period": "day",
                    "date_preset": preset,
                    "access_token": emulator.page_token("101"),
                },
            ).json()
            told = [row["end_time"] for entry in answer["data"] for row in entry["values"]]
            meant = [day for day in resolve_preset(preset, at) if end_of_day(day) <= at]
            expected = [end_of_day(day).strftime("%Y-%m-%dT%H:%M:%S+0000") for day in meant]
            assert told == expected, (preset, at)
    client.close()
