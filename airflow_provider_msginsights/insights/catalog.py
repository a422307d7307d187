"""The 11 metrics of the Messaging Insights API, their breakdowns and the periods it knows.

Source of every name, meaning, breakdown and label: the Messaging Insights API page (updated 27 March 2026), tables
"Available metrics" and "Insights parameters". Units are ours: the page gives them only in words.

What may be added up follows from each metric's sentence there: "the number of times" counts events, and events add up;
"the number of conversations" or "of people" counts each of them once in the time asked for, on one Page. That values
named ``_unique`` are approximations, the Page Insights reference says.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from airflow_provider_msginsights.exceptions import ConfigurationError
from airflow_provider_msginsights.insights.parameters.parse import parse_names
from airflow_provider_msginsights.insights.parameters.values import known, shown

if TYPE_CHECKING:
    from collections.abc import Mapping

Unit = Literal["count", "ratio", "money"]

UNIT_MEANINGS: Mapping[Unit, str] = MappingProxyType(
    {
        "count": "How many: a whole number.",
        "ratio": "One number divided by another: 0.5 is half.",
        "money": "An amount, in units of the currency that the row names; where Meta sends none, the number as sent.",
    }
)
"""What a value of each unit says."""

PERIOD_MEANINGS: Mapping[str, str] = MappingProxyType(
    {
        "day": "One row for each Pacific day.",
        "week": "One row for each Pacific day, for the 7 days that end with it.",
        "month": "Calendar months. No answer of this period has been recorded; the emulator gives a row for each month "
        "that ends in the range.",
        "days_28": "One row for each Pacific day, for the 28 days that end with it.",
        "total_over_range": "One row for the whole range that was requested, of at most 90 days.",
    }
)
"""The length of time that one value stands for, and how many rows that makes."""

PERIODS = tuple(PERIOD_MEANINGS)

TOTAL_OVER_RANGE = "total_over_range"

SUMMABLE_PERIODS = ("day",)
"""Whose rows do not overlap; ``week`` and ``days_28`` have a row for each day, over the days before it."""

BREAKDOWN_MEANINGS: Mapping[str, str] = MappingProxyType(
    {
        "campaign_id": "The campaign, as the business named or numbered it.",
        "engagement_source": "The call to action that was tapped: the id of a message's first or second button.",
        "message_type": "The kind of message, such as marketing messages.",
        "messaging_channel": "Where it was delivered: Messenger or Instagram.",
        "recurring_notifications_entry_point": "Where the opt-in began, such as an ad or a link. Meta lists it, and "
        "names no metric that has it.",
        "recurring_notifications_frequency": "How often the opt-in allows messages: daily, weekly or monthly.",
        "recurring_notifications_topic": "The topic that was opted in to, as the business named it.",
    }
)
"""Dimensions a reply can be grouped by. Their values come as Meta spells them, which is documented nowhere."""

BREAKDOWNS = tuple(BREAKDOWN_MEANINGS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """Over what the values of a metric may be added up.

    :param days: over the days of rows of `SUMMABLE_PERIODS`; ``None`` where the documentation leaves it open.
    :param pages: over Pages.
    :param dimensions: over the values of a breakdown; ``None`` for a metric that has none.
    :param within: columns whose values must not be mixed in a sum.
    :param why: why, and what to do instead.
    """

    days: bool | None
    pages: bool
    dimensions: bool | None
    within: tuple[str, ...] = ()
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One metric: what it counts, in which unit, by what it can be broken down, and over what it adds up.

    :param in_development: Meta may change or withdraw it; not for firm decisions.
    """

    name: str
    meaning: str
    sums: Sums
    unit: Unit = "count"
    breakdowns: tuple[str, ...] = ()
    in_development: bool = False


_MESSAGE_BREAKDOWNS = ("campaign_id", "message_type", "messaging_channel", "recurring_notifications_topic")

_EVENTS = Sums(days=True, pages=True, dimensions=None, why="Each counts once: on one day, for one Page.")
_EVENTS_BY_DIMENSION = Sums(
    days=True,
    pages=True,
    dimensions=True,
    why="Each counts once: on one day, for one Page, under one value of a dimension. What has no value of it may have "
    "no row, so that dimensions can add up to less than the total.",
)
_CONVERSATIONS = Sums(
    days=False,
    pages=False,
    dimensions=None,
    why="Approximate count of different conversations: one that counts on two days counts once in their week. Request "
    "week, days_28, month or total_over_range; nothing gives the number over several Pages.",
)

