"""Makes every picture of the documentation from what runs, in `docs/images`, each light and dark.

``uv run --with matplotlib python tests/browser/make_pictures.py`` takes some minutes and Chromium.
"""

from __future__ import annotations

import contextlib
import io
import os
import pty
import sqlite3
import subprocess
import sys
import tempfile
import time
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import quote

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(1, str(Path(__file__).parents[1] / "benchmarks"))

from browser.demo_ui import browser_page, empty_form, running_demo

if TYPE_CHECKING:
    from playwright.sync_api import FloatRect, Page

Theme = Literal["light", "dark"]
THEMES: tuple[Theme, ...] = ("light", "dark")
ROOT = Path(__file__).parents[2]
IMAGES = ROOT / "docs" / "images"
DAILY, HISTORY = "msginsights_daily_load", "msginsights_demo_history"
DATASET = "messaging_insights_history"
COLUMNS = 118
TERMINALS: dict[Theme, str] = {
    "light": "ffffff 1f2328 1f2328 cf222e 1a7f37 9a6700 0969da 8250df 1b7c83 6e7781",
    "dark": "161b22 dfe4ec 6e7681 f87169 57c27a d29922 6cb0ff c792ff 56c2cb b1bac4",
}
"""Background, text, and the eight colors of a terminal."""
RUN_WITHIN_SECONDS = 300
MOST_BYTES = 200_000


def main() -> None:
    """Draw the benchmark's figures; then run the demo, look at it, and keep what a reader should see."""
    from peers import plots

    plots.draw(ROOT / "tests" / "benchmarks" / "results", IMAGES)
    with tempfile.TemporaryDirectory(prefix="demo-") as folder:
        home = Path(folder)
        with running_demo(home) as url:
            runs = {dag_id: finished_run(home / "airflow.db", dag_id) for dag_id in (DAILY, HISTORY)}
            for theme in THEMES:
                with browser_page(dark=theme == "dark") as page:
                    take_all(page, theme, url, home, f"{url}/dags/{DAILY}/runs/{quote(runs[DAILY])}/tasks/load_day")


def take_all(page: Page, theme: Theme, url: str, home: Path, load_url: str) -> None:
    """Take all pictures of what runs, in a theme that Airflow remembers."""
    page.goto(url)
    page.evaluate("theme => localStorage.setItem('theme', theme)", theme)
    take_form(page, theme, url)
    take_load(page, theme, load_url)
    take_log(page, theme, load_url)
    take_page(page, theme, url)
    take_terminal(page, theme, home)
    take_file(page, theme, home)


def take_form(page: Page, theme: Theme, url: str) -> None:
    """The connection as a person fills it in."""
    page.goto(f"{url}/connections")
    form = empty_form(page)
    form.get_by_label("Connection ID").fill("msginsights_default")
    form.get_by_label("Default Page id").fill("101")
    form.get_by_label("Access token").fill("no-token-of-anyone")
    box = form.bounding_box()
    assert box is not None
    keep(page, "connection", theme, clip={**box, "height": min(box["height"], 700)})


def take_load(page: Page, theme: Theme, load_url: str) -> None:
    """A load among the tasks of its run, and where its link leads."""
    page.set_viewport_size({"width": 1280, "height": 720})
    page.goto(f"{load_url}/details")
    page.get_by_role("link", name="Page Insights").first.wait_for()
    look_for_secrets(page)
    keep(page, "load", theme)


def take_log(page: Page, theme: Theme, load_url: str) -> None:
    """What a load says of itself."""
    page.set_viewport_size({"width": 1280, "height": 480})
    page.goto(load_url)
    page.get_by_text("rows added").first.wait_for()
    look_for_secrets(page)
    page.keyboard.press("w")  # lines are wrapped
    keep(page, "load-log", theme)


def look_for_secrets(page: Page) -> None:
    """Stop where a picture would show a token, or a folder of whoever takes it."""
    shown = page.inner_text("body")
    assert not any(secret in shown for secret in ("page-token", str(ROOT), str(Path.home()))), shown


def take_page(page: Page, theme: Theme, url: str) -> None:
    """The page in Airflow's UI, with the day that was restated open."""
    page.set_viewport_size({"width": 1180, "height": 940})
    page.goto(f"{url}/plugin/messaging-insights")
    frame = page.frame_locator("iframe")
    frame.locator("svg.year g.restated").first.click()
    frame.locator("h1").scroll_into_view_if_needed()
    keep(page, "airflow-page", theme)


