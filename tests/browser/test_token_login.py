"""From Facebook's dialog in Chromium to a saved connection that loads a day: allowed, partly allowed, denied."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from browser.demo_ui import CHROMIUM, browser_page
from support.operator_calls import execute
from support.processes import free_port
from support.token_commands import connections_in

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Page

    from airflow_provider_msginsights.emulator import GraphEmulator

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


@dataclass
class Login:
    """`msginsights token create --login` that waits for its answer, and the page of the dialog."""

    process: subprocess.Popen[bytes]
    page: Page
    file: Path
    port: int

    def tick_pages(self, *page_ids: str) -> None:
        """Leave these Pages ticked and no others."""
        for box in self.page.locator("input[name=page]").all():
            box.set_checked(box.get_attribute("value") in page_ids)

    def press(self, button: str) -> str:
        """Press a button of the dialog; give what the browser shows then, and its address."""
        self.page.get_by_role("button", name=button).click()
        self.page.locator("#outcome").wait_for()
        return self.page.locator("#outcome").inner_text()

    def ended(self) -> tuple[int, str]:
        assert self.process.stderr is not None
        told = self.process.stderr.read().decode()
        return self.process.wait(timeout=60), told


@pytest.fixture
def login(emulator: GraphEmulator, tmp_path: Path) -> Iterator[Login]:
    """The dialog as the person sees it first."""
    if CHROMIUM is None:
        pytest.fail("There is no Chromium on this machine; these tests were asked for by their marker and need one.")
    emulator.set_clock(datetime.now(UTC))
    file, port = tmp_path / "msginsights.env", free_port()
    options = ("--login", "--no-browser", "--port", str(port), "--app-id", "1", "--save-env", str(file))
    command = (sys.executable, "-m", "airflow_provider_msginsights.cli", "token", "create", "--host", emulator.base_url)
    with (
        subprocess.Popen(  # noqa: S603 - our own command
            [*command, *options],
            env={**os.environ, "NO_PROXY": "*"},
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process,
        browser_page() as page,
    ):
        assert process.stdin is not None
        process.stdin.write(b"app-secret\n")
        process.stdin.close()
        try:
            page.goto(_address_in(process))
            yield Login(process, page, file, port)
        finally:
            process.kill()


def _address_in(process: subprocess.Popen[bytes]) -> str:
    assert process.stderr is not None
    text = ""
    while "Waiting for the answer" not in text:
        line = process.stderr.readline().decode()
        assert line, text
        text += line
    found = re.search(r"http\S+/dialog/oauth\S+", text)
    assert found, text
    return found[0]


def expiry(emulator: GraphEmulator, token: str) -> int:
    (found,) = [one for one in emulator.tokens() if one.value == token]
    return found.expires_at


def test_a_login_becomes_a_connection_that_loads_a_day(
    login: Login, emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    login.tick_pages("102")
    assert "The login is done" in login.press("Allow")
    assert login.page.url.endswith(f"localhost:{login.port}/"), "the code is out of the address"
    code, told = login.ended()
    assert code == 0, told
    (parts,) = connections_in(login.file).values()
    assert parts["login"] == "102"
    assert expiry(emulator, parts["password"]) == 0, "the durable kind: the Page's own token"
    for line in login.file.read_text().splitlines():
        name, _, value = line.partition("=")
        monkeypatch.setenv(name, value.strip("'"))
    rows = execute(metrics="stable")
    assert {row["page_id"] for row in rows} == {"102"}


def test_of_several_pages_the_token_of_60_days_is_saved(login: Login, emulator: GraphEmulator) -> None:
    login.tick_pages("101", "102", "103")
    login.press("Allow")
    code, told = login.ended()
    assert code == 0, told
    (parts,) = connections_in(login.file).values()
    assert parts["login"] == "101,102,103"
    assert expiry(emulator, parts["password"]) > emulator.now().timestamp() + 59 * 86_400


def test_a_denied_login_saves_nothing_and_says_so_in_both_places(login: Login) -> None:
    assert "The login was denied" in login.press("Cancel")
    code, told = login.ended()
    assert (code, login.file.exists()) == (1, False)
    assert "The login was denied" in told


def test_a_partly_denied_login_names_what_is_missing(login: Login) -> None:
    login.page.locator('input[value="read_insights"]').uncheck()
    assert "The login is done" in login.press("Allow")
    code, told = login.ended()
    assert (code, login.file.exists()) == (1, False)
    assert "lacks read_insights" in told
    assert "--rerequest" in told


def test_a_second_use_of_the_redirect_finds_nobody(login: Login) -> None:
    redirected: list[str] = []
    login.page.on("request", lambda request: redirected.append(request.url))
    login.press("Allow")
    assert login.ended()[0] == 0
    (first,) = [url for url in redirected if "code=" in url]
    with pytest.raises(Exception, match="ERR_CONNECTION_REFUSED"):
        login.page.goto(first)
