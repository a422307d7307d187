"""The guide's recipes are SQL in the words of their warehouse; that of DuckDB is run by another test."""

from __future__ import annotations

import re

import pytest
import sqlglot
from sqlglot import exp
from support.paths import DOCS

GUIDE = (DOCS / "guides" / "warehouses.md").read_text()
DIALECTS = {"BigQuery": "bigquery", "Snowflake": "snowflake", "Redshift": "redshift", "Iceberg": "spark"}
KINDS: dict[str, list[type[exp.Expression]]] = {
    "BigQuery": [exp.LoadData],
    "Snowflake": [exp.Create, exp.Copy],
    "Redshift": [exp.Create, exp.Copy],
    "Iceberg": [exp.Insert],
}


def statements_of(warehouse: str) -> list[str]:
    """The statements in the warehouse's row of the table."""
    (row,) = re.findall(rf"^\| {warehouse}\b.*$", GUIDE, re.MULTILINE)
    codes = [double or single for double, single in re.findall(r"``\s?(.+?)\s?``|`([^`]+)`", row.split(" | ", 1)[1])]
    return [code for code in codes if re.match(r"(LOAD DATA|CREATE|COPY|INSERT) \w+ .+", code)]


@pytest.mark.parametrize("warehouse", DIALECTS)
def test_what_fills_the_table_is_in_the_words_of_the_warehouse(warehouse: str) -> None:
    parsed = [sqlglot.parse_one(statement, dialect=DIALECTS[warehouse]) for statement in statements_of(warehouse)]
    assert [type(statement) for statement in parsed] == KINDS[warehouse]


@pytest.mark.parametrize("dialect", ["duckdb", "bigquery", "snowflake", "redshift"])
def test_the_delete_is_understood_by_all_and_names_the_whole_of_what_an_answer_replaces(dialect: str) -> None:
    (text,) = re.findall(r"^DELETE .*?(?=;)", GUIDE, re.MULTILINE | re.DOTALL)
    delete = sqlglot.parse_one(text, dialect=dialect)
    assert isinstance(delete, exp.Delete)
    compared = {str(equal.this.name) for equal in delete.find_all(exp.EQ)}
    assert compared == {"page_id", "metric", "period", "breakdown_by", "range_start", "pacific_date"}
    assert all(equal.this.name == equal.expression.name for equal in delete.find_all(exp.EQ))
    assert {equal.this.table for equal in delete.find_all(exp.EQ)} == {"loaded"}
    assert {equal.expression.table for equal in delete.find_all(exp.EQ)} == {"messaging_insights"}
