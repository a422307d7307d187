"""The moments of a schedule, as Airflow counts them; the SDK's timetables only name the cron and the zone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow_provider_msginsights.exceptions import ConfigurationError


@dataclass(frozen=True, slots=True)
class CronTicks:
    """The moments of a cron expression in a time zone.

    The clock of the zone is counted and then read as a moment, as Airflow does it: a time that a clock change skips
    is an hour later, and a time that comes twice is the second of the two.
    """

    expression: str
    zone: Any

    @classmethod
    def of(cls, timetable: Any) -> CronTicks | None:
        """Return the ticks of a timetable, the SDK's or the scheduler's; ``None`` where it has no cron expression.

        :raises ConfigurationError: for a zone that does not exist.
        """
        expression = getattr(timetable, "expression", None) or getattr(timetable, "_expression", None)
        zone = getattr(timetable, "timezone", None) or getattr(timetable, "_timezone", None)
        if not isinstance(expression, str) or zone is None:
            return None
        return cls(expression, zone_of(zone))

    def after(self, moment: datetime) -> datetime:
        """Return the first tick later than a moment, in UTC."""
        return self._next(moment, "get_next")

    def before(self, moment: datetime) -> datetime:
        """Return the last tick earlier than a moment, in UTC."""
        return self._next(moment, "get_prev")

    def at_clock(self, clock: datetime) -> datetime:
        """Return the moment at which the zone's clock shows a time, in UTC."""
        moment: datetime = self.zone.convert(clock.replace(tzinfo=None, fold=1))
        return datetime.fromisoformat(moment.isoformat()).astimezone(UTC)

    def clock_at(self, moment: datetime) -> datetime:
        """Return what the zone's clock shows at a moment, without a zone."""
        local = moment.astimezone(self.zone)
        return datetime.fromisoformat(local.isoformat()).replace(tzinfo=None)

    def _next(self, moment: datetime, direction: str) -> datetime:
        from croniter import croniter

        try:
            clock: datetime = getattr(croniter(self.expression, self.clock_at(moment)), direction)(datetime)
        except (ValueError, KeyError) as error:  # croniter's own kinds are ValueErrors
            raise ConfigurationError(
                f"The schedule {self.expression!r} has no such moment: {error}", parameter="schedule"
            ) from None
        return self.at_clock(clock)


def zone_of(zone: Any) -> Any:
    """Return a time zone, given by name or as an object.

    :raises ConfigurationError: for an unknown name.
    """
    import pendulum

    if not isinstance(zone, str):
        return zone if hasattr(zone, "convert") else pendulum.timezone(str(zone))
    try:
        return pendulum.timezone(zone)
    except (ValueError, LookupError):
        raise ConfigurationError(
            f"The schedule has a time zone that does not exist: {zone!r}. Use a name such as 'America/Los_Angeles'.",
            parameter="schedule",
        ) from None


def previous_tick(timetable: Any, moment: datetime) -> datetime | None:
    """Return when the schedule had a run before the one at a moment; ``None`` where it does not say.

    :param timetable: a DAG's: by cron, by several crons, or by a length of time.
    """
    if ticks := CronTicks.of(timetable):
        return ticks.before(moment)
    several = getattr(timetable, "timetables", None) or getattr(timetable, "_timetables", None) or ()
    if isinstance(several, (list, tuple)) and several:
        return max((tick for table in several if (tick := previous_tick(table, moment))), default=None)
    delta = getattr(timetable, "delta", None) or getattr(timetable, "_delta", None)
    return moment - delta if isinstance(delta, timedelta) else None
