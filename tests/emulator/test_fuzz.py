"""Whatever is asked, the answer is Graph's: JSON, an envelope for refusals, and never a traceback."""

from __future__ import annotations

import gzip
import http.client
import json
import os
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.examples import so_many

from airflow_provider_msginsights.emulator import EventKind, FaultKind, GraphEmulator
from airflow_provider_msginsights.emulator.control.handlers import HANDLERS
from airflow_provider_msginsights.emulator.documentation import BREAKDOWNS, DATE_PRESETS, METRICS, PERIODS

if TYPE_CHECKING:
    from collections.abc import Iterator

EXAMPLES = os.environ.get("FUZZ_EXAMPLES")
FUZZ = settings(
    max_examples=int(EXAMPLES or so_many(100)),
    derandomize=EXAMPLES is None,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
"""The same requests in every run; `FUZZ_EXAMPLES=5000` asks others, and more of them."""

ODD_TEXT = st.one_of(
    st.text(max_size=20),
    st.sampled_from(["", "0", "-1", "1e309", "null", "[]", "{}", '["a"', "%00", "\ud800", "a" * 3000, "NaN", "\r\n"]),
)
TOKENS = ["page-token-101", "page-token-102", "user-token", "system-user-token", "1|app-secret", "rubbish"]
PARAMETERS = {
    "metric": [*METRICS, "nonsense", ",".join(METRICS), json.dumps(list(METRICS)), "[1,2]"],
    "period": [*PERIODS, "lifetime", "hour"],
    "since": ["2026-11-01", "1793516400", "yesterday", "0", "-62135596800", "253402300799", "9999-12-31", "0001-01-01"],
    "until": ["2026-11-10", "1793865600", "now", "9999-12-31", "4102444800"],
    "date_preset": [*DATE_PRESETS, "last_week", "never"],
    "breakdown": [*BREAKDOWNS, ",".join(BREAKDOWNS), '["campaign_id"]', "horoscope"],
    "access_token": TOKENS,
    "input_token": TOKENS,
    "appsecret_proof": ["00", "ü"],
    "appsecret_time": ["0", "soon", "٣"],
    "fields": ["id", "access_token", "insights.metric(page_messages_sent).period(day)", "insights{", "a.b.c(d)", "((("],
    "limit": ["1", "0", "999999999999", "٣"],
    "after": ["Y3Vyc29yOjE", "%", "Y3Vyc29yOi05"],
    "before": ["Y3Vyc29yOjE"],
    "ids": ["101,102"],
    "date_format": ["U", "\\", "Y-m-d"],
    "callback": ["show", "alert(1)"],
    "redirect_uri": ["http://localhost:1/", "http://[", "https://app.example/"],
    "code": ["login-code-1", "x"],
    "revoke_token": ["rubbish"],
    "set_token_expires_in_60_days": ["true"],
    "grant_type": ["fb_exchange_token", "client_credentials"],
    "client_id": ["1", "2"],
    "client_secret": ["app-secret", "no"],
    "fb_exchange_token": TOKENS,
    "method": ["get", "delete", "post"],
    "include_headers": ["false"],
    "show_description_from_api_doc": ["true"],
    "pretty": ["1"],
}
NODES = ["101", "102", "999", "me", "debug_token", "oauth", "insights", "9001", "*", "..", "."]
EDGES = ["revoke", "insights", "accounts", "access_token", "page_messages_sent", "feed", ""]
VERSIONS = ["v26.0", "v25.0", "v2.3", "v99.0", "v1", "V26.0", ""]


def parameter() -> st.SearchStrategy[tuple[str, str]]:
    known = st.sampled_from(sorted(PARAMETERS)).flatmap(
        lambda name: st.tuples(st.just(name), st.one_of(st.sampled_from(PARAMETERS[name]), ODD_TEXT))
    )
    return st.one_of(known, st.tuples(ODD_TEXT, ODD_TEXT))


PARAMS = st.lists(parameter(), max_size=7)
PATH = st.tuples(
    st.sampled_from(VERSIONS), *(st.one_of(st.sampled_from(NODES + EDGES), ODD_TEXT) for _ in range(2))
).map(lambda parts: [part for part in parts if part])
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), ODD_TEXT),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(ODD_TEXT, inner, max_size=3)),
    max_leaves=6,
)


def encoded(pairs: list[tuple[str, str]]) -> str:
    return urlencode([(name.encode("utf-8", "replace"), value.encode("utf-8", "replace")) for name, value in pairs])


def relative_url(path: list[str], params: list[tuple[str, str]]) -> str:
    return "/".join(quote(part.encode("utf-8", "replace"), safe="") for part in path) + "?" + encoded(params)


