"""The page as one file that opens from a disk: style, script and report in it, and no network."""

from __future__ import annotations

import base64
import hashlib
import json
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

STYLE = "coverage.css"
SHARED_SCRIPTS = ("elements.js", "states.js", "calendar.js", "report.js", "pages.js", "overview.js")
"""What the page in Airflow and the file have in common, in the order of loading."""

_NOT_IN_SCRIPTS = {ord(mark): f"\\u{ord(mark):04x}" for mark in "<>&\u2028\u2029"}
"""Marks that could end a script element or begin a comment in it, as JSON writes them otherwise."""


def html_page(report: Mapping[str, Any], *, name: str, checked_at: str, problems: Sequence[str] = ()) -> str:
    """Return the page of a dataset as one HTML document.

    :param report: what ``CoverageReport.to_json(values=True)`` returns; without values it has no sparklines.
    :param name: the dataset's path, as people write it.
    :param checked_at: when it was looked at, as people read it.
    :param problems: what could not be read of the dataset.
    """
    style = _static(STYLE)
    script = "\n".join(_static(script) for script in (*SHARED_SCRIPTS, "file.js"))
    policy = f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'"
    data = _json_in_html(
        {"name": name, "notes": [f"checked {checked_at}"], "problems": list(problems), "report": report}
    )
    head: Sequence[str] = (
        '<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(name)}: coverage</title>",
        f"<style>{style}</style>",
    )
    body = (
        "<main><noscript>This page is drawn by its script.</noscript></main>",
        f'<script type="application/json" id="report">{data}</script>',
        f"<script>{script}</script>",
    )
    lines = "\n".join(("<!doctype html>", '<html lang="en">', "<head>", *head, "</head>", "<body>", *body, "</body>"))
    return f"{lines}\n</html>\n"


def _static(name: str) -> str:
    return files(__package__).joinpath("static", name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    """Return the source expression by which a policy allows exactly this style or script."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _json_in_html(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).translate(_NOT_IN_SCRIPTS)
