"""Where a load's files go: an operator's words about storage -> a dataset."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseHook, ObjectStoragePath
from airflow.sdk.io import get_fs

from airflow_provider_msginsights.airflow_names import AirflowNotFoundException
from airflow_provider_msginsights.exceptions import ConfigurationError
from airflow_provider_msginsights.outputs.dataset import Dataset
from airflow_provider_msginsights.outputs.formats.by_name import format_named
from airflow_provider_msginsights.outputs.schema import check_extra_columns
from airflow_provider_msginsights.outputs.stores.locations import parse_location
from airflow_provider_msginsights.outputs.stores.providers import naming_the_missing_provider

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_msginsights.outputs.stores.locations import Location


@dataclass(frozen=True, slots=True)
class StorageRoot:
    """The directory of a dataset, with a file system of its own.

    Not an ``ObjectStoragePath``: Airflow keeps the file systems of these for the whole process, also one that it made
    without credentials before the connection existed.
    """

    protocol: str
    path: str
    fs: Any
    shown: str

    def __str__(self) -> str:
        return self.shown


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
) -> Dataset[StorageRoot]:
    """Give the dataset that rows of a period and its breakdowns belong to; nothing is written yet.

    :raises ConfigurationError: for a path, format, compression, column or store that cannot be.
    :raises AirflowNotFoundException: when the connection of the storage does not exist.
    """
    check_extra_columns(extra_columns)
    return Dataset(
        root=_root_at(parse_location(output_path, output_conn_id)),
        file_format=format_named(output_format, compression),
        period=period,
        breakdowns=breakdowns,
        part=part,
        extra_columns=tuple(extra_columns),
    )


def _root_at(location: Location) -> StorageRoot:
    if location.conn_id is not None:
        _check_exists(location.conn_id)
    with naming_the_missing_provider(location.url):
        path = ObjectStoragePath(location.url)
        file_system = get_fs(location.scheme or "file", location.conn_id)
    scheme, separator, place = str(path).partition("://")
    shown = f"{scheme}://{location.conn_id}@{place}" if separator and location.conn_id else str(path)
    return StorageRoot(location.scheme, path.path, file_system, shown)


def _check_exists(conn_id: str) -> None:
    """Look a connection up: for one that does not exist Airflow would take the machine's own credentials.

    :raises AirflowNotFoundException: when there is none, by whichever parameter it was named.
    :raises ConfigurationError: when it cannot be read; nothing of it is shown.
    """
    try:
        BaseHook.get_connection(conn_id)
    except AirflowNotFoundException:
        raise AirflowNotFoundException(
            f"The connection {conn_id!r} of the storage does not exist. It is named by output_conn_id, or by "
            "output_path before the @. Create it, or name another one."
        ) from None
    except (ValueError, TypeError) as error:
        raise ConfigurationError(
            f"The connection {conn_id!r} of the storage cannot be read ({type(error).__name__}). Correct it where it "
            "is kept: in Airflow, in an environment variable or in a secrets backend."
        ) from None
