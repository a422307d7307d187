from __future__ import annotations

import csv
import gzip
import io
import json
import subprocess
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.made_records import record, row_of

from airflow_provider_msginsights.exceptions import ConfigurationError
from airflow_provider_msginsights.outputs.formats.by_name import format_named
from airflow_provider_msginsights.outputs.formats.json_values import json_ready
from airflow_provider_msginsights.outputs.formats.parquet import ROW_GROUP_ROWS
from airflow_provider_msginsights.outputs.schema import COLUMN_NAMES, COLUMNS

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from airflow_provider_msginsights.outputs.formats.protocol import Format

# What the JSON Unicode text of a breakdown, a stored document or an extra column may hold.
TEXT = st.text(st.characters(exclude_categories=["Cs"]))
NOW = datetime(2026, 3, 20, tzinfo=UTC)
AWKWARD = 'quote " comma , line\r\nend \u2028 tab\t nul \0 grinning 😀'


def values(*, value: float | None = 42, text: str | None = "spring", day: str = "2026-03-08") -> tuple[Any, ...]:
    made = record(day, value=value, value_raw=text, breakdowns=(("campaign_id", text),))
    return tuple(row_of(made, final_if_ended_by=made.end_time).values())


def written(file_format: Format, rows: Iterable[tuple[Any, ...]]) -> bytes:
    file = io.BytesIO()
    file_format.write(rows, COLUMNS, file)
    return file.getvalue()


def read(file_format: Format, data: bytes) -> list[tuple[Any, ...]]:
    return list(file_format.read(data, COLUMNS))


@settings(deadline=None)  # the first example imports pyarrow
@given(
    value=st.one_of(st.none(), st.integers(-(2**53), 2**53), st.floats(allow_nan=False, allow_infinity=False)),
    text=TEXT.filter(bool),
)
@pytest.mark.parametrize("name", ["jsonl", "csv", "parquet"])
def test_what_was_written_is_read_back(name: str, value: float | None, text: str) -> None:
    rows = [values(value=value, text=text), values(value=7, text=None, day="2026-03-09")]
    assert read(format_named(name), written(format_named(name), rows)) == rows


def test_awkward_text_is_read_back(file_format: Format) -> None:
    rows = [values(text=AWKWARD), values(text="x" * 200_000)]
    assert read(file_format, written(file_format, rows)) == rows


def test_equal_rows_give_equal_bytes(file_format: Format) -> None:
    rows = [values(day=f"2026-03-{day:02}") for day in range(1, 20)]
    assert written(file_format, rows) == written(file_format, iter(rows))


def test_equal_numbers_of_different_spelling_keep_theirs() -> None:
    numbers = [1, 1.0, True, 0.0, -0.0, 0, 10**15, 1e15] * 2
    lines = written(format_named("jsonl"), [values(value=number) for number in numbers]).decode().splitlines()
    assert [line.partition('"value":')[2].partition(",")[0] for line in lines] == [json.dumps(one) for one in numbers]


def test_thousands_of_different_values_are_all_written() -> None:
    rows = [values(value=number, text=f"text {number}") for number in range(5_000)]
    read_back = [json.loads(line) for line in written(format_named("jsonl"), rows).splitlines()]
    assert [(row["value"], row["value_raw"]) for row in read_back] == [(n, f"text {n}") for n in range(5_000)]


def test_the_number_of_rows_is_told(file_format: Format) -> None:
    assert file_format.write([values(), values()], COLUMNS, io.BytesIO()) == 2


def test_no_rows_are_a_file_too(file_format: Format) -> None:
    assert read(file_format, written(file_format, [])) == []


def test_a_file_without_a_newer_column_can_still_be_read(file_format: Format) -> None:
    file = io.BytesIO()
    file_format.write([values()[:-1]], COLUMNS[:-1], file)
    assert read(file_format, file.getvalue()) == [(*values()[:-1], None)]


def test_some_columns_can_be_read_alone(file_format: Format) -> None:
    assert list(file_format.read(written(file_format, [values()]), COLUMNS[1:2])) == [("101",)]


def test_bytes_that_are_no_such_file_are_refused(file_format: Format) -> None:
    whole = written(file_format, [values(), values()])
    for broken in (b"\x00\x01 not a file", whole[: len(whole) - 5] + b"\n\xff"):
        with pytest.raises(ValueError, match=r"\w"):
            read(file_format, broken)


def test_any_number_ends_in_a_valid_file(file_format: Format) -> None:
    odd = [float("nan"), float("inf"), 10**400, 2**60, 1e300, -0.0]
    back = read(file_format, written(file_format, [values(value=value, text=None) for value in odd]))
    value, value_raw = COLUMN_NAMES.index("value"), COLUMN_NAMES.index("value_raw")
    assert [row[value] for row in back] == [None, None, None, 2**60, 1e300, 0]
    assert [row[value_raw] for row in back[:4]] == ["NaN", "Infinity", "1" + "0" * 400, str(2**60)]


def test_a_json_line_has_every_key_and_iso_dates() -> None:
    line = json.loads(written(format_named("jsonl"), [values(text=None)]))
    assert tuple(line) == COLUMN_NAMES
    assert line["pacific_date"] == "2026-03-08"
    assert line["end_time"] == "2026-03-09T07:00:00Z"
    assert line["campaign_id"] is None
    assert line["value"] == 42
    assert isinstance(line["value"], int)


def test_a_json_line_is_one_line_whatever_the_text() -> None:
    lines = written(format_named("jsonl"), [values(text=AWKWARD)]).split(b"\n")
    assert len(lines) == 2
    assert lines[1] == b""


