"""What a rendered sensor asks, and how its question travels to the triggerer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow_provider_msginsights.insights.availability.requirement import ON_SILENT_PAGE, FirstLook, Requirement
from airflow_provider_msginsights.insights.catalog import named_metrics, resolve_metrics
from airflow_provider_msginsights.insights.dates import DateRange
from airflow_provider_msginsights.insights.history import possible_days
from airflow_provider_msginsights.insights.parameters.numbers import (
    parse_count,
    parse_min_ready_pages,
    parse_number,
)
from airflow_provider_msginsights.insights.parameters.parse import (
    parse_choice,
    parse_page_ids,
    parse_when,
)
from airflow_provider_msginsights.insights.query import InsightsQuery
from airflow_provider_msginsights.run_days.requested import requested_days

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_msginsights.hooks.msginsights import MessagingInsightsHook
    from airflow_provider_msginsights.sensors.msginsights import MessagingInsightsSensor

WAIT_FOR = ("available", "final")


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Which days of which Pages and metrics must be there, and from when on it makes sense to look for them.

    :param warning: which of the days asked about can never be there and are not waited for.
    """

    query: InsightsQuery
    ranges: tuple[DateRange, ...]
    requirement: Requirement
    first_look: FirstLook
    max_failed_polls: int
    warning: str | None = None

    @classmethod
    def of(cls, sensor: MessagingInsightsSensor, context: Mapping[str, Any], hook: MessagingInsightsHook) -> Question:
        """Read the sensor's rendered parameters; whatever is wrong with them is told before anything is asked.

        :raises ConfigurationError: for a parameter, or a connection, that means nothing.
        :raises NoDayEndedError: when no day ends within the run's interval.
        """
        metrics = named_metrics(sensor.metrics)
        resolve_metrics(metrics)
        page_ids = parse_page_ids(sensor.page_ids)
        wait_for = parse_choice("wait_for", sensor.wait_for, WAIT_FOR)
        on_silent_page = parse_choice("on_silent_page", sensor.on_silent_page, ON_SILENT_PAGE)
        final_after_hours = parse_number("final_after_hours", sensor.final_after_hours)
        min_ready_pages = parse_min_ready_pages(sensor.min_ready_pages)
        max_failed_polls = parse_count("max_failed_polls", sensor.max_failed_polls)
        for name in ("poke_interval", "timeout"):
            parse_number(name, getattr(sensor, name))
        requested = requested_days(
            context,
            since=parse_when("since", sensor.since),
            until=parse_when("until", sensor.until),
            lookback_days=parse_count("lookback_days", sensor.lookback_days),
        )
        possible = possible_days(requested, datetime.now(UTC), may_come=True)
        ranges = possible.ranges
        hook.retry_policy()  # reads the connection: a wrong one must not wait for the day's end to be told
        query = InsightsQuery.create(
            page_ids=hook.resolve_page_ids(page_ids),
            metrics=metrics,
            days=DateRange(ranges[0].first_day, ranges[-1].end_day),
        )
        requirement = Requirement.create(
            min_ready_pages=min_ready_pages,
            on_silent_page=on_silent_page,
            page_count=len(query.page_ids),
        )
        return cls(
            query=query,
            ranges=ranges,
            requirement=requirement,
            first_look=FirstLook(ranges[-1].last_day, final_after_hours if wait_for == "final" else 0),
            max_failed_polls=max_failed_polls,
            warning=possible.warning,
        )

    def as_trigger_arguments(self) -> dict[str, Any]:
        """Give those arguments of ``MessagingInsightsAvailabilityTrigger`` that ask the same; plain JSON."""
        return {
            "page_ids": list(self.query.page_ids),
            "metrics": list(self.query.metrics),
            "ranges": [[days.first_day.isoformat(), days.end_day.isoformat()] for days in self.ranges],
            "final_after_hours": self.first_look.final_after_hours,
            "min_ready_pages": self.requirement.min_ready_pages,
            "on_silent_page": self.requirement.on_silent_page,
        }
