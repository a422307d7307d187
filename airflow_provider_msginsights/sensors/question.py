"""What a rendered sensor asks, and how its question travels to the triggerer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_msginsights.airflow_intervals import requested_days
from airflow_provider_msginsights.exceptions import ConfigurationError
from airflow_provider_msginsights.insights.catalog import known
from airflow_provider_msginsights.insights.date_ranges import DateRange
from airflow_provider_msginsights.insights.numbers import number
from airflow_provider_msginsights.insights.query import InsightsQuery
from airflow_provider_msginsights.insights.readiness import FirstLook, Requirement

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_msginsights.hooks.msginsights import MessagingInsightsHook
    from airflow_provider_msginsights.sensors.msginsights import MessagingInsightsSensor


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Which days of which Pages and metrics must be there, and from when on it makes sense to look for them."""

    query: InsightsQuery
    ranges: tuple[DateRange, ...]
    requirement: Requirement
    first_look: FirstLook

    @classmethod
    def of(cls, sensor: MessagingInsightsSensor, context: Mapping[str, Any], hook: MessagingInsightsHook) -> Question:
        """Read the sensor's rendered parameters; whatever is wrong with them is told before anything is asked.

        :raises ConfigurationError: for a parameter, or a connection, that means nothing.
        :raises NoDayEndedError: when no day ends within the run's interval.
        """
        ranges = requested_days(context, since=sensor.since, until=sensor.until, lookback_days=sensor.lookback_days)
        hook.retry_policy()  # reads the connection: a wrong one must not wait for the day's end to be told
        query = InsightsQuery.create(
            page_ids=hook.page_ids_of(sensor.page_ids),
            metrics=sensor.metrics,
            days=DateRange(ranges[0].first_day, ranges[-1].end_day),
        )
        requirement = Requirement.create(
            min_ready_pages=sensor.min_ready_pages,
            on_silent_page=sensor.on_silent_page,
            page_count=len(query.page_ids),
        )
        waits_for_final = known(sensor.wait_for, ("available", "final"), "value of wait_for") == "final"
        final_after_hours = number("final_after_hours", sensor.final_after_hours)
        if sensor.max_failed_polls < 1:
            raise ConfigurationError(f"max_failed_polls={sensor.max_failed_polls!r} is not 1 or more.")
        return cls(
            query=query,
            ranges=ranges,
            requirement=requirement,
            first_look=FirstLook(ranges[-1].last_day, final_after_hours if waits_for_final else 0),
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
