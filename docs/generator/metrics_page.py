"""The reference page of the metrics, made from the catalogue."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from docstrings import prose
from reference import code_list, page_of, table

from airflow_provider_msginsights.insights.catalog import (
    BREAKDOWN_MEANINGS,
    METRIC_GROUPS,
    METRICS,
    PERIOD_MEANINGS,
    SUMMABLE_PERIODS,
    UNIT_MEANINGS,
    Metric,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

SUMS = {True: "yes", False: "no", None: "not known"}
INTRODUCTION = f"""
The metrics of Meta's Messaging Insights API that this package knows, with what their values mean and over what they
may be added up. `msginsights metrics --json` prints the same for programs, such as what fills a semantic model.

A task names metrics one by one, or by a word: `"stable"` stands for the {len(METRIC_GROUPS["stable"])} that Meta does
not label as in development, `"all"` for all {len(METRIC_GROUPS["all"])}. Meta may change or withdraw a metric that is
in development.
"""
SUMMING = f"""
Read the table as: may the values of one metric be added up over the days of rows of the period
{code_list(SUMMABLE_PERIODS)}, over Pages, over the values of a dimension? The section of each metric says why, and what
to do where they may not. Rows of `week` and `days_28` overlap: they never add up over days.
"""
NO_ROW = "A missing row is not a zero: the day is not computed yet, the Page is too small, or a permission was lost."


def page() -> str:
    """Return the page."""
    sections = [
        prose(INTRODUCTION),
        f"## What may be added up\n\n{prose(SUMMING)}\n\n{_sums()}\n\n{NO_ROW}",
        *(_section(metric) for metric in METRICS.values()),
        f"## Units\n\n{_listed(UNIT_MEANINGS)}",
        "## Periods\n\nEvery metric takes each of them; a load has one (`period`).\n\n" + _listed(PERIOD_MEANINGS),
        f"## Dimensions\n\nWhat `breakdowns` names. Values come as Meta spells them.\n\n{_listed(BREAKDOWN_MEANINGS)}",
    ]
    return page_of("Metrics", sections)


def _sums() -> str:
    heads = ("Metric", "Unit", "Over days", "Over Pages", "Over dimensions")
    return table(
        heads, [(f"[`{metric.name}`](#{metric.name})", metric.unit, *_axes(metric)) for metric in METRICS.values()]
    )


def _axes(metric: Metric) -> tuple[str, str, str]:
    sums = metric.sums
    within = f", by {code_list(sums.within)}" if sums.within else ""
    days, pages = (SUMS[axis] + (within if axis else "") for axis in (sums.days, sums.pages))
    return days, pages, SUMS[sums.dimensions] if metric.breakdowns else "has none"


def _section(metric: Metric) -> str:
    label = " Meta labels it as in development." if metric.in_development else ""
    days, pages, dimensions = _axes(metric)
    return "\n".join(
        [
            f"## {metric.name}",
            "",
            metric.meaning + label,
            "",
            f"- Unit: [{metric.unit}](#units)",
            f"- Periods: {code_list(PERIOD_MEANINGS)}",
            f"- Dimensions: {code_list(metric.breakdowns) or 'none'}",
            f"- May be added up over days: {days}; over Pages: {pages}; over dimensions: {dimensions}",
            "",
            metric.sums.why,
        ]
    )


def _listed(meanings: Mapping[Any, str]) -> str:
    return "\n".join(f"- `{name}`: {meaning}" for name, meaning in meanings.items())
