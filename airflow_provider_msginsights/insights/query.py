"""InsightsQuery: what is asked, checked against the documentation, then cut into the fewest requests."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from airflow_provider_msginsights.exceptions import ConfigurationError
from airflow_provider_msginsights.insights.catalog import (
    BREAKDOWNS,
    METRICS,
    PERIODS,
    TOTAL_OVER_RANGE,
    explicit_metrics,
    named_metrics,
    resolve_metrics,
)
from airflow_provider_msginsights.insights.dates import (
    HISTORY_YEARS,
    MAX_CHUNK_DAYS,
    MAX_RANGE_DAYS,
    DateRange,
    chunks,
    days_ending_within,
    end_of_day,
    first_day_kept,
    pacific_date,
    pacific_midnight,
    parse_moment,
    resolve_preset,
)
from airflow_provider_msginsights.insights.parameters.parse import (
    ALL_PAGE_IDS,
    parse_choice,
    parse_names,
    parse_page_ids,
    parse_when,
)
from airflow_provider_msginsights.insights.parameters.values import is_given, known, shown
from airflow_provider_msginsights.insights.protocol import Request

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

__all__ = ["InsightsQuery", "Slice", "asked_days"]


@dataclass(frozen=True, slots=True)
class Slice:
    """What one request reads: some metrics of one Page over some days.

    A query is cut into slices: every (Page, metric, day) lies in exactly one of them.
    """

    page_id: str
    metrics: tuple[str, ...]
    days: DateRange

    def of(self, metrics: Iterable[str]) -> Slice:
        """Return the same days of the same Page for other metrics."""
        return Slice(self.page_id, tuple(metrics), self.days)

    def without(self, metrics: Iterable[str]) -> Slice:
        """Return the slice less some metrics; it may have none left."""
        left_out = frozenset(metrics)
        return self.of(metric for metric in self.metrics if metric not in left_out)

    def cut(self, max_days: int | None, max_metrics: int) -> Iterator[Slice]:
        """Yield the slice in pieces of at most so many days and metrics; ``None`` keeps the range whole."""
        for days in (self.days,) if max_days is None else chunks(self.days, max_days):
            for start in range(0, len(self.metrics), max_metrics):
                yield Slice(self.page_id, self.metrics[start : start + max_metrics], days)

    def joined(self, later: Slice) -> Slice | None:
        """Both as one, where the later one goes on where this one ends and one request may ask for both."""
        if (self.page_id, self.metrics, self.days.end_day) != (later.page_id, later.metrics, later.days.first_day):
            return None
        days = DateRange(self.days.first_day, later.days.end_day)
        return Slice(self.page_id, self.metrics, days) if len(days) <= MAX_CHUNK_DAYS else None

    def as_dict(self) -> dict[str, Any]:
        """Return the slice in plain JSON types, for a trigger event; `from_dict` reads it back."""
        return {
            "page_id": self.page_id,
            "metrics": list(self.metrics),
            "since": self.days.first_day.isoformat(),
            "until": self.days.end_day.isoformat(),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Slice:
        """Return the slice that `as_dict` described."""
        days = DateRange(date.fromisoformat(data["since"]), date.fromisoformat(data["until"]))
        return cls(data["page_id"], tuple(data["metrics"]), days)


@dataclass(frozen=True, slots=True, kw_only=True)
class InsightsQuery:
    """A checked question to the API; make it with `create`.

    :param explicit_metrics: the metrics named one by one; a load without one of these is a failure, while a metric
        that only came through ``"stable"`` or ``"all"`` may be missing.
    """

    page_ids: tuple[str, ...]
    metrics: tuple[str, ...]
    days: DateRange
    period: str = "day"
    breakdowns: tuple[str, ...] = ()
    explicit_metrics: frozenset[str] = frozenset()

    @classmethod
    def create(
        cls,
        *,
        page_ids: object,
        metrics: object,
        days: DateRange | None,
        period: object = "day",
        breakdowns: object = (),
    ) -> InsightsQuery:
        """Return a query whose every part the documentation allows.

        :param page_ids: Page ids, 1 to 32 digits each, in any form that loads take; not ``"all"``.
        :param metrics: metric names, ``"stable"`` or ``"all"``, in any form that loads take.
        :param days: the requested Pacific days, as `asked_days` returns them; ``None`` is refused.
        :param period: ``day``, ``week``, ``month``, ``days_28`` or ``total_over_range``.
        :param breakdowns: dimensions that every one of the metrics has.
        :raises ConfigurationError: otherwise; names what is allowed and the nearest spelling.
        """
        named = named_metrics(metrics)
        resolved = resolve_metrics(named)
        query = cls(
            page_ids=_checked_page_ids(page_ids),
            metrics=resolved,
            days=_checked_days(days),
            period=parse_choice("period", period, PERIODS),
            breakdowns=checked_breakdowns(breakdowns, resolved),
            explicit_metrics=explicit_metrics(named),
        )
        check_width(query.period, query.days)
        return query

    @property
    def max_chunk_days(self) -> int | None:
        """The widest range one request may ask for; ``None`` where a range must stay whole."""
        return None if self.period == TOTAL_OVER_RANGE else MAX_CHUNK_DAYS

    def slices(self) -> tuple[Slice, ...]:
        """One slice a Page and chunk; neighbours are different Pages, so that one Page's limit is met late."""
        whole = Slice("", self.metrics, self.days)
        ranges = [piece.days for piece in whole.cut(self.max_chunk_days, len(self.metrics))]
        return tuple(Slice(page_id, self.metrics, days) for days in ranges for page_id in self.page_ids)

    def request(self, part: Slice) -> Request:
        """Return the request that reads a slice."""
        params = _params(part.metrics, self.period, part.days, self.breakdowns)
        return Request(f"/{part.page_id}/insights", params, part.page_id)

    def requests(self) -> tuple[Request, ...]:
        """Every request of the query, one a Page and chunk."""
        return tuple(self.request(part) for part in self.slices())

    def warnings(self, at: datetime) -> tuple[str, ...]:
        """Return what to know of the range at an aware moment: days not over yet, or older than the API keeps."""
        warnings = []
        if end_of_day(self.days.last_day) > at:
            warnings.append(f"{self.days.last_day} is not over in US Pacific time: its values will still change.")
        if self.days.first_day < first_day_kept(pacific_date(at)):
            warnings.append(f"{self.days.first_day} is older than the {HISTORY_YEARS} years of history the API keeps.")
        return tuple(warnings)


