"""The page "Messaging Insights API" (updated 27 March 2026), sentence by sentence and row by row.

Every test quotes what it holds the emulator to.
"""

from __future__ import annotations

import json
import shlex
import subprocess
from datetime import UTC, datetime, timedelta
from itertools import combinations
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_msginsights.emulator import Event, EventKind, Style
from airflow_provider_msginsights.emulator.documentation import BREAKDOWNS, METRICS, SCOPES

if TYPE_CHECKING:
    from collections.abc import Callable

    import requests

    from airflow_provider_msginsights.emulator import GraphEmulator

    Ask = Callable[..., requests.Response]

NEW = "page_messages_new_conversations_unique"
BLOCKED = "page_messages_blocked_conversations_unique"
START, STOP = 1793516400, 1793865600
"""Pacific midnights of 1 November 2026 (in daylight time) and 5 November 2026 (in standard time)."""


def event(kind: EventKind, at: str, person: str = "ann", **fields: Any) -> Event:
    return Event(page_id="500", kind=kind, at=datetime.fromisoformat(at), person_id=person, **fields)


@pytest.fixture
def page(emulator: GraphEmulator) -> GraphEmulator:
    """The emulator with an empty Page 500."""
    emulator.add_page("500")
    return emulator


def figures(ask: Ask, metric: str, since: str, until: str, period: str = "day", **params: Any) -> list[Any]:
    answer = ask(
        "/v26.0/500/insights", token="page-token-500", metric=metric, period=period, since=since, until=until, **params
    )
    assert answer.status_code == 200, answer.text
    return [row["value"] for entry in answer.json()["data"] for row in entry["values"]]


def curl(emulator: GraphEmulator, sample: str) -> Any:
    """Run one of the page's samples: the address, the version and the placeholders are filled in, nothing else."""
    filled = (
        sample.replace("https://graph.facebook.com", emulator.base_url)
        .replace("<LATEST_API_VERSION>", "v26.0")
        .replace("<PAGE_ID>", "101")
        .replace("<UNIX_TIMESTAMP_START>", str(START))
        .replace("<UNIX_TIMESTAMP_STOP>", str(STOP))
        .replace("<PAGE_ACCESS_TOKEN>", "page-token-101")
    )
    # "Formatted for readability": the sample's line breaks are not part of the address.
    unfolded = "".join(line.strip() for line in filled.splitlines())
    command = [*shlex.split(unfolded), "--silent", "--noproxy", "*"]
    done = subprocess.run(command, capture_output=True, check=True, timeout=60)  # noqa: S603 - the documented sample
    return json.loads(done.stdout.rpartition(b"\r\n\r\n")[2] or done.stdout)


# Before you start


@pytest.mark.parametrize("scope", SCOPES)
def test_your_app_needs_each_of_the_four_permissions(emulator: GraphEmulator, ask: Ask, scope: str) -> None:
    emulator.change_token("page-token-101", scopes=tuple(known for known in SCOPES if known != scope))
    answer = ask("/v26.0/101/insights", metric=NEW)
    if scope == "read_insights":
        assert (answer.status_code, answer.json()) == (200, {"data": []})
    else:
        assert answer.status_code == 403
        assert answer.json()["error"]["code"] == 200
        assert scope in answer.json()["error"]["message"]


def test_your_app_needs_a_page_access_token(ask: Ask) -> None:
    for token in ("user-token", "system-user-token", "1|app-secret"):
        error = ask("/v26.0/101/insights", token=token, metric=NEW).json()["error"]
        assert (error["code"], error["message"]) == (190, "(#190) This method must be called with a Page Access Token")


def test_the_token_is_requested_by_a_person_who_can_perform_the_analyze_task(emulator: GraphEmulator, ask: Ask) -> None:
    emulator.change_page("101", tasks=("MESSAGING",))
    error = ask("/v26.0/101/insights", metric=NEW).json()["error"]
    assert (error["code"], error["error_subcode"]) == (1, 2853006)


def test_standard_access_is_enough_for_a_page_you_own(emulator: GraphEmulator, ask: Ask) -> None:
    assert not emulator.current_settings().advanced_access
    assert ask("/v26.0/101/insights", metric=NEW).json()["data"]


