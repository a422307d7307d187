"""The wait of sensor and triggers: what travels to the triggerer, and what each poll means."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_msginsights.exceptions import (
    AuthenticationError,
    ConfigurationError,
    EmptyAnswerError,
    MessagingInsightsError,
    RateLimitError,
    ServiceUnavailableError,
    TransportError,
)
from airflow_provider_msginsights.insights.availability.check import (
    CANARY_METRIC,
    ENDS_WAITING,
    AvailabilityCheck,
    Failed,
    NotReady,
    PollState,
    Ready,
)
from airflow_provider_msginsights.insights.availability.polling import Availability
from airflow_provider_msginsights.insights.availability.requirement import Requirement
from airflow_provider_msginsights.insights.dates import DateRange
from airflow_provider_msginsights.insights.fetch.outcome import FetchOutcome, Paused
from airflow_provider_msginsights.insights.query import InsightsQuery, Slice

DAY = date(2026, 11, 1)
DAYS = DateRange(DAY, date(2026, 11, 2))
NOW = datetime(2026, 11, 3, tzinfo=UTC)
ENDS = datetime(2026, 11, 2, 8, tzinfo=UTC)
PAGES = ("101", "102")
QUERY = InsightsQuery.create(page_ids=PAGES, metrics=CANARY_METRIC, days=DAYS)

moments = st.none() | st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - the zone is given beside
waiting = st.fixed_dictionaries(
    {
        "msginsights_conn_id": st.sampled_from(["msginsights_default", "other"]),
        "poll_interval_seconds": st.floats(0.001, 604_800),
        "api_version": st.sampled_from([None, "v26.0"]),
        "retry_bounds": st.sampled_from([None, {"max_attempts": 2}, {"total_seconds": 1.5}]),
        "final_after_hours": st.floats(0, 1000),
        "not_before": moments,
        "deadline": moments,
        "execution_deadline": moments,
        "exponential_backoff": st.booleans(),
        "max_wait_seconds": st.none() | st.floats(0, 604_800),
        "max_failed_polls": st.none() | st.integers(1, 100),
        "failed_polls": st.integers(0, 100),
        "missing": st.none() | st.just("Page 101 has no row"),
        "min_ready_pages": st.sampled_from([None, 1, 2, 0.5]),
        "on_silent_page": st.sampled_from(["ignore", "wait", "fail"]),
        "ranges": st.sampled_from([(DAYS,), (DateRange(date(2026, 10, 1), date(2026, 10, 3)), DAYS)]),
    }
)


def check(**different: Any) -> AvailabilityCheck:
    usual: dict[str, Any] = {
        "page_ids": PAGES,
        "metrics": CANARY_METRIC,
        "ranges": (DAYS,),
        "min_ready_pages": None,
        "on_silent_page": "ignore",
        "msginsights_conn_id": "msginsights_default",
        "poll_interval_seconds": 60,
    }
    return AvailabilityCheck.create(**usual | different)


def found(*missing_pages: str, silent: tuple[str, ...] = (), **outcome: Any) -> Availability:
    return Availability(
        missing=tuple((page_id, CANARY_METRIC, DAY) for page_id in missing_pages),
        outcome=FetchOutcome(query=QUERY, **outcome),
        silent_pages=silent,
    )


@given(waiting)
def test_a_check_survives_its_way_to_the_triggerer(fields: dict[str, Any]) -> None:
    sent = check(**fields)
    arrived = AvailabilityCheck.from_dict(json.loads(json.dumps(sent.to_dict())), now=NOW)
    assert arrived == sent
    assert arrived.to_dict() == sent.to_dict()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ranges", []),
        ("ranges", [["2026-11-01"]]),
        ("ranges", "2026-11-01"),
        ("not_before", "2026-11-01T00:00:00"),
        ("deadline", "tomorrow"),
        ("execution_deadline", 12),
        ("poll_interval_seconds", 0),
        ("max_failed_polls", 0),
        ("failed_polls", -1),
        ("max_wait_seconds", "long"),
        ("on_silent_page", "shout"),
        ("min_ready_pages", 3),
        ("retry_bounds", {"patience": 1}),
        ("exponential_backoff", "perhaps"),
    ],
)
def test_an_invalid_argument_is_named(name: str, value: object) -> None:
    with pytest.raises(ConfigurationError, match=name):
        AvailabilityCheck.from_dict(check().to_dict() | {name: value}, now=NOW)


def test_days_that_can_no_longer_come_are_left_out_with_a_warning() -> None:
    old = DateRange(date(2020, 1, 1), date(2020, 1, 2))
    arguments = check().to_dict() | {"ranges": [["2020-01-01", "2020-01-02"], ["2026-11-01", "2026-11-02"]]}
    arrived = AvailabilityCheck.from_dict(arguments, now=NOW)
    assert arrived.ranges == (DAYS,)
    assert str(old) in (arrived.warning or "")


def test_the_first_poll_is_after_the_day_and_after_not_before() -> None:
    assert check().first_poll_at == ENDS
    assert check(final_after_hours=48).first_poll_at == ENDS + timedelta(hours=48)
    assert check(not_before=ENDS - timedelta(hours=1)).first_poll_at == ENDS
    assert check(not_before=ENDS + timedelta(hours=1)).first_poll_at == ENDS + timedelta(hours=1)


def test_the_earlier_deadline_ends_the_wait() -> None:
    later = ENDS + timedelta(hours=1)
    assert check().gives_up_at is None
    assert (check(deadline=ENDS, execution_deadline=later).gives_up_at) == ENDS
    assert not check(deadline=ENDS, execution_deadline=later).ends_by_execution_timeout
    assert check(deadline=later, execution_deadline=ENDS).ends_by_execution_timeout


def test_the_interval_doubles_up_to_the_longest() -> None:
    steady, growing = check(), check(exponential_backoff=True, max_wait_seconds=200)
    assert [steady.interval_seconds(polls) for polls in (1, 2, 3)] == [60, 60, 60]
    assert [growing.interval_seconds(polls) for polls in (1, 2, 3, 5000)] == [60, 120, 200, 200]


def test_until_the_first_poll_it_says_when_the_day_ends() -> None:
    assert check().start().missing == f"Pacific day 2026-11-01 ends at {ENDS}; no request is made before"
    assert "is final at" in (check(final_after_hours=1).start().missing or "")
    assert check(missing="Page 101").start().missing == "Page 101"


def test_a_poll_that_finds_everything_ends_the_wait() -> None:
    asked = check()
    result = asked.start().record(found())
    assert isinstance(result, Ready)
    assert asked.result(result.readiness) == {"days": ["2026-11-01"], "page_ids": ["101", "102"]}


def test_a_poll_that_lacks_a_page_goes_on_unless_enough_are_ready() -> None:
    state = check().start()
    result = state.record(found("102"))
    assert isinstance(result, NotReady)
    assert state.missing == f"Page 102 has no {CANARY_METRIC} for 2026-11-01"
    enough = check(min_ready_pages=0.5)
    ready = enough.start().record(found("102"))
    assert isinstance(ready, Ready)
    assert enough.result(ready.readiness)["late_page_ids"] == ["102"]


def test_a_silent_page_is_ignored_awaited_or_an_error() -> None:
    silent = found("102", silent=("102",))
    ignored = check().start().record(silent)
    assert isinstance(ignored, Ready)
    assert check().result(ignored.readiness)["silent_page_ids"] == ["102"]
    assert isinstance(check(on_silent_page="wait").start().record(silent), NotReady)
    failed = check(on_silent_page="fail").start().record(silent)
    assert isinstance(failed, Failed)
    assert (failed.ends_waiting, type(failed.error)) == (True, EmptyAnswerError)


def test_a_limit_says_when_to_poll_again_and_is_forgotten_when_it_ends() -> None:
    state = check().start()
    paused = Paused(Slice("102", (CANARY_METRIC,), DAYS), 900.0, None)
    assert isinstance(state.record(found(paused=(paused,))), NotReady)
    assert state.retry_after_seconds == 900
    state.record(RateLimitError("A limit is reached.", retry_after_seconds=60))
    assert state.retry_after_seconds == 60
    state.record(found())
    assert state.retry_after_seconds is None


PASSING = (TransportError("No reply."), ServiceUnavailableError("Try later."), RateLimitError("A limit is reached."))
FATAL = (ConfigurationError("Wrong."), AuthenticationError("Expired."), EmptyAnswerError("No row."))


@given(st.lists(st.sampled_from([*PASSING, found(), found("101")]), max_size=12), st.none() | st.integers(1, 4))
def test_failed_polls_in_a_row_end_the_wait_at_their_limit(
    polls: list[Availability | MessagingInsightsError], limit: int | None
) -> None:
    state, in_a_row = PollState(requirement=Requirement(), max_failed_polls=limit), 0
    for poll in polls:
        result = state.record(poll)
        in_a_row = in_a_row + 1 if isinstance(poll, MessagingInsightsError) else 0
        assert state.failed_polls == in_a_row
        ends = isinstance(result, Failed) and result.ends_waiting
        assert ends == (limit is not None and in_a_row >= limit)


@pytest.mark.parametrize("error", FATAL, ids=lambda error: type(error).__name__)
def test_an_error_that_waiting_cannot_change_ends_it_at_once(error: MessagingInsightsError) -> None:
    result = PollState(requirement=Requirement()).record(error)
    assert isinstance(result, Failed)
    assert result.ends_waiting
    assert result.error is error
    assert isinstance(error, ENDS_WAITING)


def test_a_failed_poll_is_logged_with_its_number_and_the_limit() -> None:
    counted = PollState(requirement=Requirement(), max_failed_polls=5, failed_polls=1)
    result = counted.record(TransportError("No reply."))
    assert isinstance(result, Failed)
    assert result.message == "The poll failed (2 in a row; the limit is 5): No reply. MSGI-no-reply"
    unlimited = PollState(requirement=Requirement()).record(TransportError("No reply."))
    assert isinstance(unlimited, Failed)
    assert unlimited.message == "The poll failed: No reply. MSGI-no-reply"
