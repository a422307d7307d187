"""Stored files that people, tools or disks have damaged are named and left: nothing is merged into or over them."""

from __future__ import annotations

import gzip
import io
import json
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from support.examples import few
from support.made_records import record, store_rows, values_of
from upath import UPath

from airflow_provider_msginsights.exceptions import ConfigurationError, MessagingInsightsError
from airflow_provider_msginsights.insights.records import Records, RecordSeries, TimeColumns
from airflow_provider_msginsights.operators.load.manifest import check_can_be_continued
from airflow_provider_msginsights.operators.load.warnings import page_changes
from airflow_provider_msginsights.outputs.dataset import Dataset
from airflow_provider_msginsights.outputs.formats.by_name import format_named
from airflow_provider_msginsights.outputs.manifest import latest_manifest, read_manifest, write_manifest
from airflow_provider_msginsights.outputs.rows import RowMaker
from airflow_provider_msginsights.outputs.schema import COLUMN_NAMES, COLUMNS
from airflow_provider_msginsights.outputs.writer import DatasetWriter

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_msginsights.outputs.formats.protocol import Format
    from airflow_provider_msginsights.outputs.values import Values

DAY, NEXT_DAY = "2026-03-08", "2026-03-09"
METRIC = record().metric
TIMES = TimeColumns((record(DAY).range_start,), (record(DAY).pacific_date,), (record(DAY).end_time,))
FINAL_IF_ENDED_BY = record("2026-03-20").end_time
FORMATS = [("jsonl", None), ("jsonl", "gzip"), ("csv", None), ("csv", "gzip"), ("parquet", None)]
DEEP = b"[" * 100_000


def rows(*pages: str, value: int = 42) -> list[Values]:
    records = [record(day, page_id=page, value=value) for day in (DAY, NEXT_DAY) for page in pages]
    return values_of(records, final_if_ended_by=FINAL_IF_ENDED_BY)


def dataset_at(root: Path, file_format: Format, part: str = "0") -> Dataset[Any]:
    return Dataset(root=UPath(root.as_uri()), file_format=file_format, period="day", part=part)


@cache
def stored_bytes(name: str, compression: str | None) -> bytes:
    """A whole file of the first day, Pages 101 and 102."""
    file = io.BytesIO()
    format_named(name, compression).write(rows("101", "102")[:2], COLUMNS, file)
    return file.getvalue()


def edited(change: Callable[[list[dict[str, Any]]], object]) -> bytes:
    """The file as JSON lines, after something was done to its rows."""
    lines = [json.loads(line) for line in stored_bytes("jsonl", None).splitlines()]
    change(lines)
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


def parquet_with(change: Callable[[pa.Table], pa.Table]) -> bytes:
    file = io.BytesIO()
    pq.write_table(change(pq.read_table(io.BytesIO(stored_bytes("parquet", None)))), file)
    return file.getvalue()


def set_in_first(**fields: Any) -> bytes:
    return edited(lambda lines: lines[0].update(fields))


def without_column(name: str) -> bytes:
    return edited(lambda lines: [line.pop(name) for line in lines])


