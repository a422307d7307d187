"""The operator's rendered parameters -> their values and the dataset they name, or an error before any request."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Protocol

from airflow_provider_msginsights.exceptions import ConfigurationError
from airflow_provider_msginsights.insights.catalog import PERIODS, TOTAL_OVER_RANGE, named_metrics, resolve_metrics
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
from airflow_provider_msginsights.operators.load.findings import ON_FINDING
from airflow_provider_msginsights.operators.load.publishing import PUBLISH
from airflow_provider_msginsights.operators.load.storage import StorageRoot, dataset_of
from airflow_provider_msginsights.outputs.formats.by_name import COMPRESSIONS, FORMAT_NAMES, format_named
from airflow_provider_msginsights.outputs.schema import check_extra_columns

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_msginsights.outputs.dataset import Dataset
    from airflow_provider_msginsights.run_days.requested import When

ON_EMPTY = ("fail", "skip", "succeed")

_DEFAULT_PART = "0"

NOT_STORED = frozenset(
    {
        "max_failed_pages",
        "on_empty",
        "xcom_max_rows",
        "deferrable",
        "retry_bounds",
        "keep_changes",
        "on_finding",
        "publish",
        "partition_events",
    }
)
"""Parameters that change how a load runs or ends, and none of the rows that it stores."""


class RenderedParameters(Protocol):
    """The attributes of the operator that are read here, as templates left them."""

    page_ids: Any
    metrics: Any
    period: Any
    since: Any
    until: Any
    date_preset: Any
    breakdowns: Any
    lookback_days: Any
    output_path: Any
    output_format: Any
    compression: Any
    part: Any
    extra_columns: Any
    output_conn_id: Any
    max_failed_pages: Any
    on_empty: Any
    final_after_hours: Any
    xcom_max_rows: Any
    deferrable: Any
    msginsights_conn_id: Any
    api_version: Any
    retry_bounds: Any
    keep_changes: Any
    on_finding: Any
    publish: Any
    partition_events: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadConfig:
    """The values of the operator's parameters of the same names.

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
    keep_changes: bool
    on_finding: str
    publish: str
    partition_events: bool

    @classmethod
    def from_operator(cls, operator: RenderedParameters) -> LoadConfig:
        """Parse every parameter of an operator whose templates are rendered.

        :raises ConfigurationError: for the first one that is not valid; names it, its value and what is allowed.
        """
        metrics = named_metrics(operator.metrics)
        config = cls(
            page_ids=parse_page_ids(operator.page_ids),
            metrics=metrics,
            period=parse_choice("period", operator.period, PERIODS),
            since=parse_when("since", operator.since),
            until=parse_when("until", operator.until),
            date_preset=parse_optional_choice("date_preset", operator.date_preset, DATE_PRESETS),
            breakdowns=checked_breakdowns(operator.breakdowns, resolve_metrics(metrics)),
            lookback_days=parse_count("lookback_days", operator.lookback_days),
            output_path=parse_output_path(operator.output_path),
            output_format=parse_choice("output_format", operator.output_format, FORMAT_NAMES),
            compression=parse_optional_choice("compression", operator.compression, COMPRESSIONS),
            part=parse_part(operator.part),
            extra_columns=parse_extra_columns(operator.extra_columns),
            output_conn_id=parse_optional_conn_id("output_conn_id", operator.output_conn_id),
            max_failed_pages=parse_max_failed_pages(operator.max_failed_pages),
            on_empty=parse_choice("on_empty", operator.on_empty, ON_EMPTY),
            final_after_hours=parse_number("final_after_hours", operator.final_after_hours),
            xcom_max_rows=parse_count("xcom_max_rows", operator.xcom_max_rows),
            deferrable=parse_switch("deferrable", operator.deferrable),
            msginsights_conn_id=parse_conn_id("msginsights_conn_id", operator.msginsights_conn_id),
            api_version=parse_api_version(operator.api_version),
            retry_bounds=parse_retry_bounds(operator.retry_bounds),
            keep_changes=parse_switch("keep_changes", operator.keep_changes),
            on_finding=parse_choice("on_finding", operator.on_finding, ON_FINDING),
            publish=parse_choice("publish", operator.publish, PUBLISH),
            partition_events=parse_switch("partition_events", operator.partition_events),
        )
        check_extra_columns(config.extra_columns)
        if config.output_path is not None:
            format_named(config.output_format, config.compression)
        return config

    @property
    def follows_schedule(self) -> bool:
        """Whether the run, and no parameter, decides which days are loaded."""
        named = (self.since, self.until, self.date_preset)
        return all(value is None for value in named) and self.period != TOTAL_OVER_RANGE

    def identity(self) -> dict[str, Any]:
        """Return the parameters that two tries must have in common for the second to continue the first."""
        return {field.name: getattr(self, field.name) for field in fields(self) if field.name not in NOT_STORED}

    def dataset(self) -> Dataset[StorageRoot]:
        """Return the dataset that the load's files belong to; nothing is written yet.

        :raises ConfigurationError: for a path or store that cannot be used.
        :raises AirflowNotFoundException: when the connection of the storage does not exist.
        """
        return dataset_of(self)


def mapped_tasks_share_part(context: Mapping[str, Any], part: str) -> bool:
    """Return whether the other tasks of the same mapping write the same part.

    A template is taken to give each task its own, and so is a part that is mapped over.

    :param part: as rendered for this task.
    """
    ti, dag = context.get("ti"), context.get("dag")
    if getattr(ti, "map_index", -1) < 0:
        return False
    written = getattr(dag, "task_dict", {}).get(getattr(ti, "task_id", None))
    if written is None:
        return part == _DEFAULT_PART
    mapped_over = getattr(getattr(written, "expand_input", None), "value", None)
    if mapped_over is None:  # not mapped itself, but in a mapped group of tasks
        as_written = written.part
    elif isinstance(mapped_over, dict) and "part" in mapped_over:
        return False
    else:
        as_written = written.partial_kwargs.get("part", _DEFAULT_PART if part == _DEFAULT_PART else None)
    return isinstance(as_written, str | int) and "{{" not in str(as_written)


def refuse_shared_part(dataset: Dataset[Any]) -> None:
    """Refuse a load whose rows another task of the mapping could lose.

    :param dataset: claimed, so that it is known what its storage can do.
    :raises ConfigurationError: when the storage replaces a file without checking whether another task changed it.
    """
    if not dataset.conditional_writes:
        raise ConfigurationError(
            f"The storage of {dataset.root} replaces a file even if another task has changed it meanwhile, and "
            f"mapped tasks share part={dataset.part!r}: one could lose the rows of another. Give each mapped task a "
            "part of its own, for example part='{{ ti.map_index }}', or with page_ids or a connection in it.",
            parameter="part",
        )
