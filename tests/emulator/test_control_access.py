"""The control plane answers programs, and no page of another site in somebody's browser."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest

from airflow_provider_msginsights.emulator import GraphEmulator

if TYPE_CHECKING:
    import requests

    from airflow_provider_msginsights.emulator.control.api import Controls

JSON = {"Content-Type": "application/json"}
FAULT = '{"code": 190, "times": null}'


def post(emulator: GraphEmulator, http: requests.Session, body: str = FAULT, **headers: str) -> requests.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return http.post(f"{emulator.base_url}/_emulator/faults", data=body, headers=JSON | named, timeout=10)


def is_untouched(emulator: Controls) -> bool:
    return emulator.faults() == ()


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "http://localhost"},
        {"Referer": "https://evil.example/page"},
        {"Referer": "http://[broken"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
        {"Host": "evil.example"},
        {"Host": "evil.example:80"},
        {"Host": "127.0.0.1.evil.example"},
        {"Host": "localhost.evil.example"},
        {"Host": "127.0.0.1@evil.example"},
        {"Host": "10.0.0.1"},
        {"Host": "2130706433"},
        {"Host": "[::ffff:10.0.0.1]"},
        {"Host": "::1"},
        {"Host": ""},
    ],
    ids=str,
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_a_foreign_origin_or_host_is_refused_whatever_it_asks(
    method: str, headers: dict[str, str], emulator: GraphEmulator, http: requests.Session
) -> None:
    named = JSON | {name.replace("_", "-"): value for name, value in headers.items()}
    for path in ("/_emulator/faults", "/_emulator", "/_emulator/", "/_emulator/nothing"):
        answer = http.request(method, emulator.base_url + path, data=FAULT, headers=named, timeout=10)
        assert answer.status_code == 403
        assert answer.json()["error"]["type"] == "EmulatorControlError"
        assert "Access-Control-Allow-Origin" not in answer.headers
    assert is_untouched(emulator)


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "text/json", ""]
)
def test_a_body_of_a_kind_that_any_page_may_send_is_refused(
    kind: str, emulator: GraphEmulator, http: requests.Session
) -> None:
    answer = post(emulator, http, Content_Type=kind)
    assert (answer.status_code, is_untouched(emulator)) == (415, True)
    assert "application/json" in answer.json()["error"]["message"]
    assert post(emulator, http, body="", Content_Type="text/plain").status_code == 415


def test_a_body_without_a_kind_is_refused(emulator: GraphEmulator, http: requests.Session) -> None:
    for body in (FAULT.encode(), iter([FAULT.encode()])):
        answer = http.post(f"{emulator.base_url}/_emulator/faults", data=body, timeout=10)
        assert (answer.status_code, is_untouched(emulator)) == (415, True)


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:80", "127.0.0.1", "127.9.9.9:8099", "[::1]:8099"])
def test_this_machine_is_reached_by_any_of_its_loopback_names(
    host: str, emulator: GraphEmulator, http: requests.Session
) -> None:
    assert post(emulator, http, Host=host).ok
    assert post(emulator, http, Host=host, Origin=f"http://{host}", Sec_Fetch_Site="same-origin").ok
    assert post(emulator, http, Host=host, Referer=f"http://{host}/_emulator/", Sec_Fetch_Site="none").ok
    assert post(emulator, http, Content_Type="application/json; charset=utf-8").ok


def test_the_address_it_listens_on_reaches_it_too(http: requests.Session) -> None:
    with GraphEmulator(host="0.0.0.0") as everywhere:  # noqa: S104 - for a moment
        address = everywhere.base_url.replace("0.0.0.0", "127.0.0.1")  # noqa: S104 - a text
        for host, status in (("10.1.2.3:80", 200), ("evil.example", 403)):
            answer = http.get(f"{address}/_emulator/clock", headers={"Host": host}, timeout=10)
            assert answer.status_code == status


def test_the_graph_api_beside_it_takes_any_host_and_origin(emulator: GraphEmulator, http: requests.Session) -> None:
    headers = {"Host": "graph.example", "Origin": "https://app.example"}
    answer = http.get(f"{emulator.base_url}/v26.0/101?access_token=page-token-101", headers=headers, timeout=10)
    assert answer.ok


def test_curl_steers_it(emulator: GraphEmulator) -> None:
    def curl(*arguments: str) -> object:
        command = ["curl", "--silent", "--noproxy", "*", "--max-time", "20", *arguments]
        return json.loads(subprocess.run(command, capture_output=True, check=True).stdout)  # noqa: S603 - ours

    control = f"{emulator.base_url}/_emulator"
    added = curl(f"{control}/faults", "-H", "Content-Type: application/json", "-d", FAULT)
    assert added == {"faults": [{"kind": "error", "code": 190, "on": "call"}]}
    assert curl("-X", "DELETE", f"{control}/faults") == {"faults": []}
    assert curl("-X", "POST", f"{control}/reset") == {"reset": True}
    assert "unix" in curl(f"{control}/clock")  # type: ignore[operator] # an object