CSV, JSONL, PARQUET = (stored_bytes(name, None) for name in ("csv", "jsonl", "parquet"))
DAMAGED: list[tuple[str, str, bytes]] = [
    ("jsonl", "page_id of row 1 is 101, which is not a string", set_in_first(page_id=101)),
    ("jsonl", "page_id of row 1 is missing", set_in_first(page_id=None)),
    ("jsonl", "page_id of row 1 is ''", set_in_first(page_id="")),
    ("jsonl", "page_id of row 1 is missing", without_column("page_id")),
    ("jsonl", "metric of row 1 is missing", without_column("metric")),
    ("jsonl", "is_final of row 1 is 'yes', which is not a boolean", set_in_first(is_final="yes")),
    ("jsonl", "value of row 1 is '42', which is not a double", set_in_first(value="42")),
    ("jsonl", "value of row 1 is True, which is not a double", set_in_first(value=True)),
    ("jsonl", "range_start of row 1 is 20260308, which is not a date", set_in_first(range_start=20260308)),
    ("jsonl", "pacific_date of row 1 is a list, which is not a date", set_in_first(pacific_date=[DAY])),
    ("jsonl", "Invalid isoformat string", set_in_first(pacific_date="yesterday")),
    ("jsonl", "end_time of row 1 has no time zone", set_in_first(end_time="2026-03-09T07:00:00")),
    ("jsonl", "end_time of row 1 is not a time that UTC has", set_in_first(end_time="0001-01-01T00:00:00+14:00")),
    ("jsonl", "campaign_id of row 1 is a dict, which is not a string", set_in_first(campaign_id={"a": 1})),
    ("jsonl", "line 1 has text that is not Unicode", set_in_first(campaign_id="\ud800")),
    ("jsonl", "NaN is not JSON", set_in_first(value=float("nan"))),
    ("jsonl", "value of row 1 is not a finite number", JSONL.replace(b'"value":42', b'"value":1e999')),
    ("jsonl", "Exceeds the limit", JSONL.replace(b'"value":42', b'"value":' + b"9" * 5000)),
    ("jsonl", "line 3 is nested too deeply", JSONL + DEEP + b"\n"),
    ("jsonl", "line 3 is not a JSON object", JSONL + b"[]\n"),
    ("jsonl", "not in the order of their keys", edited(lambda lines: lines.reverse())),
    ("jsonl", "not in the order of their keys", JSONL + JSONL),
    ("jsonl", "Expecting value", b"\0" * len(JSONL)),
    ("jsonl", "Unterminated string|Expecting", JSONL[:-20]),
    ("jsonl", "codec can't decode", JSONL.replace(b"101", b"10\xff")),
    ("jsonl", "codec can't decode|Expecting", JSONL.decode().encode("utf-16")),
    ("jsonl", "it has no rows", b""),
    ("csv", "its last line has no end", b""),
    ("csv", "it has no rows", CSV.partition(b"\n")[0] + b"\n"),
    ("csv", "the header names none of the columns", b"a,b\r\n1,2\r\n"),
    ("csv", "page_id of row 1 is missing", CSV.replace(b"page_id", b"page", 1)),
    ("csv", "the header names a column twice", CSV.replace(b"metric", b"page_id", 1)),
    ("csv", "the header names none of the columns", CSV.partition(b"\n")[2]),
    ("csv", "is_final of row 2 is 'tru', which is not a boolean", CSV[:-3] + b"\r\n"),
    ("csv", "its last line has no end", CSV[:-2]),
    ("csv", "shorter|longer", CSV[:-20] + b"\r\n"),
    ("csv", "value of row 1 is 'many'|Expecting value", CSV.replace(b",42,", b",many,")),
    ("csv", "value of row 1 is a list", CSV.replace(b",42,", b",[42],")),
    ("csv", "nested too deeply", CSV.replace(b",42,", b"," + DEEP + b",")),
    ("csv", "page_id of row 1 is '1.*01'", CSV.replace(b",101,", b",1\x0001,")),
    ("csv.gz", "end-of-stream marker", gzip.compress(CSV)[:-9]),
    ("jsonl.gz", "it has no rows", b""),
    ("jsonl.gz", "Not a gzipped file", JSONL),
    ("jsonl.gz", "page_id of row 1 is 101", gzip.compress(set_in_first(page_id=101))),
    ("parquet", r"\w", b""),
    ("parquet", r"\w", PARQUET[:-30]),
    ("parquet", r"\w", PARQUET[:100] + b"\0" * 300 + PARQUET[400:]),
    ("parquet", "page_id of row 1 is 101, which is not a string", parquet_with(
        lambda table: table.set_column(1, "page_id", pa.array([101, 102]))
    )),
    ("parquet", "page_id of row 1 is missing", parquet_with(lambda table: table.drop_columns(["page_id"]))),
    ("parquet", "end_time of row 1 has no time zone", parquet_with(
        lambda table: table.set_column(6, "end_time", table["end_time"].cast(pa.timestamp("us")))
    )),
    ("parquet", "it has no rows", parquet_with(lambda table: table.slice(0, 0))),
]  # fmt: skip


