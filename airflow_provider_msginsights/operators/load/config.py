"""The operator's parameters, as templates left them -> what they mean, or an error before any request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_msginsights.insights.catalog import PERIODS, named_metrics, resolve_metrics
from airflow_provider_msginsights.insights.dates import DATE_PRESETS
from airflow_provider_msginsights.insights.parameters.numbers import (
    parse_count,
    parse_max_failed_pages,
    parse_number,
    parse_retry_bounds,
)
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
from airflow_provider_msginsights.insights.query import checked_breakdowns
from airflow_provider_msginsights.outputs.formats.by_name import COMPRESSIONS, FORMAT_NAMES, format_named
from airflow_provider_msginsights.outputs.schema import check_extra_columns

if TYPE_CHECKING:
    from airflow_provider_msginsights.operators.msginsights import MessagingInsightsOperator
    from airflow_provider_msginsights.run_days.requested import When

ON_EMPTY = ("fail", "skip", "succeed")


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadConfig:
    """What the operator's parameters of the same names mean.

    :param page_ids: the ids, ``"all"``, or ``None`` for the connection's default Pages.
    :param metrics: the names as given: ``"stable"`` and ``"all"`` stand for themselves.
    :param output_path: where to write, as text; ``None`` for XCom.
    """

    page_ids: PageIds
    metrics: tuple[str, ...]
    period: str
    since: When
    until: When
    date_preset: str | None
    breakdowns: tuple[str, ...]
    lookback_days: int
    output_path: str | None
    output_format: str
    compression: str | None
    part: str
    extra_columns: dict[str, str]
    output_conn_id: str | None
    max_failed_pages: float | None
    on_empty: str
    final_after_hours: float
    xcom_max_rows: int
    deferrable: bool
    msginsights_conn_id: str
    api_version: str | None
    retry_bounds: dict[str, float]

    @classmethod
    def of(cls, task: MessagingInsightsOperator) -> LoadConfig:
        """Read the parameters of a rendered task.

        :raises ConfigurationError: for the first one that means nothing, naming it, its value and what is allowed.
        """
        metrics = named_metrics(task.metrics)
        config = cls(
            page_ids=parse_page_ids(task.page_ids),
            metrics=metrics,
            period=parse_choice("period", task.period, PERIODS),
            since=parse_when("since", task.since),
            until=parse_when("until", task.until),
            date_preset=parse_optional_choice("date_preset", task.date_preset, DATE_PRESETS),
            breakdowns=checked_breakdowns(task.breakdowns, resolve_metrics(metrics)),
            lookback_days=parse_count("lookback_days", task.lookback_days),
            output_path=parse_output_path(task.output_path),
            output_format=parse_choice("output_format", task.output_format, FORMAT_NAMES),
            compression=parse_optional_choice("compression", task.compression, COMPRESSIONS),
            part=parse_part(task.part),
            extra_columns=parse_extra_columns(task.extra_columns),
            output_conn_id=parse_optional_conn_id("output_conn_id", task.output_conn_id),
            max_failed_pages=parse_max_failed_pages(task.max_failed_pages),
            on_empty=parse_choice("on_empty", task.on_empty, ON_EMPTY),
            final_after_hours=parse_number("final_after_hours", task.final_after_hours),
            xcom_max_rows=parse_count("xcom_max_rows", task.xcom_max_rows),
            deferrable=parse_switch("deferrable", task.deferrable),
            msginsights_conn_id=parse_conn_id("msginsights_conn_id", task.msginsights_conn_id),
            api_version=parse_api_version(task.api_version),
            retry_bounds=parse_retry_bounds(task.retry_bounds),
        )
        check_extra_columns(config.extra_columns)
        if config.output_path is not None:
            format_named(config.output_format, config.compression)
        return config
