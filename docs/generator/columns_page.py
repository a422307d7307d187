"""The reference page of a dataset's files: columns, manifest, ledger, changes, and the events that tell of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from docstrings import Docstring, prose, sentence, words_of
from reference import TYPES, code_list, entry, page_of

from airflow_provider_msginsights.insights.catalog import BREAKDOWN_MEANINGS
from airflow_provider_msginsights.insights.coverage.findings.acknowledgements import Ack
from airflow_provider_msginsights.insights.coverage.findings.kinds import WORDS, FindingKind
from airflow_provider_msginsights.insights.coverage.pages import PageEntry
from airflow_provider_msginsights.insights.coverage.report.shown_cells import DayState
from airflow_provider_msginsights.operators.filling.report import FILL_FIELDS
from airflow_provider_msginsights.operators.load.airflow_ui import EVENT_FIELDS
from airflow_provider_msginsights.operators.load.manifest import MANIFEST_FIELDS
from airflow_provider_msginsights.outputs.changes import CHANGE_FIELDS
from airflow_provider_msginsights.outputs.dataset import LABEL_FIELDS
from airflow_provider_msginsights.outputs.maintenance.exports import CELL_FIELDS
from airflow_provider_msginsights.outputs.schema import COLUMNS, KEY_COLUMNS, Column

if TYPE_CHECKING:
    from collections.abc import Mapping

INTRODUCTION = """
What lies in a dataset, the directory that `output_path` names, and what asset events say of it. Columns and fields are
only ever added, columns at the end. Readers of the data pass over names that begin with `_`.
"""
FILES = (
    ("dt=<Pacific date>/part-<part>.<ending>", "the rows of a day ([columns](#columns))"),
    ("range=<first>_<last>/part-<part>.<ending>", "the same of the period `total_over_range`"),
    ("_dataset.json", "the [label](#label): what the dataset holds"),
    ("_manifests/<run>.json", "the [manifest](#manifest) of each run and map index"),
    ("_manifests/latest/part-<part>.json", "that of the last load of a part; the later of two writers wins"),
    ("_coverage/pages.json", "[which Pages belong to the dataset](#pages)"),
    (
        "_coverage/part-<part>.json.gz",
        "the ledger of a part; `msginsights coverage --cells` writes it as [a table](#cells)",
    ),
    ("_coverage/findings-<part>.json.gz", "what was [found](#findings) in a part"),
    ("_coverage/acknowledged.json", "[what people know of](#acknowledgements)"),
    ("_changes/<run>.jsonl.gz", "the [changes](#changes) of a run, with `keep_changes=True`"),
)
KEY = f"""
These columns together tell a row from every other: {code_list(KEY_COLUMNS)}. `record_id` is made of them: the same fact
has the same id in every load. The unit of replacement is larger: an answer replaces all rows of its Page, metric and
day, so that values of a breakdown that Meta no longer lists go.
"""
TYPES_OF_FILES = """
Parquet has these types. In JSON Lines and CSV a date is `2026-11-18`, a timestamp `2026-11-19T08:00:00Z`; an absent
value is `null` in JSON and empty in CSV.
"""


def page() -> str:
    """Return the page."""
    files = "\n".join(f"- `{name}`: {meaning}" for name, meaning in FILES)
    return page_of(
        "Columns and manifest",
        [
            prose(INTRODUCTION),
            f"## Files\n\n{files}",
            f"## Columns\n\n{prose(TYPES_OF_FILES)}\n\n" + "\n".join(map(_column, COLUMNS)),
            f"## Row key\n\n{prose(KEY)}",
            _fields("Label", "`_dataset.json`, one JSON object.", "label", LABEL_FIELDS),
            _fields(
                "Manifest", "One JSON object for each run and index of a mapped task.", "manifest", MANIFEST_FIELDS
            ),
            _fields("Manifest of a fill", "The same, and also:", "fill-manifest", FILL_FIELDS),
            _fields("Pages", PAGES, "pages", Docstring.of(PageEntry).parameters),
            _fields("Cells", CELLS, "cells", CELL_FIELDS),
            "### States of a day\n\n" + _listed(words_of(DayState)),
            "## Findings\n\nThe kinds of findings, each with what helps.\n\n" + _kinds(),
            _fields("Acknowledgements", ACKNOWLEDGED, "ack", Docstring.of(Ack).parameters),
            _fields("Changes", "Gzipped JSON Lines: a line for each stored row that changed.", "change", CHANGE_FIELDS),
            _fields("Asset events", EVENTS, "event", EVENT_FIELDS),
        ],
    )


PAGES = "`_coverage/pages.json` is owned by people: loads only add Pages. `pages` in it is an object of Page id to:"
CELLS = "What `msginsights coverage --cells FILE` writes: a row for each run of days of a Page and metric."
ACKNOWLEDGED = (
    "`_coverage/acknowledged.json`, written by hand or by `msginsights coverage ack`. `acknowledged` in it is a list, "
    "each with:"
)
EVENTS = (
    "The `extra` of the event that a load or fill gives each asset in its `outlets`. From Airflow 3.3 on each day has "
    "an event of its own beside it, with the day as its partition key, which holds `days` alone."
)


def _column(column: Column) -> str:
    meaning = BREAKDOWN_MEANINGS.get(column.name, sentence(column.meaning))
    absent = " · may be absent" if column.nullable else ""
    return entry(f"column-{column.name}", column.name, f"{TYPES[column.kind]}{absent}", meaning)


def _fields(title: str, text: str, prefix: str, meanings: Mapping[str, str]) -> str:
    listed = "\n".join(entry(f"{prefix}-{name}", name, "", sentence(meaning)) for name, meaning in meanings.items())
    return f"## {title}\n\n{text}\n\n{listed}"


def _listed(meanings: Mapping[str, str]) -> str:
    return "\n".join(f"- `{name}`: {meaning}" for name, meaning in meanings.items())


def _kinds() -> str:
    meanings = words_of(FindingKind)
    return "\n".join(
        entry(f"finding-{kind}", str(kind), "", f"{meanings[kind]} {what_helps}")
        for kind, (_, what_helps) in WORDS.items()
    )