def format_with(extension: str) -> Format:
    name, _, packed = extension.partition(".")
    return format_named(name, "gzip" if packed else None)


@pytest.mark.parametrize(("extension", "reason", "data"), DAMAGED, ids=lambda value: "" if len(value) > 90 else value)
def test_a_damaged_file_is_named_and_left_and_the_other_days_are_stored(
    tmp_path: Path, extension: str, reason: str, data: bytes
) -> None:
    dataset = dataset_at(tmp_path, format_with(extension))
    store_rows(dataset, rows("101", "102"))
    damaged, whole = (tmp_path / f"dt={day}" / f"part-0.{extension}" for day in (DAY, NEXT_DAY))
    damaged.write_bytes(data)
    before = whole.read_bytes()
    refused = (
        rf"dt={DAY}/part-0.{extension} cannot be read as {extension} \((.|\n)*({reason})(.|\n)*\).* Restore the file"
    )
    with pytest.raises(ConfigurationError, match=refused):
        store_rows(dataset, rows("102", "103", value=7))
    assert damaged.read_bytes() == data
    assert whole.read_bytes() != before


def test_a_damaged_file_of_another_part_is_named_and_nothing_is_stored_beside_it(tmp_path: Path) -> None:
    store_rows(dataset_at(tmp_path, format_named("jsonl"), "a"), rows("101"))
    damaged = tmp_path / f"dt={DAY}" / "part-a.jsonl"
    damaged.write_bytes(set_in_first(page_id=101))
    with pytest.raises(ConfigurationError, match=r"part-a.jsonl cannot be read .*page_id of row 1 is 101"):
        store_rows(dataset_at(tmp_path, format_named("jsonl"), "b"), rows("102"))
    assert [path.name for path in sorted(tmp_path.glob(f"dt={DAY}/part-*"))] == ["part-a.jsonl"]
    assert (tmp_path / f"dt={NEXT_DAY}" / "part-b.jsonl").exists()


DAMAGED_OBJECTS = {
    "empty": b"",
    "a list": b"[]",
    "text": b'"label"',
    "nested": DEEP,
    "nested in a field": b'{"period":' + DEEP + b"]" * 100_000 + b"}",
    "not UTF-8": b'{"period": "\xff"}',
    "UTF-16": '{"period": "day"}'.encode("utf-16"),
    "cut": b'{"period": "day"',
    "NUL": b"\0" * 100,
    "long number": b'{"period": ' + b"9" * 5000 + b"}",
}


@pytest.mark.parametrize("data", DAMAGED_OBJECTS.values(), ids=DAMAGED_OBJECTS)
def test_a_damaged_label_is_named_with_the_cure_and_left(tmp_path: Path, data: bytes) -> None:
    label = tmp_path / "_dataset.json"
    label.write_bytes(data)
    with pytest.raises(ConfigurationError, match=r"_dataset.json is not the JSON object .* Restore the file"):
        dataset_at(tmp_path, format_named("jsonl")).claim()
    assert label.read_bytes() == data


@pytest.mark.parametrize("period", ["x" * 10_000_000, ["x"] * 1_000_000, {"a": 1}, 5, None, [[[]]]])
def test_a_label_with_odd_values_is_refused_in_few_words(tmp_path: Path, period: Any) -> None:
    dataset_at(tmp_path, format_named("jsonl")).claim()
    label = tmp_path / "_dataset.json"
    label.write_text(json.dumps(json.loads(label.read_text()) | {"period": period}))
    with pytest.raises(ConfigurationError, match="One directory holds one kind") as refusal:
        dataset_at(tmp_path, format_named("jsonl")).claim()
    assert len(str(refusal.value)) < 2_000


