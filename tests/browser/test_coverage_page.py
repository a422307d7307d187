"""The page in Airflow's UI, in a browser: what it shows to whom, and where its links lead."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from browser.demo_ui import CHROMIUM, browser_page
from support.airflow_versions import has_release
from support.made_ledgers import METRICS, DailyLoads, day
from support.made_reports import RESTATED_DAYS, SILENT, WELL, made_report, report_with
from support.page_server import HOSTILE_NAME, PASSWORD, PageServer, page_server
from support.published import as_referred, published

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import ConsoleMessage, Frame, Page, Response

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

HAS_STATE = has_release("3.3")
needs_state = pytest.mark.skipif(not HAS_STATE, reason="from Airflow 3.3 on: assets have a state store")
EVENTS = (
    {"days": ["2026-11-01", "2026-11-02"], "day_count": 2, "restated_days": ["2026-11-01"]},
    {"days": ["2026-11-05"]},
)


def fill_with_data(server: PageServer) -> None:
    for extra in EVENTS:
        server.tell("by_events", extra)
    if HAS_STATE:
        report = made_report()
        server.publish("messaging_insights", published(report))
        report = json.loads(json.dumps(report).replace(f'"{SILENT}"', '"<b>103</b>"'))
        server.publish(HOSTILE_NAME, published(report, dataset="fedcba9876543210"))
        for number, asset in enumerate(("kept_elsewhere", "kept_without_events", "kept_in_references")):
            values = published(made_report(), dataset=f"{number:016}")
            server.publish(asset, as_referred(values, inline=asset == "kept_in_references"))
        server.tell("kept_elsewhere", EVENTS[0])


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, migrated_database: Path) -> Iterator[PageServer]:
    """Behind a path prefix, as many have it: everything has to work there."""
    if CHROMIUM is None:
        pytest.fail("There is no Chromium on this machine; these tests were asked for by their marker and need one.")
    home = tmp_path_factory.mktemp("page")
    with page_server(home, migrated=migrated_database, prefix="/air/flow") as running:
        fill_with_data(running)
        yield running


def log_in(page: Page, server: PageServer, user: str, path: str = "/plugin/messaging-insights") -> None:
    page.goto(server.url + path)
    page.get_by_label("Username").fill(user)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def frame_of(page: Page, *, shows: str = "article, h1") -> Frame:
    """The frame with the page, once it shows something."""
    element = page.wait_for_selector("iframe", timeout=60_000)
    assert element is not None
    frame = element.content_frame()
    assert frame is not None
    frame.wait_for_selector(shows, timeout=60_000)
    return frame


def is_harmless(message: ConsoleMessage) -> bool:
    """Whether a message is no error, and no warning of ours: Airflow's own UI, and how it frames views, cause some."""
    if message.type == "warning":
        return "/msginsights/" not in message.location["url"] or "allow-scripts and allow-same-origin" in message.text
    return message.type != "error"


def watched(page: Page) -> list[str]:
    """What goes wrong on a page from now on."""
    trouble: list[str] = []

    def note_console(message: ConsoleMessage) -> None:
        if not is_harmless(message) and "status of 401" not in message.text:
            trouble.append(message.text)

    def note_answer(answer: Response) -> None:
        if answer.status >= 400 and answer.status != 401:
            trouble.append(f"{answer.status} {answer.url}")

    page.on("console", note_console)
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.on("response", note_answer)
    return trouble


@pytest.fixture
def page() -> Iterator[Page]:
    with browser_page() as page:
        trouble = watched(page)
        yield page
        assert trouble == []


@pytest.fixture
def frame(page: Page, server: PageServer) -> Frame:
    """The page as a person with the right to look sees it."""
    log_in(page, server, "vera")
    return frame_of(page)


def open_dataset(frame: Frame, name: str) -> None:
    frame.locator("nav.datasets button", has_text=name).first.click()


def states_drawn(frame: Frame) -> Counter[str]:
    squares = frame.locator("section:has(> .calendar) > .calendar g.day")
    return Counter(squares.evaluate_all("all => all.map(one => one.classList[1])"))


@needs_state
def test_a_viewer_sees_each_day_by_its_state(frame: Frame) -> None:
    open_dataset(frame, "messaging_insights")
    expected: Counter[str] = Counter()
    for state, days in made_report()["days"]:
        expected[state] += days
    assert states_drawn(frame) == expected
    assert f"Page {SILENT} has no row since" in frame.locator(".finding.new").inner_text()
    assert "1 needs a person" in frame.locator(".statuses").inner_text()


@needs_state
def test_a_click_leads_from_a_day_to_the_run_that_loaded_it(frame: Frame, page: Page, server: PageServer) -> None:
    open_dataset(frame, "messaging_insights")
    frame.locator(f'[data-day="{day(RESTATED_DAYS[0])}"]').first.click()
    with page.expect_response(lambda answer: answer.url.endswith("T00%3A00%3A00%2B00%3A00") and answer.ok) as answer:
        frame.locator("a.run").click()
    run = f"scheduled__{day(RESTATED_DAYS[0])}T00%3A00%3A00%2B00%3A00"
    assert answer.value.url == f"{server.url}/dags/daily/runs/{run}"


@needs_state
def test_sparklines_show_published_values(frame: Frame) -> None:
    open_dataset(frame, "messaging_insights")
    row = frame.locator(f'details[data-page="{WELL}"]')
    row.locator("summary").click()
    assert row.locator("svg.sparkline path").count() == len(METRICS)


