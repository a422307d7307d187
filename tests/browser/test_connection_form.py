"""The first minutes in the UI: make the connection in the form, press Test, read the report."""

from __future__ import annotations

import json
import urllib.request
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from browser.demo_ui import CHROMIUM, browser_page, empty_form, open_extra_fields, running_demo

from airflow_provider_msginsights.transports.settings import EXTRA_FIELDS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Locator, Page

    from airflow_provider_msginsights.emulator import GraphEmulator

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def airflow_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The demo's Airflow."""
    if CHROMIUM is None:
        pytest.fail("There is no Chromium on this machine; these tests were asked for by their marker and need one.")
    with running_demo(tmp_path_factory.mktemp("ui")) as url:
        yield url


@pytest.fixture
def page(airflow_url: str, tmp_path: Path) -> Iterator[Page]:
    """The list of connections in a browser; what it showed last is kept as a picture."""
    with browser_page() as page:
        page.goto(f"{airflow_url}/connections")
        yield page
        page.screenshot(path=tmp_path / "last.png")


def add_connection(page: Page, emulator: GraphEmulator, conn_id: str, token: str) -> None:
    """Fill in the form as a person would, and save it."""
    form = empty_form(page)
    form.get_by_label("Connection ID").fill(conn_id)
    address = urlsplit(emulator.base_url)
    form.get_by_label("Base URL").fill(f"http://{address.hostname}")
    form.get_by_label("Port").fill(str(address.port))
    form.get_by_label("Default Page id").fill("101")
    form.get_by_label("Access token").fill(token)
    open_extra_fields(form)
    form.locator("[name=element_app_id]").fill("1")
    form.locator("[name=element_app_secret]").fill("app-secret")
    form.get_by_role("button", name="Save").click()
    form.wait_for(state="hidden")


def press_test(page: Page, conn_id: str, title: str) -> str:
    """Press the button in the connection's row; give the text of what pops up under that title."""
    page.get_by_role("row", name=conn_id).get_by_role("button", name="Test Connection").click()
    toast: Locator = page.get_by_role("status").filter(has_text=title)
    toast.wait_for()
    return toast.inner_text()


def test_a_good_token_is_told_with_all_that_is_known_of_it(page: Page, emulator: GraphEmulator, tmp_path: Path) -> None:
    add_connection(page, emulator, "good", "system-user-token")
    told = press_test(page, "good", "Test Connection Success")
    page.screenshot(path=tmp_path / "report.png")
    for words in (
        "The token works.",
        "system-user token",
        "Valid until",
        "Permissions: all four",
        "v26.0",
        "Instagram",
    ):
        assert words in told
    assert "system-user-token" not in told
    assert "app-secret" not in page.content()


def test_an_expired_token_is_told_with_its_cure(page: Page, emulator: GraphEmulator, tmp_path: Path) -> None:
    add_connection(page, emulator, "expired", "page-token-102")
    emulator.expire_token("page-token-102")
    told = press_test(page, "expired", "Test Connection Failed")
    page.screenshot(path=tmp_path / "report.png")
    assert "The API refuses the token." in told
    assert "Make a new token" in told
    assert "page-token-102" not in page.content()


def test_the_form_has_every_field_of_the_connection_with_a_help_text(airflow_url: str, page: Page) -> None:
    form = empty_form(page)
    open_extra_fields(form)
    with urllib.request.urlopen(f"{airflow_url}/ui/connections/hook_meta", timeout=30) as answer:  # noqa: S310 - our own
        (meta,) = [one for one in json.load(answer) if one["connection_type"] == "msginsights"]
    assert sorted(meta["extra_fields"]) == sorted(EXTRA_FIELDS)
    shown = form.inner_text()
    for name, field in meta["extra_fields"].items():
        assert field["schema"]["title"] in shown, name
        assert field["description"] in shown, name


def test_nothing_left_open_is_shown_as_null(page: Page) -> None:
    form = empty_form(page)
    open_extra_fields(form)
    form.get_by_text("plain (default)").wait_for()
    assert form.get_by_text("null", exact=True).count() == 0