@pytest.mark.parametrize("data", DAMAGED_OBJECTS.values(), ids=DAMAGED_OBJECTS)
def test_a_damaged_manifest_is_named_with_the_cure_and_left(tmp_path: Path, data: bytes) -> None:
    root = UPath(tmp_path.as_uri())
    write_manifest(root, "run", {"page_ids": ["101"], "run_id": "manual"})
    for path in ("_manifests/run.json", "_manifests/latest/part-0.json"):
        (tmp_path / path).write_bytes(data)
    with pytest.raises(ConfigurationError, match=r"_manifests/run.json is not the JSON object .* Remove the file"):
        read_manifest(root, "run")
    with pytest.raises(ConfigurationError, match=r"latest/part-0.json is not the JSON object .* Remove the file"):
        latest_manifest(root)
    assert (tmp_path / "_manifests/run.json").read_bytes() == data


@pytest.mark.parametrize("fields", [{"page_ids": 5}, {"page_ids": [[]]}, {"page_ids": "101"}, {"run_id": {}}])
def test_a_latest_manifest_whose_names_are_not_text_is_named(tmp_path: Path, fields: dict[str, Any]) -> None:
    dataset = dataset_at(tmp_path, format_named("jsonl"))
    write_manifest(dataset.root, "run", {"page_ids": ["101"], "run_id": "manual"} | fields)
    with pytest.raises(ConfigurationError, match=r"latest/part-0.json is not"):
        list(page_changes(dataset, ["101", "102"]))


def test_a_manifest_that_cannot_be_added_to_is_named(tmp_path: Path) -> None:
    root = UPath(tmp_path.as_uri())
    write_manifest(root, "run", {"files": 5})
    with pytest.raises(ConfigurationError, match=r"_manifests/run.json is not"):
        read_manifest(root, "run", check=check_can_be_continued)


# Any bytes

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@st.composite
def bytes_like(draw: st.DrawFn, whole: bytes) -> bytes:
    """Whole bytes with a stretch cut out, doubled or replaced; or any bytes at all."""
    if draw(st.integers(0, 9)) == 0:
        return draw(st.binary(max_size=200))
    start, end = sorted(draw(st.tuples(*[st.integers(0, len(whole))] * 2)))
    stretch = draw(st.sampled_from([b"", b"\0" * (end - start), whole[start:end] * 2]) | st.binary(max_size=20))
    return whole[:start] + stretch + whole[end:]


@st.composite
def odd_lines(draw: st.DrawFn) -> bytes:
    """JSON lines, valid as such, with anything for one or two columns."""
    fields = draw(st.dictionaries(st.sampled_from(COLUMN_NAMES), JSON_VALUES, min_size=1, max_size=2))
    return edited(lambda lines: lines[draw(st.integers(0, 1))].update(fields))


@st.composite
def damaged_parts(draw: st.DrawFn) -> tuple[Format, bytes]:
    name, compression = draw(st.sampled_from(FORMATS))
    if name == "jsonl" and draw(st.booleans()):
        data = draw(odd_lines())
        return format_named(name, compression), gzip.compress(data) if compression else data
    if compression and draw(st.booleans()):
        return format_named(name, compression), gzip.compress(draw(bytes_like(stored_bytes(name, None))))
    return format_named(name, compression), draw(bytes_like(stored_bytes(name, compression)))


def rows_of_others(file_format: Format, data: bytes) -> list[Values]:
    return [row for row in file_format.read(data, COLUMNS) if row[1] != "103"]


def refusal_of(action: Callable[[], object]) -> str:
    """What one of our errors says; empty when there is none."""
    try:
        action()
    except MessagingInsightsError as error:
        return str(error)
    return ""


def check_part(damaged: tuple[Format, bytes]) -> None:
    file_format, data = damaged
    with tempfile.TemporaryDirectory() as folder:
        dataset = dataset_at(Path(folder), file_format)
        damaged_file, other = (
            Path(folder) / f"dt={day}" / f"part-0.{file_format.extension}" for day in (DAY, NEXT_DAY)
        )
        damaged_file.parent.mkdir()
        damaged_file.write_bytes(data)
        if refusal := refusal_of(lambda: store_rows(dataset, rows("103"))):
            assert f"dt={DAY}/part-0.{file_format.extension}" in refusal
            assert damaged_file.read_bytes() == data
        else:
            kept = rows_of_others(file_format, damaged_file.read_bytes())
            assert kept == rows_of_others(file_format, data)
            assert kept
        assert other.exists()


