"""``msginsights plan``: what it foretells is what a load then does, and it asks nothing."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.examples import so_many

from airflow_provider_msginsights.cli import main
from airflow_provider_msginsights.cli.dry_run import dry_run
from airflow_provider_msginsights.cli.plan.plans import CALLS_AN_ENGAGED_USER, PlannedLoad, busiest_day
from airflow_provider_msginsights.insights.dates import DateRange
from airflow_provider_msginsights.insights.flows import fetch_insights
from airflow_provider_msginsights.insights.query import InsightsQuery
from airflow_provider_msginsights.transports.blocking import BlockingTransport
from airflow_provider_msginsights.transports.settings import from_connection_parts

if TYPE_CHECKING:
    from airflow_provider_msginsights.emulator import GraphEmulator


def plan(capsys: pytest.CaptureFixture[str], *arguments: str, exit_code: int = 0) -> dict[str, Any]:
    assert main(["plan", "--json", *arguments]) == exit_code
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    return told


@pytest.mark.parametrize(
    ("pages", "token", "metrics", "since", "until"),
    [
        (1, "page-token-101", "all", "2026-10-01", "2026-10-02"),
        (1, "user-token", "stable", "2026-10-01", "2026-10-08"),
        (1, "page-token-101", "stable", "2025-11-01", "2026-11-01"),
        (20, "system-user-token", "all", "2025-11-01", "2026-11-01"),
        (7, "user-token", "stable", "2026-09-01", "2026-11-01"),
    ],
)
def test_a_load_makes_the_calls_and_has_the_rows_that_were_foretold(
    emulator: GraphEmulator,
    capsys: pytest.CaptureFixture[str],
    pages: int,
    token: str,
    metrics: str,
    since: str,
    until: str,
) -> None:
    page_ids = ",".join(emulator.page_ids[:pages])
    kind = "page" if token.startswith("page") else "user"
    options = ("--page-ids", page_ids, "--metrics", metrics, "--since", since, "--until", until, "--token", kind)
    (foretold,) = plan(capsys, *options)["runs"]
    assert emulator.stats()["http_requests"] == 0

    days = DateRange(date.fromisoformat(since), date.fromisoformat(until))
    query = InsightsQuery.create(page_ids=page_ids, metrics=metrics, days=days)
    with BlockingTransport(*from_connection_parts(host=emulator.base_url, password=token)) as transport:
        rows = sum(1 for _ in transport.records(fetch_insights(query, exchange_first=True)))

    stats = emulator.stats()
    assert foretold["graph_calls"] == stats["graph_calls"]
    assert foretold["http_requests"] == stats["http_requests"]
    assert foretold["calls_a_page"] == max(stats["calls_by_page"].values())
    assert foretold["rows_at_most"] == rows


def test_twenty_pages_of_a_year_take_a_hundred_reads_in_two_posts(capsys: pytest.CaptureFixture[str]) -> None:
    year = ("--pages", "20", "--since", "2025-01-01", "--until", "2026-01-01", "--metrics", "all")
    (run,) = plan(capsys, *year)["runs"]
    assert (run["graph_calls"], run["posts"], run["rows_at_most"]) == (101, 2, 20 * 365 * 11)


def test_a_signed_connection_makes_every_request_a_post(capsys: pytest.CaptureFixture[str]) -> None:
    (run,) = plan(capsys, "--signed", "--since", "2026-10-01", "--until", "2026-10-02")["runs"]
    assert (run["http_requests"], run["posts"]) == (1, 1)


@pytest.mark.parametrize(
    ("timetable", "first", "last"),
    [
        ("CronDataIntervalTimetable", date(2026, 3, 5), date(2026, 3, 8)),
        ("CronTriggerTimetable", date(2026, 3, 6), date(2026, 3, 8)),
    ],
)
def test_a_schedule_shows_the_days_its_next_runs_load(
    capsys: pytest.CaptureFixture[str], timetable: str, first: date, last: date
) -> None:
    """Around the night of 8 March 2026, which has 23 hours; an interval is extended, a moment is looked back from."""
    lookback = "3"
    schedule = ("--schedule", "0 0 * * *", "--timezone", "America/Los_Angeles", "--lookback-days", lookback)
    told = plan(capsys, *schedule, "--timetable", timetable, "--at", "2026-03-08T20:00:00Z", "--runs", "2")
    assert [run["run_after"] for run in told["runs"]] == ["2026-03-09T07:00:00+00:00", "2026-03-10T07:00:00+00:00"]
    (days,) = told["runs"][0]["ranges"]
    assert (days["since"], days["until"]) == (first.isoformat(), date(last.year, last.month, last.day + 1).isoformat())


def test_a_run_that_will_be_skipped_says_why_and_costs_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    hourly = ("--schedule", "@hourly", "--timezone", "UTC", "--at", "2026-11-24T05:30:00Z", "--runs", "3")
    runs = plan(capsys, *hourly)["runs"]
    assert [run["graph_calls"] for run in runs] == [0, 0, 1]
    assert "No Pacific day ends within" in runs[0]["skipped"]
    assert runs[2]["ranges"] == [{"since": "2026-11-23", "until": "2026-11-24", "days": 1}]


def test_days_that_cannot_exist_are_not_planned_and_it_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    options = ("--until", "2026-10-02", "--at", "2026-11-24T12:00:00Z")
    (run,) = plan(capsys, "--since", "2015-01-01", *options)["runs"]
    assert run["ranges"] == [{"since": "2024-11-24", "until": "2026-10-02", "days": 677}]
    assert run["graph_calls"] == 8
    assert "the API keeps 2 years" in run["warnings"][0]
    error = plan(capsys, "--since", "2015-01-01", "--until", "2016-01-01", *options[2:], exit_code=2)["error"]
    assert "none can be had" in error["message"]


@pytest.mark.thorough
def test_a_schedule_that_uses_up_a_pages_calls_is_a_finding(capsys: pytest.CaptureFixture[str]) -> None:
    often = ("--schedule", "*/2 * * * *", "--timetable", "CronTriggerTimetable", "--lookback-days", "700")
    told = plan(capsys, *often, "--at", "2026-11-24T12:00:00Z", exit_code=1)
    assert told["allowance"] == {
        "hours": 24,
        "calls_a_page": 720 * 8,
        "engaged_users": 1,
        "allowed": CALLS_AN_ENGAGED_USER,
        "is_exceeded": True,
    }
    assert plan(capsys, *often, "--at", "2026-11-24T12:00:00Z", "--engaged-users", "2")["allowance"]["allowed"] == 9600


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), "lookback_days"),
        (("--metrics", "page_mesages_sent", "--since", "2026-01-01", "--until", "2026-01-02"), "page_messages_sent"),
        (("--since", "2026-01-02", "--until", "2026-01-01"), "swap"),
        (("--period", "total_over_range", "--since", "2025-01-01", "--until", "2026-01-01"), "90"),
        (("--pages", "2", "--token", "page", "--date-preset", "yesterday"), "one Page"),
        (("--schedule", "sometimes"), "--schedule"),
        (("--schedule", "@daily", "--timezone", "Mars"), "--timezone"),
        (("--at", "soon", "--lookback-days", "1"), "soon"),
        (("--batch-size", "51", "--lookback-days", "1"), "batch_size"),
    ],
)
def test_what_the_operator_would_refuse_is_refused_here_with_exit_code_2(
    capsys: pytest.CaptureFixture[str], options: tuple[str, ...], words: str
) -> None:
    error = plan(capsys, *options, exit_code=2)["error"]
    assert error["kind"] == "ConfigurationError"
    assert words in error["message"]


def test_breakdowns_make_the_number_of_rows_unknowable(capsys: pytest.CaptureFixture[str]) -> None:
    options = ("--metrics", "page_messages_sent", "--breakdowns", "messaging_channel", "--date-preset", "last_7d")
    assert plan(capsys, *options)["runs"][0]["rows_at_most"] is None
    assert main(["plan", *options]) == 0
    assert "one for each combination of messaging_channel" in capsys.readouterr().out


def test_people_get_a_table_without_control_characters_when_it_is_no_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["plan", "--pages", "200", "--since", "2025-01-01", "--until", "2026-01-01", "--metrics", "all"]) == 0
    printed = capsys.readouterr().out
    assert "\x1b" not in printed
    assert "2025-01-01 to 2025-12-31" in printed
    assert "803,000" in printed
    assert "No request was made." in printed


@given(
    pages=st.integers(1, 130),
    day_count=st.integers(1, 400),
    batch_size=st.integers(1, 50),
    concurrency=st.integers(1, 8),
    with_page_token=st.booleans(),
)
@settings(max_examples=so_many(40), deadline=None)
def test_every_page_and_chunk_is_one_call_whatever_the_settings(
    *, pages: int, day_count: int, batch_size: int, concurrency: int, with_page_token: bool
) -> None:
    first = date(2024, 1, 1)
    days = DateRange(first, date.fromordinal(first.toordinal() + day_count))
    query = InsightsQuery.create(page_ids=[f"{n}" for n in range(pages)], metrics="stable", days=days)
    extra = {"batch_size": batch_size, "concurrency": concurrency}
    transport_settings, _ = from_connection_parts(password="unused", extra=extra)
    traffic = dry_run(query, settings=transport_settings, with_page_token=with_page_token, signed=False)
    read = len(query.slices())
    exchange = 0 if with_page_token else 1 if pages == 1 else -(-pages // 100)
    refused = 0 if with_page_token or pages > 1 else 1
    assert traffic.graph_calls == read + exchange + refused
    assert traffic.calls_by_page.total() == read + refused + (exchange if pages == 1 else 0)
    assert traffic.posts <= traffic.http_requests <= traffic.graph_calls


@given(st.lists(st.tuples(st.integers(0, 72), st.integers(0, 50)), max_size=20))
def test_the_busiest_day_is_found_wherever_it_begins(calls: list[tuple[int, int]]) -> None:
    hours = sorted(calls)
    start = datetime(2026, 1, 1, tzinfo=UTC)
    loads = [
        PlannedLoad(run_after=datetime.fromtimestamp(start.timestamp() + 3600 * h, UTC), calls_a_page=n)
        for h, n in hours
    ]
    by_brute_force = max((sum(n for h, n in hours if begin <= h < begin + 24) for begin in range(73)), default=0)
    assert busiest_day(loads) == by_brute_force


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--page-ids", "me", "--lookback-days", "1"), "--page-ids: 'me' is not a Page id: use 1 to 32 digits"),
        (("--page-ids", "all", "--lookback-days", "1"), "--pages"),
        (("--metrics", "None"), "metrics='None'"),
        (("--metrics", "[page_messages_sent"), "Unknown metric"),
        (("--period", "None", "--lookback-days", "1"), "--period='None'"),
        (("--date-preset", "lst_month"), "'last_month'"),
        (("--since", "EAAG" + "x" * 60, "--until", "2026-01-01"), "since"),
    ],
)
def test_an_option_is_read_as_the_parameter_of_the_operator(
    capsys: pytest.CaptureFixture[str], options: tuple[str, ...], words: str
) -> None:
    error = plan(capsys, *options, exit_code=2)["error"]
    assert error["kind"] == "ConfigurationError"
    assert words in error["message"]
    assert "EAAG" not in error["message"]


@pytest.mark.parametrize(
    ("option", "value"), [("--pages", "0"), ("--runs", "9" * 20), ("--lookback-days", "-1"), ("--pages", "1.5")]
)
def test_a_number_outside_its_bounds_is_told_with_the_bounds(
    capsys: pytest.CaptureFixture[str], option: str, value: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["plan", option, value])
    assert ended.value.code == 2
    assert f"argument {option}: '{value}' is not a whole number from " in capsys.readouterr().err


def test_what_means_nothing_given_counts_as_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    nothing = ("--since", "None", "--until", "", "--page-ids", "None", "--date-preset", "None", "--breakdowns", "None")
    assert plan(capsys, *nothing, "--lookback-days", "1")["page_count"] == 1
