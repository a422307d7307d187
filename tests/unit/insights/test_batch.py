"""Many requests and one POST: no part is lost, doubled, or given to another request."""

from __future__ import annotations

import json
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_msginsights.insights.graph.batch import MAX_PARTS, decode, encode, pack
from airflow_provider_msginsights.insights.protocol import Request, Response

REQUESTS = tuple(
    Request(f"/{101 + n}/insights", (("metric", "a,b"), ("period", "day")), str(101 + n)) for n in range(300)
)


@given(st.integers(1, 300), st.integers(1, 60))
def test_every_request_is_packed_once_in_even_groups_within_the_limit(count: int, limit: int) -> None:
    groups = pack(REQUESTS[:count], limit=limit)
    assert [one for group in groups for one in group] == list(REQUESTS[:count])
    sizes = {len(group) for group in groups}
    assert max(sizes) <= min(limit, MAX_PARTS)
    assert max(sizes) - min(sizes) <= 1


@pytest.mark.parametrize(
    ("count", "sizes"),
    [(1, [1]), (11, [11]), (50, [50]), (51, [25, 26]), (99, [49, 50]), (200, [50, 50, 50, 50])],
)
def test_no_more_posts_are_made_than_the_limit_asks_for(count: int, sizes: list[int]) -> None:
    assert [len(group) for group in pack(REQUESTS[:count])] == sizes


def test_a_part_carries_its_own_secrets_in_its_own_address() -> None:
    parts = json.loads(encode(REQUESTS[:2], lambda one: (("access_token", f"token of {one.page_id}"),)))
    assert [part["method"] for part in parts] == ["GET", "GET"]
    urls = [urlsplit(part["relative_url"]) for part in parts]
    assert [url.path for url in urls] == ["101/insights", "102/insights"]
    assert dict(parse_qsl(urls[1].query)) == {"metric": "a,b", "period": "day", "access_token": "token of 102"}
    assert json.loads(encode([Request("/me")], lambda _: ()))[0]["relative_url"] == "me"


def reply(*parts: object, status: int = 200, **headers: str) -> Response:
    return Response(status=status, headers=headers, body=json.dumps(list(parts)))


def test_parts_come_in_order_with_their_own_status_headers_and_body() -> None:
    usage = [{"name": "X-App-Usage", "value": "{}"}, {"name": "Retry-After", "value": 5}, "nonsense"]
    parts = decode(
        reply(
            {"code": 200, "headers": usage, "body": '{"data": []}'},
            None,
            {"code": 403, "body": {"error": {}}},
            date="today",
        ),
        3,
    )
    assert parts is not None
    first, second, third = parts
    assert first == Response(
        status=200, headers={"date": "today", "x-app-usage": "{}", "retry-after": "5"}, body='{"data": []}'
    )
    assert isinstance(second, str)
    assert third == Response(status=403, headers={"date": "today"}, body='{"error": {}}')


@pytest.mark.parametrize("count", [1, 3])
def test_parts_that_do_not_match_the_requests_in_number_are_given_to_none(count: int) -> None:
    part = {"code": 200, "body": "{}"}
    parts = decode(reply(part, part), count)
    assert parts is not None
    assert len(parts) == count
    assert all(isinstance(one, str) and "2 parts" in one for one in parts)


@pytest.mark.parametrize("part", [7, "x", [], {}, {"code": "200"}, {"body": "{}"}])
def test_a_part_of_another_shape_is_no_response(part: object) -> None:
    parts = decode(reply(part), 1)
    assert parts is not None
    assert isinstance(parts[0], str)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, '{"error": {"code": 190}}'),
        (200, '{"error": {"code": 960}}'),
        (200, "<html>"),
        (200, "[{"),
        (500, "[]"),
        (200, ""),
    ],
)
def test_an_answer_to_the_whole_post_holds_no_parts(status: int, body: str) -> None:
    assert decode(Response(status=status, body=body), 2) is None
