"""The coverage page as a file, in a browser: what it draws, how it is used, and that it needs no network."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from browser.demo_ui import CHROMIUM, browser_page
from support.made_ledgers import METRICS, day
from support.made_reports import DAYS, FAILED, HOSTILE, LATE, SILENT, WELL, made_report

from airflow_provider_msginsights.coverage_page.html_file import html_page

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

NAME = 's3://agency/<img src=x onerror="document.title=1">'


@pytest.fixture
def file(tmp_path: Path) -> Path:
    if CHROMIUM is None:
        pytest.fail("There is no Chromium on this machine; these tests were asked for by their marker and need one.")
    path = tmp_path / "coverage.html"
    path.write_text(html_page(made_report(), name=NAME, checked_at="Nov 5, 07:42"), encoding="utf-8")
    return path


def opened(page: Page, file: Path) -> list[str]:
    """Open a file; the list takes what a console would show and what would be fetched."""
    trouble: list[str] = []
    page.on("console", lambda message: trouble.append(message.text))
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.on("request", lambda request: trouble.append(request.url) if not request.url.startswith("file:") else None)
    page.goto(file.as_uri())
    page.locator("article.report").wait_for()
    return trouble


@pytest.fixture
def page(file: Path) -> Iterator[Page]:
    with browser_page() as page:
        trouble = opened(page, file)
        yield page
        assert trouble == []


def drawn(page: Page, place: str) -> Counter[str]:
    """How many squares of each state a calendar has."""
    classes = page.locator(f"{place} g.day").evaluate_all("all => all.map(one => one.classList[1])")
    return Counter(classes)


def test_each_day_is_a_square_of_its_state(page: Page) -> None:
    expected: Counter[str] = Counter()
    for state, days in made_report()["days"]:
        expected[state] += days
    calendar = "section:has(> .calendar) > .calendar"
    assert drawn(page, calendar) == expected
    assert expected.total() == DAYS
    assert {"final", "provisional", "restated", "partial"} <= expected.keys()
    assert page.locator(".legend li").count() == 9


def test_the_first_screen_says_whether_to_worry(page: Page) -> None:
    first = page.locator(".statuses").inner_text().splitlines()
    assert first == ["✗ 1 needs a person", "~ 2 are being filled", "✓ 3 of 6 Pages complete to Nov 4"]
    found = page.locator(".finding.new").inner_text()
    assert f"Page {SILENT} has no row since" in found
    assert page.locator(".finding code").inner_text() == "msginsights check"
    box = page.locator(".calendar").first.bounding_box()
    assert box is not None
    assert box["y"] < 900


def test_names_of_others_are_text(page: Page) -> None:
    assert page.locator("h1").inner_text() == NAME
    assert page.locator("img").count() == 0
    page.locator(f'[data-day="{day(305)}"]').first.click()
    assert HOSTILE in page.locator(".day-panel").inner_text()
    assert page.title() != "1"


def test_a_day_tells_pages_reasons_and_the_run(page: Page) -> None:
    page.locator(f'[data-day="{day(260)}"]').first.click()
    said = page.locator(".day-panel").inner_text()
    for words in ("(#100) The metric is not valid", "Page 104 all metrics", f"daily/load_day/scheduled__{day(260)}"):
        assert words in said


def test_a_day_names_pages_in_the_order_of_their_ids(page: Page) -> None:
    page.locator(f'[data-day="{day(150)}"]').first.click()
    assert "Pages 101, 102, 103, 104, 105, 106 all metrics" in page.locator(".day-panel").inner_text()


def test_parts_together_are_in_the_order_of_one_report(page: Page) -> None:
    whole = made_report()
    halves = [whole | {name: whole[name][half::2] for name in ("pages", "findings")} for half in (1, 0)]
    united = "report.pages.map(one => one.pageId), report.findings.map(one => one.identity)"
    found = page.evaluate(f"halves => {{ const report = new msgInsights.Report(halves); return [{united}]; }}", halves)
    assert found == [[one["page_id"] for one in whole["pages"]], [one["identity"] for one in whole["findings"]]]


def test_pages_are_found_by_words_and_by_status(page: Page) -> None:
    rows = page.locator("details.page")
    assert rows.count() == 6
    page.get_by_label("Search Pages").fill("503")
    assert rows.evaluate_all("all => all.map(one => one.dataset.page)") == [FAILED]
    page.get_by_label("Search Pages").fill("")
    page.get_by_role("button", name="1 needs a person").click()
    assert rows.evaluate_all("all => all.map(one => one.dataset.page)") == [SILENT]
    page.get_by_role("button", name="1 needs a person").click()
    assert rows.count() == 6


def test_a_page_opens_to_its_metrics_and_values(page: Page) -> None:
    row = page.locator(f'details[data-page="{WELL}"]')
    row.locator("summary").focus()
    page.keyboard.press("Enter")
    assert row.locator("tr").count() == len(METRICS)
    assert row.locator("svg.sparkline path").count() == len(METRICS)
    assert "1,399" in row.inner_text()
    late = page.locator(f'details[data-page="{LATE}"]')
    late.locator("summary").click()
    assert drawn(page, f'details[data-page="{LATE}"]')["missing"] == 90


def test_keys_walk_from_day_to_day(page: Page) -> None:
    page.locator("svg.year").first.focus()
    said = page.locator(".said").first
    assert "Nov 4, 2027" in said.inner_text()
    for key in ("ArrowLeft", "ArrowUp"):
        page.keyboard.press(key)
    assert "Oct 27, 2027" in said.inner_text()
    page.keyboard.press("Enter")
    assert page.locator(".day-panel h3").inner_text() == "Wed Oct 27, 2027"
    page.keyboard.press("Home")
    assert "Jan 1, 2027" in said.inner_text()


def background(page: Page) -> Any:
    return page.evaluate("getComputedStyle(document.body).backgroundColor")


def test_it_is_dark_where_the_reader_is_and_by_a_button(file: Path) -> None:
    with browser_page(dark=True) as page:
        assert opened(page, file) == []
        dark = background(page)
        page.get_by_role("button", name="Light").click()
        light = background(page)
        assert (dark, light) == ("rgb(20, 24, 30)", "rgb(255, 255, 255)")
        page.get_by_role("button", name="Dark").click()
        assert background(page) == dark


def test_nothing_is_wider_than_a_phone(file: Path) -> None:
    with browser_page(width=360, height=740) as page:
        assert opened(page, file) == []
        page.locator("details.page summary").first.click()
        page.locator(f'[data-day="{day(305)}"]').first.click()
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
