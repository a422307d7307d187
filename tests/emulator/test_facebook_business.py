"""Meta's own Python SDK, unpatched, against the emulator."""

from __future__ import annotations

import warnings
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_msginsights.emulator.documentation import METRICS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow_provider_msginsights.emulator import GraphEmulator

# The SDK warns that a list of names is no list of objects, and sends it all the same.
pytestmark = pytest.mark.filterwarnings("ignore:value of .* might not be compatible:UserWarning")

METRIC = "page_messages_new_conversations_unique"


@pytest.fixture(scope="module")
def sdk() -> Any:
    with warnings.catch_warnings():
        # The SDK's own modules warn when they are imported.
        warnings.simplefilter("ignore")
        import facebook_business.api
        import facebook_business.exceptions
        import facebook_business.session
        from facebook_business.adobjects import page
    facebook_business.page = page
    return facebook_business


@pytest.fixture
def api_for(sdk: Any, emulator: GraphEmulator) -> Iterator[Callable[..., Any]]:
    """An SDK API with a token; its session's documented attribute GRAPH points to the emulator."""
    sessions = []

    def build(token: str, app_secret: str | None = None) -> Any:
        session = sdk.session.FacebookSession(app_id="1", app_secret=app_secret, access_token=token, timeout=30)
        session.GRAPH = emulator.base_url
        session.requests.trust_env = False
        sessions.append(session)
        return sdk.api.FacebookAdsApi(session, api_version="v25.0")

    yield build
    for session in sessions:
        session.requests.close()


def test_get_insights_reads_every_metric_and_its_rows(sdk: Any, api_for: Callable[..., Any]) -> None:
    page = sdk.page.Page("101", api=api_for("page-token-101"))
    cursor = page.get_insights(
        params={"metric": list(METRICS), "period": "day", "since": "2026-11-10", "until": "2026-11-15"}
    )
    entries = list(cursor)
    assert [entry["name"] for entry in entries] == list(METRICS)
    assert all(len(entry["values"]) == 5 for entry in entries)
    assert entries[0]["values"][0]["end_time"] == "2026-11-11T08:00:00+0000"
    assert entries[0]["id"] == f"101/insights/{next(iter(METRICS))}/day"
    assert cursor.headers()["facebook-api-version"] == "v25.0"


def test_breakdown_rows_carry_the_fields_the_sdk_knows(sdk: Any, api_for: Callable[..., Any]) -> None:
    from facebook_business.adobjects.insightsvalue import InsightsValue

    page = sdk.page.Page("101", api=api_for("page-token-101"))
    (entry,) = page.get_insights(
        params={
            "metric": ["recurring_notifications_tokens"],
            "period": "total_over_range",
            "breakdown": ["recurring_notifications_topic", "recurring_notifications_frequency"],
            "since": "2026-09-01",
            "until": "2026-11-15",
        }
    )
    known = {value for name, value in vars(InsightsValue.Field).items() if not name.startswith("_")}
    assert entry["values"]
    assert all(set(row) <= known for row in entry["values"])


def test_a_batch_of_fifty_calls_back_once_for_each_part(api_for: Callable[..., Any]) -> None:
    api = api_for("user-token")
    batch = api.new_batch()
    answered: list[str] = []
    failed: list[int] = []
    for number in range(50):
        page_id = str(101 + number % 4)
        batch.add(
            "GET",
            (page_id, "insights"),
            params={"metric": METRIC, "period": "day", "access_token": f"page-token-{page_id}"},
            success=lambda response: answered.append(response.json()["data"][0]["id"].partition("/")[0]),
            failure=lambda response: failed.append(response.status()),
        )
    assert batch.execute() is None
    assert answered == [str(101 + number % 4) for number in range(50)]
    assert failed == []


def test_null_parts_come_back_as_a_new_batch_that_succeeds(
    api_for: Callable[..., Any], emulator: GraphEmulator
) -> None:
    emulator.add_fault(kind="null_part", page_id="102")
    api = api_for("user-token")
    batch = api.new_batch()
    answered: list[str] = []
    for page_id in ("101", "102", "103"):
        batch.add(
            "GET",
            f"{page_id}/insights",
            params={"metric": METRIC, "period": "day", "access_token": f"page-token-{page_id}"},
            success=lambda response: answered.append(response.json()["data"][0]["id"].partition("/")[0]),
        )
    again = batch.execute()
    assert (answered, len(again)) == (["101", "103"], 1)
    assert again.execute() is None
    assert answered == ["101", "103", "102"]