def test_a_page_you_do_not_own_needs_advanced_access(emulator: GraphEmulator, ask: Ask) -> None:
    emulator.change_page("101", owned=False)
    assert ask("/v26.0/101/insights", metric=NEW).json() == {"data": []}
    emulator.configure(advanced_access=True)
    assert ask("/v26.0/101/insights", metric=NEW).json()["data"]


# Limitations


def test_a_new_conversation_is_counted_only_after_a_person_performs_an_action(page: GraphEmulator, ask: Ask) -> None:
    page.add_events([event(EventKind.CONVERSATION_STARTED, "2026-11-03T10:00-08:00")])
    assert figures(ask, NEW, "2026-11-03", "2026-11-06") == [0, 0, 0]
    page.add_events([event(EventKind.PERSON_ACTED, "2026-11-05T09:00-08:00")])
    assert figures(ask, NEW, "2026-11-03", "2026-11-06") == [0, 0, 1]


# Read insights metrics: the three samples


@pytest.mark.parametrize("style", Style)
def test_the_first_sample_request_is_answered_in_the_documented_shape(emulator: GraphEmulator, style: Style) -> None:
    emulator.configure(style=style)
    answer = curl(
        emulator,
        f"""curl -X GET "https://graph.facebook.com/<LATEST_API_VERSION>/<PAGE_ID>/insights
            ?metric={NEW},{BLOCKED}
            &access_token=<PAGE_ACCESS_TOKEN>"
        """,
    )
    daily = [entry for entry in answer["data"] if entry["period"] == "day"]
    assert [entry["name"] for entry in daily] == [NEW, BLOCKED]
    rows = [row for entry in daily for row in entry["values"]]
    assert rows
    if style is Style.DOCUMENTATION:
        assert set(answer) == {"data"}
        assert answer["data"] == daily
        assert all(set(entry) == {"name", "period", "values"} for entry in daily)
        assert all(row["value"].isdecimal() and row["end_time"].isdecimal() for row in rows)
        assert all(set(row) == {"value", "end_time"} for row in rows)
    else:
        assert all(isinstance(row["value"], int) for row in rows)


@pytest.mark.parametrize("style", Style)
def test_the_total_over_range_sample_gives_a_single_value_and_the_end_of_the_range(
    emulator: GraphEmulator, style: Style
) -> None:
    emulator.configure(style=style)
    answer = curl(
        emulator,
        f"""curl -i -X GET "https://graph.facebook.com/<LATEST_API_VERSION>/<PAGE_ID>/insights/
            ?metric={NEW}
            &since=<UNIX_TIMESTAMP_START>
            &until=<UNIX_TIMESTAMP_STOP>
            &period=total_over_range
            &access_token=<PAGE_ACCESS_TOKEN>"
        """,
    )
    (entry,) = answer["data"]
    (row,) = entry["values"]
    assert (entry["name"], entry["period"]) == (NEW, "total_over_range")
    assert isinstance(row["value"], int)
    end = str(STOP) if style is Style.DOCUMENTATION else "2026-11-05T08:00:00+0000"
    assert row["end_time"] == end


@pytest.mark.parametrize("style", Style)
def test_the_breakdown_sample_groups_tokens_by_topic_and_frequency(emulator: GraphEmulator, style: Style) -> None:
    emulator.configure(style=style)
    answer = curl(
        emulator,
        """curl -i -X GET "https://graph.facebook.com/<LATEST_API_VERSION>/<PAGE_ID>/insights/
            ?metric=recurring_notifications_tokens
            &since=<UNIX_TIMESTAMP_START>
            &until=<UNIX_TIMESTAMP_STOP>
            &period=total_over_range
            &breakdown=recurring_notifications_topic,recurring_notifications_frequency
            &access_token=<PAGE_ACCESS_TOKEN>"
        """,
    )
    (entry,) = answer["data"]
    assert (entry["name"], entry["period"]) == ("recurring_notifications_tokens", "total_over_range")
    rows = entry["values"]
    names = ["value", "end_time", "recurring_notifications_topic", "recurring_notifications_frequency"]
    assert all(list(row) == names for row in rows)
    assert all(isinstance(row["value"], int) for row in rows)
    groups = [(row["recurring_notifications_topic"], row["recurring_notifications_frequency"]) for row in rows]
    assert len(set(groups)) == len(groups) > 1
    assert {frequency for _, frequency in groups} <= {"daily", "weekly", "monthly"}


