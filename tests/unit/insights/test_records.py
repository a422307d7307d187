"""Replies become records: every documented and recorded shape, and nothing guessed beyond them."""

from __future__ import annotations

import json
import pickle
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from support.paths import SAMPLES

from airflow_provider_msginsights.exceptions import ResponseFormatError
from airflow_provider_msginsights.insights.dates import DateRange, end_of_day
from airflow_provider_msginsights.insights.graph.record_parser import Parsed, RecordParser
from airflow_provider_msginsights.insights.query import InsightsQuery
from airflow_provider_msginsights.insights.records import InsightsRecord, RecordSeries

NEW = "page_messages_new_conversations_unique"
BLOCKED = "page_messages_blocked_conversations_unique"
TOKENS = "recurring_notifications_tokens"
EARNINGS = "page_messages_paid_order_earnings"
RATIO = "page_messages_read_ratio"
DAY = date(2026, 3, 8)
END = "2026-03-09T07:00:00+0000"


def sample(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((SAMPLES / name).read_text())
    return loaded


def parse(document: Any, metrics: Any = NEW, first: date = DAY, count: int = 1, **more: Any) -> Parsed:
    days = DateRange(first, first + timedelta(count))
    query = InsightsQuery.create(page_ids=["101", "102"], metrics=metrics, days=days, **more)
    return RecordParser(query).parse(document, query.slices()[0])


def rows(*values: Any, metric: str = NEW, period: str = "day", **entry: Any) -> dict[str, Any]:
    return {"data": [{"name": metric, "period": period, "values": list(values), **entry}]}


def only(parsed: Parsed) -> InsightsRecord:
    (record,) = parsed.records
    return record


def test_the_documented_texts_become_numbers_and_keep_their_raw_form() -> None:
    parsed = parse(sample("two_metrics_as_documented.json"), [NEW, BLOCKED], date(2022, 10, 7))
    assert [(one.metric, one.value, one.value_raw) for one in parsed.records] == [
        (NEW, 42, '"42"'),
        (BLOCKED, 0, '"0"'),
    ]
    assert {one.end_time for one in parsed.records} == {datetime.fromtimestamp(1665175977, UTC)}
    assert {one.pacific_date for one in parsed.records} == {date(2022, 10, 7)}
    assert all(type(one.value) is int for one in parsed.records)


def test_a_total_covers_the_range_asked_for() -> None:
    parsed = parse(
        sample("total_over_range_as_documented.json"), first=date(2022, 10, 1), count=7, period="total_over_range"
    )
    record = only(parsed)
    assert (record.value, record.range_start, record.pacific_date) == (27, date(2022, 10, 1), date(2022, 10, 7))


def test_breakdown_rows_carry_the_querys_dimensions_in_its_order() -> None:
    parsed = parse(
        sample("breakdown_as_documented.json"),
        TOKENS,
        date(2022, 10, 1),
        7,
        period="total_over_range",
        breakdowns=["recurring_notifications_frequency", "recurring_notifications_topic"],
    )
    assert [one.value for one in parsed.records] == [3, 15, 8, 17, 14]
    assert tuple(parsed.records)[3].breakdowns == (
        ("recurring_notifications_frequency", "daily"),
        ("recurring_notifications_topic", "10percentsale"),
    )
    assert parsed.answered == (TOKENS,)


def test_iso_end_times_fall_on_their_pacific_day_across_the_clock_change() -> None:
    parsed = parse(sample("days_as_sent.json"), first=date(2026, 3, 7), count=3)
    assert [(one.pacific_date, one.value) for one in parsed.records] == [
        (date(2026, 3, 7), 3),
        (date(2026, 3, 8), 0),
        (date(2026, 3, 9), 5),
    ]
    assert tuple(parsed.records)[1] == InsightsRecord(
        page_id="101",
        metric=NEW,
        period="day",
        range_start=DAY,
        pacific_date=DAY,
        end_time=datetime(2026, 3, 9, 7, tzinfo=UTC),
        value=0,
        value_raw=None,
        unit="count",
        currency=None,
        breakdowns=(),
        breakdowns_other=(),
    )
    records = tuple(parsed.records)
    assert pickle.loads(pickle.dumps(records)) == records  # noqa: S301 - pickled a moment before


def test_money_is_told_in_units_of_its_currency() -> None:
    parsed = parse(sample("earnings_as_money.json"), EARNINGS, count=2)
    money, plain = parsed.records
    assert (money.value, money.currency, money.unit) == (12.34, "USD", "money")
    assert json.loads(money.value_raw or "") == {"currency": "USD", "microAmount": 12340000}
    assert (plain.value, plain.currency, plain.value_raw) == (12.5, None, None)


@pytest.mark.parametrize(
    ("told", "meant", "raw"),
    [
        (7, 7, None),
        (0.25, 0.25, None),
        ("0.25", 0.25, '"0.25"'),
        ("-3", -3, '"-3"'),
        ("1e3", 1000.0, '"1e3"'),
        (None, None, "null"),
        ({"currency": "EUR", "microAmount": "2500000"}, 2.5, '{"currency": "EUR", "microAmount": "2500000"}'),
    ],
)
def test_a_value_is_read_in_every_type_it_comes_as(told: Any, meant: float | None, raw: str | None) -> None:
    record = only(parse(rows({"value": told, "end_time": END}, metric=RATIO), RATIO))
    assert (record.value, record.value_raw) == (meant, raw)
    assert type(record.value) is type(meant)


@pytest.mark.parametrize(
    "told",
    [
        True,
        [],
        [1],
        {},
        "",
        "many",
        "nan",
        "1_000",
        "٣",
        {"crossposted": 1, "owned": 2},
        {"currency": "USD"},
        {"currency": 5, "microAmount": 1},
        {"currency": "USD", "microAmount": []},
        2**63,
        "9" * 40,
        "1e999",
    ],
)
def test_a_value_of_another_shape_is_refused_with_its_path_and_without_its_text(told: Any) -> None:
    with pytest.raises(ResponseFormatError, match=r"data\[0\]\.values\[0\]\.value: neither a number") as caught:
        parse(rows({"value": told, "end_time": END, "access_token": "secret"}))
    assert "secret" not in str(caught.value)
    assert caught.value.page_id == "101"


@pytest.mark.parametrize(
    "told",
    [
        END,
        "2026-03-09T07:00:00+00:00",
        "2026-03-09T00:00:00-0700",
        "2026-03-09T07:00:00Z",
        1773039600,
        "1773039600",
        1773039600.0,
    ],
)
def test_an_end_time_is_read_in_every_form_it_comes_as(told: Any) -> None:
    record = only(parse(rows({"value": 1, "end_time": told})))
    assert record.end_time == end_of_day(DAY)
    assert record.pacific_date == DAY


@pytest.mark.parametrize(
    "told", [None, "", "tomorrow", "2026-03-09T07:00:00", "2026-03-09", True, [], 1e20, -1, "1773039600000", 5, {}]
)
def test_an_end_time_that_says_no_moment_is_refused(told: Any) -> None:
    with pytest.raises(ResponseFormatError, match=r"data\[0\]\.values\[0\]\.end_time: neither an ISO time"):
        parse(rows({"value": 1, "end_time": told}))


def test_a_row_without_an_end_time_is_refused_unless_it_says_when_it_starts() -> None:
    with pytest.raises(ResponseFormatError, match="end_time"):
        parse(rows({"value": 1}))
    record = only(parse(rows({"value": 1, "start_time": "2026-03-08T08:00:00+0000"})))
    assert (record.pacific_date, record.end_time) == (DAY, end_of_day(DAY))


def test_a_total_without_an_end_time_ends_with_the_range() -> None:
    record = only(parse(rows({"value": 1}, period="total_over_range"), count=5, period="total_over_range"))
    assert record.pacific_date == DAY + timedelta(4)
    assert record.end_time == end_of_day(record.pacific_date)


@pytest.mark.parametrize(("hour", "day"), [("T07:00:00", DAY), ("T07:00:01", DAY + timedelta(1)), ("T06:59:59", DAY)])
def test_the_day_is_the_pacific_date_of_the_last_instant_before_the_end(hour: str, day: date) -> None:
    record = only(parse(rows({"value": 1, "end_time": f"2026-03-09{hour}+0000"}), count=2))
    assert record.pacific_date == day


@pytest.mark.parametrize(
    ("period", "end", "range_start"),
    [
        ("day", "2026-03-09", date(2026, 3, 8)),
        ("week", "2026-03-09", date(2026, 3, 2)),
        ("days_28", "2026-03-09", date(2026, 2, 9)),
        ("month", "2026-04-01", date(2026, 3, 1)),
        ("month", "2026-03-16", date(2026, 2, 16)),
        ("month", "2026-03-31", date(2026, 3, 1)),
    ],
)
def test_the_first_day_a_value_covers_follows_from_its_period(period: str, end: str, range_start: date) -> None:
    document = rows({"value": 1, "end_time": f"{end}T07:00:00+0000"}, period=period)
    record = only(parse(document, count=40, period=period))
    assert record.range_start == range_start


def test_a_start_time_does_not_change_the_days_a_row_covers() -> None:
    row = {"value": 1, "end_time": END}
    started = row | {"start_time": "2026-03-03T08:00:00+0000"}
    assert only(parse(rows(started, period="week"), period="week")) == only(
        parse(rows(row, period="week"), period="week")
    )


def test_rows_of_other_days_are_dropped_and_counted() -> None:
    before, after = "2026-03-08T08:00:00+0000", "2026-03-10T07:00:00+0000"
    document = rows(*({"value": n, "end_time": told} for n, told in enumerate((before, END, after))))
    parsed = parse(document)
    assert only(parsed).value == 1
    assert parsed.dropped == {"outside the range": 2}


def test_entries_not_asked_for_are_dropped_and_counted() -> None:
    row = {"value": 1, "end_time": END}
    document: dict[str, Any] = {
        "data": [
            *rows(row)["data"],
            *rows(row, row, period="week")["data"],
            *rows({"value": 1}, period="lifetime")["data"],
            *rows(row, metric="page_views_total")["data"],
        ]
    }
    parsed = parse(document)
    assert len(parsed.records) == 1
    assert parsed.dropped == {"other period": 3, "other metric": 1}


def test_an_equal_row_that_comes_twice_is_counted_once() -> None:
    parsed = parse(rows({"value": 1, "end_time": END}, {"value": "1", "end_time": 1773039600}))
    assert only(parsed).value == 1
    assert parsed.dropped == {"duplicate": 1}
    twice = {"data": [*rows({"value": 1, "end_time": END})["data"], *rows({"value": 1, "end_time": END})["data"]]}
    assert parse(twice).dropped == {"duplicate": 1}


def test_a_row_that_comes_twice_with_two_values_is_an_error_that_names_both() -> None:
    with pytest.raises(ResponseFormatError, match=r"values\[1\].*with the values 11 and 12"):
        parse(rows({"value": 11, "end_time": END}, {"value": 12, "end_time": END}))
    two = [*rows({"value": 11, "end_time": END})["data"], *rows({"value": 12, "end_time": END})["data"]]
    with pytest.raises(ResponseFormatError, match=r"data\[1\].*with the values 11 and 12"):
        parse({"data": two})


def test_dimensions_beyond_the_documented_ones_are_kept_apart() -> None:
    row = {"value": 1, "end_time": END, "zone": "b", "is_from_ads": "0", "weights": {"b": 1, "a": [2]}}
    record = only(parse(rows(row)))
    assert record.breakdowns == ()
    assert record.breakdowns_other == (("is_from_ads", "0"), ("weights", '{"a": [2], "b": 1}'), ("zone", "b"))


def test_rows_that_differ_in_one_dimension_only_are_different_rows() -> None:
    document = rows(
        {"value": 1, "end_time": END, "messaging_channel": "messenger"},
        {"value": 1, "end_time": END, "messaging_channel": "instagram"},
        {"value": 1, "end_time": END},
        metric=TOKENS,
    )
    parsed = parse(document, TOKENS, breakdowns="messaging_channel")
    assert [one.breakdowns[0][1] for one in parsed.records] == ["messenger", "instagram", None]


def test_a_dimension_no_file_could_hold_is_refused() -> None:
    with pytest.raises(ResponseFormatError, match="Unicode"):
        parse(rows({"value": 1, "end_time": END, "zone": "\ud800"}))


@pytest.mark.parametrize("document", [{"data": []}, rows()])
def test_no_row_is_no_record_and_no_answer(document: Any) -> None:
    parsed = parse(document)
    assert tuple(parsed.records) == ()
    assert parsed.answered == ()


@pytest.mark.parametrize(
    ("document", "path"),
    [
        ({}, "data"),
        ({"data": None}, "data"),
        ({"data": {"0": {}}}, "data"),
        ({"data": [None]}, r"data\[0\].values"),
        ({"data": [{"name": NEW, "period": "day"}]}, r"data\[0\].values"),
        ({"data": [{"name": NEW, "period": "day", "total_value": {"value": 1}}]}, r"data\[0\].values"),
        (rows(None), r"data\[0\].values\[0\]"),
        (rows([]), r"data\[0\].values\[0\]"),
        (rows({"end_time": END}), r"data\[0\].values\[0\]"),
    ],
)
def test_a_document_of_another_shape_is_refused_with_its_path(document: Any, path: str) -> None:
    with pytest.raises(ResponseFormatError, match=f"at {path}:"):
        parse(document)


def test_an_entry_of_another_page_of_the_query_is_never_booked() -> None:
    row = {"value": 1, "end_time": END}
    with pytest.raises(ResponseFormatError, match=r"data\[0\].id: the entry belongs to Page 102"):
        parse(rows(row, id=f"102/insights/{NEW}/day"))
    assert parse(rows(row, id=f"101/insights/{NEW}/day")).records
    assert parse(rows(row, id=f"5550001/insights/{NEW}/day")).records, "a Page may be asked for by an alias"


def test_columns_and_single_rows_are_read_alike() -> None:
    ends = [end_of_day(DAY + timedelta(n)).strftime("%Y-%m-%dT%H:%M:%S+0000") for n in range(30)]
    plain = rows(*({"value": n, "end_time": end} for n, end in enumerate(ends)))
    one_by_one = rows(*({"value": n, "end_time": end, "start_time": None} for n, end in enumerate(ends)))
    columns, single = parse(plain, count=30).records, parse(one_by_one, count=30).records
    assert tuple(columns) == tuple(single)
    assert len(columns) == len(single) == 30
    assert [type(part) for part in columns.parts] == [RecordSeries]
    assert [type(part) for part in single.parts] == [tuple]
