"""Which class stores at which kind of path."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_msginsights.outputs.stores.azure_store import AzureStore
from airflow_provider_msginsights.outputs.stores.gcs_store import GcsStore
from airflow_provider_msginsights.outputs.stores.local_store import LocalStore
from airflow_provider_msginsights.outputs.stores.providers import naming_the_missing_provider
from airflow_provider_msginsights.outputs.stores.s3_store import S3Store
from airflow_provider_msginsights.outputs.stores.store import Store

if TYPE_CHECKING:
    from airflow_provider_msginsights.outputs.stores.store import StoragePath

_KINDS: dict[str, type[Store]] = {
    "": LocalStore,
    "file": LocalStore,
    "local": LocalStore,
    "s3": S3Store,
    "s3a": S3Store,
    "gs": GcsStore,
    "gcs": GcsStore,
    "abfs": AzureStore,
    "abfss": AzureStore,
    "adl": AzureStore,
    "az": AzureStore,
}
"""By the scheme of the path; every other one is a `Store`, which knows no conditions."""


def open_store(root: StoragePath, *, conditional: bool = True) -> Store:
    """Reach the store of a path.

    :param conditional: false where the store is known to honour no conditions.
    :raises ConfigurationError: when the package for that kind of store is not installed.
    """
    with naming_the_missing_provider(str(root)):
        fs = root.fs
    kind = _KINDS.get(root.protocol, Store)
    return kind(fs=fs, base=root.path.rstrip("/"), shown=str(root).rstrip("/"), conditional=conditional)
