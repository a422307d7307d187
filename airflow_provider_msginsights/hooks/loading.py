"""Loads what polling takes in a thread: a first poll that did it would hold up every other trigger of its triggerer."""

from __future__ import annotations

import asyncio
import contextlib
from importlib import import_module

from airflow_provider_msginsights.exceptions import ConfigurationError


async def load_for_polling() -> None:
    """Import the HTTP client and the flows, and read the usual certificates; quick once that is done."""
    await asyncio.to_thread(_load)


def _load() -> None:
    from airflow_provider_msginsights.transports.clients import new_client
    from airflow_provider_msginsights.transports.settings import TransportSettings

    for module in ("connection_reader", "polling", "readings"):
        import_module(f"airflow_provider_msginsights.hooks.{module}")
    with contextlib.suppress(ConfigurationError):  # it is told when a connection really needs them
        new_client(TransportSettings())