# Insights parameters


@pytest.mark.parametrize("metric", METRICS)
def test_breakdown_may_be_one_or_more_of_those_the_metric_lists_and_no_other(ask: Ask, metric: str) -> None:
    allowed = METRICS[metric].breakdowns
    for name in BREAKDOWNS:
        answer = ask("/v26.0/101/insights", metric=metric, breakdown=name, period="day")
        assert answer.status_code == (200 if name in allowed else 400), name
    for pair in combinations(allowed, 2):
        assert ask("/v26.0/101/insights", metric=metric, breakdown=",".join(pair), period="day").status_code == 200


@pytest.mark.parametrize(
    ("preset", "since", "until"),
    [
        ("last_week", "2026-11-09", "2026-11-16"),
        ("last_month", "2026-10-01", "2026-11-01"),
        ("yesterday", "2026-11-19", "2026-11-20"),
        ("last_3d", "2026-11-17", "2026-11-20"),
        ("last_7d", "2026-11-13", "2026-11-20"),
        ("last_14d", "2026-11-06", "2026-11-20"),
        ("last_28d", "2026-10-23", "2026-11-20"),
        ("last_30d", "2026-10-21", "2026-11-20"),
        ("last_90d", "2026-08-22", "2026-11-20"),
        ("last_week_mon_sun", "2026-11-09", "2026-11-16"),
        ("last_week_sun_sat", "2026-11-08", "2026-11-15"),
        ("this_week_mon_today", "2026-11-16", "2026-11-21"),
        ("this_week_sun_today", "2026-11-15", "2026-11-21"),
        ("this_month", "2026-11-01", "2026-11-21"),
        ("this_quarter", "2026-10-01", "2026-11-21"),
    ],
)
def test_date_preset_is_a_relative_range_used_instead_of_since_and_until(
    ask: Ask, preset: str, since: str, until: str
) -> None:
    by_preset = ask("/v26.0/101/insights", metric=NEW, period="day", date_preset=preset).json()["data"]
    by_dates = ask("/v26.0/101/insights", metric=NEW, period="day", since=since, until=until).json()["data"]
    assert by_preset == by_dates


@pytest.mark.parametrize(
    ("preset", "first_end", "rows"),
    [
        ("last_quarter", "2026-07-02T07:00:00+0000", 92),
        ("last_year", "2025-01-02T08:00:00+0000", 365),
        ("this_year", "2026-01-02T08:00:00+0000", 323),
        ("maximum", "2024-11-21T08:00:00+0000", 730),
        ("data_maximum", "2024-11-21T08:00:00+0000", 730),
    ],
)
def test_presets_may_be_longer_than_ninety_days(ask: Ask, preset: str, first_end: str, rows: int) -> None:
    (entry,) = ask("/v26.0/101/insights", metric=NEW, period="day", date_preset=preset).json()["data"]
    assert (entry["values"][0]["end_time"], len(entry["values"])) == (first_end, rows)


def test_today_has_no_row_before_it_is_over(ask: Ask) -> None:
    assert ask("/v26.0/101/insights", metric=NEW, period="day", date_preset="today").json()["data"] == []


def test_a_preset_that_does_not_exist_is_refused(ask: Ask) -> None:
    assert ask("/v26.0/101/insights", metric=NEW, date_preset="last_fortnight").json()["error"]["code"] == 100


def test_metric_is_required(ask: Ask) -> None:
    for params in ({}, {"metric": ""}, {"metric": "[]"}, {"metric": " , "}):
        answer = ask("/v26.0/101/insights", **params)
        assert answer.status_code == 400
        assert (answer.json()["error"]["code"], answer.json()["error"]["error_subcode"]) == (3001, 1504028)