_ALL = (
    Metric(
        name="page_messages_blocked_conversations_unique",
        meaning="Conversations with the Page that have been blocked.",
        sums=_CONVERSATIONS,
    ),
    Metric(
        name="page_messages_engagement",
        meaning="Times customers tapped a call-to-action button in the Page's marketing messages.",
        sums=_EVENTS_BY_DIMENSION,
        breakdowns=(
            "campaign_id",
            "engagement_source",
            "message_type",
            "messaging_channel",
            "recurring_notifications_topic",
        ),
        in_development=True,
    ),
    Metric(
        name="page_messages_new_conversations_unique",
        meaning="Conversations on Messenger begun with people who had never messaged the business before.",
        sums=_CONVERSATIONS,
    ),
    Metric(
        name="page_messages_order_count",
        meaning="Orders created in messaging conversations or in third-party tools that manage them.",
        sums=_EVENTS,
        in_development=True,
    ),
    Metric(
        name="page_messages_paid_order_earnings",
        meaning="Approximate money earned from orders created through messaging conversations.",
        sums=Sums(
            days=True,
            pages=True,
            dimensions=None,
            within=("currency",),
            why="Each order counts once, but sums must be of one currency. Meta's amounts are approximate.",
        ),
        unit="money",
        in_development=True,
    ),
    Metric(
        name="page_messages_read_ratio",
        meaning="Marketing messages read divided by marketing messages sent by the Page.",
        sums=Sums(
            days=False,
            pages=False,
            dimensions=False,
            why="A quotient. Request week, days_28, month or total_over_range, or take the mean weighted by "
            "page_messages_sent of the same Page, day and dimensions.",
        ),
        unit="ratio",
        breakdowns=_MESSAGE_BREAKDOWNS,
        in_development=True,
    ),
    Metric(
        name="page_messages_reported_conversations_unique",
        meaning="Conversations from the Page that people reported, for instance as spam.",
        sums=_CONVERSATIONS,
    ),
    Metric(
        name="page_messages_sent",
        meaning="Marketing messages the Page sent to customers.",
        sums=_EVENTS_BY_DIMENSION,
        breakdowns=_MESSAGE_BREAKDOWNS,
        in_development=True,
    ),
    Metric(
        name="page_messages_total_messaging_connections",
        meaning="People the business can message: who ever wrote since October 2016 and did not block or report it.",
        sums=Sums(
            days=False,
            pages=False,
            dimensions=None,
            why="How many there are, not how many a day adds: take the last day. Who is a connection of two Pages "
            "counts for each.",
        ),
    ),
    Metric(
        name="page_messages_with_business_outcomes",
        meaning="Messaging connections with at least one order created.",
        sums=Sums(
            days=False,
            pages=False,
            dimensions=None,
            why="Someone who counts on two days, or on two Pages, is one person. Request week, days_28, month or "
            "total_over_range; nothing gives the number over several Pages.",
        ),
        in_development=True,
    ),
    Metric(
        name="recurring_notifications_tokens",
        meaning="Subscriptions to the Page's marketing messages minus withdrawals, counted once a topic.",
        sums=Sums(
            days=None,
            pages=True,
            dimensions=True,
            why="Each subscription counts for one Page, once a topic. Whether a day's value is the day's change or the "
            "balance so far, the documentation does not say: request total_over_range.",
        ),
        breakdowns=(
            "messaging_channel",
            "recurring_notifications_frequency",
            "recurring_notifications_topic",
        ),
        in_development=True,
    ),
)

METRICS: Mapping[str, Metric] = MappingProxyType({metric.name: metric for metric in _ALL})
"""Every metric by its name, in the order of the documentation."""

STABLE_METRICS = tuple(metric.name for metric in _ALL if not metric.in_development)
"""The metrics the documentation does not label as in development."""

METRIC_GROUPS: Mapping[str, tuple[str, ...]] = MappingProxyType({"stable": STABLE_METRICS, "all": tuple(METRICS)})
"""Words that stand for several metrics."""


def named_metrics(value: object) -> tuple[str, ...]:
    """Metric names and groups, each once, in the order given.

    :param value: in any way that `parse_names` understands.
    :raises ConfigurationError: for none at all.
    """
    if not (names := parse_names("metrics", value)):
        raise ConfigurationError(
            f"metrics={shown(value)}: No metric was named. "
            f"Name some of {', '.join(METRICS)}, or say 'stable' or 'all'.",
            parameter="metrics",
        )
    return names


def resolve_metrics(names: object) -> tuple[str, ...]:
    """Metric names, each once, in the order given, with ``"stable"`` and ``"all"`` spelled out.

    :param names: names or groups, in any way that `parse_names` understands.
    :raises ConfigurationError: for an unknown name, naming the nearest ones, and for none at all.
    """
    resolved: dict[str, None] = {}
    for name in named_metrics(names):
        if name in METRIC_GROUPS:
            resolved.update(dict.fromkeys(METRIC_GROUPS[name]))
        else:
            resolved[known(name, tuple(METRICS), "metric", also=tuple(METRIC_GROUPS), parameter="metrics")] = None
    return tuple(resolved)


def explicit_metrics(names: object) -> frozenset[str]:
    """Return the metrics named one by one, and not only through ``"stable"`` or ``"all"``."""
    return frozenset(name for name in parse_names("metrics", names) if name in METRICS)