@pytest.fixture(scope="module")
def own_emulator() -> Iterator[GraphEmulator]:
    with GraphEmulator(pages=2) as emulator:
        yield emulator


class Client:
    """Sends anything that is HTTP, without the tidying that libraries do."""

    def __init__(self, base_url: str) -> None:
        address = urlsplit(base_url)
        self.connection = http.client.HTTPConnection(str(address.hostname), int(address.port or 0), timeout=30)

    def send(self, method: str, target: str, body: bytes | None, headers: dict[str, str]) -> tuple[int, bytes]:
        self.connection.request(method, target, body=body, headers=headers)
        answer = self.connection.getresponse()
        received = answer.read()
        compressed = answer.getheader("Content-Encoding") == "gzip" and method != "HEAD"
        return answer.status, gzip.decompress(received) if compressed else received


@pytest.fixture
def client(own_emulator: GraphEmulator) -> Iterator[Client]:
    client = Client(own_emulator.base_url)
    yield client
    client.connection.close()


def assert_graphs(status: int, body: bytes, *, method: str = "GET") -> None:
    if method == "HEAD":
        assert body == b""
        return
    answer = json.loads(body)
    assert status in {200, 400, 403}, answer
    if status == 200:
        assert isinstance(answer, dict | list)
        assert "error" not in answer or isinstance(answer, dict)
        return
    error = answer["error"]
    assert isinstance(error["message"], str)
    assert isinstance(error["code"], int)
    assert {"type", "fbtrace_id"} <= set(error)


@pytest.fixture(autouse=True)
def _no_traceback(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    yield
    assert [record.getMessage() for record in caplog.records if record.levelname in {"ERROR", "CRITICAL"}] == []


METHODS = st.sampled_from(["GET", "GET", "GET", "POST", "DELETE", "PUT", "HEAD", "OPTIONS", "PATCH", "PROPFIND"])
HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "Authorization": st.sampled_from(
            ["Bearer page-token-101", "OAuth user-token", "Bearer", "Bearer \xfc", "x y z"]
        ),
        "Accept": st.sampled_from(["text/javascript", "*/*", ";;"]),
        "Accept-Encoding": st.sampled_from(["gzip;q=0", "identity", "gzip;;q", "br"]),
        "Host": st.sampled_from(["[::1", "graph.facebook.com", "a b", ":"]),
        "Content-Type": st.sampled_from(
            [
                "application/json",
                "multipart/form-data",
                "multipart/form-data; boundary=x",
                "application/x-www-form-urlencoded",
                "x",
            ]
        ),
    },
)


@FUZZ
@given(method=METHODS, path=PATH, params=PARAMS, headers=HEADERS, form=PARAMS)
def test_any_request_gets_graphs_answer(
    client: Client,
    method: str,
    path: list[str],
    params: list[tuple[str, str]],
    headers: dict[str, str],
    form: list[tuple[str, str]],
) -> None:
    body = encoded(form).encode() if method in {"POST", "PUT", "DELETE", "PATCH"} else None
    status, answer = client.send(method, "/" + relative_url(path, params), body, headers)
    assert_graphs(status, answer, method=method)


INSIGHTS = st.fixed_dictionaries(
    {
        name: st.one_of(st.sampled_from(PARAMETERS[name]), ODD_TEXT)
        if name != "metric"
        else st.sampled_from(list(METRICS))
        for name in ("metric",)
    },
    optional={
        name: st.one_of(st.sampled_from(PARAMETERS[name]), ODD_TEXT)
        for name in ("period", "since", "until", "date_preset", "breakdown", "show_description_from_api_doc")
    },
)


@FUZZ
@given(params=INSIGHTS)
def test_any_insights_request_gets_graphs_answer(client: Client, params: dict[str, str]) -> None:
    target = "/" + relative_url(["v26.0", "101", "insights"], list(params.items()))
    status, answer = client.send("GET", target, None, {"Authorization": "Bearer page-token-101"})
    assert_graphs(status, answer)


PART = st.fixed_dictionaries(
    {},
    optional={
        "method": st.one_of(st.sampled_from(["GET", "POST", "get"]), JSON),
        "relative_url": st.one_of(
            st.builds(relative_url, PATH, PARAMS), ODD_TEXT, JSON, st.just("{result=a:$.data.*.id}"), st.just("//[")
        ),
        "body": st.one_of(PARAMS.map(encoded), JSON),
        "name": st.one_of(st.just("a"), JSON),
        "depends_on": st.one_of(st.just("a"), JSON),
        "omit_response_on_success": JSON,
        "headers": st.one_of(JSON, st.just([{"name": "x", "value": 3}, {"name": None}, 7])),
    },
)


