from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_records import record

from airflow_provider_msginsights.exceptions import ConfigurationError
from airflow_provider_msginsights.outputs.formats import JsonLines, format_named
from airflow_provider_msginsights.outputs.schema import COLUMN_NAMES, row_of

if TYPE_CHECKING:
    from datetime import datetime


def test_a_json_line_has_every_key_and_iso_dates(final_if_ended_by: datetime) -> None:
    file = io.BytesIO()
    JsonLines().write([row_of(record(), final_if_ended_by=final_if_ended_by)], file)
    line = json.loads(file.getvalue())
    assert tuple(line) == COLUMN_NAMES
    assert line["pacific_date"] == "2026-03-08"
    assert line["end_time"] == "2026-03-09T07:00:00Z"
    assert line["value"] == 42
    assert isinstance(line["value"], int)


@given(
    value=st.one_of(st.none(), st.integers(), st.floats(allow_nan=False, allow_infinity=False)),
    text=st.text(),
)
def test_what_was_written_is_read_back(value: float | None, text: str) -> None:

    made = record(value=value, breakdowns=(("campaign_id", text),))
    rows = [row_of(made, final_if_ended_by=made.end_time)]
    file = io.BytesIO()
    assert JsonLines().write(rows, file) == 1
    assert JsonLines().read(file.getvalue()) == rows


def test_a_file_without_a_newer_column_can_still_be_read() -> None:
    old = JsonLines().read(b'{"record_id":"x","page_id":"101"}\n')
    assert old[0]["page_id"] == "101"
    assert old[0]["is_final"] is None


def test_an_unknown_format_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigurationError, match=r"'xlsx' is not known; use one of: jsonl"):
        format_named("xlsx")
