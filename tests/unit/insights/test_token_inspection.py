"""What is found out about a token, by the replies a kind of token gets."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from support.scripted import EXPIRED, NEEDS_PAGE_TOKEN, ScriptedApi, insights, ok, refusal

from airflow_provider_msginsights.exceptions import (
    ConfigurationError,
    RateLimitError,
    ResponseFormatError,
    ServiceUnavailableError,
    TransportError,
)
from airflow_provider_msginsights.insights.fetch.retry_policy import RetryPolicy
from airflow_provider_msginsights.insights.token.inspection import inspect_token
from airflow_provider_msginsights.insights.token.render import render_report
from airflow_provider_msginsights.insights.token.report import Lifetime, Severity, TokenKind, TokenReport

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_msginsights.insights.protocol import Request, Response

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
FOUR = ["pages_messaging", "pages_read_engagement", "pages_show_list", "read_insights"]
NO_ROW = ok({"data": []})
NO_DEVELOPER = refusal(100, message="(#100) You must provide an app access token, or a user access token that is ...")
OTHER_APP = refusal(100, message="(#100) The App_id in the input_token did not match the Viewing App")
NO_ACCOUNTS = refusal(100, message="(#100) Tried accessing nonexisting field (accounts) on node type (Page)")
BAD_PROOF = refusal(100, message="Invalid appsecret_proof provided in the API argument")


def debugged(**different: object) -> Response:
    data = {
        "app_id": "123",
        "type": "PAGE",
        "application": "App",
        "profile_id": "101",
        "user_id": "9",
        "is_valid": True,
        "expires_at": 0,
        "data_access_expires_at": 0,
        "scopes": FOUR,
    }
    return ok({"data": data | different})


def accounts(*pages: tuple[str, list[str]]) -> Response:
    return ok({"data": [{"id": page_id, "name": f"Shop {page_id}", "tasks": tasks} for page_id, tasks in pages]})


def person(**different: Response) -> dict[str, Response]:
    return {
        "/debug_token": NO_DEVELOPER,
        "/me": ok({"id": "9", "name": "Ann"}, facebook_api_version="v26.0"),
        "/me/permissions": ok({"data": [{"permission": one, "status": "granted"} for one in FOUR]}),
        "/me/accounts": accounts(("101", ["ANALYZE"]), ("102", ["MODERATE"])),
    } | {f"/{path.replace('__', '/')}": response for path, response in different.items()}


def page(**different: Response) -> dict[str, Response]:
    silent = {"me": ok({"id": "101", "name": "Shop"}), "me__permissions": NO_DEVELOPER, "me__accounts": NO_ACCOUNTS}
    return person(**(silent | different))


def inspect(
    replies: Mapping[str, Response],
    *,
    page_ids: tuple[str, ...] = ("101",),
    has_app_token: bool = False,
    policy: RetryPolicy | None = None,
) -> tuple[TokenReport, list[str]]:
    def answer(request: Request) -> Response:
        if request.path.endswith("/insights"):
            return replies.get(request.path) or insights(request)
        if request.yields_tokens and request.path != "/me/accounts":
            return ok({"id": request.path[1:], "access_token": "***"})
        return replies[request.path]

    api = ScriptedApi(answer)
    flow = inspect_token(
        policy or RetryPolicy(max_attempts=1),
        now=NOW,
        asked_version="v26.0",
        page_ids=page_ids,
        has_app_token=has_app_token,
    )
    return api.run(flow), [request.path for request in api.requests]


def topics(report: TokenReport, severity: Severity) -> list[str]:
    return [one.topic for one in report.findings if one.severity is severity]


def test_what_debug_token_tells_is_taken_over() -> None:
    data_access = datetime(2027, 1, 1, tzinfo=UTC)
    told = debugged(
        data_access_expires_at=int(data_access.timestamp()),
        scopes=["pages_messaging", "read_insights", "pages_show_list"],
        granular_scopes=[{"scope": "pages_messaging", "target_ids": ["102"]}, {"scope": "read_insights"}],
    )
    report, asked = inspect(page(debug_token=told) | {"/101/insights": NO_ROW}, has_app_token=True)
    assert asked == ["/debug_token", "/me", "/101/insights"], "nothing is asked that is known"
    assert (report.kind, report.app_id, report.application) == (TokenKind.PAGE, "123", "App")
    assert (report.expires, report.data_access) == (
        Lifetime(is_known=True),
        Lifetime(is_known=True, ends_at=data_access),
    )
    assert report.missing_permissions == ("pages_read_engagement",)
    (only,) = report.pages
    assert only.missing_permissions == ("pages_messaging", "pages_read_engagement"), "one is limited to another Page"
    assert [one.what for one in report.findings if one.topic == "missing_permission"] == [
        "The token lacks pages_read_engagement.",
        "For Page 101 the token lacks pages_messaging.",
    ]
    assert not report.ok
    proven, _ = inspect(page(debug_token=told), has_app_token=True)
    assert topics(proven, Severity.WARNING) == ["missing_permission", "missing_permission"], "rows prove it wrong"
    assert proven.ok


def test_a_page_token_shows_by_having_no_accounts() -> None:
    report, asked = inspect(page())
    assert asked == ["/debug_token", "/me", "/me/permissions", "/me/accounts", "/101/insights"]
    assert (report.kind, report.is_valid, report.owner_id) == (TokenKind.PAGE, True, "101")
    assert report.missing_permissions is None
    assert not report.expires.is_known
    assert report.pages[0].may_analyze, "rows prove it"
    assert report.ok
    (unknown,) = (one for one in report.findings if one.severity is Severity.UNKNOWN)
    assert "until when it is valid" in unknown.what
    assert "app_id and app_secret" in unknown.remedy


def test_a_person_shows_by_pages_and_granted_permissions() -> None:
    granted = [
        {"permission": "pages_show_list", "status": "granted"},
        {"permission": "read_insights", "status": "declined"},
    ]
    report, _ = inspect(person(me__permissions=ok({"data": granted})))
    assert report.kind is TokenKind.PERSON
    assert report.missing_permissions == ("pages_messaging", "pages_read_engagement", "read_insights")
    assert [one.may_analyze for one in report.pages] == [True, False]
    assert topics(report, Severity.NOTE)[0] == "missing_task_elsewhere", "Page 102 is not asked for"


@pytest.mark.parametrize(
    ("answer", "severity"),
    [
        (refusal(1, 2853006, message="(#1) User does not have permission on this Page."), Severity.ERROR),
        (NO_ROW, Severity.WARNING),
        (refusal(2, status=500), Severity.UNKNOWN),
        (None, None),
    ],
    ids=["refused", "no row", "an outage", "rows"],
)
def test_a_page_listed_without_the_task_is_judged_by_a_read(answer: Response | None, severity: Severity | None) -> None:
    replies = person() | ({"/102/insights": answer} if answer else {})
    report, asked = inspect(replies, page_ids=("102",))
    assert "/102/insights" in asked
    found = [one.severity for one in report.findings if one.topic == "missing_task"]
    assert found == ([severity] if severity else [])
    assert report.ok is (severity is not Severity.ERROR)


@pytest.mark.parametrize("replies", [person(me__permissions=NO_DEVELOPER), page()], ids=["person", "page"])
def test_permissions_that_nobody_tells_are_not_known(replies: dict[str, Response]) -> None:
    report, _ = inspect(replies)
    assert report.missing_permissions is None
    assert "Permissions: not known" in render_report(report)


def test_pages_that_the_list_does_not_show_are_read_like_the_others() -> None:
    replies = person() | {
        "/555/insights": refusal(10, message="(#10) Application does not have permission for this action"),
        "/666/insights": refusal(100, 33, message="Unsupported get request."),
        "/777/insights": refusal(2, status=500),
    }
    report, _ = inspect(replies, page_ids=("444", "555", "666", "777", "101"))
    asked_for = {one.page_id: one for one in report.pages if one.is_asked_for}
    assert list(asked_for) == ["444", "555", "666", "777", "101"]
    assert [one.reads_insights for one in asked_for.values()] == [True, False, False, None, True]
    assert "does not have permission" in str(asked_for["555"].problem)
    assert "Page id is wrong" in str(asked_for["666"].problem)
    assert asked_for["777"].problem is None
    assert [one.page_id for one in report.findings if one.topic == "page_not_readable"] == ["555", "666"]


def test_a_page_token_of_another_page_is_told_as_such() -> None:
    refused = refusal(10, message="(#10) Application does not have permission for this action")
    report, _ = inspect(page() | {"/102/insights": refused}, page_ids=("101", "102"))
    problems = {one.page_id: str(one.problem) for one in report.pages if one.problem is not None}
    assert list(problems) == ["102"]
    assert "a token of Page 101 and reads no other" in problems["102"]


def test_the_pages_of_which_least_is_known_are_read_first() -> None:
    listed = accounts(*((str(101 + n), ["ANALYZE"] if n % 2 else ["MODERATE"]) for n in range(120)))
    named = tuple(str(90 + n) for n in range(131))
    report, asked = inspect(person(me__accounts=listed), page_ids=named)
    read = {path.split("/")[1] for path in asked if path.endswith("/insights")}
    assert len(read) == 50
    assert {str(90 + n) for n in range(11)} <= read
    assert not {page.page_id for page in report.pages if page.tasks == ("ANALYZE",)} & read
    assert report.ok


@pytest.mark.parametrize(
    ("listed", "topic", "severity"),
    [
        (accounts(), "no_page", Severity.ERROR),
        (accounts(("101", ["MODERATE"])), "no_page", Severity.ERROR),
        (refusal(200, message="(#200) Requires pages_show_list"), "no_page", Severity.ERROR),
        (ok({"data": [{"id": "101"}]}), None, None),
        (accounts(("101", ["ANALYZE"]), ("102", ["MODERATE"])), None, None),
    ],
    ids=["empty", "no task", "refused", "tasks not told", "one of two"],
)
def test_all_pages_are_those_that_loads_of_all_would_read(
    listed: Response, topic: str | None, severity: Severity | None
) -> None:
    report, _ = inspect(person(me__accounts=listed), page_ids=("all",))
    found = [(one.topic, one.severity) for one in report.findings if one.topic == "no_page"]
    assert found == ([(topic, severity)] if topic else [])
    assert [one.page_id for one in report.pages if one.is_asked_for] == ([] if topic else ["101"])


def test_all_pages_of_a_page_token_are_none() -> None:
    report, _ = inspect(page(), page_ids=("all",))
    assert topics(report, Severity.ERROR) == ["no_page"]


def test_without_any_page_it_is_not_known_whether_one_can_be_read() -> None:
    report, asked = inspect(person(me__accounts=accounts()), page_ids=())
    assert (topics(report, Severity.ERROR), topics(report, Severity.UNKNOWN)[0]) == ([], "no_page")
    assert not [path for path in asked if "insights" in path]


@pytest.mark.parametrize("is_several", [False, True])
def test_a_list_that_cannot_be_read_matters_to_those_who_need_it(*, is_several: bool) -> None:
    endless = ok({"data": [{"id": "900"}], "paging": {"next": "https://graph.facebook.com/x"}})
    named = ("101", "102") if is_several else ("101",)
    report, _ = inspect(person(me__accounts=endless), page_ids=named)
    assert topics(report, Severity.WARNING) == ["page_list"]
    assert report.ok is not is_several, "a load of several Pages begins with the list"


def test_a_token_whose_owner_is_not_told_is_valid_when_it_reads() -> None:
    report, _ = inspect(person(me=refusal(100, message="(#100) Unsupported")))
    assert report.is_valid
    assert report.ok


def test_permissions_on_a_second_page_are_read_too() -> None:
    def told(*names: str, **more: Any) -> Response:
        return ok({"data": [{"permission": one, "status": "granted"} for one in names], **more})

    def answer(request: Request) -> Response:
        if request.path == "/me/permissions":
            following = {"next": "https://graph.facebook.com/v26.0/9/permissions?after=b"}
            return told(*FOUR[2:]) if dict(request.params).get("after") else told(*FOUR[:2], paging=following)
        return insights(request) if request.path.endswith("/insights") else person()[request.path]

    report = ScriptedApi(answer).run(inspect_token(RetryPolicy(), now=NOW, asked_version="v26.0", page_ids=("101",)))
    assert report.missing_permissions == ()


@pytest.mark.parametrize(
    "told", [ok({"data": {}}), ok({"data": [], "paging": {"next": "x"}}), ok({"data": [], "paging": []})]
)
def test_permissions_that_cannot_be_read_are_not_known(told: Response) -> None:
    report, _ = inspect(person(me__permissions=told))
    assert report.missing_permissions is None
    assert report.ok


@pytest.mark.parametrize(
    ("answer", "reads", "topic"),
    [
        (ok({"data": []}), None, "no_rows"),
        (refusal(100, message="(#100) The value must be a valid insights metric"), None, None),
        (refusal(2874008), None, "no_rows"),
        (refusal(200, message="(#200) Requires read_insights permission"), False, "page_not_readable"),
        (refusal(2, status=500), None, None),
        (refusal(80001), None, None),
    ],
    ids=["no row", "a retired metric", "a small page", "a permission", "an outage", "a limit"],
)
def test_a_read_says_only_what_it_proves(answer: Response, reads: bool | None, topic: str | None) -> None:  # noqa: FBT001
    report, _ = inspect(page() | {"/101/insights": answer}, policy=RetryPolicy(max_attempts=1, wait_bound_seconds=0))
    assert report.is_valid
    assert report.pages[0].reads_insights is reads
    told = {one.topic for one in report.findings if one.severity in (Severity.ERROR, Severity.WARNING)}
    assert told == ({topic} if topic else set())


def test_a_user_token_is_exchanged_for_the_read() -> None:
    asked: list[str] = []

    def answer(request: Request) -> Response:
        asked.append(request.path)
        if request.path == "/101/insights":
            return insights(request) if "/101" in asked else NEEDS_PAGE_TOKEN
        return ok({"id": "101", "access_token": "***"}) if request.yields_tokens else person()[request.path]

    flow = inspect_token(RetryPolicy(), now=NOW, asked_version="v26.0", page_ids=("101",))
    assert ScriptedApi(answer).run(flow).pages[0].reads_insights


@pytest.mark.parametrize("has_app_token", [True, False])
def test_a_token_that_has_ended_gives_a_report_after_one_call(*, has_app_token: bool) -> None:
    error = {"code": 190, "subcode": 463, "message": "Session has expired"}
    told = debugged(is_valid=False, scopes=[], expires_at=1790535600, error=error) if has_app_token else EXPIRED
    report, asked = inspect(page(debug_token=told), has_app_token=has_app_token)
    assert asked == ["/debug_token"]
    assert (report.is_valid, report.ok) == (False, False)
    assert topics(report, Severity.ERROR) == ["expired"]
    assert report.refusal is not None
    assert (report.refusal.code, report.refusal.error_subcode) == (190, 463)


@pytest.mark.parametrize(
    ("subcode", "topic"), [(458, "revoked"), (460, "revoked"), (467, "revoked"), (None, "refused")]
)
def test_each_way_to_end_is_told_apart(subcode: int | None, topic: str) -> None:
    report, _ = inspect(page(debug_token=refusal(190, subcode)))
    assert topics(report, Severity.ERROR) == [topic]


@pytest.mark.parametrize("told", [OTHER_APP, refusal(190, message="Invalid OAuth access token signature.")])
def test_app_credentials_that_do_not_fit_do_not_hide_the_rest(told: Response) -> None:
    report, _ = inspect(page(debug_token=told), has_app_token=True)
    assert report.is_valid
    assert topics(report, Severity.WARNING) == ["app_credentials"]


def test_a_wrong_proof_says_nothing_about_the_token() -> None:
    report, _ = inspect(page(debug_token=OTHER_APP, me=BAD_PROOF), has_app_token=True)
    assert report.is_valid is None
    assert topics(report, Severity.ERROR) == ["app_secret"]
    assert render_report(report).startswith("The token needs attention: 1 problem.")


def test_an_app_token_is_the_wrong_kind() -> None:
    report, asked = inspect({"/debug_token": ok({"data": {"app_id": "1", "type": "APP", "is_valid": True}})})
    assert asked == ["/debug_token"]
    assert topics(report, Severity.ERROR) == ["wrong_kind"]


@pytest.mark.parametrize(
    ("left", "severity", "words"),
    [
        (timedelta(hours=20), Severity.WARNING, "in less than a day"),
        (timedelta(days=1, hours=2), Severity.WARNING, "in 1 day)"),
        (timedelta(days=13), Severity.WARNING, "in 13 days"),
        (timedelta(days=15), None, ""),
        (timedelta(days=-3), Severity.ERROR, "3 days ago"),
    ],
    ids=str,
)
def test_an_end_that_is_near_is_told_in_days(left: timedelta, severity: Severity | None, words: str) -> None:
    told = debugged(data_access_expires_at=int((NOW + left).timestamp()))
    report, _ = inspect(page(debug_token=told) | {"/101/insights": refusal(2, status=500)})
    found = {one.severity: one.what for one in report.findings if one.topic == "data_access"}
    assert list(found) == ([severity] if severity else [])
    assert words in found.get(severity, "")  # type: ignore[arg-type]  # None is no key, and that is meant
    assert report.ends_at == NOW + left


def test_another_version_than_asked_for_is_told() -> None:
    report, _ = inspect(page(me=ok({"id": "101"}, facebook_api_version="v21.0")))
    assert report.answered_version == "v21.0"
    assert topics(report, Severity.WARNING) == ["version"]


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (refusal(2, status=500), ServiceUnavailableError),
        (refusal(2500, message="Unknown path components"), ConfigurationError),
        (refusal(4), RateLimitError),
        (ok({"data": []}), ResponseFormatError),
    ],
)
def test_what_says_nothing_about_the_token_is_an_error(reply: Response, error: type[Exception]) -> None:
    with pytest.raises(error):
        inspect(person(debug_token=reply), policy=RetryPolicy(max_attempts=1, wait_bound_seconds=0))


def test_no_answer_is_an_error() -> None:
    flow = inspect_token(RetryPolicy(max_attempts=1), now=NOW, asked_version="v26.0")
    with pytest.raises(TransportError):
        ScriptedApi(lambda _: "The Graph API could not be reached.").run(flow)


def test_the_report_is_plain_json() -> None:
    report, _ = inspect(
        page(debug_token=debugged(expires_at=int(NOW.timestamp()) + 100)) | {"/101/insights": refusal(200)}
    )
    told: dict[str, Any] = json.loads(json.dumps(report.as_dict()))
    assert told["kind"] == "PAGE"
    assert told["ends_at"] == told["expires"]["ends_at"] == "2026-11-24T12:01:40+00:00"
    assert told["pages"][0]["page_id"] == "101"
    assert "code 200" in told["pages"][0]["problem"]
    assert {one["severity"] for one in told["findings"]} == {"error", "warning", "note"}


@pytest.mark.parametrize("page_id", ["1/2", "shop", "", "1" * 33])
def test_an_id_of_the_tokens_own_page_that_is_no_page_id_becomes_no_address(page_id: str) -> None:
    with pytest.raises(ResponseFormatError, match="1 to 32 digits"):
        inspect(page(me=ok({"id": page_id or " ", "name": "Shop"})))