@FUZZ
@given(parts=st.one_of(st.lists(st.one_of(PART, JSON), max_size=4), JSON), as_json=st.booleans())
def test_any_batch_gets_graphs_answer(client: Client, parts: Any, as_json: bool) -> None:  # noqa: FBT001 - drawn
    if as_json:
        headers = {"Content-Type": "application/json"}
        body = json.dumps({"access_token": "user-token", "batch": parts}).encode()
    else:
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        body = encoded([("access_token", "user-token"), ("batch", json.dumps(parts))]).encode()
    status, answer = client.send("POST", "/v26.0/", body, headers)
    assert_graphs(status, answer)
    if status == 200:
        for part in json.loads(answer):
            if part is not None:
                assert_graphs(part["code"], part["body"].encode())


CONTROL_BODIES: dict[str, dict[str, list[Any]]] = {
    "clock": {
        "now": ["2026-11-20", 1793865600, "now", "1999-01-01"],
        "advance_seconds": [60, -60, 1e308],
        "ticking": [True],
    },
    "faults": {
        "kind": list(FaultKind),
        "code": [2, 190, "2"],
        "times": [1, 2, 0, None],
        "rate": [0.5, 2],
        "skip": [0, -1],
        "http_status": [500, 99],
        "body": ["x", "\ud800"],
        "headers": [{"A": "b"}, {"A b": "\n"}],
        "page_id": ["101"],
        "delay_seconds": [0.001, -1],
        "on": ["call", "batch"],
    },
    "events": {
        "page_id": ["101", "999"],
        "kind": list(EventKind),
        "at": ["2026-11-20", 0],
        "person_id": ["a", 7],
        "message_id": ["m"],
        "order_id": ["o"],
        "amount": [1, 1e300, "NaN"],
    },
    "tokens": {"value": TOKENS, "expire": [True], "revoke": [460], "kind": ["PAGE"], "scopes": [["read_insights"], 3]},
    "pages": {
        "page_id": ["101", "500", "a/b"],
        "likes": [3, -1],
        "tasks": [[], ["ANALYZE"]],
        "first_day": ["2026-01-01"],
    },
    "metrics": {
        "retire": list(METRICS),
        "restore": list(METRICS),
        "hide": list(METRICS),
        "page_id": ["101", "999"],
        "first_day": ["2026-11-01", "soon"],
    },
    "permissions": {
        "lose": ["read_insights", "email"],
        "restore": ["read_insights"],
        "page_id": ["101", None],
        "first_day": ["2026-11-01", "soon"],
        "last_day": ["2026-10-01"],
    },
    "sharing": {"share": ["101"], "unshare": ["101", "999"], "user_id": ["9001", "5"]},
    "outage": {"kind": [kind for kind in FaultKind if kind != "hang"], "code": [2], "times": [1]},
    "limits": {"page_id": ["101", None], "minutes": [5, -1, 1e300], "calls": [3, -1], "code": [80006, 17]},
    "settings": {"style": ["real", "documentation"], "unready": ["provisional"], "readiness_lag_hours": [5, 1e300]},
}


def control_body(name: str) -> st.SearchStrategy[Any]:
    choices = CONTROL_BODIES.get(name, {})
    return st.one_of(
        st.fixed_dictionaries(
            {}, optional={field: st.one_of(st.sampled_from(values), JSON) for field, values in choices.items()}
        ),
        JSON,
    )


@FUZZ
@given(
    calls=st.lists(
        st.sampled_from(sorted(HANDLERS)).flatmap(lambda name: st.tuples(st.just(name), control_body(name))), max_size=4
    )
)
def test_whatever_the_control_plane_is_told_the_graph_still_answers(
    own_emulator: GraphEmulator, client: Client, calls: list[tuple[str, Any]]
) -> None:
    own_emulator.reset()
    for name, body in calls:
        for method in ("POST", "GET"):
            status, answer = client.send(
                method, f"/_emulator/{name}", json.dumps(body).encode(), {"Content-Type": "application/json"}
            )
            assert status in {200, 400, 405}
            assert isinstance(json.loads(answer), dict)
    own_emulator.clear_faults()
    own_emulator.configure(latency_ms=0, latency_jitter_ms=0, batch_part_ms=0)
    status, answer = client.send(
        "GET",
        "/v26.0/101/insights?metric=page_messages_sent,page_messages_paid_order_earnings&access_token=page-token-101",
        None,
        {},
    )
    assert_graphs(status, answer)
    own_emulator.reset()
