"""Tokens: exchanged only when the API demands it, renewed once, and never seen by a flow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from support.fetch_helpers import asked, fetch, fetched, make_query
from support.scripted import EXPIRED, NEEDS_PAGE_TOKEN, ScriptedApi, insights, ok, refusal

from airflow_provider_msginsights.exceptions import (
    AuthenticationError,
    InvalidRequestError,
    PermissionDeniedError,
    RateLimitError,
    ResponseFormatError,
    ServiceUnavailableError,
)
from airflow_provider_msginsights.insights.fetch.page_tokens import PageInfo
from airflow_provider_msginsights.insights.fetch.retry_policy import RetryPolicy
from airflow_provider_msginsights.insights.flows import list_pages

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow_provider_msginsights.insights.protocol import Request, Response


class UserToken:
    """An API that was given a user token: no insights before an exchange. Keeping tokens is the transport's part."""

    def __init__(self, pages: Iterable[str], *, a_call: int = 100) -> None:
        self.pages = list(pages)
        self.a_call = a_call
        self.exchanged: set[str] = set()
        self.calls: list[str] = []

    def __call__(self, request: Request) -> Response:
        if request.path == "/me/accounts":
            return self.accounts(request)
        if request.yields_tokens:
            return self.one(request)
        return insights(request) if request.page_id in self.exchanged else NEEDS_PAGE_TOKEN

    def accounts(self, request: Request) -> Response:
        params = dict(request.params)
        self.calls.append("accounts")
        assert params["limit"] == "100"
        start = int(params.get("after", 0))
        page = self.pages[start : start + self.a_call]
        self.exchanged |= set(page)
        document: dict[str, Any] = {"data": [{"id": one, "access_token": "***"} for one in page]}
        document["paging"] = {"cursors": {"before": "x", "after": str(start + self.a_call)}}
        if start + self.a_call < len(self.pages):
            document["paging"]["next"] = "https://graph.facebook.com/next"
        return ok(document)

    def one(self, request: Request) -> Response:
        page = request.path[1:]
        self.calls.append(page)
        assert request.params == (("fields", "access_token"),)
        if page not in self.pages:
            return ok({"id": page})
        self.exchanged.add(page)
        return ok({"id": page, "access_token": "***"})


def test_one_page_is_exchanged_directly() -> None:
    server = UserToken(["101"])
    api, query = ScriptedApi(server), make_query(days=200)
    fetch(api, query)
    assert fetched(api) == asked(query)
    assert server.calls == ["101"]


def test_many_pages_are_exchanged_by_one_list() -> None:
    server = UserToken(str(101 + n) for n in range(20))
    api, query = ScriptedApi(server), make_query(pages=20, days=365)
    outcome = fetch(api, query)
    assert fetched(api) == asked(query)
    assert server.calls == ["accounts"]
    assert outcome.counts["calls"] == 1 + 1 + 100


def test_a_list_of_pages_is_read_cursor_by_cursor_even_where_one_is_short() -> None:
    server = UserToken([*(str(901 + n) for n in range(7)), "101", "102", "103"], a_call=3)
    api, query = ScriptedApi(server), make_query(pages=3)
    fetch(api, query)
    assert fetched(api) == asked(query)
    assert server.calls == ["accounts"] * 4


def test_the_list_is_read_no_further_than_needed() -> None:
    server = UserToken((str(101 + n) for n in range(50)), a_call=5)
    fetch(ScriptedApi(server), make_query(pages=3))
    assert server.calls == ["accounts"]


def test_a_token_that_is_good_as_it_is_is_never_exchanged() -> None:
    api = ScriptedApi(insights)
    fetch(api, make_query(pages=5))
    assert not [request for request in api.requests if request.yields_tokens]


def test_a_page_without_a_role_fails_alone_and_is_asked_for_by_itself_first() -> None:
    server = UserToken(["101", "103"])
    api, query = ScriptedApi(server), make_query(pages=3)
    outcome = fetch(api, query)
    assert fetched(api) == asked(query, but_pages=["102"])
    assert server.calls == ["accounts", "102"]
    assert isinstance(outcome.page_failures["102"], PermissionDeniedError)
    assert "pages_show_list" in str(outcome.page_failures["102"])
    assert sum(request.path == "/102/insights" for request in api.requests) == 0


def test_pages_the_list_refuses_to_tell_are_asked_for_one_by_one() -> None:
    server = UserToken(["101", "102"])

    def answer(request: Request) -> Response:
        if request.path == "/me/accounts":
            return refusal(100, message="(#100) Tried accessing nonexisting field (accounts) on node type (Page)")
        return server(request)

    api, query = ScriptedApi(answer), make_query(pages=2)
    fetch(api, query)
    assert fetched(api) == asked(query)
    assert sorted(server.calls) == ["101", "102"]


def test_a_page_token_refused_for_its_kind_is_tried_again_and_then_given_up() -> None:
    server = UserToken(["101", "102"])

    def answer(request: Request) -> Response:
        return NEEDS_PAGE_TOKEN if request.path == "/102/insights" else server(request)

    api, query = ScriptedApi(answer), make_query(pages=2)
    outcome = fetch(api, query, max_attempts=3)
    assert fetched(api) == asked(query, but_pages=["102"])
    assert isinstance(outcome.page_failures["102"], AuthenticationError)
    assert server.calls == ["accounts"]


