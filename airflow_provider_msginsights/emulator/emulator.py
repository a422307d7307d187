"""`GraphEmulator`: the emulator as an object, for tests and for the command."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Self

from airflow_provider_msginsights.emulator import documentation
from airflow_provider_msginsights.emulator.control.api import Controls
from airflow_provider_msginsights.emulator.control.routes import control_routes
from airflow_provider_msginsights.emulator.http.server import ServerThread
from airflow_provider_msginsights.emulator.state.settings import Settings
from airflow_provider_msginsights.emulator.state.state import State

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path
    from types import TracebackType

    from airflow_provider_msginsights.emulator.state.journal import JournalEntry

_NEEDED = ("python_multipart", "starlette", "uvicorn")


def check_packages() -> None:
    """Make sure that the emulator can start.

    Raises ModuleNotFoundError that says what to install.
    """
    for name in _NEEDED:
        if find_spec(name) is None:
            raise ModuleNotFoundError(
                f"The emulator needs the package {name!r}, which is not installed. "
                "Install it with: pip install 'airflow-provider-msginsights[emulator]'",
                name=name,
            )


class GraphEmulator(Controls):
    """A local Graph API that answers Messaging Insights from messaging events.

    Use it as a context manager: it answers on `base_url` once entered, and is gone when left.

    `pages` Pages with ids `101`, `102`, ... are seeded from `seed`; `clock` makes time stand still at a moment;
    `port` 0 takes a free port; `folder` is where the events' file lies while it runs; `on_call` is called with every
    Graph call, in the server's thread. All other arguments are those of `Settings`. Methods may be called from any
    thread while the emulator runs, and raise RuntimeError while it does not.
    """

    user_token = documentation.USER_TOKEN
    system_user_token = documentation.SYSTEM_USER_TOKEN
    app_id = documentation.APP_ID
    app_secret = documentation.APP_SECRET
    app_token = f"{documentation.APP_ID}|{documentation.APP_SECRET}"

    def __init__(
        self,
        *,
        pages: int = 1,
        clock: datetime | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        folder: Path | None = None,
        on_call: Callable[[JournalEntry], None] | None = None,
        **settings: Any,
    ) -> None:
        self.settings = Settings(pages=pages, **settings)
        self._clock = clock
        self._on_call = on_call
        self._folder = folder
        self._host = host
        self._port = port
        self._base_url: str | None = None
        self._state_if_running: State | None = None
        self._server: ServerThread | None = None

    def start(self) -> None:
        """Begin to answer.

        Raises OSError when the port is taken, ModuleNotFoundError when the extra `emulator` is not installed.
        """
        check_packages()
        state = State(self.settings, self._clock, self._on_call, folder=self._folder)
        server = ServerThread(state, control_routes(self, listens_on=self._host), host=self._host, port=self._port)
        try:
            port = server.start()
        except BaseException:
            state.store.close()
            raise
        self._state_if_running, self._server = state, server
        self._base_url = f"http://{self._host}:{port}"

    def stop(self) -> None:
        """Stop answering and delete the store."""
        if self._server is not None:
            self._server.stop()
        if self._state_if_running is not None:
            with self._state_if_running.lock:
                self._state_if_running.store.close()
        self._state_if_running = self._server = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def _state(self) -> State:
        if self._state_if_running is None:
            raise RuntimeError("The emulator is not running: use it as `with GraphEmulator() as emulator:`.")
        return self._state_if_running

    @property
    def base_url(self) -> str:
        """`http://127.0.0.1:<port>`, without a version."""
        if self._base_url is None:
            raise RuntimeError("The emulator has no address before it runs.")
        return self._base_url

    def reset(self) -> None:
        """Back to the seeded state: added events, Pages and tokens, faults, clock, settings and counters are undone."""
        super().reset()
        if self._server is not None:
            self._server.release_hanging()
