"""The application behind the page: it serves the files of ``static/`` to whoever may see assets, and nothing else.

The page's script runs with the person's session and could do whatever the person may. So there are GET routes only, the
policy allows no script but the page's own files, and no data goes through here: the script reads Airflow's REST API.
"""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

from airflow.api_fastapi.auth.managers.models.resource_details import AccessView
from airflow.api_fastapi.core_api.security import requires_access_asset, requires_access_view
from fastapi import Depends, FastAPI, HTTPException, Request, Response
from fastapi.responses import HTMLResponse

from airflow_provider_msginsights import __version__
from airflow_provider_msginsights.coverage_page.html_file import SHARED_SCRIPTS, STYLE

if TYPE_CHECKING:
    from collections.abc import Sequence

SCRIPTS = (*SHARED_SCRIPTS, "published.js", "airflow.js")
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-cache",
}
_TYPES = {".js": "text/javascript", ".css": "text/css"}
_REFUSALS = {
    401: "Your session has ended. Reload the page to log in again.",
    403: (
        "Your account may not see this page: it needs the right to read assets, and that to see plugins "
        "(with the FAB auth manager: “can read on Assets” and “can read on Plugins”, which Viewer and User lack)."
    ),
}


def make_app() -> FastAPI:
    """Return the application, as Airflow mounts it."""
    app = FastAPI(
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        dependencies=[Depends(requires_access_view(AccessView.PLUGINS)), Depends(requires_access_asset("GET"))],
    )
    app.add_api_route("/", _page, methods=["GET"])
    app.add_api_route("/static/{name}", _static, methods=["GET"])
    app.add_exception_handler(HTTPException, _refusal)
    return app


def _page(request: Request) -> HTMLResponse:
    """Answer with the page, whose links begin where Airflow mounted the application."""
    root = request.scope.get("root_path", "")
    style = f'<link rel="stylesheet" href="{root}/static/{STYLE}?{__version__}">'
    scripts = [f'<script defer src="{root}/static/{name}?{__version__}"></script>' for name in SCRIPTS]
    return HTMLResponse(
        _document([style, *scripts], "<noscript>This page is drawn by its script.</noscript>"), 200, _HEADERS
    )


def _static(name: str) -> Response:
    """Answer with a file of the page."""
    if name not in (STYLE, *SCRIPTS):
        raise HTTPException(404, "There is no such file.")
    content = files(__package__).joinpath("static", name).read_bytes()
    return Response(content, 200, _HEADERS, media_type=_TYPES[name[name.rindex(".") :]])


def _refusal(_: Request, error: Exception) -> Response:
    """Answer with a small page; the frame cannot take the person to the login by itself."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    text = _REFUSALS.get(status, "There is no such page.")
    return HTMLResponse(_document([], f"<p>{text}</p>"), status, _HEADERS)


def _document(head: Sequence[str], body: str) -> str:
    lines = (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        "<title>Messaging Insights</title>",
        *head,
        f"</head>\n<body>\n<main>{body}</main>\n</body>\n</html>\n",
    )
    return "\n".join(lines)
