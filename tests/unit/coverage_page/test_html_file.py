"""The page as a file holds its report whole, lets nothing of it become a script, and reaches no network."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from datetime import date
from html.parser import HTMLParser
from importlib.resources import files
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from support.made_ledgers import CONNECTIONS, day
from support.made_reports import DAYS, HOSTILE, WELL, made_report, report_of_all_states

from airflow_provider_msginsights.coverage_page.html_file import html_page

STATIC = files("airflow_provider_msginsights.coverage_page") / "static"


class Elements(HTMLParser):
    """The elements of a document, each with its attributes and text, as a browser cuts them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.is_inside = False
        self.found: list[tuple[str, dict[str, str | None], list[str]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs), []))
        self.is_inside = True

    def handle_data(self, data: str) -> None:
        if self.found and self.is_inside:
            self.found[-1][2].append(data)

    def handle_endtag(self, tag: str) -> None:  # noqa: ARG002 - whichever it is
        self.is_inside = False

    def texts(self, tag: str) -> list[str]:
        return ["".join(data) for name, _, data in self.found if name == tag]


def embedded(text: str) -> Any:
    (data,) = ["".join(data) for _, attributes, data in Elements(text).found if attributes.get("id") == "report"]
    return json.loads(data)


ANY_TEXT = st.text(max_size=30) | st.sampled_from([HOSTILE, "<!--<script>", "]]>", "\u2028", "&lt;/script&gt;"])


@given(name=ANY_TEXT, reason=ANY_TEXT)
def test_no_name_or_reason_ends_the_data_or_becomes_an_element(name: str, reason: str) -> None:
    page = html_page({"reasons": [reason]}, name=name, checked_at="now")
    assert embedded(page)["report"]["reasons"] == [reason]
    assert embedded(page)["name"] == name
    tags = [tag for tag, *_ in Elements(page).found]
    expected = {"html", "head", "title", "style", "body", "main", "noscript"}
    assert {tag: tags.count(tag) for tag in set(tags)} == dict.fromkeys(expected, 1) | {"meta": 3, "script": 2}


def test_the_file_reaches_nothing_but_itself() -> None:
    page = html_page(made_report(), name="s3://agency/insights", checked_at="07:42")
    assert not [attributes for _, attributes, _ in Elements(page).found if {"src", "href"} & attributes.keys()]
    elements = Elements(page)
    (policy,) = [one["content"] for _, one, _ in elements.found if "http-equiv" in one]
    assert policy is not None
    assert policy.startswith("default-src 'none'; ")
    for text in (*elements.texts("style"), elements.texts("script")[-1]):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy


def test_no_script_makes_elements_or_code_of_text() -> None:
    ways = re.compile(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|setTimeout\(\s*[\"'`]"
    )
    scripts = [one for one in STATIC.iterdir() if one.name.endswith(".js")]
    assert len(scripts) > 5
    assert {one.name: found for one in scripts if (found := ways.findall(one.read_text()))} == {}
    assert all(len(one.read_text().splitlines()) <= 400 for one in scripts)


def test_days_name_the_run_that_wrote_them() -> None:
    report = made_report()
    assert len(report["runs"]) == DAYS
    assert report["written"] == {"0": [[number, 1] for number in range(DAYS)]}
    assert report["runs"][0] == "daily/load_day/scheduled__2026-10-01T00:00:00+00:00"


def test_values_are_given_only_where_they_are_wanted() -> None:
    page = next(one for one in made_report()["pages"] if one["page_id"] == WELL)
    first, values = page["values"][CONNECTIONS]
    assert date.fromisoformat(first) == day(DAYS - 28)
    assert values == [1000 + number for number in range(DAYS - 28, DAYS)]
    assert all("values" not in one for one in report_of_all_states().to_json()["pages"])
