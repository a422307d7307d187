"""What else than insights can be read: Pages, the person behind the token, and the person's Pages."""

import base64
import binascii
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from airflow_provider_msginsights.emulator import documentation
from airflow_provider_msginsights.emulator.call import Call
from airflow_provider_msginsights.emulator.data.pages import Page
from airflow_provider_msginsights.emulator.errors import invalid_parameter
from airflow_provider_msginsights.emulator.graph.field_expansion import AskedField, parse_fields
from airflow_provider_msginsights.emulator.graph.insights import read_insights
from airflow_provider_msginsights.emulator.state.state import State
from airflow_provider_msginsights.emulator.state.tokens import Token, TokenKind

_DEFAULT_LIMIT = 25
_MAX_LIMIT = 100
_CATEGORY_ID = "2200"
_ACCOUNT_FIELDS = "access_token,category,category_list,name,id,tasks"


def read_page(state: State, page: Page, token: Token, call: Call, *, version: str) -> dict[str, Any]:
    """`GET /{page-id}`, with `fields`; insights may be nested by field expansion."""
    asked = parse_fields(call.params.get("fields") or "id,name")
    answer = _page_fields(state, page, token, asked, call, version)
    return answer | {"id": page.page_id}


def read_person(token: Token, call: Call) -> dict[str, Any]:
    """`GET /me` with a token of a person or a system user."""
    name = documentation.SYSTEM_USER_NAME if token.kind is TokenKind.SYSTEM_USER else documentation.USER_NAME
    known = {"id": token.user_id, "name": name}
    asked = parse_fields(call.params.get("fields") or "id,name")
    answer = {field.answer_name: _known(known, field, "User") for field in asked}
    return answer | {"id": token.user_id}


def read_permissions(state: State, token: Token) -> dict[str, Any]:
    """`GET /me/permissions`: what the person granted the app (reference "User permissions")."""
    return {"data": [{"permission": scope, "status": "granted"} for scope in state.scopes_of(token)]}


def read_accounts(state: State, token: Token, call: Call, *, version: str) -> dict[str, Any]:
    """`GET /me/accounts`: the Pages on which the person has a task, page by page with cursors.

    Paginated Results guide: `next` is there only when more follows, and a page of the list may be short or empty all
    the same: Pages without a role are left out of it afterwards. Without `pages_show_list` the list is empty.
    """
    asked = parse_fields(call.params.get("fields") or _ACCOUNT_FIELDS)
    pages = [
        page
        for page in state.pages.values()
        if page.listed and "pages_show_list" in state.scopes_of(token, page) and state.is_shared(page, token)
    ]
    first, last = _slice(call.params, len(pages))
    data = [
        _page_fields(state, page, token, asked, call, version) | {"id": page.page_id}
        for page in pages[first:last]
        if page.tasks
    ]
    if not data and last >= len(pages):
        return {"data": []}
    cursors = {"before": _cursor(first), "after": _cursor(last)}
    paging: dict[str, Any] = {"cursors": cursors}
    kept = {name: value for name, value in call.params.items() if name not in {"access_token", "after", "before"}}
    base = f"{call.public_url}/{version}/{token.user_id}/accounts?"
    if last < len(pages):
        paging["next"] = base + urlencode({"access_token": token.value, **kept, "after": cursors["after"]})
    if first > 0:
        paging["previous"] = base + urlencode({"access_token": token.value, **kept, "before": cursors["before"]})
    return {"data": data, "paging": paging}


def _page_fields(
    state: State, page: Page, token: Token, asked: list[AskedField], call: Call, version: str
) -> dict[str, Any]:
    known: dict[str, Any] = {
        "id": page.page_id,
        "name": page.name,
        "category": page.category,
        "category_list": [{"id": _CATEGORY_ID, "name": page.category}],
        "fan_count": page.likes,
        "followers_count": page.likes,
        "is_published": page.published,
        "link": f"https://www.facebook.com/{page.page_id}",
        "tasks": list(page.tasks),
    }
    answer: dict[str, Any] = {}
    for field in asked:
        if field.name == "access_token":
            if _may_have_token(state, page, token):
                answer[field.answer_name] = state.page_token_of(token, page)
        elif field.name == "insights":
            inner = ",".join(f"{part.name}.as({part.answer_name})" for part in field.inner)
            params = {**field.modifiers, "fields": inner}
            nested = read_insights(state, page, token, params, call, version=version)
            if nested["data"]:
                answer[field.answer_name] = nested
        else:
            answer[field.answer_name] = _known(known, field, "Page")
    return answer


def _may_have_token(state: State, page: Page, token: Token) -> bool:
    """Return True for a person with a role on the Page and the Page itself; others silently miss the field."""
    if token.kind is TokenKind.PAGE:
        return token.page_id == page.page_id
    return token.kind is not TokenKind.APP and bool(page.tasks) and "pages_show_list" in state.scopes_of(token, page)


def _known(known: Mapping[str, Any], field: AskedField, node: str) -> Any:
    if field.name not in known:
        raise invalid_parameter(f"Tried accessing nonexisting field ({field.name}) on node type ({node})")
    return known[field.name]


def _slice(params: Mapping[str, str], total: int) -> tuple[int, int]:
    limit_text = params.get("limit") or str(_DEFAULT_LIMIT)
    if not limit_text.isdecimal() or not limit_text.strip("0"):
        raise invalid_parameter("param limit must be a positive integer")
    limit = min(int(limit_text[-9:]), _MAX_LIMIT)
    if params.get("before"):
        last = min(_position(params["before"]), total)
        return max(0, last - limit), last
    first = min(_position(params["after"]), total) if params.get("after") else 0
    return first, min(first + limit, total)


def _cursor(position: int) -> str:
    return base64.urlsafe_b64encode(f"cursor:{position}".encode()).decode().rstrip("=")


def _position(cursor: str) -> int:
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        return max(0, int(text.removeprefix("cursor:")[:9]))
    except (ValueError, binascii.Error):
        raise invalid_parameter("Invalid cursor value: the cursor cannot be read") from None
