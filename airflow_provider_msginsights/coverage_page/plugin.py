"""The plugin by which Airflow's UI has the page: an entry in its menu, and a tab of each DAG and asset.

Nearly every process of Airflow imports this module, so that it imports nothing but Airflow's plugin class.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from airflow import __version__ as airflow_version
from airflow.plugins_manager import AirflowPlugin

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    Message = MutableMapping[str, Any]

log = logging.getLogger(__name__)

URL_PREFIX = "/msginsights"
NAME = "Messaging Insights"

_NOT_BUILT = (
    "<!doctype html><html lang=en><meta charset=utf-8><title>Messaging Insights</title><p>The page of Messaging "
    "Insights cannot be built on this release of Airflow. The log of the API server says why; loads are not affected."
)


class LazyApp:
    """An ASGI application that is built at its first request; where it cannot be built, a page says so."""

    def __init__(self) -> None:
        self._app: Any = None

    async def __call__(
        self, scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
    ) -> None:
        """Answer a request."""
        if self._app is None:
            self._app = _built()
        await self._app(scope, receive, send)


def _built() -> Any:
    try:
        from airflow_provider_msginsights.coverage_page.app import make_app

        return make_app()
    except Exception:  # whatever a future Airflow has changed: the API server goes on
        log.exception("The page of Messaging Insights cannot be built on Airflow %s.", airflow_version)
        return _answer_not_built


async def _answer_not_built(
    scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
) -> None:
    del receive
    if scope["type"] != "http":
        return
    headers = [(b"content-type", b"text/html; charset=utf-8"), (b"content-security-policy", b"default-src 'none'")]
    await send({"type": "http.response.start", "status": 503, "headers": headers})
    await send({"type": "http.response.body", "body": _NOT_BUILT.encode()})


def external_views(version: str) -> list[dict[str, str]]:
    """Return the page's views; one that a release does not know would make it pass over the whole plugin.

    :param version: of Airflow.
    """
    href, route = f"{URL_PREFIX[1:]}/", "messaging-insights"  # without a slash in front: `[api] base_url` has a path
    views = [
        {"destination": "nav", "category": "browse", "href": href, "url_route": route},
        {"destination": "dag", "href": f"{href}?dag_id={{DAG_ID}}", "url_route": f"{route}-of-dag"},
    ]
    release = tuple(int(number) for number in version.split(".")[:2])
    if release >= (3, 4):
        views.append(
            {"destination": "asset", "href": f"{href}?asset_id={{ASSET_ID}}", "url_route": f"{route}-of-asset"}
        )
    return [{"name": NAME, **view} for view in views]


class MessagingInsightsPlugin(AirflowPlugin):
    """What Airflow loads by the entry point ``airflow.plugins``."""

    name = "messaging_insights"
    fastapi_apps: list[Any] = [{"app": LazyApp(), "url_prefix": URL_PREFIX, "name": NAME}]  # noqa: RUF012 - as Airflow has it
    external_views: list[Any] = external_views(airflow_version)
