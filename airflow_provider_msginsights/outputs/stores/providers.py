"""Which package brings which kind of store, for the day one is missing."""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING

from airflow_provider_msginsights.exceptions import ConfigurationError, MessagingInsightsError
from airflow_provider_msginsights.outputs.stores.errors import error_of_store

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


_UNKNOWN_SCHEME = re.compile(r"No filesystem registered|Protocol not known")
"""How Airflow and fsspec begin to say that nothing installed knows a scheme."""


@contextlib.contextmanager
def naming_the_missing_provider(output_path: str) -> Iterator[None]:
    """Turn what is raised where a file system is made into an error that says what to install or to correct.

    :param output_path: where to write; its scheme decides what is missing.
    :raises ConfigurationError: when a package is missing or its connection cannot be used; nothing of that is shown.
    :raises StorageError: for trouble that may pass, such as a service of credentials that does not answer.
    """
    scheme = output_path.partition("://")[0].lower() if "://" in output_path else "file"
    try:
        yield
    except MessagingInsightsError:
        raise
    except Exception as error:
        is_missing = isinstance(error, ImportError) or _UNKNOWN_SCHEME.match(str(error))
        if is_missing:
            raise ConfigurationError(_missing(scheme, type(error).__name__), error_id="MSGI-missing-package") from error
        if isinstance(error, ValueError | TypeError | KeyError | AttributeError):
            # Its text may quote a value of the connection.
            raise ConfigurationError(
                f"Nothing can be stored at {scheme}:// with the connection that output_conn_id names, or without one "
                f"with what the worker has of its own ({type(error).__name__}). Correct the connection's fields.",
                parameter="output_conn_id",
            ) from None
        raise error_of_store(error, output_path, "list") from None


def _missing(scheme: str, kind: str) -> str:
    if (package := _PACKAGES.get(scheme)) is None:
        return (
            f"No installed package can store at {scheme}:// ({kind}). Install the Airflow provider that brings this "
            "kind of store, or choose another output_path."
        )
    return (
        f"Storing at {scheme}:// needs a package that is not installed, or not whole. "
        f"Install it with: pip install '{package}'"
    )
