"""`msginsights demo --ui` and a browser to look at it, for tests and for the pictures of the documentation."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from support.processes import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Locator, Page

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
STARTS_WITHIN_SECONDS = 240


@contextlib.contextmanager
def running_demo(home: Path) -> Iterator[str]:
    """The address of an ``airflow standalone`` of its own; it is stopped as by Ctrl-C and leaves nothing running."""
    arguments = ("demo", "--ui", "--port", str(free_port()), "--keep", str(home))
    with (home / "printed").open("wb") as printed:
        demo = subprocess.Popen(  # noqa: S603 - our own command
            [sys.executable, "-m", "airflow_provider_msginsights.cli", *arguments], stdout=printed, env=dict(os.environ)
        )
    try:
        yield _printed_address(home / "printed", demo)
        demo.send_signal(signal.SIGINT)
        assert demo.wait(timeout=90) == 130
        assert _processes_of(home) == []
    finally:
        demo.terminate()  # and not kill: it stops what it started
        demo.wait(timeout=90)


@contextlib.contextmanager
def browser_page(*, width: int = 1280, height: int = 900, dark: bool = False) -> Iterator[Page]:
    """An empty page of a browser without a window."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        scheme: Literal["dark", "light"] = "dark" if dark else "light"
        page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
        page.set_default_timeout(60_000)
        yield page
        browser.close()


def empty_form(page: Page) -> Locator:
    """The form for a new connection of our type."""
    page.get_by_role("button", name="Add Connection").click()
    form = page.get_by_role("dialog")
    form.get_by_role("combobox").fill("Messaging Insights")
    form.get_by_role("option", name="Meta Messaging Insights").click()
    form.get_by_label("Default Page id").wait_for()
    return form


def open_extra_fields(form: Locator) -> None:
    """Show what is particular to our type."""
    form.get_by_role("button", name="Extra Fields", exact=True).click()
    form.get_by_text("Graph API version").wait_for()


def _printed_address(file: Path, demo: subprocess.Popen[bytes]) -> str:
    deadline = time.monotonic() + STARTS_WITHIN_SECONDS
    while time.monotonic() < deadline and demo.poll() is None:
        if found := re.search(r"Open (http://\S+) in a browser", file.read_text()):
            return found[1]
        time.sleep(0.5)
    texts = [one.read_text(errors="replace")[-3000:] for one in (file, file.with_name("airflow.log")) if one.exists()]
    raise AssertionError("\n".join(("Airflow did not start.", *texts)))


def _processes_of(home: Path) -> list[str]:
    """The processes whose Airflow home it is."""
    left = []
    for environment in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if f"AIRFLOW_HOME={home}".encode() in environment.read_bytes():
                left.append(environment.parent.name)
    return left