def test_metric_is_a_comma_separated_list(ask: Ask) -> None:
    answer = ask("/v26.0/101/insights", metric=f"{NEW}, {BLOCKED},{NEW}", period="day").json()
    assert [entry["name"] for entry in answer["data"]] == [NEW, BLOCKED]


@pytest.mark.parametrize(("period", "rows"), [("day", 30), ("week", 30), ("days_28", 30), ("month", 1)])
def test_period_is_the_aggregation_within_the_range(ask: Ask, period: str, rows: int) -> None:
    (entry,) = ask("/v26.0/101/insights", metric=NEW, period=period, since="2026-10-15", until="2026-11-14").json()[
        "data"
    ]
    assert (entry["period"], len(entry["values"])) == (period, rows)


def test_total_over_range_gives_a_single_value_for_the_given_range(ask: Ask) -> None:
    for span in ({"since": "2026-10-15", "until": "2026-11-14"}, {"date_preset": "last_90d"}):
        (entry,) = ask("/v26.0/101/insights", metric=NEW, period="total_over_range", **span).json()["data"]
        assert len(entry["values"]) == 1


@pytest.mark.parametrize("period", ["lifetime", "hour", "Day", "total"])
def test_no_other_period_may_be_asked_for(ask: Ask, period: str) -> None:
    error = ask("/v26.0/101/insights", metric=NEW, period=period).json()["error"]
    assert (error["code"], "Param period must be one of" in error["message"]) == (100, True)


def test_since_includes_the_date_it_names_beginning_at_midnight(page: GraphEmulator, ask: Ask) -> None:
    page.add_events(
        [
            event(EventKind.BLOCKED, "2026-01-30T23:59:59-08:00", "the evening before"),
            event(EventKind.BLOCKED, "2026-01-31T00:00:00-08:00", "at midnight"),
        ]
    )
    assert figures(ask, BLOCKED, "2026-01-31", "2026-02-02") == [1, 0]
    assert figures(ask, BLOCKED, "2026-01-31", "2026-02-02", period="total_over_range") == [1]


def test_until_excludes_the_date_it_names_beginning_at_midnight(page: GraphEmulator, ask: Ask) -> None:
    page.add_events(
        [
            event(EventKind.BLOCKED, "2026-01-31T23:59:59-08:00", "the last second"),
            event(EventKind.BLOCKED, "2026-02-01T00:00:00-08:00", "too late"),
        ]
    )
    assert figures(ask, BLOCKED, "2026-01-30", "2026-02-01") == [0, 1]
    assert figures(ask, BLOCKED, "2026-01-30", "2026-02-01", period="total_over_range") == [1]


# Available metrics: each row of the table on a case of its own

MARKETING = ("campaign_id", "message_type", "messaging_channel", "recurring_notifications_topic")
TABLE: dict[str, tuple[bool, tuple[str, ...]]] = {
    "page_messages_blocked_conversations_unique": (False, ()),
    "page_messages_engagement": (True, (*MARKETING, "engagement_source")),
    "page_messages_new_conversations_unique": (False, ()),
    "page_messages_order_count": (True, ()),
    "page_messages_paid_order_earnings": (True, ()),
    "page_messages_read_ratio": (True, MARKETING),
    "page_messages_reported_conversations_unique": (False, ()),
    "page_messages_sent": (True, MARKETING),
    "page_messages_total_messaging_connections": (False, ()),
    "page_messages_with_business_outcomes": (True, ()),
    "recurring_notifications_tokens": (
        True,
        ("messaging_channel", "recurring_notifications_frequency", "recurring_notifications_topic"),
    ),
}


def test_the_metrics_are_those_of_the_table_with_their_label_and_breakdowns() -> None:
    known = {name: (one.in_development, set(one.breakdowns)) for name, one in METRICS.items()}
    assert known == {name: (label, set(breakdowns)) for name, (label, breakdowns) in TABLE.items()}


