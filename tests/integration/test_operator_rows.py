"""The rows of a load: what stands in each column, from the API's words to the file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
from support.dag_runs import connection_to
from support.operator_calls import NEW, execute

from airflow_provider_msginsights.airflow_names import AirflowFailException
from airflow_provider_msginsights.insights.catalog import BREAKDOWNS

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_provider_msginsights.emulator import GraphEmulator

pytestmark = pytest.mark.usefixtures("connection")

EARNINGS = "page_messages_paid_order_earnings"
RATIO = "page_messages_read_ratio"
SENT = "page_messages_sent"


def stored_lines(root: Path) -> list[dict[str, Any]]:
    """The rows of a dataset in JSON Lines, as any reader of JSON has them."""
    return [json.loads(line) for file in sorted(root.glob("*=*/*.jsonl")) for line in file.read_text().splitlines()]


def test_every_metric_has_its_unit_and_counts_are_integers(tmp_path: Path) -> None:
    execute(metrics="all", output_path=tmp_path.as_uri())
    rows = {row["metric"]: row for row in stored_lines(tmp_path)}
    assert len(rows) == 11
    units = {name: row["unit"] for name, row in rows.items()}
    assert {name: unit for name, unit in units.items() if unit != "count"} == {EARNINGS: "money", RATIO: "ratio"}
    assert {type(rows[name]["value"]) for name, unit in units.items() if unit == "count"} == {int}
    assert isinstance(rows[RATIO]["value"], float)
    assert {row["value_raw"] for row in rows.values()} == {None}, "they were plain numbers"


@pytest.mark.parametrize("output_format", ["jsonl", "csv", "parquet"])
def test_money_is_stored_with_its_currency_and_with_the_json_as_sent(
    emulator: GraphEmulator, tmp_path: Path, output_format: str
) -> None:
    emulator.configure(earnings="object")
    asked: dict[str, Any] = {"metrics": [EARNINGS, NEW], "since": "2026-10-01", "until": "2026-11-01"}
    execute(output_path=tmp_path.as_uri(), output_format=output_format, **asked)
    reader = {"jsonl": "read_json", "csv": "read_csv", "parquet": "read_parquet"}[output_format]
    query = f"SELECT metric, value, value_raw::VARCHAR, currency FROM {reader}($1) ORDER BY ALL"  # noqa: S608 - names of ours
    rows = duckdb.execute(query, [f"{tmp_path}/*/*.{output_format}"]).fetchall()
    assert {(raw, currency) for metric, _, raw, currency in rows if metric == NEW} == {(None, None)}
    money = [(value, json.loads(raw), currency) for metric, value, raw, currency in rows if metric == EARNINGS]
    assert any(value > 0 for value, _, _ in money)
    for value, raw, currency in money:
        assert (raw["currency"], raw["microAmount"]) == (currency, round(value * 1_000_000))


def test_numbers_sent_as_text_are_numbers_and_keep_the_text(emulator: GraphEmulator, tmp_path: Path) -> None:
    emulator.configure(style="documentation")
    execute(metrics=NEW, output_path=tmp_path.as_uri())
    (row,) = stored_lines(tmp_path)
    assert isinstance(row["value"], int)
    assert row["value_raw"] == f'"{row["value"]}"'
    assert row["end_time"] == "2026-11-02T08:00:00Z", "it came as unix seconds"


def test_rows_name_the_breakdowns_asked_for_and_leave_the_others_empty(tmp_path: Path) -> None:
    asked = ("message_type", "campaign_id")
    execute(metrics=SENT, breakdowns=asked, output_path=tmp_path.as_uri(), until="2026-11-06")
    rows = stored_lines(tmp_path)
    assert len(rows) > 1
    assert {row["breakdown_by"] for row in rows} == {"campaign_id,message_type"}
    assert {type(row[name]) for row in rows for name in asked} <= {str, type(None)}
    assert {row[name] for row in rows for name in set(BREAKDOWNS) - set(asked)} == {None}
    assert {row["breakdowns_other"] for row in rows} == {None}


def test_a_load_without_breakdowns_says_so_in_every_row(tmp_path: Path) -> None:
    execute(output_path=tmp_path.as_uri())
    rows = stored_lines(tmp_path)
    assert {row["breakdown_by"] for row in rows} == {""}
    assert {row[name] for row in rows for name in BREAKDOWNS} == {None}


def test_a_page_that_fails_keeps_the_rows_it_had(
    emulator: GraphEmulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection_to(emulator, monkeypatch, password=emulator.system_user_token, extra={"max_attempts": 1})
    asked: dict[str, Any] = {"page_ids": ["101", "102"], "metrics": NEW, "output_path": tmp_path.as_uri()}
    execute(**asked)
    (before,) = tmp_path.glob("dt=*/*")
    stored = before.read_bytes()
    emulator.add_fault(code=100, page_id="102", times=None)
    with pytest.raises(AirflowFailException, match="102"):
        execute(**asked)
    assert before.read_bytes() == stored