def check_columns(damaged: tuple[Format, bytes]) -> None:
    """Check that answers for all stored rows meet the file as they would if they came one by one."""
    file_format, data = damaged
    pages = [RecordSeries(page, METRIC, "day", "count", TIMES, [value]) for page, value in (("101", 42), ("102", 7))]
    maker, met = RowMaker(final_if_ended_by=FINAL_IF_ENDED_BY), []
    for answers in (list(maker.parts(Records(tuple(pages)))), [maker.values(Records(tuple(map(tuple, pages))))]):
        with tempfile.TemporaryDirectory() as folder:
            damaged_file = Path(folder) / f"dt={DAY}" / f"part-0.{file_format.extension}"
            damaged_file.parent.mkdir()
            damaged_file.write_bytes(data)
            with DatasetWriter(dataset_at(Path(folder), file_format)) as writer:
                for answer in answers:
                    writer.add(answer)
                refusal = refusal_of(writer.finish).replace(folder, "")
            met.append((refusal, damaged_file.read_bytes()))
    assert met[0] == met[1]


def check_label(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        label = Path(folder) / "_dataset.json"
        label.write_bytes(data)
        if refusal := refusal_of(dataset_at(Path(folder), format_named("jsonl")).claim):
            assert str(label) in refusal
            assert label.read_bytes() == data


def check_manifest(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        dataset = dataset_at(Path(folder), format_named("jsonl"))
        latest = Path(folder) / "_manifests" / "latest" / "part-0.json"
        latest.parent.mkdir(parents=True)
        for path in (latest, latest.parents[1] / "run.json"):
            path.write_bytes(data)
        for read in (
            lambda: list(page_changes(dataset, ["101"])),
            lambda: read_manifest(dataset.root, "run", check=check_can_be_continued),
        ):
            if refusal := refusal_of(read):
                assert "_manifests/" in refusal
            assert latest.read_bytes() == data


LABEL = json.dumps(
    {"schema_version": 1, "format": "jsonl", "period": "day", "breakdowns": [], "extra_columns": []}
).encode()
MANIFEST = json.dumps({"page_ids": ["101"], "run_id": "manual", "files": [], "days": [DAY], "rows": 5}).encode()
OBJECTS = st.dictionaries(
    st.sampled_from(["schema_version", "format", "period", "breakdowns", "page_ids", "run_id", "files", "days"]),
    JSON_VALUES,
).map(lambda fields: json.dumps(json.loads(MANIFEST) | json.loads(LABEL) | fields).encode())


def fuzzed(examples: int) -> settings:
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large]
    return settings(max_examples=examples, deadline=None, suppress_health_check=checks)


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("examples", [few(300), pytest.param(18_000, marks=pytest.mark.slow)])
def test_any_bytes_as_a_part_are_merged_with_or_named_and_left(examples: int) -> None:
    @fuzzed(examples)
    @given(damaged_parts())
    @example((format_named("jsonl"), set_in_first(page_id=101)))
    @example((format_named("jsonl"), JSONL + DEEP))
    @example((format_named("jsonl"), JSONL.replace(b'{"record_id"', b'{"\x80": 1, "record_id"')))
    @example((format_named("jsonl"), JSONL.replace(b'{"record_id"', b'{"other": "\\ud800", "record_id"')))
    @example((format_named("csv"), CSV.replace(b",42,", b"," + DEEP + b",")))
    def check(damaged: tuple[Format, bytes]) -> None:
        check_part(damaged)
        check_columns(damaged)

    check()


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("examples", [few(200), pytest.param(2_000, marks=pytest.mark.slow)])
def test_any_bytes_as_a_label_or_manifest_are_read_or_named_and_left(examples: int) -> None:
    @fuzzed(examples)
    @given(OBJECTS | bytes_like(LABEL) | bytes_like(MANIFEST))
    @example(DEEP)
    @example(DAMAGED_OBJECTS["nested in a field"])
    def check(data: bytes) -> None:
        check_label(data)
        check_manifest(data)

    check()
