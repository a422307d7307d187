"""The first minutes in the UI: make the connection in the form, press Test, read the report."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from processes import free_port

from airflow_provider_msginsights.transports.settings import EXTRA_FIELDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Locator, Page

    from airflow_provider_msginsights.emulator import GraphEmulator

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
STARTS_WITHIN_SECONDS = 240


@pytest.fixture(scope="module")
def airflow_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """`msginsights demo --ui`: an ``airflow standalone`` of its own, stopped as by Ctrl-C."""
    if CHROMIUM is None:
        pytest.skip("there is no Chromium on this machine")
    home = tmp_path_factory.mktemp("ui")
    arguments = ("demo", "--ui", "--port", str(free_port()), "--keep", str(home))
    with (home / "printed").open("wb") as printed:
        demo = subprocess.Popen(  # noqa: S603 - our own command
            [sys.executable, "-m", "airflow_provider_msginsights.cli", *arguments], stdout=printed, env=dict(os.environ)
        )
    try:
        yield printed_address(home / "printed", demo)
        demo.send_signal(signal.SIGINT)
        assert demo.wait(timeout=90) == 0
        assert processes_of(home) == []
    finally:
        demo.terminate()  # and not kill: it stops what it started
        demo.wait(timeout=90)


def printed_address(file: Path, demo: subprocess.Popen[bytes]) -> str:
    deadline = time.monotonic() + STARTS_WITHIN_SECONDS
    while time.monotonic() < deadline and demo.poll() is None:
        if found := re.search(r"Open (http://\S+) in a browser", file.read_text()):
            return found[1]
        time.sleep(0.5)
    texts = [one.read_text(errors="replace")[-3000:] for one in (file, file.with_name("airflow.log")) if one.exists()]
    raise AssertionError("\n".join(("Airflow did not start.", *texts)))


def processes_of(home: Path) -> list[str]:
    """The processes whose Airflow home it is."""
    left = []
    for environment in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if f"AIRFLOW_HOME={home}".encode() in environment.read_bytes():
                left.append(environment.parent.name)
    return left


@pytest.fixture
def page(airflow_url: str, tmp_path: Path) -> Iterator[Page]:
    """The list of connections in a browser; what it showed last is kept as a picture."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(60_000)
        page.goto(f"{airflow_url}/connections")
        yield page
        page.screenshot(path=tmp_path / "last.png")
        browser.close()


def add_connection(page: Page, emulator: GraphEmulator, conn_id: str, token: str) -> None:
    """Fill in the form as a person would, and save it."""
    page.get_by_role("button", name="Add Connection").click()
    form = page.get_by_role("dialog")
    form.get_by_label("Connection ID").fill(conn_id)
    form.get_by_role("combobox").fill("Messaging Insights")
    form.get_by_role("option", name="Meta Messaging Insights").click()
    address = urlsplit(emulator.base_url)
    form.get_by_label("Base URL").fill(f"http://{address.hostname}")
    form.get_by_label("Port").fill(str(address.port))
    form.get_by_label("Default Page id").fill("101")
    form.get_by_label("Access token").fill(token)
    form.get_by_role("button", name="Extra Fields", exact=True).click()
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
    page.get_by_role("button", name="Add Connection").click()
    form = page.get_by_role("dialog")
    form.get_by_role("combobox").fill("Messaging Insights")
    form.get_by_role("option", name="Meta Messaging Insights").click()
    form.get_by_role("button", name="Extra Fields", exact=True).click()
    form.get_by_text("Graph API version").wait_for()
    with urllib.request.urlopen(f"{airflow_url}/ui/connections/hook_meta", timeout=30) as answer:  # noqa: S310 - our own
        (meta,) = [one for one in json.load(answer) if one["connection_type"] == "msginsights"]
    assert sorted(meta["extra_fields"]) == sorted(EXTRA_FIELDS)
    shown = form.inner_text()
    for name, field in meta["extra_fields"].items():
        assert field["schema"]["title"] in shown, name
        assert field["description"] in shown, name
