"""Dates and times as clients write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_msginsights.emulator.time_ranges import parse_moment

PACIFIC = ZoneInfo("America/Los_Angeles")
NOW = datetime(2026, 3, 8, 15, 30, tzinfo=PACIFIC)
"""The afternoon of the day on which daylight saving began."""


def parsed(text: str) -> datetime | None:
    seconds = parse_moment(text, now_seconds=NOW.timestamp())
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("1665175977", datetime(2022, 10, 7, 20, 52, 57, tzinfo=UTC)),
        ("1665175977.5", datetime(2022, 10, 7, 20, 52, 57, tzinfo=UTC)),
        ("2022-01-31", datetime(2022, 1, 31, tzinfo=PACIFIC)),
        ("2022-7-4", datetime(2022, 7, 4, tzinfo=PACIFIC)),
        ("2022-01-31T10:30", datetime(2022, 1, 31, 10, 30, tzinfo=PACIFIC)),
        ("2022-01-31 10:30:15", datetime(2022, 1, 31, 10, 30, 15, tzinfo=PACIFIC)),
        ("2022-01-31T10:30:00+0000", datetime(2022, 1, 31, 10, 30, tzinfo=UTC)),
        ("2022-01-31T10:30:00Z", datetime(2022, 1, 31, 10, 30, tzinfo=UTC)),
        ("2022-01-31 10:30:00 UTC", datetime(2022, 1, 31, 10, 30, tzinfo=UTC)),
        ("2022-01-31T10:30:00-08:00", datetime(2022, 1, 31, 18, 30, tzinfo=UTC)),
        ("now", NOW),
        ("today", datetime(2026, 3, 8, tzinfo=PACIFIC)),
        ("midnight", datetime(2026, 3, 8, tzinfo=PACIFIC)),
        ("Yesterday", datetime(2026, 3, 7, tzinfo=PACIFIC)),
        ("tomorrow", datetime(2026, 3, 9, tzinfo=PACIFIC)),
        ("1 days ago", datetime(2026, 3, 7, 15, 30, tzinfo=PACIFIC)),
        ("-1 day", datetime(2026, 3, 7, 15, 30, tzinfo=PACIFIC)),
        ("+2 weeks", datetime(2026, 3, 22, 15, 30, tzinfo=PACIFIC)),
        ("now -90 minutes", NOW - timedelta(minutes=90)),
        ("3 hours ago", NOW - timedelta(hours=3)),
        ("today -3 days", datetime(2026, 3, 5, tzinfo=PACIFIC)),
        ("1 month ago", datetime(2026, 2, 8, 15, 30, tzinfo=PACIFIC)),
        ("2 years ago", datetime(2024, 3, 8, 15, 30, tzinfo=PACIFIC)),
    ],
)
def test_a_moment_is_read_in_every_form_clients_use(text: str, moment: datetime) -> None:
    assert parsed(text) == moment


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "soon",
        "2022-02-30",
        "2022-13-01",
        # An un-encoded plus sign arrives as a space.
        "2022-01-31T10:30:00 0000",
        "3 fortnights hence",
        "99999999999999",
        "today tomorrow",
        "2022-01-31T25:00",
        "99999 years ago",
    ],
)
def test_text_that_is_no_moment_is_refused(text: str) -> None:
    assert parsed(text) is None


@given(st.text(max_size=40))
def test_any_text_is_either_a_moment_or_refused(text: str) -> None:
    assert parse_moment(text, now_seconds=NOW.timestamp()) is None or parsed(text) is not None


@given(st.datetimes(datetime(1980, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001 - bounds of a strategy with its own zone
def test_iso_text_and_unix_seconds_of_a_moment_agree(moment: datetime) -> None:
    whole = moment.replace(microsecond=0)
    assert parsed(whole.isoformat()) == parsed(str(int(whole.timestamp()))) == whole