def test_errors_arrive_with_code_subcode_type_and_transience(
    sdk: Any, api_for: Callable[..., Any], emulator: GraphEmulator
) -> None:
    page = sdk.page.Page("101", api=api_for("page-token-101"))
    with pytest.raises(sdk.exceptions.FacebookRequestError) as refused:
        page.get_insights(params={"metric": ["page_messages_active_threads_unique"]})
    assert refused.value.api_error_code() == 100
    assert refused.value.api_error_message() == "(#100) The value must be a valid insights metric"
    assert refused.value.api_error_type() == "OAuthException"
    assert refused.value.http_status() == 400

    emulator.add_fault(code=2)
    with pytest.raises(sdk.exceptions.FacebookRequestError) as down:
        page.get_insights(params={"metric": [METRIC]})
    assert (down.value.api_error_code(), down.value.api_transient_error()) == (2, True)

    emulator.expire_token("page-token-101")
    with pytest.raises(sdk.exceptions.FacebookRequestError) as expired:
        page.get_insights(params={"metric": [METRIC]})
    assert (expired.value.api_error_code(), expired.value.api_error_subcode()) == (190, 463)


def test_a_200_with_the_text_service_unavailable_is_a_failure_to_the_sdk(
    sdk: Any, api_for: Callable[..., Any], emulator: GraphEmulator
) -> None:
    emulator.add_fault(kind="unavailable_text")
    with pytest.raises(sdk.exceptions.FacebookRequestError):
        sdk.page.Page("101", api=api_for("page-token-101")).get_insights(params={"metric": [METRIC]})


def test_the_proof_the_sdk_computes_is_accepted_and_a_wrong_one_refused(
    sdk: Any, api_for: Callable[..., Any], emulator: GraphEmulator
) -> None:
    emulator.configure(require_appsecret_proof=True)
    good = sdk.page.Page("101", api=api_for("page-token-101", app_secret="app-secret"))
    assert list(good.get_insights(params={"metric": [METRIC], "period": "day"}))
    for secret, text in (("wrong", "Invalid appsecret_proof"), (None, "require an appsecret_proof")):
        bad = sdk.page.Page("101", api=api_for("page-token-101", app_secret=secret))
        with pytest.raises(sdk.exceptions.FacebookRequestError, match=text):
            bad.get_insights(params={"metric": [METRIC]})


def test_the_sdk_reads_accounts_through_their_cursors(api_for: Callable[..., Any]) -> None:
    from facebook_business.adobjects.user import User

    accounts = list(User("me", api=api_for("user-token")).get_accounts(fields=["id", "name"], params={"limit": 3}))
    assert [account["id"] for account in accounts] == ["101", "102", "103", "104"]


def test_a_page_object_reads_its_token(sdk: Any, api_for: Callable[..., Any]) -> None:
    page = sdk.page.Page("102", api=api_for("user-token")).api_get(fields=["access_token", "name"])
    assert page["access_token"] == "page-token-102"


def test_debug_token_through_the_sdk_tells_a_token_apart_from_an_expired_one(
    api_for: Callable[..., Any], emulator: GraphEmulator
) -> None:
    api = api_for(emulator.app_token)
    valid = api.call("GET", ("debug_token",), params={"input_token": "page-token-101"}).json()["data"]
    assert (valid["is_valid"], valid["type"], valid["profile_id"]) == (True, "PAGE", "101")
    emulator.expire_token("user-token")
    expired = api.call("GET", ("debug_token",), params={"input_token": "user-token"}).json()["data"]
    assert (expired["is_valid"], expired["error"]["subcode"]) == (False, 463)


def test_the_usage_headers_are_readable(sdk: Any, api_for: Callable[..., Any], emulator: GraphEmulator) -> None:
    emulator.set_clock(datetime(2026, 11, 20, 20, tzinfo=UTC))
    emulator.set_allowance("101", calls=4)
    page = sdk.page.Page("101", api=api_for("page-token-101"))
    for _ in range(4):
        page.get_insights(params={"metric": [METRIC]})
    with pytest.raises(sdk.exceptions.FacebookRequestError) as throttled:
        page.get_insights(params={"metric": [METRIC]})
    assert throttled.value.api_error_code() == 80001
    assert '"estimated_time_to_regain_access":1440' in throttled.value.http_headers()["x-business-use-case-usage"]
