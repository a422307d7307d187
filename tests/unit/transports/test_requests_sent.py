"""What both drivers send, and that no secret stands where it could be seen."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote

import pytest
from support.answers import POLICY, SECRET, USER, fetched, with_page_tokens
from support.double import Answer
from support.fetch_helpers import NEW, asked, make_query

from airflow_provider_msginsights.insights.flows import fetch_insights, list_pages
from airflow_provider_msginsights.insights.token.inspection import inspect_token

if TYPE_CHECKING:
    from support.drivers import Driver


def test_one_request_is_a_plain_get_with_the_token_in_the_header(driver: Driver, serve: Any) -> None:
    double = serve()
    driver.run(fetch_insights(make_query(), policy=POLICY))
    (heard,) = double.heard
    assert heard.method == "GET"
    assert heard.target.startswith("/v26.0/101/insights?metric=")
    assert heard.headers["authorization"] == f"Bearer {USER}"


def test_many_requests_are_batches_with_a_token_for_each_part(driver: Driver, serve: Any) -> None:
    double = serve(with_page_tokens)
    query = make_query(pages=120, days=3)
    outcome = driver.run(fetch_insights(query, policy=POLICY))
    assert fetched(driver) == asked(query)
    assert [heard.method for heard in double.heard] == ["GET", "GET", *["POST"] * 3]
    assert outcome.counts["calls"] == len(double.calls) == 1 + 1 + 120
    for heard in double.heard[2:]:
        assert heard.target == "/v26.0/"
        assert parse_qs(heard.body)["access_token"] == [USER]
        for part in json.loads(parse_qs(heard.body)["batch"][0]):
            assert f"access_token=page-secret-{part['relative_url'][:3]}" in part["relative_url"]


def test_batches_keep_to_the_connections_bound(driver: Driver, serve: Any) -> None:
    driver.extra = {"batch_size": 10, "concurrency": 2}
    double = serve()
    query = make_query(pages=30)
    driver.run(fetch_insights(query, policy=POLICY))
    assert fetched(driver) == asked(query)
    posts = [json.loads(parse_qs(heard.body)["batch"][0]) for heard in double.heard if heard.method == "POST"]
    assert max(map(len, posts)) == 10


def test_connections_are_kept_and_few(driver: Driver, serve: Any) -> None:
    driver.extra = {"concurrency": 3}
    double = serve()
    driver.run(fetch_insights(make_query(pages=150, days=200, metrics=[NEW]), policy=POLICY))
    assert double.connections <= 4
    assert len(double.heard) > 8


def test_no_address_ever_holds_a_secret(driver: Driver, serve: Any, caplog: pytest.LogCaptureFixture) -> None:
    driver.extra = {"app_id": "1", "app_secret": SECRET}
    caplog.set_level(logging.DEBUG)
    double = serve(with_page_tokens)
    driver.run(fetch_insights(make_query(pages=5), policy=POLICY))
    driver.run(list_pages(POLICY))
    told = " ".join(heard.target for heard in double.heard) + caplog.text
    for secret in (USER, SECRET, "page-secret", "proof"):
        assert secret not in told
        assert quote(secret, safe="") not in told


@pytest.mark.parametrize("proof", ["plain", "timed"])
def test_a_proof_is_of_the_very_token_of_its_part_and_travels_in_a_body(driver: Driver, serve: Any, proof: str) -> None:
    driver.extra = {"app_secret": SECRET, "appsecret_proof": proof}
    double = serve(with_page_tokens)
    query = make_query(pages=3)
    driver.run(fetch_insights(query, policy=POLICY))
    assert fetched(driver) == asked(query)
    assert {heard.method for heard in double.heard} == {"POST"}
    for call in double.calls:
        assert call.token is not None
        stamp = call.params.get("appsecret_time")
        assert (stamp is not None) == (proof == "timed")
        message = f"{call.token}|{stamp}" if stamp else call.token
        digest = hmac.new(SECRET.encode(), message.encode(), hashlib.sha256).hexdigest()
        assert call.params["appsecret_proof"] == digest


def test_no_proof_is_sent_where_it_is_switched_off(driver: Driver, serve: Any) -> None:
    driver.extra = {"app_secret": SECRET, "appsecret_proof": "off"}
    double = serve()
    driver.run(fetch_insights(make_query(), policy=POLICY))
    assert double.heard[0].method == "GET"


def test_a_token_is_inspected_out_of_sight(driver: Driver, serve: Any) -> None:
    driver.extra = {"app_id": "1", "app_secret": SECRET, "appsecret_proof": "off"}
    double = serve(lambda call: Answer(document={"data": {"is_valid": call.params["input_token"] != USER}}))
    report = driver.run(inspect_token(POLICY, now=datetime.now(UTC), asked_version="v26.0", has_app_token=True))
    assert not report.is_valid, "the double tells no more"
    (heard,) = double.heard
    assert heard.method == "POST"
    assert USER not in heard.target
    assert double.calls[0].token == f"1|{SECRET}"


def test_netrc_does_not_replace_the_token(
    driver: Driver, serve: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login someone password else\ndefault login a password b\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    double = serve()
    driver.run(fetch_insights(make_query(pages=3), policy=POLICY))
    assert {heard.headers["authorization"] for heard in double.heard} == {f"Bearer {USER}"}


def test_another_version_is_another_address(driver: Driver, serve: Any) -> None:
    driver.extra = {"api_version": "v25.0"}
    double = serve(whole=lambda _: (200, {}, b'{"data": []}'))
    driver.run(fetch_insights(make_query(), policy=POLICY))
    assert double.heard[0].target.startswith("/v25.0/101/insights?")