def take_terminal(page: Page, theme: Theme, home: Path) -> None:
    """What `msginsights coverage` prints."""
    command = ("msginsights", "coverage", DATASET)
    page.set_content(terminal_page(" ".join(command), printed_by(command, home), theme))
    box = page.locator("pre").bounding_box()
    assert box is not None
    keep(page, "coverage-terminal", theme, clip=box)


def take_file(page: Page, theme: Theme, home: Path) -> None:
    """What `msginsights coverage --html` writes, with a Page open."""
    printed_by(("msginsights", "coverage", DATASET, "--html", "coverage.html"), home)
    page.set_viewport_size({"width": 1100, "height": 900})
    page.goto((home / "coverage.html").as_uri())
    page.locator("details.page").first.locator("summary").click()
    box = page.locator("article").bounding_box()
    assert box is not None
    keep(page, "coverage-file", theme, clip={"x": 0, "y": 0, "width": 1100, "height": box["y"] + box["height"]})


def printed_by(command: tuple[str, ...], folder: Path) -> str:
    """Run a command in a terminal of its own, in a folder; give what it printed, colors included."""
    reader, writer = pty.openpty()
    started = subprocess.Popen(  # noqa: S603 - our own command
        [sys.executable, "-m", "airflow_provider_msginsights.cli", *command[1:]],
        cwd=folder,
        env={**os.environ, "COLUMNS": str(COLUMNS), "TERM": "xterm-256color"},
        stdin=writer,
        stdout=writer,
        stderr=writer,
    )
    os.close(writer)
    printed = b""
    with contextlib.suppress(OSError):  # which is how the end of a terminal reads
        while piece := os.read(reader, 65536):
            printed += piece
    os.close(reader)
    assert started.wait() in (0, 1), printed.decode()  # 1: somebody must act
    return printed.decode().replace("\r\n", "\n")


def terminal_page(command: str, printed: str, theme: Theme) -> str:
    """A document that shows what a terminal would."""
    from rich.console import Console
    from rich.terminal_theme import TerminalTheme
    from rich.text import Text

    back, fore, *normal = ((color[0], color[1], color[2]) for color in map(bytes.fromhex, TERMINALS[theme].split()))
    colors = TerminalTheme(back, fore, normal)
    console = Console(record=True, width=COLUMNS, file=io.StringIO())
    console.print(Text.from_ansi(printed), soft_wrap=False)
    body = console.export_html(theme=colors, inline_styles=True, code_format="{code}").rstrip()
    ground, ink = colors.background_color.hex, colors.foreground_color.hex
    look = f"width: max-content; background: {ground}; color: {ink}; font: 14px/1.45 monospace"
    style = f"margin: 0; padding: 16px 20px; {look}"
    return f'<body style="margin: 0"><pre style="{style}"><b>$ {escape(command)}</b>\n{body}</pre>'


def keep(page: Page, name: str, theme: Theme, *, clip: FloatRect | None = None) -> None:
    """Write a picture down, with as many colors as it needs to look the same."""
    from PIL import Image

    page.wait_for_timeout(1000)  # for what moves into place
    picture = Image.open(io.BytesIO(page.screenshot(clip=clip, full_page=clip is not None))).convert("RGB")
    file = IMAGES / f"{name}-{theme}.png"
    picture.quantize(256, dither=Image.Dither.NONE).save(file, optimize=True)
    assert file.stat().st_size <= MOST_BYTES, f"{file.name} has {file.stat().st_size} bytes"


def finished_run(database: Path, dag_id: str) -> str:
    """The id of the first run of a DAG that succeeded."""
    deadline = time.monotonic() + RUN_WITHIN_SECONDS
    while time.monotonic() < deadline:
        with contextlib.closing(sqlite3.connect(database, timeout=30)) as connection:
            statement = "SELECT run_id FROM dag_run WHERE state = 'success' AND dag_id = ?"
            found = connection.execute(statement, (dag_id,)).fetchone()
        if found:
            return str(found[0])
        time.sleep(1)
    raise AssertionError(f"The demo's DAG {dag_id} did not succeed.")


if __name__ == "__main__":
    main()