def test_instagram_messages_are_asked_for_through_the_linked_page(page: GraphEmulator, ask: Ask) -> None:
    page.add_events(
        event(EventKind.MARKETING_MESSAGE_SENT, "2026-11-03T09:00-08:00", message_id=channel, messaging_channel=channel)
        for channel in ("messenger", "instagram", "instagram")
    )
    asked = {"metric": "page_messages_sent", "period": "day", "breakdown": "messaging_channel"}
    answer = ask("/v26.0/500/insights", token="page-token-500", since="2026-11-03", until="2026-11-04", **asked)
    rows = answer.json()["data"][0]["values"]
    assert {row["messaging_channel"]: row["value"] for row in rows} == {"messenger": 1, "instagram": 2}


def test_blocked_conversations_counts_conversations_not_blocks(page: GraphEmulator, ask: Ask) -> None:
    page.add_events(
        [
            event(EventKind.BLOCKED, "2026-11-03T09:00-08:00"),
            event(EventKind.UNBLOCKED, "2026-11-03T10:00-08:00"),
            event(EventKind.BLOCKED, "2026-11-03T11:00-08:00"),
            event(EventKind.BLOCKED, "2026-11-03T12:00-08:00", "ben"),
        ]
    )
    assert figures(ask, BLOCKED, "2026-11-03", "2026-11-04") == [2]


def test_engagement_counts_taps_on_a_call_to_action(page: GraphEmulator, ask: Ask) -> None:
    message = {"message_id": "m1"}
    page.add_events(
        [
            event(EventKind.MARKETING_MESSAGE_SENT, "2026-11-03T09:00-08:00", campaign_id="abc123", **message),
            event(EventKind.MARKETING_MESSAGE_READ, "2026-11-03T09:05-08:00", **message),
            event(EventKind.MARKETING_MESSAGE_TAPPED, "2026-11-03T09:06-08:00", engagement_source="primary", **message),
            event(EventKind.MARKETING_MESSAGE_TAPPED, "2026-11-04T09:06-08:00", engagement_source="primary", **message),
        ]
    )
    assert figures(ask, "page_messages_engagement", "2026-11-03", "2026-11-05") == [1, 1]
    answer = ask(
        "/v26.0/500/insights",
        token="page-token-500",
        metric="page_messages_engagement",
        period="total_over_range",
        breakdown="campaign_id,engagement_source",
        since="2026-11-03",
        until="2026-11-05",
    )
    (row,) = answer.json()["data"][0]["values"]
    assert (row["value"], row["campaign_id"], row["engagement_source"]) == (2, "abc123", "primary")


def test_new_conversations_are_on_messenger_with_people_who_had_never_messaged_before(
    page: GraphEmulator, ask: Ask
) -> None:
    page.add_events(
        [
            event(EventKind.PERSON_ACTED, "2026-11-03T09:00-08:00"),
            event(EventKind.PERSON_ACTED, "2026-11-04T09:00-08:00", conversation_id="another one"),
            event(EventKind.PERSON_ACTED, "2026-11-04T10:00-08:00", "ben", messaging_channel="instagram"),
            event(EventKind.PERSON_ACTED, "2026-11-04T11:00-08:00", "cat"),
        ]
    )
    assert figures(ask, NEW, "2026-11-03", "2026-11-06") == [1, 1, 0]


def test_order_count_counts_each_order_created(page: GraphEmulator, ask: Ask) -> None:
    page.add_events(
        event(EventKind.ORDER_CREATED, "2026-11-03T09:00-08:00", order_id=number) for number in ("o1", "o2", "o3")
    )
    assert figures(ask, "page_messages_order_count", "2026-11-03", "2026-11-04") == [3]


def test_paid_order_earnings_is_the_money_from_orders_created(page: GraphEmulator, ask: Ask) -> None:
    from decimal import Decimal

    page.add_events(
        [
            event(EventKind.ORDER_CREATED, "2026-11-03T09:00-08:00", order_id="o1"),
            event(EventKind.ORDER_CREATED, "2026-11-03T09:00-08:00", order_id="never paid"),
            event(EventKind.ORDER_PAID, "2026-11-03T10:00-08:00", order_id="o1", amount=Decimal("12.34")),
            event(EventKind.ORDER_PAID, "2026-11-03T10:00-08:00", order_id="never created", amount=Decimal(99)),
        ]
    )
    asked = ("page_messages_paid_order_earnings", "2026-11-03", "2026-11-04")
    assert figures(ask, *asked) == [12.34]
    page.configure(earnings="object")
    assert figures(ask, *asked) == [{"currency": "USD", "microAmount": 12_340_000}]