def test_csv_is_as_rfc_4180_says() -> None:
    text = written(format_named("csv"), [values(text='a "b", c')]).decode()
    header, line, end = text.split("\r\n")
    assert header == ",".join(COLUMN_NAMES)
    assert '"a ""b"", c"' in line
    assert line.endswith(",true")
    assert end == ""
    assert list(csv.reader(io.StringIO(text)))[1][7] == "42"


def test_csv_of_no_rows_has_its_header() -> None:
    assert written(format_named("csv"), []).decode() == ",".join(COLUMN_NAMES) + "\r\n"


@pytest.mark.parametrize("name", ["jsonl", "csv"])
def test_gzip_holds_the_plain_file_and_no_time(name: str) -> None:
    packed = written(format_named(name, "gzip"), [values()])
    assert gzip.decompress(packed) == written(format_named(name), [values()])
    assert packed[4:8] == b"\0\0\0\0"
    assert format_named(name, "gzip").extension == f"{name}.gz"


def test_parquet_has_a_type_for_every_column() -> None:
    file = pq.ParquetFile(io.BytesIO(written(format_named("parquet"), [values()])))
    types = {field.name: (str(field.type), field.nullable) for field in file.schema_arrow}
    assert tuple(types) == COLUMN_NAMES
    days = dict.fromkeys(("range_start", "pacific_date"), ("date32[day]", False))
    others = {"end_time": ("timestamp[us, tz=UTC]", False), "value": ("double", True), "is_final": ("bool", False)}
    never_null = ("record_id", "page_id", "metric", "period", "unit", "breakdown_by")
    text = {name: ("string", name not in never_null) for name in COLUMN_NAMES}
    assert types == text | days | others


def test_parquet_is_compressed_and_has_bounded_row_groups() -> None:
    file = pq.ParquetFile(io.BytesIO(written(format_named("parquet"), [values()] * (ROW_GROUP_ROWS + 1))))
    assert [file.metadata.row_group(index).num_rows for index in range(file.num_row_groups)] == [ROW_GROUP_ROWS, 1]
    assert file.metadata.row_group(0).column(0).compression == "ZSTD"


def test_duckdb_reads_the_same_from_every_format(tmp_path: Path, file_format: Format) -> None:
    path = tmp_path / f"rows.{file_format.extension}"
    path.write_bytes(written(file_format, [values(value=0.5), values(value=None, text=None, day="2026-03-09")]))
    reader = {"p": "read_parquet", "j": "read_json", "c": "read_csv"}[file_format.extension[0]]
    found = duckdb.execute(f"SELECT pacific_date::VARCHAR, value, campaign_id, is_final FROM {reader}('{path}')")  # noqa: S608 - a path of ours
    assert found.fetchall() == [("2026-03-08", 0.5, "spring", True), ("2026-03-09", None, None, True)]


def test_neither_nested_values_nor_a_nan_spoil_a_file_for_other_readers(tmp_path: Path, file_format: Format) -> None:
    nested = json.dumps({"currency": "USD", "list": [1, {"a": 'two "quoted",\nlines'}]})
    odd = [
        record(value=float("nan"), breakdowns=(("campaign_id", nested),)),
        record("2026-03-09", value=None, value_raw=nested, breakdowns_other=(("weights", nested),)),
    ]
    path = tmp_path / f"rows.{file_format.extension}"
    path.write_bytes(written(file_format, [tuple(row_of(one, final_if_ended_by=NOW).values()) for one in odd]))
    reader = {"p": "read_parquet", "j": "read_json", "c": "read_csv"}[file_format.extension[0]]
    columns = "value, value_raw::VARCHAR, campaign_id::VARCHAR, breakdowns_other::VARCHAR"
    found = duckdb.execute(f"SELECT {columns} FROM {reader}('{path}') ORDER BY pacific_date")  # noqa: S608 - names of ours
    (first, second) = found.fetchall()
    assert first == (None, "NaN", nested, None)
    assert (second[0], json.loads(second[1]), second[2]) == (None, json.loads(nested), None)
    assert json.loads(second[3]) == {"weights": nested}


def test_json_ready_holds_the_extra_columns(final_if_ended_by: datetime) -> None:
    row = row_of(record(), final_if_ended_by=final_if_ended_by, extra_columns={"run_id": "manual"})
    assert json_ready(row)["run_id"] == "manual"
    assert json_ready(row)["range_start"] == "2026-03-08"


def test_an_unknown_format_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigurationError, match=r"'xlsx' is not known; use one of: csv, jsonl, parquet"):
        format_named("xlsx")


@pytest.mark.parametrize(
    ("name", "compression", "choices"),
    [
        ("parquet", "gzip", "use 'zstd'"),
        ("parquet", "none", "use 'zstd'"),
        ("jsonl", "zstd", "use 'none' or 'gzip'"),
        ("csv", "brotli", "use 'none' or 'gzip'"),
    ],
)
def test_a_compression_that_does_not_go_with_the_format_is_refused(name: str, compression: str, choices: str) -> None:
    with pytest.raises(ConfigurationError, match=choices):
        format_named(name, compression)


def test_a_missing_pyarrow_is_named_with_its_extra_and_only_for_parquet() -> None:
    script = (
        "import sys; sys.modules['pyarrow'] = None\n"
        "from airflow_provider_msginsights.outputs.formats.by_name import format_named\n"
        "format_named('jsonl'); format_named('csv', 'gzip')\n"
        "try:\n    format_named('parquet')\nexcept Exception as error:\n    print(type(error).__name__, error)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)  # noqa: S603 - our own words
    assert done.stdout.startswith("ConfigurationError")
    assert "airflow-provider-msginsights[parquet]" in done.stdout
