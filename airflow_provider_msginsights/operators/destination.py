"""Where a load's files go: an operator's words about storage -> a dataset."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.sdk import BaseHook, ObjectStoragePath

from airflow_provider_msginsights.outputs.dataset import Dataset
from airflow_provider_msginsights.outputs.formats import format_named
from airflow_provider_msginsights.outputs.schema import check_extra_columns
from airflow_provider_msginsights.outputs.storage_providers import naming_the_missing_provider

if TYPE_CHECKING:
    from collections.abc import Mapping


def dataset_at(
    output_path: str,
    *,
    period: str,
    breakdowns: tuple[str, ...],
    output_conn_id: str | None,
    output_format: str,
    compression: str | None,
    part: str,
    extra_columns: Mapping[str, str],
) -> Dataset[ObjectStoragePath]:
    """Give the dataset that rows of a period and its breakdowns belong to; nothing is written yet.

    :raises ConfigurationError: for a format, compression, column or store that cannot be.
    :raises AirflowNotFoundException: when the connection of the storage does not exist.
    """
    check_extra_columns(extra_columns)
    if output_conn_id:
        # Airflow would take the machine's own credentials for a connection that does not exist.
        BaseHook.get_connection(output_conn_id)
    with naming_the_missing_provider(output_path):
        root = ObjectStoragePath(output_path, conn_id=output_conn_id)
    return Dataset(
        root=root,
        file_format=format_named(output_format, compression),
        period=period,
        breakdowns=breakdowns,
        part=part,
        extra_columns=tuple(extra_columns),
    )
