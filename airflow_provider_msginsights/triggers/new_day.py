"""Asset events from Messaging Insights: one for each Pacific day that becomes available."""

from __future__ import annotations

import asyncio
import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseEventTrigger, TriggerEvent

from airflow_provider_msginsights.exceptions import ConfigurationError
from airflow_provider_msginsights.hooks.msginsights import MessagingInsightsHook
from airflow_provider_msginsights.insights.availability.check import CANARY_METRIC, Failed, PollState, Ready
from airflow_provider_msginsights.insights.availability.requirement import Requirement
from airflow_provider_msginsights.insights.catalog import named_metrics
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
from airflow_provider_msginsights.triggers.announced_days import WINDOW_DAYS, AnnouncedDays

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Hashable, Mapping, Sequence
    from datetime import date

    from airflow_provider_msginsights.insights.availability.requirement import Readiness
    from airflow_provider_msginsights.triggers.new_day_stream import NewDayProducer, Snapshot

_OLD_AIRFLOW = (
    "MessagingInsightsNewDayTrigger needs Airflow 3.3 or newer, where watchers can keep state. On older versions "
    "produce the events with a small DAG: MessagingInsightsSensor(..., outlets=[your_asset])."
)


class MessagingInsightsNewDayTrigger(BaseEventTrigger):
    """For an ``AssetWatcher``: one asset event for each Pacific day that becomes available. Airflow 3.3 and newer.

    The event's payload is ``{"day": "2026-11-18", "page_ids": ["101"], "event_id": "…"}``, with ``silent_page_ids``
    where there are any. The id is the same whenever the same watcher announces the same day. A DAG scheduled by the
    asset loads the days its events name: ``MessagingInsightsOperator`` reads them by itself.

    The announced days are kept in the asset's state store, and written after Airflow has stored the event: a
    restart loses no day, and repeats one only if it comes between the two. Watchers of the same Pages, metrics and
    connection share one poll. Once all days are available, no request is made until the next day has ended.

    :param page_ids: one Page id, several, or text with commas; not ``"all"``.
    :param metrics: what to wait for; by default one metric that every Page with messages has.
    :param msginsights_conn_id: the Airflow connection; it is read again at each poll.
    :param poll_interval_seconds: how long to wait between two polls.
    :param final_after_hours: wait so long after a day's end, until Meta restates it no more.
    :param min_ready_pages: how many Pages must have the day (``3``), or which share of them (``0.9``); all when left
        out.
    :param on_silent_page: whether a Page without any row in the last seven days is left out (``ignore``) or waited
        for (``wait``).
    :param first_day: ISO date of the first Pacific day to announce, when none was announced yet; the last day that had
        ended when left out. Days more than five weeks old are left out.
    :param api_version: Graph API version such as ``v26.0``; the connection's when left out.
    :param retry_bounds: limits of the retries within a poll that differ from the connection's, by the names they
        have there, such as ``{"max_attempts": 2}``.
    :raises ConfigurationError: on Airflow before 3.3, and for invalid arguments.
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
            raise ConfigurationError(_OLD_AIRFLOW, error_id="MSGI-airflow-version")
        super().__init__()
        query = InsightsQuery.create(page_ids=page_ids, metrics=metrics, days=_window(datetime.now(UTC), 0))
        self.page_ids = sorted(query.page_ids)
        # Groups stay groups: a retired metric is passed over in one, and an error where it was named.
        self.metrics = sorted(named_metrics(metrics))
        self._resolved_metrics = sorted(query.metrics)
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
        """Return what rebuilds this trigger elsewhere: plain JSON, the same for the same watcher, and never a token."""
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
        """Return what watchers must have in common to share one poll."""
        return (type(self).__name__, *(json.dumps(self.serialize()[1][name]) for name in _SHARED))

    @classmethod
    def create_shared_stream_producer(cls, kwargs: dict[str, Any]) -> NewDayProducer:
        """Return what polls for all watchers with one key, and keeps their state once their events are stored."""
        from airflow_provider_msginsights.triggers.new_day_stream import NewDayProducer

        return NewDayProducer(**{name: kwargs[name] for name in _SHARED})

    async def filter_shared_stream(self, shared_stream: AsyncIterator[Snapshot]) -> AsyncIterator[TriggerEvent]:
        """Yield an event for each day of a snapshot that is available and was not announced before."""
        announced = await self._announced_days()
        async for snapshot in shared_stream:
            problems: dict[tuple[bool, str], list[date]] = {}
            for day in announced.pending(snapshot.window):
                readiness = self._readiness(snapshot, day, problems)
                if readiness is not None and readiness.ready_pages:
                    yield TriggerEvent(self._payload(day, readiness))
                    announced.add(day)
            self._log_problems(problems)
            snapshot.receipts.append(announced.receipt())

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Poll alone, where Airflow does not share polls."""
        producer = self.create_shared_stream_producer(self.serialize()[1])
        async for event in self.filter_shared_stream(producer.snapshots()):
            yield event

    async def _announced_days(self) -> AnnouncedDays:
        if self.asset_state_store is None:
            self.log.error("This trigger works only in an AssetWatcher: it needs the state store of the asset.")
            await asyncio.Event().wait()
        window = _window(datetime.now(UTC), self.final_after_hours)
        first_day = datetime.fromisoformat(self.first_day).date() if self.first_day else window.last_day
        identity = [self.page_ids, self._resolved_metrics, self.msginsights_conn_id, self.final_after_hours]
        return await AnnouncedDays.read(self.asset_state_store, f"msginsights_days_{_digest(identity)}", first_day)

    def _readiness(
        self, snapshot: Snapshot, day: date, problems: dict[tuple[bool, str], list[date]]
    ) -> Readiness | None:
        """Return the readiness of a day if it is ready; note what to log."""
        result = PollState(requirement=self._requirement).record(snapshot.of_day(day))
        if isinstance(result, Failed):
            problems.setdefault((True, str(result.error)), []).append(day)
            return None
        for warning in result.readiness.warnings:
            problems.setdefault((False, warning), []).append(day)
        return result.readiness if isinstance(result, Ready) else None

    def _log_problems(self, problems: dict[tuple[bool, str], list[date]]) -> None:
        """Log each problem once a poll, not once a day."""
        for (is_error, reason), days in problems.items():
            if is_error:
                self.log.error("Cannot announce %s: %s", days_in_words(days), reason)
            else:
                self.log.warning("%s: %s", days_in_words(days), reason)

    def _payload(self, day: date, readiness: Readiness) -> dict[str, Any]:
        identity = [
            self.msginsights_conn_id,
            self.page_ids,
            self._resolved_metrics,
            self.final_after_hours,
            day.isoformat(),
        ]
        payload: dict[str, Any] = {
            "day": day.isoformat(),
            "page_ids": list(readiness.ready_pages),
            "event_id": _digest(identity),
        }
        return payload | ({"silent_page_ids": list(readiness.ignored_pages)} if readiness.ignored_pages else {})


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
        raise ConfigurationError(
            f"first_day={shown(value)} is a moment; give the Pacific date alone.", parameter="first_day"
        )
    return day.isoformat()


def _digest(identity: object) -> str:
    return hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:16]
