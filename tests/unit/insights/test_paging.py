"""Lists are read to their end by what their `next` says, whatever its form; a list without a usable end is an error."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.fetch_helpers import asked, fetch, fetched, make_query
from support.scripted import NEEDS_PAGE_TOKEN, ScriptedApi, insights, ok

from airflow_provider_msginsights.exceptions import ResponseFormatError
from airflow_provider_msginsights.insights.fetch.retry_policy import RetryPolicy
from airflow_provider_msginsights.insights.flows import list_pages
from airflow_provider_msginsights.insights.graph.paging import MAX_IDLE_CALLS, MAX_LIST_CALLS

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_msginsights.insights.protocol import Request, Response

ADDRESS = "https://graph.facebook.com/v26.0/9001/accounts"
MANY = 3 * MAX_LIST_CALLS
Params = dict[str, str]


class Accounts:
    """A list of Pages, two at a time unless it is told otherwise.

    :param paging: makes ``paging`` from the places of this page and the next one.
    """

    def __init__(self, count: int, paging: Callable[[int, int], Any], *, a_call: int = 2) -> None:
        self.ids = [str(101 + n) for n in range(count)]
        self.paging = paging
        self.a_call = a_call
        self.asked: list[Params] = []

    def __call__(self, request: Request) -> Response:
        if request.path != "/me/accounts":
            return insights(request)
        params = dict(request.params)
        self.asked.append(params)
        start = int(params.get("offset") or params.get("__paging_token") or params.get("after", "at 0").split()[-1])
        document: dict[str, Any] = {"data": [{"id": one} for one in self.ids[start : start + self.a_call]]}
        if start + self.a_call < len(self.ids):
            document["paging"] = self.paging(start, start + self.a_call)
        return ok(document)

    def listed(self) -> list[str]:
        return [page.page_id for page in ScriptedApi(self).run(list_pages(RetryPolicy()))]


def address(**params: object) -> str:
    return f"{ADDRESS}?{urlencode({'access_token': 'SECRET', **params})}"


USABLE: dict[str, Callable[[int, int], Any]] = {
    "a cursor": lambda _, end: {"cursors": {"after": f"at {end}"}, "next": address(limit=2, after=f"at {end}")},
    "no cursors beside": lambda _, end: {"next": address(limit=2, after=f"at {end}")},
    "an offset": lambda _, end: {"next": address(limit=2, offset=end)},
    "a token of the page": lambda _, end: {"next": address(__paging_token=end)},
    "a relative address": lambda _, end: {"next": f"/v26.0/9001/accounts?offset={end}"},
    "a bare query": lambda _, end: {"next": f"?offset={end}"},
    "another host": lambda _, end: {"next": f"https://evil.example:99/x?offset={end}&access_token=SECRET"},
    "an address that is none": lambda _, end: {"next": f"http://[?offset={end}#offset=0"},
    "encoded values": lambda _, end: {"next": f"{ADDRESS}?after=%61t%20{end}"},
    "no query": lambda _, end: {"next": ADDRESS, "cursors": {"after": f"at {end}"}},
    "no text": lambda _, end: {"next": True, "cursors": {"after": f"at {end}"}},
    "a number for a cursor": lambda _, end: {"next": ADDRESS, "cursors": {"after": end}},
    "an empty value beside": lambda _, end: {"next": f"{ADDRESS}?after=&offset={end}"},
    "an absurd limit": lambda _, end: {"next": f"{ADDRESS}?limit=-1&offset={end}&limit=x"},
    "bytes that are not utf-8 beside": lambda _, end: {
        "next": f"{ADDRESS}?after=%ff",
        "cursors": {"after": f"at {end}"},
    },
}


@pytest.mark.parametrize("how", USABLE)
def test_a_next_page_is_asked_for_by_its_parameters(how: str) -> None:
    accounts = Accounts(5, USABLE[how])
    assert accounts.listed() == accounts.ids
    assert len(accounts.asked) == 3
    for params in accounts.asked:
        assert params["fields"] == "id,name,tasks"
        assert set(params) <= {"fields", "limit", "after", "offset", "__paging_token"}
        assert params["limit"] in ("2", "100")


def test_all_places_that_a_next_page_names_are_kept() -> None:
    accounts = Accounts(5, lambda _, end: {"next": address(after="x", offset=end, limit=2)})
    assert accounts.listed() == accounts.ids
    assert accounts.asked[-1] == {"fields": "id,name,tasks", "limit": "2", "after": "x", "offset": "4"}


@pytest.mark.parametrize("paging", [None, {}, {"cursors": {"after": "x"}}, {"next": None, "cursors": {"after": "x"}}])
def test_without_a_next_page_the_list_has_ended(paging: Any) -> None:
    assert Accounts(5, lambda *_: paging).listed() == ["101", "102"]


UNUSABLE: list[Any] = [
    {"next": ADDRESS},
    {"next": ""},
    {"next": 7},
    {"next": {}},
    {"next": False},
    {"next": f"{ADDRESS}?limit=2&fields=id"},
    {"next": f"{ADDRESS}?before=x"},
    {"next": f"{ADDRESS}?after=%ff"},
    {"next": f"{ADDRESS}?after=\ud800"},
    {"next": f"{ADDRESS}?after={'x' * 10_000}"},
    {"next": f"{ADDRESS}?{'a=1&' * 1_000}after=x"},
    {"next": ADDRESS, "cursors": {"after": ""}},
    {"next": ADDRESS, "cursors": {"after": ["x"]}},
    {"next": ADDRESS, "cursors": {"after": "\ud800"}},
    {"next": ADDRESS, "cursors": ["after"]},
    [],
    "x",
    7,
]


@pytest.mark.parametrize("paging", UNUSABLE, ids=range(len(UNUSABLE)))
def test_more_that_cannot_be_found_is_an_error(paging: Any) -> None:
    accounts = Accounts(5, lambda *_: paging)
    with pytest.raises(ResponseFormatError, match="list of Pages") as caught:
        accounts.listed()
    assert "SECRET" not in str(caught.value)
    assert len(accounts.asked) == 1


def test_what_is_listed_already_needs_no_next_page() -> None:
    accounts = Accounts(5, lambda *_: {"next": ADDRESS})
    api, query = ScriptedApi(accounts), make_query(pages=2)
    fetch(api, query)
    assert fetched(api) == asked(query)


@pytest.mark.parametrize("length", [1, 2, 3, 17])
@pytest.mark.parametrize("name", ["after", "offset", "__paging_token"])
def test_a_circle_ends_at_once(length: int, name: str) -> None:
    accounts = Accounts(MANY, lambda start, _: {"next": address(**{name: (start // 2 + 1) % length * 2})})
    with pytest.raises(ResponseFormatError, match="circle"):
        accounts.listed()
    assert len(accounts.asked) <= length + 1


def test_ever_new_cursors_to_the_same_pages_lead_nowhere() -> None:
    calls = iter(range(10**9))
    accounts = Accounts(5, lambda *_: {"next": address(after=f"{next(calls)} at 0")})
    with pytest.raises(ResponseFormatError, match="leads nowhere"):
        accounts.listed()
    assert len(accounts.asked) <= MAX_IDLE_CALLS + 2


def test_a_list_that_always_has_more_ends_with_an_error_that_says_so() -> None:
    accounts = Accounts(MANY, USABLE["an offset"])
    with pytest.raises(ResponseFormatError, match=f"no end: it goes on after {MAX_LIST_CALLS} calls"):
        accounts.listed()
    assert len(accounts.asked) <= MAX_LIST_CALLS + 1


def test_empty_pages_on_the_way_are_no_end() -> None:
    def answer(request: Request) -> Response:
        at = int(dict(request.params).get("offset", "0"))
        document: dict[str, Any] = {"data": [{"id": str(101 + at)}] if at % 20 == 0 else []}
        return ok(document | ({"paging": {"next": address(offset=at + 1)}} if at < 60 else {}))

    pages = ScriptedApi(answer).run(list_pages(RetryPolicy()))
    assert [page.page_id for page in pages] == ["101", "121", "141", "161"]


def test_a_page_that_is_listed_twice_is_one_page() -> None:
    both = ok({"data": [{"id": "101", "name": "One", "tasks": ["ANALYZE"]}, {"id": 101, "name": "Two"}]})
    (page,) = ScriptedApi(lambda _: both).run(list_pages(RetryPolicy()))
    assert (page.name, page.may_analyze) == ("One", True)


@pytest.mark.parametrize(
    "page_id",
    [None, True, "", "x", "101/insights", "\uff11\uff10\uff11", "1" * 33, 1.5, [], {}, "101\n", "EAAG" * 10, "\ud800"],
)
def test_an_id_that_can_be_no_page_s_is_an_error(page_id: Any) -> None:
    api = ScriptedApi(lambda _: ok({"data": [{"id": "101"}, {"id": page_id}]}))
    with pytest.raises(ResponseFormatError, match=r"at data\[1\]\.id"):
        api.run(list_pages(RetryPolicy()))


@pytest.mark.parametrize("tasks", [None, "ANALYZE", 7, {"ANALYZE": 1}])
def test_tasks_that_are_not_told_are_not_known(tasks: Any) -> None:
    (page,) = ScriptedApi(lambda _: ok({"data": [{"id": "101", "tasks": tasks}]})).run(list_pages(RetryPolicy()))
    assert (page.tasks, page.may_analyze) == (None, None)


@given(st.integers(1, 40), st.integers(1, 7), st.sampled_from(sorted(USABLE)))
def test_every_page_is_listed_once_however_many_come_at_a_time(count: int, a_call: int, how: str) -> None:
    accounts = Accounts(count, USABLE[how], a_call=a_call)
    assert accounts.listed() == accounts.ids


@pytest.mark.parametrize("token", [None, "", 7, ["x"], {}])
def test_a_token_that_is_none_is_no_token(token: Any) -> None:
    def answer(request: Request) -> Response:
        if request.path == "/me/accounts":
            return ok({"data": [{"id": "101", "access_token": token}, {"id": "102", "access_token": "***"}]})
        if request.yields_tokens:
            return ok({"id": request.path[1:], "access_token": token})
        return insights(request) if request.page_id == "102" else NEEDS_PAGE_TOKEN

    api, query = ScriptedApi(answer), make_query(pages=2)
    outcome = fetch(api, query)
    assert fetched(api) == asked(query, but_pages=["101"])
    assert re.search("gave (no|a) token", str(outcome.page_failures["101"]))
