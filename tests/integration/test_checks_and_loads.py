"""What is said of a connection and what a load of it does are the same."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.dag_runs import connection_to
from support.examples import so_many

from airflow_provider_msginsights.cli import main
from airflow_provider_msginsights.exceptions import ConfigurationError, MessagingInsightsError
from airflow_provider_msginsights.hooks.msginsights import MessagingInsightsHook
from airflow_provider_msginsights.insights.dates import DateRange, pacific_date
from airflow_provider_msginsights.insights.query import InsightsQuery
from airflow_provider_msginsights.insights.token.render import render_report
from airflow_provider_msginsights.insights.token.report import Severity
from airflow_provider_msginsights.operators.token_check import MessagingInsightsTokenCheckOperator

if TYPE_CHECKING:
    from airflow_provider_msginsights.emulator import GraphEmulator

SCOPES = ("pages_messaging", "pages_read_engagement", "pages_show_list", "read_insights")


def load(hook: MessagingInsightsHook, emulator: GraphEmulator, page_ids: tuple[str, ...] | str) -> dict[str, str]:
    """What a load finds of each Page: ``rows``, ``no row``, ``refused`` or ``unknown``."""
    today = pacific_date(emulator.now())
    days = DateRange(today - timedelta(3), today)
    try:
        found = hook.resolve_page_ids(page_ids)
    except (ConfigurationError, MessagingInsightsError):
        return {}
    query = InsightsQuery.create(page_ids=found, metrics="stable", days=days)
    try:
        with hook.get_conn() as transport:
            outcome = transport.run(hook.fetch_flow(query))
    except MessagingInsightsError:
        return dict.fromkeys(found, "refused")
    states = {part.page_id: "no row" for part in outcome.empty} | {part.page_id: "rows" for part in outcome.answered}
    return dict.fromkeys(found, "unknown") | states | dict.fromkeys(outcome.page_failures, "refused")


PAGE = st.fixed_dictionaries(
    {},
    optional={
        "tasks": st.sampled_from([(), ("MODERATE",), ("ANALYZE",)]),
        "listed": st.booleans(),
        "owned": st.booleans(),
        "likes": st.sampled_from([5, 5_000]),
    },
)
ASKED_FOR = st.one_of(
    st.just("all"), st.lists(st.sampled_from(["101", "102", "103"]), min_size=1, unique=True).map(tuple)
)


@pytest.mark.thorough
@settings(max_examples=so_many(25), suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    pages=st.tuples(PAGE, PAGE, PAGE),
    kind=st.sampled_from(["page", "user", "system user"]),
    scopes=st.sets(st.sampled_from(SCOPES), min_size=2).map(sorted),
    with_app=st.booleans(),
    asked_for=ASKED_FOR,
)
def test_a_report_says_of_each_page_what_a_load_does(
    emulator: GraphEmulator,
    monkeypatch: pytest.MonkeyPatch,
    pages: tuple[dict[str, Any], ...],
    kind: str,
    scopes: list[str],
    asked_for: tuple[str, ...] | str,
    *,
    with_app: bool,
) -> None:
    emulator.reset()
    for page_id, different in zip(("101", "102", "103"), pages, strict=True):
        if different:
            emulator.change_page(page_id, **different)
    tokens = {
        "page": emulator.page_token("101"),
        "user": emulator.user_token,
        "system user": emulator.system_user_token,
    }
    emulator.change_token(tokens[kind], scopes=tuple(scopes))
    extra = {"app_id": "1", "app_secret": "app-secret"} if with_app else {}
    connection_to(emulator, monkeypatch, password=tokens[kind], extra=extra)
    hook = MessagingInsightsHook()
    loaded = load(hook, emulator, asked_for)
    report = hook.inspect_token(page_ids=asked_for)
    said = {page.page_id: page for page in report.pages}
    errors = [one for one in report.findings if one.severity is Severity.ERROR]
    for page_id, state in loaded.items():
        page = said[page_id]
        assert page.is_asked_for
        if state == "rows":
            assert (page.reads_insights, page.problem) == (True, None)
            assert page_id not in [one.page_id for one in errors]
        else:
            assert not page.reads_insights
        assert (page.problem is not None) is (state == "refused")
    if loaded and set(loaded.values()) == {"rows"}:
        assert report.ok, render_report(report)
    if not loaded or "refused" in loaded.values():
        assert not report.ok, render_report(report)


def hide_all(emulator: GraphEmulator) -> None:
    for page_id in emulator.page_ids:
        emulator.change_page(page_id, listed=False)


@pytest.mark.parametrize("count", [1, 2])
def test_pages_missing_from_the_list_that_a_load_reads_are_readable_everywhere(
    emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], count: int
) -> None:
    hide_all(emulator)
    named = ("101", "102")[:count]
    connection_to(emulator, monkeypatch, login=",".join(named), password=emulator.user_token)
    hook = MessagingInsightsHook()
    assert set(load(hook, emulator, named).values()) == {"rows"}
    report = hook.inspect_token()
    assert report.ok
    assert all(page.reads_insights for page in report.pages)
    ok, text = hook.test_connection()
    assert ok, text
    assert "The token works." in text
    assert "insights can be read" in render_report(report)
    summary = MessagingInsightsTokenCheckOperator(task_id="check").execute({})
    assert summary["ok"], summary["problems"]
    assert main(["check"]) == 0, capsys.readouterr().out


def test_an_empty_list_and_no_page_named_is_not_known(emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    hide_all(emulator)
    connection_to(emulator, monkeypatch, login="", password=emulator.user_token)
    report = MessagingInsightsHook().inspect_token()
    (found,) = (one for one in report.findings if one.topic == "no_page")
    assert found.severity is Severity.UNKNOWN
    assert render_report(report).startswith(
        "The API takes the token. Whether it reads insights could not be found out."
    )
    summary = MessagingInsightsTokenCheckOperator(task_id="check").execute({})
    assert any("no Page was named" in one for one in summary["warnings"])


def test_all_pages_and_an_empty_list_is_a_problem_as_it_is_for_a_load(
    emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    hide_all(emulator)
    connection_to(emulator, monkeypatch, login="", password=emulator.user_token)
    hook = MessagingInsightsHook()
    with pytest.raises(ConfigurationError, match="cannot analyze any Page"):
        hook.resolve_page_ids("all")
    report = hook.inspect_token(page_ids="all")
    assert [one.topic for one in report.findings if one.severity is Severity.ERROR] == ["no_page"]


def test_all_asks_for_the_listed_pages_the_person_may_analyse(
    emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    emulator.change_page("102", tasks=("MODERATE",))
    emulator.change_page("103", listed=False)
    connection_to(emulator, monkeypatch, password=emulator.user_token)
    report = MessagingInsightsHook().inspect_token(page_ids="all")
    assert report.ok
    asked_for = [page.page_id for page in report.pages if page.is_asked_for]
    assert asked_for == list(MessagingInsightsHook().resolve_page_ids("all"))
    assert not {"102", "103"} & set(asked_for)


def test_a_metric_that_one_page_is_refused_does_not_make_the_page_unreadable(
    emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    emulator.retire_metric("page_messages_new_conversations_unique", page_id="102")
    emulator.hide_metric("page_messages_new_conversations_unique", page_id="103")
    connection_to(emulator, monkeypatch, password=emulator.user_token)
    hook = MessagingInsightsHook()
    assert set(load(hook, emulator, ("101", "102", "103")).values()) == {"rows"}
    report = hook.inspect_token(page_ids="101,102,103")
    assert report.ok
    assert all(page.reads_insights for page in report.pages if page.is_asked_for)
