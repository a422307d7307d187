"""Where a dataset lies: the directory that parameters name, reached as Airflow reaches object storage."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from airflow.sdk import BaseHook, ObjectStoragePath
from airflow.sdk.io import get_fs

from airflow_provider_msginsights.airflow_names import AirflowNotFoundException
from airflow_provider_msginsights.documentation import ending_with
from airflow_provider_msginsights.exceptions import ConfigurationError
from airflow_provider_msginsights.outputs.dataset import Dataset
from airflow_provider_msginsights.outputs.formats.by_name import format_named
from airflow_provider_msginsights.outputs.stores.locations import parse_location
from airflow_provider_msginsights.outputs.stores.providers import naming_the_missing_provider

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_msginsights.outputs.stores.locations import Location


class DatasetParameters(Protocol):
    """The parsed parameters that say which dataset a task is about."""

    @property
    def output_path(self) -> str | None: ...  # noqa: D102 - described by the class
    @property
    def output_conn_id(self) -> str | None: ...  # noqa: D102 - described by the class
    @property
    def output_format(self) -> str: ...  # noqa: D102 - described by the class
    @property
    def compression(self) -> str | None: ...  # noqa: D102 - described by the class
    @property
    def period(self) -> str: ...  # noqa: D102 - described by the class
    @property
    def breakdowns(self) -> tuple[str, ...]: ...  # noqa: D102 - described by the class
    @property
    def part(self) -> str: ...  # noqa: D102 - described by the class
    @property
    def extra_columns(self) -> Mapping[str, str]: ...  # noqa: D102 - described by the class


def dataset_of(parameters: DatasetParameters) -> Dataset[StorageRoot]:
    """Return the dataset that parameters name; nothing is written yet.

    :raises ConfigurationError: for a path or store that cannot be used.
    :raises AirflowNotFoundException: when the connection of the storage does not exist.
    """
    return Dataset(
        root=storage_root(parse_location(str(parameters.output_path), parameters.output_conn_id)),
        file_format=format_named(parameters.output_format, parameters.compression),
        period=parameters.period,
        breakdowns=parameters.breakdowns,
        part=parameters.part,
        extra_columns=tuple(parameters.extra_columns),
    )


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


def storage_root(location: Location) -> StorageRoot:
    """Reach a directory with the connection that its location names, as Airflow resolves it.

    :raises ConfigurationError: for a store that cannot be used.
    :raises AirflowNotFoundException: when the connection does not exist.
    """
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
        text = (
            f"The connection {conn_id!r} of the storage does not exist. It is named by output_conn_id, or by "
            "output_path before the @. Create it, or name another one."
        )
        raise AirflowNotFoundException(ending_with(text, ConfigurationError.id_of("output_conn_id"))) from None
    except (ValueError, TypeError) as error:
        raise ConfigurationError(
            f"The connection {conn_id!r} of the storage cannot be read ({type(error).__name__}). Correct it where it "
            "is kept: in Airflow, in an environment variable or in a secrets backend.",
            parameter="output_conn_id",
        ) from None
