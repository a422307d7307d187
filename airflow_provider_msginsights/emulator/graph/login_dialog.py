"""`/dialog/oauth`: the page on which a person allows an app permissions and Pages, or denies it."""

from html import escape
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from airflow_provider_msginsights.emulator import documentation
from airflow_provider_msginsights.emulator.data.pages import Page
from airflow_provider_msginsights.emulator.state.login import DialogError, LoginRequest, read_request
from airflow_provider_msginsights.emulator.state.state import State

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

_PATHS = ("/dialog/oauth", "/{version}/dialog/oauth")
_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Log in with the emulator</title>
<style>body{{font:16px/1.5 sans-serif;max-width:36em;margin:3em auto;padding:0 1em}}fieldset{{margin:1em 0}}
label{{display:block}}button{{font:inherit;padding:.4em 1.5em;margin-right:1em}}</style></head>
<body>{content}</body></html>"""
_QUESTION = """<h1>{app}</h1><p>{person} is logged in. What may the app do?</p>
<form method="post">
<fieldset><legend>Permissions</legend>{scopes}</fieldset>
<fieldset><legend>Pages</legend>{pages}</fieldset>
<button name="answer" value="allow">Allow</button><button name="answer" value="deny">Cancel</button>
</form>"""
_BOX = '<label><input type="checkbox" name="{name}" value="{value}" checked> {label}</label>'


def login_routes(state: State) -> "list[BaseRoute]":
    """Routes for the server: the dialog, with and without a version."""
    from starlette.routing import Route

    async def dialog(request: "Request") -> "Response":
        """Show the question, or take its answer; the address is the same, and holds what was asked."""
        body = await request.body() if request.method == "POST" else b""
        form = parse_qsl(body.decode("utf-8", "replace"))
        with state.lock:
            return _answered(state, dict(request.query_params), form, is_answer=request.method == "POST")

    return [Route(path, dialog, methods=["GET", "POST"]) for path in _PATHS]


def _answered(state: State, params: dict[str, str], form: "list[tuple[str, str]]", *, is_answer: bool) -> "Response":
    from starlette.responses import HTMLResponse, RedirectResponse

    try:
        request = read_request(params, state.settings)
    except DialogError as error:
        return HTMLResponse(_PAGE.format(content=f"<h1>Sorry</h1><p>{escape(str(error))}</p>"), status_code=400)
    pages = _pages(state)
    answer = dict(form).get("answer") if is_answer else state.settings.login_dialog
    if answer == "deny":
        return RedirectResponse(request.denied(), status_code=302)
    if answer != "allow":
        return HTMLResponse(_question(request, pages))
    if is_answer:
        scopes, page_ids = ([value for key, value in form if key == name] for name in ("scope", "page"))
    else:
        scopes, page_ids = list(request.scopes), [page.page_id for page in pages]
    known = {page.page_id for page in pages}
    address = state.logins.allow(
        request, scopes=scopes, page_ids=[one for one in page_ids if one in known], now=state.clock.now()
    )
    return RedirectResponse(address, status_code=302)


def _pages(state: State) -> list[Page]:
    """Return the Pages of the person who is logged in."""
    return [
        page
        for page in state.pages.values()
        if page.tasks and not state.unshared.get(page.page_id, documentation.USER_ID, default=False)
    ]


def _question(request: LoginRequest, pages: "Iterable[Page]") -> str:
    scopes = "".join(_BOX.format(name="scope", value=escape(scope), label=escape(scope)) for scope in request.scopes)
    boxes = "".join(
        _BOX.format(name="page", value=escape(page.page_id), label=escape(f"{page.name} ({page.page_id})"))
        for page in pages
    )
    question = _QUESTION.format(
        app=escape(documentation.APP_NAME), person=escape(documentation.USER_NAME), scopes=scopes, pages=boxes
    )
    return _PAGE.format(content=question)
