"""Asset events from Messaging Insights: one for each Pacific day that becomes available."""

from __future__ import annotations

import asyncio
import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseEventTrigger, TriggerEvent

from airflow_provider_msginsights.exceptions import ConfigurationError, MessagingInsightsError
from airflow_provider_msginsights.hooks.msginsights import MessagingInsightsHook
from airflow_provider_msginsights.insights.availability.requirement import Requirement
from airflow_provider_msginsights.insights.dates import DateRange, last_days_ended_by, parse_moment
from airflow_provider_msginsights.insights.parameters.numbers import (
    parse_number,
    parse_retry_bounds,
)
from airflow_provider_msginsights.insights.parameters.parse import (
    parse_api_version,
    parse_choice,
    parse_conn_id,
    parse_when,
)
from airflow_provider_msginsights.insights.parameters.values import shown
from airflow_provider_msginsights.insights.query import InsightsQuery
from airflow_provider_msginsights.insights.wording import days_in_words
from airflow_provider_msginsights.triggers.announced_days import AnnouncedDays
from airflow_provider_msginsights.triggers.msginsights import CANARY_METRIC

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Hashable, Mapping, Sequence
    from datetime import date

    from airflow_provider_msginsights.insights.availability.requirement import Verdict
    from airflow_provider_msginsights.triggers.new_day_stream import NewDayProducer, Snapshot

WINDOW_DAYS = 35
"""Days a poll looks at: one that has not come five weeks after its end is given up, with a warning."""

_OLD_AIRFLOW = (
    "MessagingInsightsNewDayTrigger needs Airflow 3.3 or newer, where watchers have a memory. On this Airflow let a "
    "small DAG produce the events: MessagingInsightsSensor(..., outlets=[your_asset])."
)