def test_earnings_are_approximate_as_currencies_are_not_converted(page: GraphEmulator, ask: Ask) -> None:
    from decimal import Decimal

    for number, currency in (("o1", "USD"), ("o2", "EUR")):
        page.add_events(
            [
                event(EventKind.ORDER_CREATED, "2026-11-03T09:00-08:00", order_id=number),
                event(
                    EventKind.ORDER_PAID,
                    "2026-11-03T10:00-08:00",
                    order_id=number,
                    amount=Decimal(10),
                    currency=currency,
                ),
            ]
        )
    assert figures(ask, "page_messages_paid_order_earnings", "2026-11-03", "2026-11-04") == [20]


def test_a_message_read_with_read_receipts_turned_off_is_not_captured(page: GraphEmulator, ask: Ask) -> None:
    page.add_events(
        [
            event(EventKind.MARKETING_MESSAGE_SENT, "2026-11-03T09:00-08:00", message_id="m1"),
            event(EventKind.MARKETING_MESSAGE_TAPPED, "2026-11-03T10:00-08:00", message_id="m1"),
        ]
    )
    assert figures(ask, "page_messages_engagement", "2026-11-03", "2026-11-04") == [1]
    assert figures(ask, "page_messages_read_ratio", "2026-11-03", "2026-11-04") == [0]


def test_read_ratio_is_messages_read_divided_by_messages_sent(page: GraphEmulator, ask: Ask) -> None:
    page.add_events(
        event(EventKind.MARKETING_MESSAGE_SENT, "2026-11-03T09:00-08:00", message_id=number)
        for number in ("m1", "m2", "m3", "m4")
    )
    page.add_events(
        event(EventKind.MARKETING_MESSAGE_READ, f"2026-11-{day}T09:00-08:00", message_id=number)
        for day, number in (("03", "m1"), ("05", "m2"), ("05", "m2"))
    )
    assert figures(ask, "page_messages_read_ratio", "2026-11-03", "2026-11-06") == [0.5, 0, 0]
    page.configure(empty_ratio="absent")
    assert figures(ask, "page_messages_read_ratio", "2026-11-03", "2026-11-06") == [0.5]


def test_reported_conversations_counts_conversations_not_reports(page: GraphEmulator, ask: Ask) -> None:
    page.add_events(event(EventKind.REPORTED, f"2026-11-03T{hour}:00-08:00") for hour in ("09", "10"))
    assert figures(ask, "page_messages_reported_conversations_unique", "2026-11-03", "2026-11-04") == [1]


def test_sent_counts_marketing_messages(page: GraphEmulator, ask: Ask) -> None:
    page.add_events(
        event(EventKind.MARKETING_MESSAGE_SENT, "2026-11-03T09:00-08:00", message_id=number, messaging_channel=channel)
        for number, channel in (("m1", "messenger"), ("m2", "instagram"))
    )
    assert figures(ask, "page_messages_sent", "2026-11-03", "2026-11-04") == [2]


def test_total_connections_are_all_who_ever_wrote_except_who_blocked_or_reported(page: GraphEmulator, ask: Ask) -> None:
    page.add_events(
        [
            *(event(EventKind.PERSON_ACTED, "2026-11-01T09:00-08:00", person) for person in ("ann", "ben", "cat")),
            event(EventKind.PERSON_ACTED, "2026-11-01T09:00-08:00", "dan", messaging_channel="instagram"),
            event(EventKind.BLOCKED, "2026-11-03T09:00-08:00", "ann"),
            event(EventKind.REPORTED, "2026-11-04T09:00-08:00", "ben"),
            event(EventKind.UNBLOCKED, "2026-11-05T09:00-08:00", "ann"),
            event(EventKind.PERSON_ACTED, "2026-11-06T09:00-08:00", "eve"),
        ]
    )
    connections = "page_messages_total_messaging_connections"
    assert figures(ask, connections, "2026-10-31", "2026-11-08") == [0, 3, 3, 2, 1, 2, 3, 3]


