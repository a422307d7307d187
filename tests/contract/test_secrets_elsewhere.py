"""No secret goes to another host or into an address."""

from __future__ import annotations

import pytest
from support.double import Answer, Call, GraphDouble, Heard
from support.drivers import Driver
from support.secret_watch import Secrets, Watch

from airflow_provider_msginsights.exceptions import ConfigurationError
from airflow_provider_msginsights.insights.fetch.retry_policy import RetryPolicy
from airflow_provider_msginsights.insights.flows import fetch_insights
from airflow_provider_msginsights.insights.query import InsightsQuery, asked_days

TOKEN = "Q7/x+zz=Kd|mm-81_kT.9w/5e"
SECRETS = Secrets({"token": TOKEN, "app secret": "s3cret/of+the=app"}, app_secret="s3cret/of+the=app")
DRIVERS = pytest.mark.parametrize("kind", ["blocking", "nonblocking"])
EXTRA: dict[str, object] = {"app_id": "1", "app_secret": "s3cret/of+the=app"}


def query() -> InsightsQuery:
    days = asked_days(since="2026-11-01", until="2026-11-03")
    assert days is not None
    return InsightsQuery.create(page_ids=["101", "102"], metrics="page_messages_sent", days=days)


def rows(call: Call, *, next_page: str = "") -> Answer:
    page_id = call.path.split("/")[1]
    values = [
        {"value": 1, "end_time": "2026-11-02T08:00:00+0000"},
        {"value": 2, "end_time": "2026-11-03T08:00:00+0000"},
    ]
    entry = {"name": "page_messages_sent", "period": "day", "values": values, "id": f"{page_id}/insights/x/day"}
    paging = {"previous": f"{next_page}?access_token={TOKEN}", "next": f"{next_page}?access_token={TOKEN}"}
    return Answer(document={"data": [entry], "paging": paging})


@DRIVERS
@pytest.mark.parametrize("extra", [{}, EXTRA], ids=["GET", "POST"])
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_to_another_host_receives_nothing(kind: str, extra: dict[str, object], status: int) -> None:
    with GraphDouble(rows) as elsewhere:

        def redirect(_: Heard) -> tuple[int, dict[str, str], bytes]:
            return status, {"Location": f"{elsewhere.url}/v26.0/101/insights"}, b""

        with GraphDouble(rows, whole=redirect) as graph:
            driver = Driver(kind, host=graph.url, password=TOKEN, extra=extra)
            with pytest.raises(ConfigurationError, match="Redirects are not followed"):
                driver.run(fetch_insights(query(), policy=RetryPolicy(max_attempts=1)))
            assert graph.heard
        assert elsewhere.heard == []
        assert elsewhere.connections == 0


@DRIVERS
def test_a_paging_link_to_another_host_is_not_followed(kind: str) -> None:
    with GraphDouble(rows) as elsewhere:
        link = f"{elsewhere.url}/v26.0/101/insights"
        with GraphDouble(lambda call: rows(call, next_page=link)) as graph:
            driver = Driver(kind, host=graph.url, password=TOKEN)
            driver.run(fetch_insights(query()))
            assert len(driver.records) == 4
            assert len(graph.calls) == 2
        assert elsewhere.connections == 0


@DRIVERS
@pytest.mark.parametrize("extra", [{}, EXTRA, {**EXTRA, "appsecret_proof": "timed"}], ids=["plain", "proof", "timed"])
def test_no_address_of_a_request_holds_a_secret(kind: str, extra: dict[str, object]) -> None:
    watch = Watch(SECRETS)
    with GraphDouble(rows) as graph:
        Driver(kind, host=graph.url, password=TOKEN, extra=extra).run(fetch_insights(query()))
        for heard in graph.heard:
            watch.see("address", heard.target)
            watch.see(
                "headers but one", {name: text for name, text in heard.headers.items() if name != "authorization"}
            )
    assert watch.saw("address")
    assert watch.leaks() == []