class MessagingInsightsNewDayTrigger(BaseEventTrigger):
    """For an ``AssetWatcher``: one asset event for each Pacific day that becomes available. Airflow 3.3 and newer.

    The event's payload is ``{"day": "2026-11-18", "page_ids": ["101"], "event_id": "…"}``, with ``silent_page_ids``
    where there are any. The id is the same whenever the same watcher tells of the same day. A DAG scheduled by the
    asset loads the days its events name: ``MessagingInsightsOperator`` reads them by itself.

    What was announced is kept in the asset's state store, and written after Airflow has stored the event: a
    restart loses no day, and repeats one only if it comes between the two. Watchers of the same Pages, metrics and
    connection share one poll; between the end of one day and of the next nothing is asked once all is there.

    :param page_ids: one Page id, several, or text with commas.
    :param metrics: what must be there; by default one metric that every Page with messages has.
    :param msginsights_conn_id: the Airflow connection; it is read again at each poll.
    :param poll_interval_seconds: how long to wait between two polls.
    :param final_after_hours: wait so long after a day's end, until Meta restates it no more.
    :param min_ready_pages: how many Pages must have the day (``3``), or which share of them (``0.9``); all when left
        out.
    :param on_silent_page: whether a Page without any row in the last seven days is left out (``ignore``) or waited
        for (``wait``).
    :param first_day: ISO date of the first Pacific day to tell of, when nothing was told yet; the last day that had
        ended when left out. Days more than five weeks old are left out.
    :param api_version: Graph API version such as ``v26.0``; the connection's when left out.
    :param retry_bounds: bounds on asking again within a poll that differ from the connection's, by the names they
        have there, such as ``{"max_attempts": 2}``.
    :raises ConfigurationError: on Airflow before 3.3, and for arguments that mean nothing.
    """

    def __init__(  # noqa: PLR0913 - a trigger's parameters are its documentation
        self,
        *,
        page_ids: str | int | Sequence[str | int],
        metrics: str | Sequence[str] = CANARY_METRIC,
        msginsights_conn_id: str = MessagingInsightsHook.default_conn_name,
        poll_interval_seconds: float = 15 * 60,
        final_after_hours: float = 0,
        min_ready_pages: float | None = None,
        on_silent_page: str = "ignore",
        first_day: str | None = None,
        api_version: str | None = None,
        retry_bounds: Mapping[str, Any] | None = None,
    ) -> None:
        if not hasattr(BaseEventTrigger, "create_shared_stream_producer"):
            raise ConfigurationError(_OLD_AIRFLOW)
        super().__init__()
        query = InsightsQuery.create(page_ids=page_ids, metrics=metrics, days=_window(datetime.now(UTC), 0))
        self.page_ids = sorted(query.page_ids)
        self.metrics = sorted(query.metrics)
        self.msginsights_conn_id = parse_conn_id("msginsights_conn_id", msginsights_conn_id)
        self.poll_interval_seconds = parse_number("poll_interval_seconds", poll_interval_seconds)
        self.final_after_hours = parse_number("final_after_hours", final_after_hours)
        self.on_silent_page = parse_choice("on_silent_page", on_silent_page, ("ignore", "wait"))
        self.first_day = _checked_day(first_day)
        self.api_version = parse_api_version(api_version)
        self.retry_bounds = dict(sorted(parse_retry_bounds(retry_bounds).items())) or None
        self._requirement = Requirement.create(
            min_ready_pages=min_ready_pages, on_silent_page=self.on_silent_page, page_count=len(self.page_ids)
        )
        self.min_ready_pages = self._requirement.min_ready_pages

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Give what rebuilds this trigger elsewhere: plain JSON, the same for the same watcher, and never a token."""
        return (
            "airflow_provider_msginsights.triggers.new_day.MessagingInsightsNewDayTrigger",
            {
                "page_ids": self.page_ids,
                "metrics": self.metrics,
                "msginsights_conn_id": self.msginsights_conn_id,
                "poll_interval_seconds": self.poll_interval_seconds,
                "final_after_hours": self.final_after_hours,
                "min_ready_pages": self.min_ready_pages,
                "on_silent_page": self.on_silent_page,
                "first_day": self.first_day,
                "api_version": self.api_version,
                "retry_bounds": self.retry_bounds,
            },
        )

    def shared_stream_key(self) -> Hashable:
        """Give what watchers must have in common to share one poll."""
        return (type(self).__name__, *(json.dumps(self.serialize()[1][name]) for name in _SHARED))

    @classmethod
    def create_shared_stream_producer(cls, kwargs: dict[str, Any]) -> NewDayProducer:
        """Make what polls for all watchers with one key, and keeps their memory when their events are stored."""
        from airflow_provider_msginsights.triggers.new_day_stream import NewDayProducer

        return NewDayProducer(**{name: kwargs[name] for name in _SHARED})

    async def filter_shared_stream(self, shared_stream: AsyncIterator[Snapshot]) -> AsyncIterator[TriggerEvent]:
        """Tell of the days of each snapshot that were not told of before."""
        told = await self._announced_days()
        async for snapshot in shared_stream:
            complaints: dict[tuple[bool, str], list[date]] = {}
            for day in told.pending(snapshot.window):
                verdict = self._judge(snapshot, day, complaints)
                if verdict is not None and verdict.ready and verdict.ready_pages:
                    yield TriggerEvent(self._payload(day, verdict))
                    told.add(day)
            self._complain(complaints)
            snapshot.receipts.append(told.receipt())

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Poll alone, where Airflow does not share polls."""
        producer = self.create_shared_stream_producer(self.serialize()[1])
        async for event in self.filter_shared_stream(producer.settling()):
            yield event

    async def _announced_days(self) -> AnnouncedDays:
        if self.asset_state_store is None:
            self.log.error("This trigger only works as the trigger of an AssetWatcher: elsewhere it has no memory.")
            await asyncio.Event().wait()
        window = _window(datetime.now(UTC), self.final_after_hours)
        first_day = datetime.fromisoformat(self.first_day).date() if self.first_day else window.last_day
        identity = [self.page_ids, self.metrics, self.msginsights_conn_id, self.final_after_hours]
        return await AnnouncedDays.read(self.asset_state_store, f"msginsights_days_{_digest(identity)}", first_day)

    def _judge(self, snapshot: Snapshot, day: date, complaints: dict[tuple[bool, str], list[date]]) -> Verdict | None:
        try:
            verdict = self._requirement.judge(snapshot.of_day(day))
        except MessagingInsightsError as error:
            complaints.setdefault((True, str(error)), []).append(day)
            return None
        for warning in verdict.warnings:
            complaints.setdefault((False, warning), []).append(day)
        return verdict

    def _complain(self, complaints: dict[tuple[bool, str], list[date]]) -> None:
        """Log what is wrong once a poll, and not once a day."""
        for (is_error, reason), days in complaints.items():
            if is_error:
                self.log.error("%s cannot be told of: %s", days_in_words(days), reason)
            else:
                self.log.warning("%s: %s", days_in_words(days), reason)

    def _payload(self, day: date, verdict: Verdict) -> dict[str, Any]:
        identity = [self.msginsights_conn_id, self.page_ids, self.metrics, self.final_after_hours, day.isoformat()]
        payload: dict[str, Any] = {
            "day": day.isoformat(),
            "page_ids": list(verdict.ready_pages),
            "event_id": _digest(identity),
        }
        return payload | ({"silent_page_ids": list(verdict.ignored_pages)} if verdict.ignored_pages else {})


_SHARED = (
    "page_ids",
    "metrics",
    "msginsights_conn_id",
    "poll_interval_seconds",
    "final_after_hours",
    "api_version",
    "retry_bounds",
)


def _window(now: datetime, final_after_hours: float) -> DateRange:
    return last_days_ended_by(now - timedelta(hours=final_after_hours), WINDOW_DAYS)


def _checked_day(value: object) -> str | None:
    given = parse_when("first_day", value)
    if given is None:
        return None
    day = parse_moment(given)
    if isinstance(day, datetime):
        raise ConfigurationError(f"first_day={shown(value)} is a moment; give the Pacific date alone.")
    return day.isoformat()


def _digest(identity: object) -> str:
    return hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:16]