def test_the_page_is_as_dark_as_airflow_is(frame: Frame, page: Page) -> None:
    for theme, text in (("dark", "rgb(230, 234, 240)"), ("light", "rgb(29, 37, 48)"), ("dark", "rgb(230, 234, 240)")):
        page.evaluate("theme => { document.documentElement.className = theme }", theme)
        frame.wait_for_function("theme => document.documentElement.dataset.theme === theme", arg=theme)
        assert frame.evaluate("getComputedStyle(document.body).color") == text
        assert frame.evaluate("getComputedStyle(document.body).backgroundColor") == "rgba(0, 0, 0, 0)"


@needs_state
def test_a_day_of_a_page_is_told_below_its_own_calendar(frame: Frame) -> None:
    open_dataset(frame, "messaging_insights")
    row = frame.locator(f'details[data-page="{SILENT}"]')
    row.locator("summary").click()
    row.locator(f'[data-day="{day(RESTATED_DAYS[0])}"]').click()
    said = row.locator(".day-panel").inner_text()
    assert "in a file that the last load of the day changed" in said
    assert f"Page {SILENT} all metrics" in said
    assert row.locator(".day-panel a.run").count() == 1
    assert frame.locator(".day-panel h3").count() == 1


@needs_state
@pytest.mark.parametrize(("asset", "days"), [("kept_elsewhere", 2), ("kept_without_events", 0)])
def test_where_a_state_backend_keeps_it_the_page_says_so_and_shows_what_events_name(
    frame: Frame, asset: str, days: int
) -> None:
    open_dataset(frame, asset)
    assert "own keeps it, where this page cannot read it" in frame.locator(".problem").inner_text()
    assert states_drawn(frame).total() == days


@needs_state
def test_values_that_a_state_backend_left_in_their_references_are_shown(frame: Frame) -> None:
    open_dataset(frame, "kept_in_references")
    assert states_drawn(frame).total() == sum(days for _, days in made_report()["days"])


@needs_state
def test_names_of_others_are_text(frame: Frame, page: Page) -> None:
    open_dataset(frame, HOSTILE_NAME)
    assert frame.locator("h1").inner_text() == HOSTILE_NAME
    assert frame.locator('details[data-page="<b>103</b>"] .who').inner_text() == "<b>103</b>"
    assert frame.locator("img, main b:not(li b)").count() == 0
    assert page.title() != "1"


def test_without_state_days_come_from_events_and_the_page_says_so(frame: Frame) -> None:
    if HAS_STATE:
        open_dataset(frame, "by_events")
    assert states_drawn(frame) == {"restated": 1, "loaded": 2, "no_event": 2}
    assert "from asset events" in frame.locator("header").inner_text()
    frame.locator("g.restated").first.click()
    assert "Last written by" not in frame.locator(".day-panel").inner_text(), "no run told it, but a person"
    assert frame.locator(".page-list").count() == 0


def test_a_tab_of_a_dag_shows_its_datasets_only(page: Page, server: PageServer) -> None:
    log_in(page, server, "ada", "/dags/daily")
    page.get_by_role("link", name="Messaging Insights").click()
    if HAS_STATE:
        frame = frame_of(page)
        assert frame.locator("h1").inner_text() == "messaging_insights"
        assert frame.locator("nav.datasets").count() == 0
    else:
        assert "No dataset has published anything yet" in frame_of(page).locator("main").inner_text()


def test_the_menu_has_the_page(page: Page, server: PageServer) -> None:
    log_in(page, server, "ada", "/")
    page.get_by_role("button", name="Browse").click()
    page.get_by_role("menuitem", name="Messaging Insights").click()
    frame_of(page)


def test_who_is_not_logged_in_is_sent_to_the_login(page: Page, server: PageServer) -> None:
    page.goto(f"{server.url}/plugin/messaging-insights")
    page.get_by_role("button", name="Sign in").wait_for()
    assert page.locator("iframe").count() == 0


def test_a_session_that_ended_says_to_reload(frame: Frame, page: Page) -> None:
    page.context.clear_cookies()
    frame.evaluate("location.reload()")
    reloaded = frame_of(page, shows="main p")
    reloaded.get_by_text("Your session has ended. Reload the page to log in again.").wait_for()


@needs_state
def test_two_hundred_pages_of_two_years_are_drawn_within_a_second(page: Page, server: PageServer) -> None:
    loads = DailyLoads([str(100000000000 + number) for number in range(200)], metrics=[*METRICS, *map(str, range(8))])
    loads.load(range(730), 732)
    values = published(report_with(loads).to_json(), dataset="00000000000000aa")
    assert sum(len(json.dumps(value)) for value in values.values()) < 200 * 1024
    server.publish("of_nobody", values)
    log_in(page, server, "vera")
    frame = frame_of(page)
    seconds = frame.evaluate(
        """async () => {
            const buttons = [...document.querySelectorAll("nav.datasets button")];
            const button = buttons.find((one) => one.textContent.startsWith("of_nobody"));
            const start = performance.now();
            button.click();
            await new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)));
            return (performance.now() - start) / 1000;
        }"""
    )
    assert frame.locator("details.page").count() == 50
    assert seconds < 1


def test_the_page_calls_nothing_but_airflow_and_changes_nothing(page: Page, server: PageServer) -> None:
    requests: list[Any] = []
    page.on("request", lambda request: requests.append(request))  # noqa: PLW0108 - playwright marks what it is given
    log_in(page, server, "vera")
    frame_of(page)
    inside = [request for request in requests if request.frame != page.main_frame]
    assert {request.method for request in inside} == {"GET"}
    allowed = (f"{server.url}/api/v2/", f"{server.url}/msginsights/")
    assert [request.url for request in inside if not request.url.startswith(allowed)] == []
