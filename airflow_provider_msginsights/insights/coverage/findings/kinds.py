"""The kinds of findings, and what is said of each: what is the matter, and what helps."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class FindingKind(StrEnum):
    """What was found."""

    PAGE_SILENT = "page_silent"
    """A Page that had rows has none any more."""
    METRIC_VANISHED = "metric_vanished"
    """A Page has no row of a metric any more, and has rows of others."""
    ALL_ZERO = "all_zero"
    """A Page has zeros only."""
    CONNECTIONS_DOWN = "connections_down"
    """A Page lost many connections on one day."""
    FINAL_DAY_RESTATED = "final_day_restated"
    """A day that was final has another value."""
    PAGE_NOT_LISTED = "page_not_listed"
    """A Page is requested no more."""

    @property
    def is_event(self) -> bool:
        """Whether it happened on a day, rather than goes on."""
        return self in (FindingKind.CONNECTIONS_DOWN, FindingKind.FINAL_DAY_RESTATED)


_CHECK = "Run `msginsights check`: it names what the token lacks."
WORDS: Mapping[FindingKind, tuple[str, str]] = {
    FindingKind.PAGE_SILENT: (
        "{who} has no row since {day}.",
        f"The next fill looks at the Page and says why. {_CHECK}",
    ),
    FindingKind.METRIC_VANISHED: (
        "{who} has no row of {metric} since {day}{detail}.",
        "If it stays so, Meta has withdrawn the metric for the Page: acknowledge it, or leave the metric out.",
    ),
    FindingKind.ALL_ZERO: (
        "{who} has zeros only since {day}.",
        (
            "See in Meta Business Suite whether messages arrive: an app may have taken over its inbox. If the Page is "
            "closed, acknowledge it."
        ),
    ),
    FindingKind.CONNECTIONS_DOWN: (
        "{who} lost connections on {day}: {metric} fell{detail}.",
        "Look at blocked and reported conversations of that day, and at what the Page sent.",
    ),
    FindingKind.FINAL_DAY_RESTATED: (
        "{who} has another {metric} for {day}, a day that was final:{detail}.",
        "Reports that hold the day show the old value; `msginsights coverage --changes` lists what changed.",
    ),
    FindingKind.PAGE_NOT_LISTED: (
        "{who} is requested no more; the last day requested is before {day}.",
        (
            'Request the Page again. If it left, end its time: `msginsights dataset retire`. With "all", a Page is '
            f"missing that is no longer shared. {_CHECK}"
        ),
    ),
}
"""For each kind what is said of one Page, and what helps."""

WORDS_OF_MANY: Mapping[FindingKind, tuple[str, str]] = {
    FindingKind.PAGE_SILENT: (
        "{who}, of {among}, have no row since {day}: Meta has not computed the day, or the token lost read_insights.",
        f"{_CHECK} If it lacks nothing, wait: loads and fills request the days again.",
    ),
    FindingKind.METRIC_VANISHED: (
        "{who}, of {among}, have no row of {metric} since {day}{detail}.",
        (
            "Meta has withdrawn or renamed the metric, or is late with it: see the changelog of the Graph API. "
            "Acknowledge it, or leave the metric out."
        ),
    ),
    FindingKind.ALL_ZERO: (
        "{who}, of {among}, have zeros only since {day}.",
        "So many together are Meta's doing: a later load may bring other values. See the status page of the Graph API.",
    ),
    FindingKind.CONNECTIONS_DOWN: (
        "{who}, of {among}, lost connections on {day}: {metric} fell.",
        "So many together are Meta's doing, such as another way of counting: see the changelog of the Graph API.",
    ),
    FindingKind.FINAL_DAY_RESTATED: (
        "{who}, of {among}, have another {metric} for {day}, a day that was final.",
        "Reports that hold the day show the old values; `msginsights coverage --changes` lists what changed.",
    ),
    FindingKind.PAGE_NOT_LISTED: (
        "{who}, of {among}, are requested no more.",
        (
            'Request them again, or end their time: `msginsights dataset retire`. With "all", see whether the token '
            f"still belongs to the same person. {_CHECK}"
        ),
    ),
}
"""The same of what meets more than half of the Pages together."""