@pytest.mark.parametrize(
    "error", [refusal(2500), refusal(2, status=503), ok({"data": 7}), ok({"data": [{"name": "x"}]})]
)
def test_an_exchange_that_fails_stops_the_run_with_its_reason(error: Response) -> None:
    server = UserToken(["101", "102"])
    api = ScriptedApi(lambda request: error if request.path == "/me/accounts" else server(request))
    with pytest.raises(Exception, match=r"parse|Scripted refusal|list of Pages") as caught:
        fetch(api, make_query(pages=2), max_attempts=2)
    assert caught.type.__module__.endswith("exceptions")


def test_an_exchange_that_is_limited_hands_everything_back() -> None:
    server = UserToken(["101", "102"])
    limited = refusal(4, headers={"retry-after": "3600"})
    api = ScriptedApi(lambda request: limited if request.path == "/me/accounts" else server(request))
    outcome = fetch(api, make_query(pages=2, days=200))
    assert len(outcome.paused) == 6
    assert not outcome.errors


def test_a_token_rotated_during_the_run_is_read_again_once() -> None:
    state = {"rotated": False}

    def answer(request: Request) -> Response:
        return insights(request) if len(api.requests) <= 30 or state["rotated"] else EXPIRED

    class Renewing(list[bool]):
        def pop(self, _: Any = None) -> bool:
            state["rotated"] = True
            return True

    api = ScriptedApi(answer)
    api.renews = Renewing([True])
    query = make_query(pages=100)
    outcome = fetch(api, query, max_in_flight=30)
    assert fetched(api) == asked(query)
    assert outcome.stopped_by is None


def test_a_token_still_refused_after_it_was_read_again_stops_the_run() -> None:
    api = ScriptedApi(lambda _: EXPIRED, renews=[True, True, True])
    with pytest.raises(AuthenticationError, match="expired"):
        fetch(api, make_query(pages=10))
    assert api.renews == [True, True]
    assert len(api.requests) == 2


def test_after_a_rotation_pages_are_exchanged_anew() -> None:
    server = UserToken(["101", "102"])
    died = iter([True])

    def answer(request: Request) -> Response:
        if server.exchanged and not request.yields_tokens and next(died, False):
            server.exchanged.clear()
            return EXPIRED
        return server(request)

    api, query = ScriptedApi(answer, renews=[True]), make_query(pages=2)
    fetch(api, query)
    assert fetched(api) == asked(query)
    assert server.calls == ["accounts", "accounts"]


def test_a_dead_page_token_fails_its_page_alone() -> None:
    server = UserToken(["101", "102", "103"])

    def answer(request: Request) -> Response:
        return refusal(190, 492) if request.path == "/102/insights" and server.exchanged else server(request)

    api, query = ScriptedApi(answer), make_query(pages=3)
    outcome = fetch(api, query)
    assert fetched(api) == asked(query, but_pages=["102"])
    assert "role on the Page" in str(outcome.page_failures["102"])


# Looking at tokens and Pages


def test_pages_are_listed_with_the_tasks_of_the_person() -> None:
    def answer(request: Request) -> Response:
        params = dict(request.params)
        assert params["fields"] == "id,name,tasks"
        if "after" not in params:
            paging = {"cursors": {"after": "c1"}, "next": "https://graph.facebook.com/next"}
            return ok({"data": [{"id": "101", "name": "One", "tasks": ["ANALYZE", "MESSAGING"]}], "paging": paging})
        return ok({"data": [{"id": "102"}], "paging": {"cursors": {"after": "c2"}}})

    pages = ScriptedApi(answer).run(list_pages(RetryPolicy()))
    assert pages == (
        PageInfo(page_id="101", name="One", tasks=("ANALYZE", "MESSAGING")),
        PageInfo(page_id="102", name="", tasks=None),
    )


def test_an_empty_page_of_a_list_is_not_its_end() -> None:
    def answer(request: Request) -> Response:
        if "after" not in dict(request.params):
            return ok({"data": [], "paging": {"cursors": {"after": "c1"}, "next": "https://graph.facebook.com/next"}})
        return ok({"data": [{"id": "102"}]})

    assert [page.page_id for page in ScriptedApi(answer).run(list_pages(RetryPolicy()))] == ["102"]


@pytest.mark.parametrize(
    ("response", "kind"),
    [
        (refusal(100), InvalidRequestError),
        (refusal(2, status=503), ServiceUnavailableError),
        (refusal(4, headers={"retry-after": "999"}), RateLimitError),
        (ok({"data": "x"}), ResponseFormatError),
    ],
)
def test_a_list_that_cannot_be_read_raises_what_the_api_answered(response: Response, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        ScriptedApi(lambda _: response).run(list_pages(RetryPolicy(max_attempts=2)))


@pytest.mark.parametrize("page_id", ["me", "1/2", "101?x", "", "EAAG" + "x" * 100, "1" * 33, True, None, 1.5, ["101"]])
def test_an_id_in_the_list_of_pages_that_is_no_page_id_becomes_no_address(page_id: object) -> None:
    entries = [{"id": "101", "access_token": "t"}, {"id": page_id, "access_token": "t"}]
    api = ScriptedApi(lambda _: ok({"data": entries}))
    with pytest.raises(ResponseFormatError, match="an id that is not 1 to 32 digits") as refused:
        api.run(list_pages(RetryPolicy()))
    assert [request.path for request in api.requests] == ["/me/accounts"]
    assert "EAAG" not in str(refused.value)
