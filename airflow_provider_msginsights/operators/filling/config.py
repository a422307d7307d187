"""The fill operator's rendered parameters -> their values, or an error before any request."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Protocol

from airflow_provider_msginsights.exceptions import ConfigurationError
from airflow_provider_msginsights.insights.catalog import PERIODS, named_metrics, resolve_metrics
from airflow_provider_msginsights.insights.coverage.filling import NewPages
from airflow_provider_msginsights.insights.dates import pacific_date, parse_moment
from airflow_provider_msginsights.insights.parameters.numbers import parse_count, parse_number, parse_retry_bounds
from airflow_provider_msginsights.insights.parameters.parse import (
    PageIds,
    parse_api_version,
    parse_choice,
    parse_conn_id,
    parse_extra_columns,
    parse_optional_choice,
    parse_optional_conn_id,
    parse_output_path,
    parse_page_ids,
    parse_part,
    parse_switch,
    parse_when,
)
from airflow_provider_msginsights.insights.parameters.values import refusal
from airflow_provider_msginsights.insights.query import checked_breakdowns
from airflow_provider_msginsights.operators.load.findings import ON_FINDING
from airflow_provider_msginsights.operators.load.publishing import PUBLISH
from airflow_provider_msginsights.outputs.coverage_recorder import has_coverage
from airflow_provider_msginsights.outputs.formats.by_name import COMPRESSIONS, FORMAT_NAMES, format_named
from airflow_provider_msginsights.outputs.schema import check_extra_columns


class RenderedFillParameters(Protocol):
    """The attributes of the operator that are read here, as templates left them."""

    output_path: Any
    fill_since: Any
    page_ids: Any
    metrics: Any
    period: Any
    breakdowns: Any
    max_graph_calls: Any
    max_seconds: Any
    below_percent: Any
    recheck_days: Any
    new_pages: Any
    on_finding: Any
    publish: Any
    partition_events: Any
    keep_changes: Any
    output_format: Any
    compression: Any
    part: Any
    extra_columns: Any
    output_conn_id: Any
    final_after_hours: Any
    msginsights_conn_id: Any
    api_version: Any
    retry_bounds: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class FillConfig:
    """The values of the operator's parameters of the same names."""

    output_path: str
    fill_since: date
    page_ids: PageIds
    metrics: tuple[str, ...]
    period: str
    breakdowns: tuple[str, ...]
    max_graph_calls: int
    max_seconds: float
    below_percent: float
    recheck_days: int
    new_pages: NewPages
    on_finding: str
    publish: str
    partition_events: bool
    keep_changes: bool
    output_format: str
    compression: str | None
    part: str
    extra_columns: dict[str, str]
    output_conn_id: str | None
    final_after_hours: float
    msginsights_conn_id: str
    api_version: str | None
    retry_bounds: dict[str, float]

    @classmethod
    def from_operator(cls, operator: RenderedFillParameters) -> FillConfig:
        """Parse every parameter of an operator whose templates are rendered.

        :raises ConfigurationError: for the first one that is not valid; names it, its value and what is allowed.
        """
        metrics = named_metrics(operator.metrics)
        output_path = parse_output_path(operator.output_path)
        if output_path is None:
            raise refusal("output_path", operator.output_path, "the path of the dataset to fill")
        config = cls(
            output_path=output_path,
            fill_since=parse_past_day("fill_since", operator.fill_since),
            page_ids=parse_page_ids(operator.page_ids),
            metrics=metrics,
            period=parse_covered_period(operator.period),
            breakdowns=checked_breakdowns(operator.breakdowns, resolve_metrics(metrics)),
            max_graph_calls=parse_count("max_graph_calls", operator.max_graph_calls),
            max_seconds=parse_number("max_seconds", operator.max_seconds),
            below_percent=parse_number("below_percent", operator.below_percent),
            recheck_days=parse_count("recheck_days", operator.recheck_days),
            new_pages=NewPages(parse_choice("new_pages", operator.new_pages, tuple(NewPages))),
            on_finding=parse_choice("on_finding", operator.on_finding, ON_FINDING),
            publish=parse_choice("publish", operator.publish, PUBLISH),
            partition_events=parse_switch("partition_events", operator.partition_events),
            keep_changes=parse_switch("keep_changes", operator.keep_changes),
            output_format=parse_choice("output_format", operator.output_format, FORMAT_NAMES),
            compression=parse_optional_choice("compression", operator.compression, COMPRESSIONS),
            part=parse_part(operator.part),
            extra_columns=parse_extra_columns(operator.extra_columns),
            output_conn_id=parse_optional_conn_id("output_conn_id", operator.output_conn_id),
            final_after_hours=parse_number("final_after_hours", operator.final_after_hours),
            msginsights_conn_id=parse_conn_id("msginsights_conn_id", operator.msginsights_conn_id),
            api_version=parse_api_version(operator.api_version),
            retry_bounds=parse_retry_bounds(operator.retry_bounds),
        )
        check_extra_columns(config.extra_columns)
        format_named(config.output_format, config.compression)
        return config


def parse_covered_period(value: object) -> str:
    """Return a period whose datasets can be complete: one with a row for each day.

    :raises ConfigurationError: for the others, and for what is no period.
    """
    period = parse_choice("period", value, PERIODS)
    if not has_coverage(period):
        raise ConfigurationError(
            f"period={period!r} has no row for each day, so that nothing can be missing: use day, week or days_28, or "
            "load the range again.",
            parameter="period",
        )
    return period


def parse_past_day(name: str, value: object) -> date:
    """Return a Pacific day that has begun.

    :param value: a date or moment, in any form that ``since`` takes.
    :raises ConfigurationError: for one in the future, and for what is neither.
    """
    given = parse_when(name, value)
    if given is None:
        raise refusal(name, value, "the first Pacific day, such as 2025-01-01")
    try:
        moment = parse_moment(given)
    except ConfigurationError as error:
        raise ConfigurationError(f"{name}: {error.message}", parameter=name) from None
    day = pacific_date(moment) if isinstance(moment, datetime) else moment
    if day > (today := pacific_date(datetime.now(UTC))):
        raise ConfigurationError(f"{name}={day} lies in the future; today is {today} in Pacific time.", parameter=name)
    return day