def test_total_connections_only_include_those_made_since_october_2016(page: GraphEmulator, ask: Ask) -> None:
    page.add_events(
        [
            event(EventKind.PERSON_ACTED, "2016-09-30T23:59:59-07:00", "too early"),
            event(EventKind.PERSON_ACTED, "2026-11-01T12:00-08:00", "too early"),
            event(EventKind.PERSON_ACTED, "2016-10-01T00:00:00-07:00", "just in time"),
        ]
    )
    assert figures(ask, "page_messages_total_messaging_connections", "2026-11-03", "2026-11-04") == [1]


def test_business_outcomes_counts_connections_with_at_least_one_order(page: GraphEmulator, ask: Ask) -> None:
    page.add_events(
        [
            *(event(EventKind.PERSON_ACTED, "2026-11-01T09:00-08:00", person) for person in ("ann", "ben")),
            event(EventKind.ORDER_CREATED, "2026-11-03T09:00-08:00", "ann", order_id="o1"),
            event(EventKind.ORDER_CREATED, "2026-11-03T10:00-08:00", "ann", order_id="o2"),
            event(EventKind.ORDER_CREATED, "2026-11-03T11:00-08:00", "ben", order_id="o3"),
            event(EventKind.ORDER_CREATED, "2026-11-03T12:00-08:00", "never wrote", order_id="o4"),
            event(EventKind.BLOCKED, "2026-11-03T13:00-08:00", "ben"),
        ]
    )
    assert figures(ask, "page_messages_with_business_outcomes", "2026-11-03", "2026-11-05") == [1, 0]


def test_tokens_are_opt_ins_minus_opt_outs_counted_again_for_each_topic(page: GraphEmulator, ask: Ask) -> None:
    topic = "recurring_notifications_topic"
    page.add_events(
        [
            event(EventKind.OPTED_IN, "2026-11-03T09:00-08:00", **{topic: "newproducts"}),
            event(EventKind.OPTED_IN, "2026-11-03T09:00-08:00", **{topic: "10percentsale"}),
            event(EventKind.OPTED_OUT, "2026-11-04T09:00-08:00", **{topic: "newproducts"}),
        ]
    )
    tokens = "recurring_notifications_tokens"
    assert figures(ask, tokens, "2026-11-03", "2026-11-05") == [2, -1]
    assert figures(ask, tokens, "2026-11-03", "2026-11-05", period="total_over_range") == [1]
    # The topic whose opt-in and opt-out cancel out is a zero bucket.
    answer = ask(
        "/v26.0/500/insights",
        token="page-token-500",
        metric=tokens,
        period="total_over_range",
        breakdown=topic,
        since="2026-11-03",
        until="2026-11-05",
    )
    assert [(row[topic], row["value"]) for row in answer.json()["data"][0]["values"]] == [("10percentsale", 1)]


# Response properties


def test_the_response_has_data_with_name_period_values_value_and_end_time(ask: Ask) -> None:
    answer = ask("/v26.0/101/insights", metric=",".join(METRICS), period="day").json()
    assert isinstance(answer["data"], list)
    for entry in answer["data"]:
        assert {"name", "period", "values"} <= set(entry)
        assert all({"value", "end_time"} == set(row) for row in entry["values"])
    whole = [entry for entry in answer["data"] if entry["name"] != "page_messages_read_ratio"]
    assert all(isinstance(row["value"], int | float) for entry in whole for row in entry["values"])


def test_end_time_is_the_utc_timestamp_of_the_end(emulator: GraphEmulator, ask: Ask) -> None:
    emulator.configure(style="documentation")
    (entry,) = ask("/v26.0/101/insights", metric=NEW, period="day", since="2026-11-10", until="2026-11-11").json()[
        "data"
    ]
    end = datetime.fromtimestamp(int(entry["values"][0]["end_time"]), UTC)
    assert end == datetime(2026, 11, 11, 8, tzinfo=UTC)
    assert end - timedelta(days=1) == datetime(2026, 11, 10, 8, tzinfo=UTC)
