"""The pages of the reference are as the script makes them, and each link in them leads somewhere."""

from __future__ import annotations

import gzip
import json
import re
from typing import TYPE_CHECKING, Any

import generate
import pytest
from airflow.sdk import Asset
from airflow.sdk.execution_time.context import OutletEventAccessors
from support.operator_calls import execute, manifest_of, run_context
from support.paths import ROOT

from airflow_provider_msginsights.operators.fill import MessagingInsightsFillOperator
from airflow_provider_msginsights.operators.filling.report import FILL_FIELDS
from airflow_provider_msginsights.operators.load.airflow_ui import EVENT_FIELDS
from airflow_provider_msginsights.operators.load.manifest import MANIFEST_FIELDS
from airflow_provider_msginsights.outputs.changes import CHANGE_FIELDS
from airflow_provider_msginsights.outputs.dataset import LABEL_FIELDS

if TYPE_CHECKING:
    from pathlib import Path

REFERENCE = ROOT / "docs" / "reference"
LINK = re.compile(r"(?<!!)\[[^\]]*\]\((?!https?://)([^)#]*)(?:#([^)]+))?\)")
HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)
FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


def anchors(text: str) -> list[str]:
    """Every place of a page that a link can name: its headings, and what it marks by an id."""
    prose = FENCE.sub("", text)
    slugs = [re.sub(r"[^\w\s-]", "", heading).strip().lower() for heading in HEADING.findall(prose)]
    return [re.sub(r"[-\s]+", "-", slug) for slug in slugs] + re.findall(r'<a id="([^"]+)">', prose)


@pytest.mark.parametrize("path", generate.PAGES)
def test_a_page_is_as_the_script_makes_it(path: str) -> None:
    assert generate.difference(path, generate.PAGES[path]()) == []


@pytest.mark.parametrize("path", generate.PAGES)
def test_each_anchor_of_a_page_stands_there_once(path: str) -> None:
    found = anchors((ROOT / path).read_text())
    assert [anchor for anchor in found if found.count(anchor) > 1] == []


@pytest.mark.parametrize("path", generate.PAGES)
def test_each_link_of_a_page_leads_somewhere(path: str) -> None:
    file = ROOT / path
    for target, anchor in LINK.findall(FENCE.sub("", file.read_text())):
        linked = (file.parent / target).resolve() if target else file
        assert linked.is_file(), target
        assert linked.is_relative_to(ROOT / "docs"), target
        if anchor:
            assert anchor in anchors(linked.read_text()), f"{target}#{anchor}"


def test_a_stale_page_is_shown_as_a_diff() -> None:
    path = "docs/reference/metrics.md"
    text = generate.PAGES[path]()
    lines = generate.difference(path, text.replace("# Metrics", "# Other words", 1))
    assert {"-# Metrics", "+# Other words"} <= set(lines)


def test_a_page_that_nothing_makes_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generate, "PAGES", {})
    with pytest.raises(ValueError, match="metrics"):
        generate.documents()


@pytest.mark.usefixtures("connection")
def test_the_fields_that_are_described_are_those_that_are_written(tmp_path: Path) -> None:
    asset, events = Asset("described"), OutletEventAccessors()
    execute({"outlet_events": events}, output_path=str(tmp_path))
    stored = next(tmp_path.glob("dt=*/part-0.jsonl"))
    stored.write_text(re.sub(r'"value": ?[0-9.]+', '"value":987654', stored.read_text(), count=1))
    loaded = execute(
        {"outlet_events": events, **run_context()}, outlets=[asset], output_path=str(tmp_path), keep_changes=True
    )
    assert set(manifest_of(loaded)) == set(MANIFEST_FIELDS)
    assert set(events[asset].extra) <= set(EVENT_FIELDS)
    assert set(json.loads((tmp_path / "_dataset.json").read_text())) == set(LABEL_FIELDS)
    (changes,) = (tmp_path / "_changes").glob("*.jsonl.gz")
    assert set(json.loads(gzip.decompress(changes.read_bytes()).splitlines()[0])) == set(CHANGE_FIELDS)

    fill = MessagingInsightsFillOperator(
        task_id="fill", page_ids="101", fill_since="2026-10-30", output_path=str(tmp_path), outlets=[asset]
    )
    context: Any = {"outlet_events": events, **run_context(run_id="later")}
    filled = fill.execute(context)
    assert set(manifest_of(filled)) - set(MANIFEST_FIELDS) == set(FILL_FIELDS)
    assert {"filled", "filled_range_count"} <= set(events[asset].extra) <= set(EVENT_FIELDS)
