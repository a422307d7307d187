"""An Airflow connection -> checked settings and credentials, with errors that name the connection."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeAlias

from airflow_provider_msginsights.exceptions import ConfigurationError
from airflow_provider_msginsights.transports.settings import from_connection_parts

if TYPE_CHECKING:
    from airflow.sdk import Connection

    from airflow_provider_msginsights.transports.credentials import Credentials
    from airflow_provider_msginsights.transports.settings import TransportSettings


Parts: TypeAlias = "tuple[TransportSettings, Credentials]"


def parts_of(connection: Connection, conn_id: str, *, api_version: str | None) -> Parts | ConfigurationError:
    """Give what a transport needs of the connection, or what is wrong with it.

    The error is given and not raised: crash reporters show the locals of every frame an error passes, and those of
    this one hold the connection.

    :param api_version: instead of the connection's.
    :return: an error for a wrong value names the connection and its field and quotes no secret.
    """
    host = f"{connection.host}:{connection.port}" if connection.host and connection.port else connection.host
    chosen = {"api_version": api_version} if api_version else {}
    try:
        return from_connection_parts(
            host=host,
            login=connection.login,
            password=connection.password,
            extra={**_extra_of(connection), **chosen},
        )
    except ConfigurationError as error:
        return ConfigurationError(f"Connection {conn_id!r}: {error.message}")


def usable(parts: Parts | ConfigurationError) -> Parts:
    """Give the parts on.

    :raises ConfigurationError: when they are one.
    """
    if isinstance(parts, ConfigurationError):
        raise parts.with_traceback(None)
    return parts


def _extra_of(connection: Connection) -> dict[str, Any]:
    """Not ``extra_dejson``: in a triggerer it would block the event loop, and what is no JSON it takes for nothing."""
    try:
        extra = json.loads(connection.extra or "{}")
    except ValueError:
        extra = None
    if not isinstance(extra, dict):
        raise ConfigurationError("The connection's extra is no JSON object.")
    return extra
