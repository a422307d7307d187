"""An Airflow connection -> checked settings and credentials, read anew each time: nothing of it is kept here."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias
from weakref import WeakKeyDictionary

from airflow.sdk import BaseHook

from airflow_provider_msginsights.exceptions import ConfigurationError
from airflow_provider_msginsights.transports.settings import from_connection_parts

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Hashable, Mapping

    from airflow.sdk import Connection

    from airflow_provider_msginsights.transports.credentials import Credentials
    from airflow_provider_msginsights.transports.settings import TransportSettings


Parts: TypeAlias = "tuple[TransportSettings, Credentials]"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionReader:
    """Reads one connection, as a task's own words change it.

    :param conn_id: the Airflow connection.
    :param api_version: instead of the connection's.
    :param retry_bounds: bounds on asking again instead of the connection's.
    """

    conn_id: str
    api_version: str | None
    retry_bounds: Mapping[str, Any]

    def parts(self) -> Parts:
        """Give the settings and credentials that stand in the connection now.

        :raises ConfigurationError: when a field of the connection is wrong, naming it.
        """
        return self._bounded(self._parts_of(BaseHook.get_connection(self.conn_id), may_block=True))

    async def aparts(self) -> Parts:
        """Give the same without blocking the event loop."""
        return self._bounded(await self._aread())

    async def ashared(self, since: float) -> Parts:
        """Give what any reader of this loop read within the last second.

        :param since: the reading must have begun at this moment of the loop's clock or later.
        """
        from airflow_provider_msginsights.hooks.connection import shared_reading

        return self._bounded(await shared_reading((self.conn_id, self.api_version), self._aread, since=since))

    def credentials(self) -> Credentials:
        """Give the credentials alone: for a transport whose token was refused."""
        return self.parts()[1]

    async def acredentials(self) -> Credentials:
        """Give the same without blocking the event loop."""
        return (await self.aparts())[1]

    async def _aread(self) -> Parts | ConfigurationError:
        return self._parts_of(await BaseHook.aget_connection(self.conn_id), may_block=False)

    def _parts_of(self, connection: Connection, *, may_block: bool) -> Parts | ConfigurationError:
        """Give what a transport needs of the connection, or what is wrong with it.

        The error is given and not raised: crash reporters show the locals of every frame an error passes, and those of
        this one hold the connection. It names the connection and its field and quotes no secret.
        """
        try:
            extra = _extra_of(connection)
            if may_block:  # it calls the supervisor, which would stop a triggerer's event loop
                connection.extra_dejson  # noqa: B018 - has Airflow mask the secrets in it
            settings, credentials = from_connection_parts(
                host=connection.host,
                port=connection.port,
                login=connection.login,
                password=connection.password,
                extra={**extra, "api_version": None} if self.api_version else extra,
            )
        except ConfigurationError as error:
            return ConfigurationError(f"Connection {self.conn_id!r}: {error.message}")
        return (replace(settings, api_version=self.api_version) if self.api_version else settings), credentials

    def _bounded(self, parts: Parts | ConfigurationError) -> Parts:
        if isinstance(parts, ConfigurationError):
            raise parts.with_traceback(None)
        settings, credentials = parts
        return settings.bounded_by(self.retry_bounds), credentials


def _extra_of(connection: Connection) -> dict[str, Any]:
    """Not ``extra_dejson``: in a triggerer it would block the event loop, and what is no JSON it takes for nothing."""
    try:
        extra = json.loads(connection.extra or "{}")
    except (ValueError, TypeError, RecursionError):
        extra = None
    if not isinstance(extra, dict):
        raise ConfigurationError("The connection's extra must be a JSON object.")
    return extra


SHARED_SECONDS = 1.0
"""How old a shared reading may be; it is forgotten then, so no secret outlives its use."""


class _Reading:
    """The last reading of one connection, for as long as it may be shared."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._begun = 0.0
        self._read: Parts | ConfigurationError | Exception | None = None

    async def begun_since(
        self, moment: float, read: Callable[[], Awaitable[Parts | ConfigurationError]]
    ) -> Parts | ConfigurationError | Exception:
        loop = asyncio.get_running_loop()
        async with self._lock:
            if self._read is None or self._begun < moment:
                self._read, begun = None, loop.time()
                try:
                    self._read = await read()
                except Exception as error:  # noqa: BLE001 - a secrets backend may raise anything; it is raised by each
                    self._read = error
                self._begun = begun
                loop.call_later(SHARED_SECONDS, self._forget, begun)
            return self._read

    def _forget(self, begun: float) -> None:
        if begun == self._begun:
            self._read = None


_readings: WeakKeyDictionary[asyncio.AbstractEventLoop, defaultdict[Hashable, _Reading]] = WeakKeyDictionary()


async def shared_reading(
    key: Hashable, read: Callable[[], Awaitable[Parts | ConfigurationError]], *, since: float
) -> Parts | ConfigurationError:
    """Give what was read for this key within the last second in this event loop, or read it now.

    :param since: the reading must have begun at this moment of the loop's clock or later.
    :raises Exception: what reading raised.
    """
    loop = asyncio.get_running_loop()
    of_key = _readings.setdefault(loop, defaultdict(_Reading))[key]
    found = await of_key.begun_since(max(since, loop.time() - SHARED_SECONDS), read)
    if isinstance(found, Exception) and not isinstance(found, ConfigurationError):
        raise found
    return found
