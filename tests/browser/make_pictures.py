"""Makes the pages' pictures: `uv run python tests/browser/make_pictures.py`. Takes two minutes and Chromium."""

from __future__ import annotations

import contextlib
import sqlite3
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

sys.path.insert(0, str(Path(__file__).parents[1]))

from browser.demo_ui import browser_page, empty_form, running_demo

if TYPE_CHECKING:
    from playwright.sync_api import FloatRect, Page

IMAGES = Path(__file__).parents[2] / "docs" / "images"
DAG_ID = "msginsights_daily_load"
RUN_WITHIN_SECONDS = 180
MOST_BYTES = 150_000


def main() -> None:
    """Run the demo's Airflow, look at it, and keep what a reader should see."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        with running_demo(home) as url, browser_page() as page:
            picture_of_form(page, url)
            picture_of_coverage(page, url, home / "airflow.db")
            picture_of_log(page, f"{url}/dags/{DAG_ID}/runs/{quote(finished_run(home / 'airflow.db'))}", home)


def picture_of_form(page: Page, url: str) -> None:
    """The connection as a person fills it in."""
    page.goto(f"{url}/connections")
    form = empty_form(page)
    form.get_by_label("Connection ID").fill("msginsights_default")
    form.get_by_label("Default Page id").fill("101")
    form.get_by_label("Access token").fill("no-token-of-anyone")
    box = form.bounding_box()
    assert box is not None
    keep(page, "connection", clip={**box, "height": min(box["height"], 700)})


def picture_of_log(page: Page, run_url: str, home: Path) -> None:
    """What a load says of itself."""
    page.set_viewport_size({"width": 1280, "height": 480})
    page.goto(f"{run_url}/tasks/load_day")
    page.get_by_text("rows added").first.wait_for()
    shown = page.inner_text("body")
    assert not any(secret in shown for secret in ("page-token", str(home))), "nobody's paths, nobody's tokens"
    page.keyboard.press("w")  # lines are wrapped
    keep(page, "load")


def picture_of_coverage(page: Page, url: str, database: Path) -> None:
    """What the demo's second DAG leaves, light and dark, with the day that was restated open."""
    finished_run(database, "msginsights_demo_history")
    for theme in ("light", "dark"):
        page.set_viewport_size({"width": 1180, "height": 940})
        page.goto(f"{url}/plugin/messaging-insights")
        frame = page.frame_locator("iframe")
        frame.locator("svg.year g.restated").first.click()
        page.evaluate("theme => { document.documentElement.className = theme }", theme)
        frame.locator("h1").scroll_into_view_if_needed()
        keep(page, f"airflow-page-{theme}", folder=IMAGES)


def keep(page: Page, name: str, *, clip: FloatRect | None = None, folder: Path = IMAGES) -> None:
    """Write a picture down, if it is small enough for a page."""
    page.wait_for_timeout(1000)  # for what moves into place
    file = folder / f"{name}.png"
    page.screenshot(path=file, clip=clip)
    assert file.stat().st_size < MOST_BYTES, f"{file.name} has {file.stat().st_size} bytes"


def finished_run(database: Path, dag_id: str = DAG_ID) -> str:
    """The id of the first run of a DAG that succeeded."""
    deadline = time.monotonic() + RUN_WITHIN_SECONDS
    while time.monotonic() < deadline:
        with contextlib.closing(sqlite3.connect(database, timeout=30)) as connection:
            statement = "SELECT run_id FROM dag_run WHERE state = 'success' AND dag_id = ?"
            found = connection.execute(statement, (dag_id,)).fetchone()
        if found:
            return str(found[0])
        time.sleep(1)
    raise AssertionError("The demo's DAG did not succeed.")


if __name__ == "__main__":
    main()
