"""What a double answers: as the API does when all is well, and when it refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_msginsights.insights.fetch.retry_policy import RetryPolicy
from airflow_provider_msginsights.insights.protocol import Request
from support.double import Answer, Call
from support.scripted import insights_document

if TYPE_CHECKING:
    from support.drivers import Driver

POLICY = RetryPolicy()
USER = "user-token-that-is-secret"
SECRET = "app-secret-that-is-secret"


def error(code: int, subcode: int | None = None, message: str = "Refused", status: int = 400, **headers: str) -> Answer:
    return Answer(
        document={"error": {"code": code, "error_subcode": subcode, "message": message, "fbtrace_id": "T"}},
        status=status,
        headers={name.replace("_", "-"): value for name, value in headers.items()},
    )


def page_of(call: Call) -> str:
    return call.path.split("/")[1]


def healthy(call: Call) -> Answer:
    document = insights_document(Request(call.path, tuple(call.params.items()), page_of(call)))
    document["paging"] = {"next": f"https://graph.facebook.com/v26.0/x?access_token={call.token}&since=1"}
    return Answer(document=document)


def with_page_tokens(call: Call) -> Answer:
    """Page tokens are needed; the user token can be exchanged for those of Pages 101 to 400."""
    if call.path == "/me/accounts":
        assert call.token == USER
        return Answer(document={"data": [{"id": str(n), "access_token": f"page-secret-{n}"} for n in range(101, 401)]})
    if call.params.get("fields") == "access_token":
        return Answer(document={"id": page_of(call), "access_token": f"page-secret-{page_of(call)}"})
    if call.token != f"page-secret-{page_of(call)}":
        return error(190, message="(#190) This method must be called with a Page Access Token")
    return healthy(call)


def fetched(driver: Driver) -> list[Any]:
    return sorted((one.page_id, one.metric, one.pacific_date) for one in driver.records)
