"""An Airflow connection -> checked settings and credentials, read anew each time and never cached for long."""

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


ConnectionValues: TypeAlias = "tuple[TransportSettings, Credentials]"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionReader:
    """Reads one connection, with a task's own settings in place of the connection's.

    :param conn_id: the Airflow connection.
    :param api_version: instead of the connection's.
    :param retry_bounds: limits of retries instead of the connection's.
    """

    conn_id: str
    api_version: str | None
    retry_bounds: Mapping[str, Any]

    def read(self) -> ConnectionValues:
        """Return the settings and credentials that the connection has now.

        :raises ConfigurationError: when a field of the connection is wrong, naming it.
        """
        return self._bounded(self._values_of(BaseHook.get_connection(self.conn_id), may_block=True))

    async def aread(self) -> ConnectionValues:
        """Return the same without blocking the event loop."""
        return self._bounded(await self._aread_now())

    async def aread_shared(self, since: float) -> ConnectionValues:
        """Return what any reader of this loop read within the last second, or read it now.

        :param since: the reading must have begun at this moment of the loop's clock or later.
        """
        return self._bounded(await shared_reading((self.conn_id, self.api_version), self._aread_now, since=since))

    def credentials(self) -> Credentials:
        """Return only the credentials: for a transport whose token was refused."""
        return self.read()[1]

    async def acredentials(self) -> Credentials:
        """Return the same without blocking the event loop."""
        return (await self.aread())[1]

    async def _aread_now(self) -> ConnectionValues | ConfigurationError:
        return self._values_of(await BaseHook.aget_connection(self.conn_id), may_block=False)

    def _values_of(self, connection: Connection, *, may_block: bool) -> ConnectionValues | ConfigurationError:
        """Return what a transport needs of the connection, or what is wrong with it.

        The error is returned and not raised: crash reporters show the locals of every frame an error passes, and here
        they hold the connection. It names the connection and its field and quotes no secret.
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
            return ConfigurationError(f"Connection {self.conn_id!r}: {error.message}", error_id=error.error_id)
        return (replace(settings, api_version=self.api_version) if self.api_version else settings), credentials

    def _bounded(self, values: ConnectionValues | ConfigurationError) -> ConnectionValues:
        if isinstance(values, ConfigurationError):
            raise values.with_traceback(None)
        settings, credentials = values
        return settings.bounded_by(self.retry_bounds), credentials


def _extra_of(connection: Connection) -> dict[str, Any]:
    """Return the extra fields; ``extra_dejson`` would block a triggerer's event loop, and ignores invalid JSON."""
    try:
        extra = json.loads(connection.extra or "{}")
    except (ValueError, TypeError, RecursionError):
        extra = None
    if not isinstance(extra, dict):
        raise ConfigurationError("The connection's extra must be a JSON object.", parameter="extra")
    return extra


SHARED_SECONDS = 1.0
"""How old a shared reading may be; it is dropped then, so that no secret outlives its use."""


class _Reading:
    """The last reading of one connection, for as long as it may be shared."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._begun = 0.0
        self._read: ConnectionValues | ConfigurationError | Exception | None = None

    async def begun_since(
        self, moment: float, read: Callable[[], Awaitable[ConnectionValues | ConfigurationError]]
    ) -> ConnectionValues | ConfigurationError | Exception:
        loop = asyncio.get_running_loop()
        async with self._lock:
            if self._read is None or self._begun < moment:
                self._read, begun = None, loop.time()
                try:
                    self._read = await read()
                except Exception as error:  # noqa: BLE001 - a secrets backend may raise anything; it is raised by each
                    self._read = error
                self._begun = begun
                loop.call_later(SHARED_SECONDS, self._drop, begun)
            return self._read

    def _drop(self, begun: float) -> None:
        if begun == self._begun:
            self._read = None


_readings: WeakKeyDictionary[asyncio.AbstractEventLoop, defaultdict[Hashable, _Reading]] = WeakKeyDictionary()


async def shared_reading(
    key: Hashable, read: Callable[[], Awaitable[ConnectionValues | ConfigurationError]], *, since: float
) -> ConnectionValues | ConfigurationError:
    """Return what was read for this key within the last second in this event loop, or read it now.

    :param since: the reading must have begun at this moment of the loop's clock or later.
    :raises Exception: what reading raised.
    """
    loop = asyncio.get_running_loop()
    of_key = _readings.setdefault(loop, defaultdict(_Reading))[key]
    found = await of_key.begun_since(max(since, loop.time() - SHARED_SECONDS), read)
    if isinstance(found, Exception) and not isinstance(found, ConfigurationError):
        raise found
    return found
