"""Which package brings which kind of store, for the day one is missing."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from airflow_provider_msginsights.exceptions import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator

_AMAZON = "airflow-provider-msginsights[s3]"
_GOOGLE = "apache-airflow-providers-google"
_AZURE = "apache-airflow-providers-microsoft-azure"
# Ours where there is an extra, which brings the provider and what it leaves out; otherwise Airflow's provider.
_PACKAGES = {
    "s3": _AMAZON,
    "s3a": _AMAZON,
    "gs": _GOOGLE,
    "gcs": _GOOGLE,
    "abfs": _AZURE,
    "abfss": _AZURE,
    "adl": _AZURE,
    "az": _AZURE,
    "sftp": "apache-airflow-providers-sftp[sshfs]",
    "ssh": "apache-airflow-providers-sftp[sshfs]",
    "hdfs": "apache-airflow-providers-apache-hdfs",
}


@contextlib.contextmanager
def naming_the_missing_provider(output_path: str) -> Iterator[None]:
    """Turn the errors of a kind of store that is not installed into one that names what to install.

    :param output_path: where to write, as the user gave it; its scheme decides what is missing.
    :raises ConfigurationError: in place of fsspec's ImportError and of its, and Airflow's, ValueError.
    """
    try:
        yield
    except (ImportError, ValueError) as error:
        scheme = output_path.partition("://")[0] if "://" in output_path else "file"
        if (package := _PACKAGES.get(scheme)) is None:
            message = (
                f"No installed package can store at {scheme}:// ({type(error).__name__}). Install the Airflow provider "
                "that brings this kind of store, or choose another output_path."
            )
        else:
            message = (
                f"Storing at {scheme}:// needs a package that is not installed, or not whole. "
                f"Install it with: pip install '{package}'"
            )
        raise ConfigurationError(message) from error
