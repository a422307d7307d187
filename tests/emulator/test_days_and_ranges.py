"""Pacific days, ranges, paging links and readiness, as seen from outside."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_msginsights.emulator import Event, EventKind
from airflow_provider_msginsights.emulator.pacific_days import midnight
from airflow_provider_msginsights.emulator.time_ranges import AskedRange, windows

if TYPE_CHECKING:
    from collections.abc import Callable

    import requests

    from airflow_provider_msginsights.emulator import GraphEmulator

    Ask = Callable[..., requests.Response]

PACIFIC = ZoneInfo("America/Los_Angeles")
METRIC = "page_messages_new_conversations_unique"


def ends(answer: requests.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [row["end_time"] for entry in answer.json()["data"] for row in entry["values"]]


def days(ask: Ask, **params: Any) -> list[str]:
    """The days that the rows describe: their end, less one day."""
    stamps = [datetime.strptime(end, "%Y-%m-%dT%H:%M:%S%z") for end in ends(insights(ask, **params))]
    return [str(stamp.astimezone(PACIFIC).date() - timedelta(days=1)) for stamp in stamps]


def insights(ask: Ask, **params: Any) -> requests.Response:
    return ask("/v26.0/101/insights", **({"metric": METRIC, "period": "day"} | params))


def test_days_end_at_pacific_midnight_in_winter_and_in_summer(ask: Ask) -> None:
    assert ends(insights(ask, since="2026-01-10", until="2026-01-11")) == ["2026-01-11T08:00:00+0000"]
    assert ends(insights(ask, since="2026-07-10", until="2026-07-11")) == ["2026-07-11T07:00:00+0000"]


@pytest.mark.parametrize(
    ("since", "until", "stamps"),
    [
        ("2026-03-07", "2026-03-10", ["08T08", "09T07", "10T07"]),
        ("2026-10-31", "2026-11-03", ["01T07", "02T08", "03T08"]),
    ],
)
def test_the_days_of_the_clock_changes_have_23_and_25_hours(
    ask: Ask, since: str, until: str, stamps: list[str]
) -> None:
    month = until[:7]
    assert ends(insights(ask, since=since, until=until)) == [f"{month}-{stamp}:00:00+0000" for stamp in stamps]


def test_an_event_in_the_repeated_hour_counts_on_that_day_once(emulator: GraphEmulator, ask: Ask) -> None:
    emulator.add_page("500")
    first = datetime(2026, 11, 1, 8, 30, tzinfo=UTC)
    emulator.add_events(
        Event(page_id="500", kind=EventKind.REPORTED, at=at, person_id=name)
        for name, at in (("one", first), ("two", first + timedelta(hours=1)), ("late", first + timedelta(hours=23)))
    )
    answer = ask(
        "/v26.0/500/insights",
        token="page-token-500",
        metric="page_messages_reported_conversations_unique",
        period="day",
        since="2026-10-31",
        until="2026-11-03",
    )
    assert [row["value"] for row in answer.json()["data"][0]["values"]] == [0, 3, 0]


def test_rows_are_those_whose_day_ends_after_since_and_not_after_until(ask: Ask) -> None:
    noon = datetime(2026, 11, 10, 12, tzinfo=PACIFIC)
    assert days(ask, since=int(noon.timestamp()), until="2026-11-13") == ["2026-11-10", "2026-11-11", "2026-11-12"]
    assert days(ask, since="2026-11-10", until=int(noon.timestamp() + 86400)) == ["2026-11-10"]
    midnight_10 = int(datetime(2026, 11, 10, tzinfo=PACIFIC).timestamp())
    assert days(ask, since=midnight_10, until=midnight_10 + 86400) == ["2026-11-10"]
    assert days(ask, since=midnight_10 + 1, until=midnight_10 + 86399) == []


def test_without_a_range_the_last_two_finished_days_come(ask: Ask) -> None:
    assert days(ask) == ["2026-11-18", "2026-11-19"]


def test_since_alone_reaches_to_now_in_one_answer_however_long(ask: Ask) -> None:
    found = days(ask, since="2025-12-01")
    assert (found[0], found[-1], len(found)) == ("2025-12-01", "2026-11-19", 354)


def test_until_alone_gives_the_two_days_before_it(ask: Ask) -> None:
    assert days(ask, until="2026-11-10") == ["2026-11-08", "2026-11-09"]


def test_an_until_in_the_future_is_accepted_and_gives_what_there_is(ask: Ask) -> None:
    assert days(ask, since="2026-11-18", until="2026-12-31") == ["2026-11-18", "2026-11-19"]
    assert days(ask, since="2026-12-01", until="2026-12-31") == []


@pytest.mark.parametrize(
    ("since", "until", "accepted"),
    [
        ("2026-08-01", "2026-10-30", True),  # 90 days
        ("2026-08-01", "2026-10-31", False),
        ("2026-09-01", "2026-11-30", True),  # 90 days and one hour: daylight saving ended in between
        ("2026-01-01", "2026-04-01", True),  # 90 days less one hour
        ("2026-05-01", "2026-10-30", False),
    ],
)
def test_ninety_days_lie_at_most_between_since_and_until(ask: Ask, since: str, until: str, accepted: bool) -> None:  # noqa: FBT001 - a parameter of the test
    answer = insights(ask, since=since, until=until)
    assert answer.ok is accepted
    if not accepted:
        error = answer.json()["error"]
        assert (error["code"], error["error_subcode"], error["message"]) == (100, 1504016, "Invalid parameter")


def test_a_date_that_cannot_be_read_is_refused_with_the_documented_text(ask: Ask) -> None:
    for name in ("since", "until"):
        error = insights(ask, **{name: "next harvest"}).json()["error"]
        assert error["code"] == 100
        assert error["message"] == ("(#100) Must be a unixtime or a date/time representation parseable by strtotime()")


def test_since_after_until_is_refused(ask: Ask) -> None:
    assert insights(ask, since="2026-11-10", until="2026-11-09").json()["error"]["code"] == 100


def test_a_preset_has_no_effect_beside_since_or_until(ask: Ask) -> None:
    assert days(ask, since="2026-11-10", until="2026-11-11", date_preset="last_30d") == ["2026-11-10"]


def test_total_over_range_without_any_range_is_refused(ask: Ask) -> None:
    assert insights(ask, period="total_over_range").json()["error"]["code"] == 100


def test_two_years_are_kept_and_older_ranges_are_empty(emulator: GraphEmulator, ask: Ask) -> None:
    assert insights(ask, since="2024-08-01", until="2024-09-01").json()["data"] == []
    assert days(ask, since="2024-11-15", until="2024-11-23") == ["2024-11-20", "2024-11-21", "2024-11-22"]
    emulator.change_page("101", published=False)
    assert len(days(ask, since="2026-10-01", until="2026-11-20")) == 5


def test_a_young_page_has_no_rows_from_before_its_first_day(emulator: GraphEmulator, ask: Ask) -> None:
    emulator.add_page("500", first_day=date(2026, 11, 15))
    answer = ask(
        "/v26.0/500/insights",
        token="page-token-500",
        metric=METRIC,
        period="day",
        since="2026-11-01",
        until="2026-11-18",
    )
    assert len(ends(answer)) == 3


def test_week_and_days_28_roll_and_have_one_row_a_day(emulator: GraphEmulator, ask: Ask) -> None:
    emulator.add_page("500")
    emulator.add_events(
        [
            Event(
                page_id="500",
                kind=EventKind.BLOCKED,
                at=datetime(2026, 11, 3, 12, tzinfo=PACIFIC),
                person_id="ann",
            )
        ]
    )
    asked = {"metric": "page_messages_blocked_conversations_unique", "since": "2026-11-01", "until": "2026-11-15"}
    for period, length in (("week", 7), ("days_28", 28)):
        answer = ask("/v26.0/500/insights", token="page-token-500", period=period, **asked)
        rows = answer.json()["data"][0]["values"]
        assert len(rows) == 14
        counted = [row["end_time"][:10] for row in rows if row["value"]]
        assert counted[0] == "2026-11-04"
        assert len(counted) == min(length, 12)


# Paging


def link_range(link: str) -> tuple[int, int]:
    query = parse_qs(urlsplit(link).query)
    return int(query["since"][0]), int(query["until"][0])


def test_paging_links_are_the_neighbouring_ranges_with_the_token(emulator: GraphEmulator, ask: Ask) -> None:
    paging = insights(ask, since="2026-11-10", until="2026-11-12").json()["paging"]
    day_8, day_10, day_12, day_14 = (midnight(date(2026, 11, day)) for day in (8, 10, 12, 14))
    assert link_range(paging["previous"]) == (day_8, day_10)
    assert link_range(paging["next"]) == (day_12, day_14)
    for link in paging.values():
        assert link.startswith(f"{emulator.base_url}/v26.0/101/insights?access_token=page-token-101&")
        assert parse_qs(urlsplit(link).query)["metric"] == [METRIC]


def test_previous_links_slide_for_ever_and_over_clock_changes(http: requests.Session, ask: Ask) -> None:
    answer = insights(ask, since="2026-03-10", until="2026-03-12")
    starts = []
    for _ in range(4):
        answer = http.get(answer.json()["paging"]["previous"], timeout=10)
        starts.append(days_of(answer)[0])
    assert starts == ["2026-03-08", "2026-03-06", "2026-03-04", "2026-03-02"]


def days_of(answer: requests.Response) -> list[str]:
    stamps = [datetime.strptime(end, "%Y-%m-%dT%H:%M:%S%z") for end in ends(answer)]
    return [str(stamp.astimezone(PACIFIC).date() - timedelta(days=1)) for stamp in stamps]


def test_no_next_link_leads_into_the_future(ask: Ask) -> None:
    assert "next" not in insights(ask, since="2026-11-19", until="2026-11-21").json()["paging"]
    assert "previous" in insights(ask, since="2026-11-19", until="2026-11-21").json()["paging"]


def test_links_carry_no_proof(ask: Ask, emulator: GraphEmulator) -> None:
    import hashlib
    import hmac

    proof = hmac.new(emulator.app_secret.encode(), b"page-token-101", hashlib.sha256).hexdigest()
    answer = insights(ask, appsecret_proof=proof)
    assert answer.ok
    assert "appsecret" not in answer.text


# Readiness


def test_a_day_that_is_not_ready_has_no_row(emulator: GraphEmulator, ask: Ask) -> None:
    emulator.configure(readiness_lag_hours=30)
    assert days(ask, since="2026-11-17", until="2026-11-21") == ["2026-11-17", "2026-11-18"]
    emulator.advance(hours=18)
    assert days(ask, since="2026-11-17", until="2026-11-21") == ["2026-11-17", "2026-11-18", "2026-11-19"]


def test_a_provisional_day_has_a_row_with_its_end_in_the_future(emulator: GraphEmulator, ask: Ask) -> None:
    emulator.configure(unready="provisional", readiness_lag_hours=6)
    emulator.add_page("500")
    emulator.add_events(
        Event(page_id="500", kind=EventKind.BLOCKED, at=emulator.now() - timedelta(hours=hours), person_id=str(hours))
        for hours in (2, 8)
    )

    def today() -> dict[str, Any]:
        answer = ask(
            "/v26.0/500/insights",
            token="page-token-500",
            metric="page_messages_blocked_conversations_unique",
            period="day",
            since="2026-11-20",
            until="2026-11-22",
        )
        (row,) = answer.json()["data"][0]["values"]
        return dict(row)

    assert today() == {"value": 1, "end_time": "2026-11-21T08:00:00+0000"}
    emulator.advance(hours=5)
    assert today()["value"] == 2


def test_late_read_receipts_restate_recent_days(emulator: GraphEmulator, ask: Ask) -> None:
    def ratios() -> list[float]:
        answer = insights(ask, metric="page_messages_read_ratio", since="2026-11-13", until="2026-11-20")
        return [row["value"] for row in answer.json()["data"][0]["values"]]

    early = ratios()
    emulator.advance(days=3)
    late = ratios()
    assert late != early
    assert all(after >= before for before, after in zip(early, late, strict=True))
    emulator.advance(days=30)
    settled = ratios()
    emulator.advance(days=3)
    assert ratios() == settled


def test_a_page_may_be_slower_than_the_others(emulator: GraphEmulator, ask: Ask) -> None:
    emulator.change_page("101", readiness_lag_hours=30)
    assert days(ask, since="2026-11-16", until="2026-11-21")[-1] == "2026-11-18"
    other = ask(
        "/v26.0/102/insights",
        token="page-token-102",
        metric=METRIC,
        period="day",
        since="2026-11-16",
        until="2026-11-21",
    )
    assert days_of(other)[-1] == "2026-11-19"


# Windows, for any range

DATES = st.dates(date(2015, 1, 1), date(2035, 12, 31))


@given(DATES, st.integers(0, 400))
def test_windows_of_days_tile_the_range_without_gap_or_overlap(first: date, length: int) -> None:
    last = first + timedelta(days=length)
    asked = AskedRange(since=midnight(first), until=midnight(last), named=True)
    found = windows("day", asked, first_end=date.min, last_end=date.max)
    assert len(found) == length
    edges = [first + timedelta(days=number) for number in range(length + 1)]
    assert [window.starts_at for window in found] == [midnight(day) for day in edges[:-1]]
    assert [window.ends_at for window in found] == [midnight(day) for day in edges[1:]]


@given(DATES, st.integers(1, 60))
def test_neighbouring_ranges_touch_and_lead_back(first: date, length: int) -> None:
    asked = AskedRange(since=midnight(first), until=midnight(first + timedelta(days=length)), named=True)
    assert asked.shifted(-1).until == asked.since
    assert asked.shifted(1).since == asked.until
    assert asked.shifted(1).shifted(-1) == asked


@given(DATES, st.integers(1, 300))
def test_months_are_calendar_months(first: date, length: int) -> None:
    asked = AskedRange(since=midnight(first), until=midnight(first + timedelta(days=length)), named=True)
    for window in windows("month", asked, first_end=date.min, last_end=date.max):
        start = datetime.fromtimestamp(window.starts_at, PACIFIC)
        end = datetime.fromtimestamp(window.ends_at, PACIFIC)
        assert (start.day, end.day) == (1, 1)
        assert (end.year * 12 + end.month) - (start.year * 12 + start.month) == 1
        assert asked.since < window.end_time <= asked.until
