"""The page in Airflow's API server: who may have it, what it serves, and what happens where it cannot be built."""

from __future__ import annotations

import asyncio
import re
import sys
from importlib.metadata import entry_points
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import airflow
import pytest
from support.page_server import HOSTILE_NAME, PageServer, page_server

from airflow_provider_msginsights.coverage_page import plugin

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

with_server = pytest.mark.thorough
"""What needs Airflow's API server in a process of its own."""
STATIC = files("airflow_provider_msginsights.coverage_page") / "static"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, migrated_database: Path) -> Iterator[PageServer]:
    with page_server(tmp_path_factory.mktemp("page"), migrated=migrated_database, prefix="/air/flow") as running:
        yield running


def test_airflow_finds_the_plugin_by_its_entry_point() -> None:
    (entry,) = [one for one in entry_points(group="airflow.plugins") if one.name == "messaging_insights"]
    assert entry.load() is plugin.MessagingInsightsPlugin


@pytest.mark.parametrize(
    ("version", "destinations"),
    [
        ("3.1.8", ["nav", "dag"]),
        ("3.2.2", ["nav", "dag"]),
        ("3.3.2", ["nav", "dag"]),
        ("3.4.0b2", ["nav", "dag", "asset"]),
        ("3.10.0", ["nav", "dag", "asset"]),
        ("4.0.0", ["nav", "dag", "asset"]),
    ],
)
def test_a_release_gets_the_views_that_it_knows(version: str, destinations: list[str]) -> None:
    views = plugin.external_views(version)
    assert [view["destination"] for view in views] == destinations
    assert not any(view["href"].startswith("/") for view in views), "it would miss the prefix of [api] base_url"
    assert len({view["url_route"] for view in views}) == len(views)


@pytest.mark.timeout(300)
@with_server
def test_airflow_lists_all_views_of_the_plugin(server: PageServer) -> None:
    _, answer = server.call("GET", "/api/v2/plugins?limit=100")
    (found,) = [one for one in answer["plugins"] if one["name"] == "messaging_insights"]
    expected = [view["destination"] for view in plugin.external_views(airflow.__version__)]
    assert [view["destination"] for view in found["external_views"]] == expected
    _, answer = server.call("GET", "/api/v2/plugins/importErrors")
    assert answer["import_errors"] == []


@pytest.mark.parametrize(("user", "status"), [("ada", 200), ("vera", 200), ("", 401)])
@pytest.mark.parametrize("path", ["/msginsights/", "/msginsights/static/airflow.js"])
@with_server
def test_whoever_may_read_assets_gets_page_and_files(server: PageServer, user: str, status: int, path: str) -> None:
    found, body = server.call("GET", path, user=user)
    assert found == status
    if not user:
        assert "Your session has ended. Reload the page to log in again." in body


@with_server
def test_a_token_of_nobody_is_refused(server: PageServer) -> None:
    server.tokens["nobody"] = "nonsense"
    status, body = server.call("GET", "/msginsights/", user="nobody")
    assert status in {401, 403}
    assert "<p>" in body


@with_server
def test_the_page_links_to_files_behind_the_prefix_and_all_exist(server: PageServer) -> None:
    _, body = server.call("GET", "/msginsights/")
    links = re.findall(r'(?:src|href)="([^"?]+)', body)
    assert len(links) == 9
    for link in links:
        assert link.startswith("/air/flow/msginsights/static/")
        status, text = server.call("GET", link.removeprefix("/air/flow"))
        assert (status, text) == (200, (STATIC / link.rpartition("/")[2]).read_text())


@pytest.mark.parametrize("name", ["../plugin.py", "..%2Fplugin.py", "nothing.js", "%2e%2e/app.py", "file.js"])
@with_server
def test_no_other_file_is_served(server: PageServer, name: str) -> None:
    assert server.call("GET", f"/msginsights/static/{name}")[0] == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@with_server
def test_nothing_but_get_is_answered(server: PageServer, method: str) -> None:
    assert server.call(method, "/msginsights/", {})[0] == 405


@with_server
def test_the_policy_allows_its_own_files_only(server: PageServer) -> None:
    import urllib.request

    request = urllib.request.Request(f"{server.url}/msginsights/")  # noqa: S310 - our own server
    request.add_header("Authorization", f"Bearer {server.token('ada')}")
    with urllib.request.urlopen(request) as answer:  # noqa: S310 - our own server
        policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'; ")
    assert "unsafe" not in policy
    assert "frame-ancestors 'self'" in policy


@with_server
def test_there_is_no_description_of_an_interface(server: PageServer) -> None:
    for path in ("docs", "redoc", "openapi.json"):
        assert server.call("GET", f"/msginsights/{path}")[0] == 404


def answer_of(app: Any) -> list[dict[str, Any]]:
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    async def ask() -> None:
        await app({"type": "http", "method": "GET", "path": "/"}, None, send)

    asyncio.run(ask())
    return sent


def test_where_it_cannot_be_built_one_page_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "airflow_provider_msginsights.coverage_page.app", None)
    start, body = answer_of(plugin.LazyApp())
    assert start["status"] == 503
    assert b"cannot be built on this release of Airflow" in body["body"]


@with_server
def test_hostile_names_reach_the_page_through_airflow_alone(server: PageServer) -> None:
    assert server.asset_id(HOSTILE_NAME)
    _, body = server.call("GET", "/msginsights/")
    assert HOSTILE_NAME not in body
