"""Feeds replies to a flow by hand: no socket, no real clock. `ScriptedApi` is a whole API made of one function."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar, cast

from airflow_provider_msginsights.insights.dates import DateRange, end_of_day, pacific_date
from airflow_provider_msginsights.insights.protocol import Emit, Receive, Reply, Response, Send

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_msginsights.insights.protocol import Answer, Flow, Request
    from airflow_provider_msginsights.insights.records import InsightsRecord

T = TypeVar("T")


def ok(document: object, **headers: str) -> Response:
    """A successful response; header names may use underscores."""
    return Response(status=200, headers=_named(headers), body=json.dumps(document))


def refusal(
    code: int | None,
    subcode: int | None = None,
    *,
    message: str = "(#1) Scripted refusal",
    status: int = 400,
    headers: dict[str, str] | None = None,
    **more: object,
) -> Response:
    """A Graph API error."""
    error: dict[str, object] = {"message": message, "type": "OAuthException", "fbtrace_id": "Trace1", **more}
    if code is not None:
        error["code"] = code
    if subcode is not None:
        error["error_subcode"] = subcode
    return Response(status=status, headers=headers or {}, body=json.dumps({"error": error}))


BAD_METRIC = refusal(100, message="(#100) The value must be a valid insights metric")
NEEDS_PAGE_TOKEN = refusal(190, message="(#190) This method must be called with a Page Access Token")
EXPIRED = refusal(190, 463, message="Error validating access token: Session has expired.")
TOO_MUCH = refusal(1, message="Please reduce the amount of data you're asking for, then retry your request", status=500)


def days_of(request: Request) -> DateRange:
    """The Pacific days an insights request asks for."""
    params = dict(request.params)
    first, end = (pacific_date(datetime.fromtimestamp(int(params[name]), UTC)) for name in ("since", "until"))
    return DateRange(first, end)


def metrics_of(request: Request) -> list[str]:
    """The metrics an insights request asks for."""
    return dict(request.params)["metric"].split(",")


def value_of(page_id: str | None, metric: str, ordinal: int) -> int:
    """A number that tells Pages, metrics and days apart."""
    return (sum(map(ord, f"{page_id}{metric}")) * 1000 + ordinal) % 1_000_003


def insights(request: Request, **headers: str) -> Response:
    """What a healthy API answers: one integer a metric and day."""
    return ok(insights_document(request), **headers)


def insights_document(request: Request) -> dict[str, Any]:
    """The document of `insights`."""
    period = dict(request.params)["period"]
    days = list(days_of(request))
    return {
        "data": [
            {
                "name": metric,
                "period": period,
                "values": [
                    {
                        "value": value_of(request.page_id, metric, day.toordinal()),
                        "end_time": end_of_day(day).strftime("%Y-%m-%dT%H:%M:%S+0000"),
                    }
                    for day in (days[-1:] if period == "total_over_range" else days)
                ],
                "id": f"{request.page_id}/insights/{metric}/{period}",
            }
            for metric in metrics_of(request)
        ]
    }


@dataclass
class ScriptedApi:
    """Drives flows against a function from requests to responses (or to the reason why there is none).

    :param latency_seconds: between a request and its reply, on a clock that only this object moves.
    :param renews: what reading the connection again says, time after time.
    """

    answer: Callable[[Request], Response | str | Reply]
    latency_seconds: float = 0.1
    renews: list[bool] = field(default_factory=list)
    now: float = 1000.0
    sends: list[tuple[Request, ...]] = field(default_factory=list)
    batch_limits: list[int] = field(default_factory=list)
    sent_at: list[tuple[float, Request]] = field(default_factory=list)
    records: list[InsightsRecord] = field(default_factory=list)
    most_in_flight: int = 0

    @property
    def requests(self) -> list[Request]:
        return [request for send in self.sends for request in send]

    def run(self, flow: Flow[T]) -> T:
        """The flow's result; its records are collected."""
        under_way: list[tuple[float, Request]] = []
        answer: Answer = None
        while True:
            try:
                step = flow.send(answer)
            except StopIteration as stop:
                return cast("T", stop.value)
            answer = None
            if isinstance(step, Send):
                assert step.requests, "a flow sent nothing"
                self.sends.append(step.requests)
                self.batch_limits.append(step.batch_limit)
                self.sent_at += [(self.now, request) for request in step.requests]
                under_way += [(self.now + self.latency_seconds, request) for request in step.requests]
                self.most_in_flight = max(self.most_in_flight, len(under_way))
            elif isinstance(step, Receive):
                answer = self._receive(under_way, step.timeout_seconds)
            elif isinstance(step, Emit):
                self.records += step.records
            else:
                answer = self.renews.pop(0) if self.renews else False

    def _receive(self, under_way: list[tuple[float, Request]], timeout: float | None) -> Reply | None:
        wake = None if timeout is None else self.now + timeout
        if under_way and (wake is None or under_way[0][0] <= wake):
            at, request = under_way.pop(0)
            self.now = max(self.now, at)
            answered = self.answer(request)
            if isinstance(answered, Reply):
                return answered
            if isinstance(answered, str):
                return Reply(request=request, at_seconds=self.now, failure=answered)
            return Reply(request=request, at_seconds=self.now, response=answered)
        assert wake is not None, "a flow waits for a reply that nobody will send"
        self.now = wake
        return None


def _named(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}
