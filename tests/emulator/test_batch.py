"""Batches: many calls in one POST."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    import requests

    from airflow_provider_msginsights.emulator import GraphEmulator

    Post = Callable[..., requests.Response]

NEW = "page_messages_new_conversations_unique"


@pytest.fixture
def post(emulator: GraphEmulator, http: requests.Session) -> Post:
    """POST a batch; the user token stands in the body unless another is given."""

    def send(
        parts: Any, *, path: str = "/v26.0/", token: str | None = "user-token", **fields: str
    ) -> requests.Response:
        form = {"batch": parts if isinstance(parts, str) else json.dumps(parts), **fields}
        if token is not None:
            form["access_token"] = token
        return http.post(emulator.base_url + path, data=form, timeout=30)

    return send


def get(relative_url: str, **keys: Any) -> dict[str, Any]:
    return {"method": "GET", "relative_url": relative_url, **keys}


def insights(page_id: str, *, token: str | None = None, **params: str) -> dict[str, Any]:
    asked = {"metric": NEW, "period": "day"} | params | {"access_token": token or f"page-token-{page_id}"}
    return get(f"{page_id}/insights?" + "&".join(f"{name}={value}" for name, value in asked.items()))


def parts_of(answer: requests.Response) -> list[tuple[int, Any]]:
    assert answer.status_code == 200, answer.text
    return [(part["code"], json.loads(part["body"])) for part in answer.json()]


def refusal(answer: requests.Response) -> tuple[int, str]:
    assert answer.status_code == 400
    return answer.json()["error"]["code"], answer.json()["error"]["message"]


@pytest.mark.parametrize("path", ["/", "/v26.0", "/v26.0/", "/me", "/v26.0/me"])
def test_a_batch_is_posted_to_the_root_or_to_me(post: Post, path: str) -> None:
    ((code, body),) = parts_of(post([get("101?fields=name")], path=path))
    assert (code, body["id"]) == (200, "101")


def test_answers_come_in_the_order_of_the_parts_each_with_its_own_token_and_status(post: Post) -> None:
    answered = parts_of(
        post([insights("102"), insights("101", token="rubbish"), insights("101"), insights("103", metric="nonsense")])
    )
    assert [code for code, _ in answered] == [200, 400, 200, 400]
    assert answered[0][1]["data"][0]["id"].startswith("102/")
    assert answered[1][1]["error"]["code"] == 190
    assert answered[2][1]["data"][0]["id"].startswith("101/")
    assert answered[3][1]["error"]["code"] == 100


def test_a_part_without_a_token_uses_that_of_the_batch(post: Post) -> None:
    answered = parts_of(post([get("me"), get("101/insights?metric=page_messages_sent")]))
    assert answered[0][1]["id"] == "9001"
    assert (answered[1][0], answered[1][1]["error"]["code"]) == (400, 190)


@pytest.mark.parametrize("relative_url", ["101?fields=id", "/101?fields=id", "v25.0/101?fields=id", "/v25.0/101"])
def test_relative_urls_may_have_a_slash_and_a_version(post: Post, relative_url: str) -> None:
    (part,) = post([get(relative_url)]).json()
    assert part["code"] == 200
    headers = {header["name"]: header["value"] for header in part["headers"]}
    assert headers["facebook-api-version"] == ("v25.0" if "v25.0" in relative_url else "v26.0")
    assert headers["Content-Type"] == "application/json; charset=UTF-8"


def test_parts_are_answered_by_the_version_of_the_batch(post: Post) -> None:
    answer = post([get("101")], path="/v22.0/")
    assert answer.headers["facebook-api-version"] == "v22.0"
    headers = {header["name"]: header["value"] for header in answer.json()[0]["headers"]}
    assert headers["facebook-api-version"] == "v22.0"
    assert refusal(post([get("101")], path="/v99.0/"))[0] == 2500


def test_headers_are_left_out_on_request(post: Post) -> None:
    assert set(post([get("101")]).json()[0]) == {"code", "headers", "body"}
    assert set(post([get("101")], include_headers="false").json()[0]) == {"code", "body"}


def test_fifty_parts_are_the_most(post: Post) -> None:
    assert len(parts_of(post([get("101")] * 50))) == 50
    assert refusal(post([get("101")] * 51))[1] == ("Too many requests in batch message. Maximum batch size is 50")


@pytest.mark.parametrize("parts", ["[]", "{}", "not json", "[1]", "null", '"x"', "[[]]", "[" * 100_000])
def test_a_batch_that_is_no_list_of_parts_is_refused_whole(post: Post, parts: str) -> None:
    assert refusal(post(parts))[0] == 100


def test_a_part_without_relative_url_is_refused_alone(post: Post) -> None:
    answered = parts_of(post([{"method": "GET"}, get("101"), {"relative_url": 7}, {"relative_url": "102"}]))
    assert [code for code, _ in answered] == [400, 200, 400, 200]


def test_the_batch_itself_needs_a_good_token(emulator: GraphEmulator, post: Post) -> None:
    assert refusal(post([insights("101")], token=None))[0] == 104
    assert refusal(post([insights("101")], token="rubbish"))[0] == 190
    emulator.expire_token("user-token")
    assert post([insights("101")]).json()["error"]["error_subcode"] == 463
    assert [entry["path"] for entry in emulator.stats()["journal"]] == ["/", "/", "/"]
    assert "page-token" not in str(emulator.stats())


def test_the_token_of_the_batch_may_stand_in_the_header(emulator: GraphEmulator, http: requests.Session) -> None:
    answer = http.post(
        emulator.base_url,
        data={"batch": json.dumps([insights("101")])},
        headers={"Authorization": "Bearer user-token"},
        timeout=10,
    )
    assert parts_of(answer)[0][0] == 200
    (entry,) = emulator.stats()["journal"]
    assert (entry["token_place"], entry["batch_token_place"], entry["secrets_in_url"]) == ("part", "header", [])


def test_each_token_in_a_batch_needs_its_own_proof(emulator: GraphEmulator, post: Post) -> None:
    def proof(token: str) -> str:
        return hmac.new(b"app-secret", token.encode(), hashlib.sha256).hexdigest()

    emulator.configure(require_appsecret_proof=True)
    answered = parts_of(
        post(
            [
                get("me"),
                insights("101", appsecret_proof=proof("page-token-101")),
                insights("102"),
                insights("103", appsecret_proof=proof("user-token")),
            ],
            appsecret_proof=proof("user-token"),
        )
    )
    assert [code for code, _ in answered] == [200, 200, 400, 400]
    assert refusal(post([get("me")]))[1] == "API calls from the server require an appsecret_proof argument"


def test_every_part_counts_as_a_call(emulator: GraphEmulator, post: Post) -> None:
    post([insights("101"), insights("102"), insights("101")])
    stats = emulator.stats()
    assert (stats["http_requests"], stats["batch_requests"], stats["graph_calls"]) == (1, 1, 3)
    assert stats["calls_by_page"] == {"101": 2, "102": 1}
    assert [(entry["batch_number"], entry["part_number"]) for entry in stats["journal"]] == [(1, 0), (1, 1), (1, 2)]
    assert "token" not in str([entry["params"] for entry in stats["journal"]]).replace("access_token", "")


def test_a_part_that_did_not_finish_is_null(emulator: GraphEmulator, post: Post) -> None:
    emulator.add_fault(kind="null_part", page_id="102")
    answer = post([insights("101"), insights("102"), insights("103")]).json()
    assert [part is None for part in answer] == [False, True, False]
    assert parts_of(post([insights("102")]))[0][0] == 200


def test_parts_may_use_what_named_parts_before_them_found(post: Post) -> None:
    named = get("me/accounts?fields=id&limit=2", name="pages", omit_response_on_success=False)
    using = get("{result=pages:$.data[1].id}?fields=name")
    (_, (code, body)) = parts_of(post([named, using]))
    assert (code, body["id"]) == (200, "102")


def test_a_named_part_that_others_depend_on_is_silent_unless_told_otherwise(post: Post) -> None:
    named = get("me", name="first")
    silent = post([named, get("101", depends_on="first")]).json()
    assert silent[0] is None
    assert silent[1]["code"] == 200
    spoken = post([named | {"omit_response_on_success": False}, get("101", depends_on="first")]).json()
    assert spoken[0]["code"] == 200


def test_a_part_that_depends_on_a_failed_or_unknown_one_is_refused_alone(post: Post) -> None:
    answered = parts_of(
        post(
            [
                get("999", name="failed"),
                get("101", depends_on="failed"),
                get("102", depends_on="nobody"),
                get("{result=nobody:$.id}"),
                get("103"),
            ]
        )
    )
    assert [code for code, _ in answered] == [400, 400, 400, 400, 200]


def test_parts_with_a_body_take_their_parameters_from_it(post: Post) -> None:
    body = f"metric={NEW}&period=day&access_token=page-token-101"
    answered = parts_of(post([get("101/insights", body=body)]))
    assert answered[0][1]["data"][0]["name"] == NEW


@pytest.mark.parametrize("encoding", ["multipart", "json"])
def test_a_batch_may_come_as_multipart_or_json(emulator: GraphEmulator, http: requests.Session, encoding: str) -> None:
    if encoding == "multipart":
        fields = {"batch": (None, json.dumps([insights("101")])), "access_token": (None, "user-token")}
        answer = http.post(emulator.base_url, files=fields, timeout=10)
    else:
        answer = http.post(
            emulator.base_url, json={"batch": [insights("101")], "access_token": "user-token"}, timeout=10
        )
    assert parts_of(answer)[0][0] == 200


def test_a_batch_takes_longer_by_each_part(emulator: GraphEmulator, post: Post) -> None:
    emulator.configure(batch_part_ms=20)
    assert post([get("101")] * 10).elapsed.total_seconds() >= 0.2


def test_each_part_may_take_longer_by_chance(emulator: GraphEmulator, post: Post) -> None:
    emulator.configure(batch_part_jitter_ms=40)
    waits = [post([get("101")] * 5).elapsed.total_seconds() for _ in range(6)]
    assert max(waits) - min(waits) > 0.01


def test_usage_headers_come_with_each_part(emulator: GraphEmulator, post: Post) -> None:
    emulator.set_allowance("101", calls=4)
    for part in post([insights("101"), insights("101")]).json():
        names = [header["name"] for header in part["headers"]]
        assert "x-business-use-case-usage" in names