@lru_cache(maxsize=256)
def _params(
    metrics: tuple[str, ...], period: str, days: DateRange, breakdowns: tuple[str, ...]
) -> tuple[tuple[str, str], ...]:
    """Return what all Pages share; days as unix seconds of Pacific midnights, the unambiguous documented form."""
    params = (
        ("metric", ",".join(metrics)),
        ("period", period),
        ("since", str(days.since_seconds)),
        ("until", str(days.until_seconds)),
    )
    return (*params, ("breakdown", ",".join(breakdowns))) if breakdowns else params


def asked_days(
    *, since: object = None, until: object = None, date_preset: object = None, at: datetime | None = None
) -> DateRange | None:
    """Return the Pacific days of ``since``/``until`` or of a preset; ``None`` when no day ends between the two moments.

    :param since: first day, or the moment after which days end: a date or a moment with its zone, as ISO text, ``date``
        or ``datetime``, or unix seconds.
    :param until: the day after the last one, or the last moment at which a day may end.
    :param date_preset: a named range instead of the two.
    :param at: the moment a preset counts from.
    :raises ConfigurationError: for a preset with a date, one date without the other, an empty or reversed range.
    """
    since, until = parse_when("since", since), parse_when("until", until)
    if is_given(date_preset):
        if since is not None or until is not None:
            raise ConfigurationError(
                "'date_preset' stands instead of 'since' and 'until': give one or the other.", parameter="date_preset"
            )
        if at is None:
            raise ConfigurationError(
                f"date_preset={shown(date_preset)} needs a moment to count from.", parameter="date_preset"
            )
        return resolve_preset(date_preset, at)
    if since is None or until is None:
        raise ConfigurationError("Give both 'since' and 'until', or a 'date_preset'.", parameter="since")
    start, end = _moment(since), _moment(until)
    if not start < end:
        raise ConfigurationError(
            f"'since' ({since}) must be earlier than 'until' ({until}), which is exclusive.", parameter="since"
        )
    return days_ending_within(start, end)


def _moment(value: object) -> datetime:
    parsed = parse_moment(value)
    return parsed if isinstance(parsed, datetime) else pacific_midnight(parsed)


def _checked_days(value: object) -> DateRange:
    if value is None:
        raise ConfigurationError(
            "days=None is not valid: no Pacific day ends in the range. Give a longer one.", parameter="days"
        )
    if not isinstance(value, DateRange):
        raise ConfigurationError(
            f"days={shown(value)} is not valid: use what asked_days(since=…, until=…) returns.", parameter="days"
        )
    return value


def _checked_page_ids(value: object) -> tuple[str, ...]:
    page_ids = parse_page_ids(value)
    if page_ids is None:
        raise ConfigurationError(
            "No Page was named. Give page_ids, or set the connection's login to a Page id.", parameter="page_ids"
        )
    if page_ids == ALL_PAGE_IDS:
        raise ConfigurationError(
            "page_ids='all' is not valid: use ids; the hook's resolve_page_ids('all') gives them.", parameter="page_ids"
        )
    return page_ids


def check_width(period: str, days: DateRange) -> None:
    """Refuse a range over which the API gives no total.

    :raises ConfigurationError: names the range and what helps.
    """
    if period == TOTAL_OVER_RANGE and len(days) > MAX_RANGE_DAYS:
        raise ConfigurationError(
            f"'{TOTAL_OVER_RANGE}' over {len(days)} days ({days}) is wider than the {MAX_RANGE_DAYS} days the API "
            "allows, and such totals cannot be added up from parts. Ask for fewer days or use period='day'.",
            parameter="period",
        )


def checked_breakdowns(breakdowns: object, metrics: tuple[str, ...]) -> tuple[str, ...]:
    """Return the breakdowns by name, each once.

    :param breakdowns: in any way that `parse_names` understands.
    :param metrics: each of them must have every breakdown.
    :raises ConfigurationError: otherwise; names what is allowed and the nearest spelling.
    """
    given = tuple(
        known(name, BREAKDOWNS, "breakdown", parameter="breakdowns") for name in parse_names("breakdowns", breakdowns)
    )
    for metric in metrics:
        allowed = METRICS[metric].breakdowns
        if missing := [name for name in given if name not in allowed]:
            raise ConfigurationError(
                f"{metric} has no breakdown {', '.join(missing)}. "
                f"It has: {', '.join(allowed) or 'none'}. Metrics that have {', '.join(given)}: "
                f"{', '.join(name for name, one in METRICS.items() if set(given) <= set(one.breakdowns)) or 'none'}.",
                parameter="breakdowns",
            )
    return given
