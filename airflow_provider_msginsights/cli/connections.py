"""The connection and the dataset a command uses, reached as Airflow's own commands and tasks reach them."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider_msginsights.exceptions import ConfigurationError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from airflow.sdk import Connection

    from airflow_provider_msginsights.hooks.msginsights import MessagingInsightsHook
    from airflow_provider_msginsights.operators.load.storage import StorageRoot
    from airflow_provider_msginsights.outputs.dataset import Dataset

_PARTS = ("conn_type", "description", "host", "login", "password", "schema", "port", "extra")


@contextlib.contextmanager
def _failures_of_airflow(what: str) -> Iterator[None]:
    """Turn whatever Airflow's configuration, secrets backend or database raises into an error that names it.

    Never with its text, which may hold the database's password.
    """
    try:
        yield
    except ConfigurationError:
        raise
    except Exception as error:  # noqa: BLE001 - a backend may be anyone's, and raise anything
        raise ConfigurationError(
            f"This Airflow {what} ({type(error).__name__}): its configuration, secrets backend or database is wrong. "
            "'airflow info' or 'airflow connections list' tells more.",
            error_id="MSGI-airflow",
        ) from None


@contextlib.contextmanager
def connected(conn_id: str) -> Iterator[MessagingInsightsHook]:
    """Return the hook of a connection from the environment, a secrets backend or Airflow's database.

    What Airflow itself prints meanwhile goes to stderr: stdout belongs to the command's answer.

    :raises ConfigurationError: when there is no such connection, or none of this type.
    """
    with contextlib.redirect_stdout(sys.stderr):
        _look_up(conn_id)
        from airflow_provider_msginsights.hooks.msginsights import MessagingInsightsHook

        yield MessagingInsightsHook(conn_id)


def stored_parts(conn_id: str) -> dict[str, Any]:
    """Return a connection as its JSON holds it, secrets and all; parts that it lacks are left out.

    :raises ConfigurationError: when there is no such connection, none of this type, or its extra is not a JSON object.
    """
    with contextlib.redirect_stdout(sys.stderr):
        connection = _look_up(conn_id)
        with _failures_of_airflow("cannot read the connection"):
            parts = {name: getattr(connection, name, None) for name in _PARTS}
    try:
        extra = json.loads(parts["extra"] or "{}")
    except (ValueError, RecursionError):
        extra = None
    if not isinstance(extra, dict):
        raise ConfigurationError(
            f"Connection {conn_id!r}: the connection's extra must be a JSON object.", parameter="extra"
        )
    return {name: value for name, value in (parts | {"extra": extra}).items() if value not in (None, "", {})}


def _look_up(conn_id: str) -> Connection:
    # Airflow's own commands set this too; without it the database is not looked into.
    os.environ.setdefault("_AIRFLOW_PROCESS_CONTEXT", "server")
    with _failures_of_airflow("cannot be loaded"):
        from airflow.sdk import BaseHook

        from airflow_provider_msginsights.airflow_names import AirflowNotFoundException
    from airflow_provider_msginsights.hooks.msginsights import MessagingInsightsHook

    with _failures_of_airflow("cannot look up the connection"):
        try:
            connection = BaseHook.get_connection(conn_id)
        except AirflowNotFoundException:
            raise ConfigurationError(
                f"There is no connection {conn_id!r} in this Airflow: not in AIRFLOW_CONN_{conn_id.upper()}, in no "
                "secrets backend and not in the database. Add it, or run the command where Airflow runs.",
                parameter="msginsights_conn_id",
            ) from None
    if connection.conn_type != MessagingInsightsHook.conn_type:
        raise ConfigurationError(
            f"The connection {conn_id!r} is of type {connection.conn_type!r}, and this takes one of type "
            f"{MessagingInsightsHook.conn_type!r}.",
            parameter="msginsights_conn_id",
        )
    return connection


def add_dataset_options(parser: argparse.ArgumentParser) -> None:
    """Let a command take a dataset."""
    parser.add_argument("path", metavar="PATH", help="the dataset: the output_path of its loads, or a local folder")
    parser.add_argument(
        "--output-conn-id", metavar="ID", help="the Airflow connection of the storage, as the load's output_conn_id"
    )


def dataset_of_options(arguments: argparse.Namespace) -> Dataset[StorageRoot]:
    """Return the dataset that `add_dataset_options` names, described by its label; nothing is written.

    :raises ConfigurationError: for a path or connection that cannot be used, and where no dataset is.
    :raises StorageError: when the storage cannot be reached for now.
    """
    os.environ.setdefault("_AIRFLOW_PROCESS_CONTEXT", "server")
    with contextlib.redirect_stdout(sys.stderr):
        with _failures_of_airflow("cannot be loaded"):
            from airflow_provider_msginsights.airflow_names import AirflowNotFoundException
            from airflow_provider_msginsights.operators.load.storage import storage_root
        from airflow_provider_msginsights.insights.parameters.parse import parse_optional_conn_id, parse_output_path
        from airflow_provider_msginsights.outputs.dataset import Dataset
        from airflow_provider_msginsights.outputs.stores.locations import parse_location

        text: str = arguments.path.strip()
        path = parse_output_path(text if "://" in text else str(Path(text).expanduser().absolute()))
        conn_id = parse_optional_conn_id("--output-conn-id", arguments.output_conn_id)
        location = parse_location(str(path), conn_id)
        with _failures_of_airflow("cannot reach the storage"):
            try:
                root = storage_root(location)
            except AirflowNotFoundException as error:
                raise ConfigurationError(str(error)) from None
        return Dataset.at(root)
