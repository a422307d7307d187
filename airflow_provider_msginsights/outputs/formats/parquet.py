"""Rows as Parquet: typed columns, zstd, bounded row groups."""

from __future__ import annotations

from itertools import islice, repeat
from typing import IO, TYPE_CHECKING, Any

from airflow_provider_msginsights.outputs.schema import Kind
from airflow_provider_msginsights.outputs.series_rows import DayRows

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from airflow_provider_msginsights.outputs.schema import Column
    from airflow_provider_msginsights.outputs.values import ColumnValues, Values

ROW_GROUP_ROWS = 32_768
_READ_ROWS = 4_096


class Parquet:
    """Typed columns under zstd: text, ``date32``, ``timestamp[us, tz=UTC]``, ``double``, ``bool``."""

    extension = "parquet"
    least_row_bytes = 20

    def write(self, rows: Iterable[Values], columns: Sequence[Column], file: IO[bytes]) -> int:
        """Write the rows, return how many; at most `ROW_GROUP_ROWS` of them are held at a time."""
        import pyarrow.parquet as pq

        schema = arrow_schema(columns)
        tables = _tables_of_day(rows, schema) if isinstance(rows, DayRows) else _tables(rows, schema)
        count = 0
        with pq.ParquetWriter(file, schema, compression="zstd") as writer:
            for table in tables:
                writer.write_table(table, row_group_size=ROW_GROUP_ROWS)
                count += table.num_rows
        return count

    def read(self, data: bytes, columns: Sequence[Column]) -> Iterator[Values]:
        """Read the rows of a whole file."""
        for some in self.read_columns(data, columns):
            yield from zip(*some, strict=True)

    def read_columns(self, data: bytes, columns: Sequence[Column]) -> Iterator[ColumnValues]:
        """Read a whole file as columns."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            file = pq.ParquetFile(pa.BufferReader(data))
            names = frozenset(file.schema_arrow.names)
            present = [column.name for column in columns if column.name in names]
            for batch in file.iter_batches(batch_size=_READ_ROWS, columns=present):
                found = dict(zip(present, map(_values_of, batch.columns), strict=True))
                absent = [None] * batch.num_rows
                yield [found.get(column.name, absent) for column in columns]
        except Exception as error:  # damaged bytes make pyarrow raise nearly anything
            raise ValueError(f"{error}" or type(error).__name__) from error


def _values_of(array: Any) -> list[Any]:
    """Return a column's values; most columns hold one value all over, and making that value once is far quicker."""
    import pyarrow as pa

    if not array.type.num_fields and not pa.types.is_floating(array.type) and len(distinct := array.unique()) == 1:
        return list(distinct.to_pylist()) * len(array)
    return list(array.to_pylist())


def arrow_schema(columns: Sequence[Column]) -> Any:
    """Return the pyarrow schema of the columns."""
    import pyarrow as pa

    types = {
        Kind.STRING: pa.string(),
        Kind.DATE: pa.date32(),
        Kind.TIMESTAMP: pa.timestamp("us", tz="UTC"),
        Kind.NUMBER: pa.float64(),
        Kind.BOOLEAN: pa.bool_(),
    }
    return pa.schema([pa.field(column.name, types[column.kind], nullable=column.nullable) for column in columns])


def _tables(rows: Iterable[Values], schema: Any) -> Iterator[Any]:
    import pyarrow as pa

    remaining = iter(rows)
    while group := list(islice(remaining, ROW_GROUP_ROWS)):
        columns = zip(*group, strict=True)
        yield pa.table(
            [_array(column, field.type) for column, field in zip(columns, schema, strict=True)], schema=schema
        )


def _tables_of_day(rows: DayRows, schema: Any) -> Iterator[Any]:
    """Make tables of columns that are columns already."""
    import pyarrow as pa

    columns = list(zip(rows.columns(), schema, strict=True))
    for start in range(0, len(rows), ROW_GROUP_ROWS):
        end = min(start + ROW_GROUP_ROWS, len(rows))
        arrays = [
            _repeated(next(column), end - start, field.type)
            if isinstance(column, repeat)
            else _array(tuple(column[start:end]), field.type)
            for column, field in columns
        ]
        yield pa.table(arrays, schema=schema)


def _array(values: tuple[Any, ...], kind: Any) -> Any:
    """Make a column; most hold one value all over a partition, and making that value once is far quicker."""
    import pyarrow as pa

    if values.count(values[0]) == len(values):
        return _repeated(values[0], len(values), kind)
    if kind == pa.float64():
        return pa.array([_storable(value, kind) for value in values], kind)
    return pa.array(values, kind)


def _repeated(value: Any, count: int, kind: Any) -> Any:
    import pyarrow as pa

    return pa.repeat(pa.scalar(_storable(value, kind), kind), count)


def _storable(value: Any, kind: Any) -> Any:
    return float(value) if isinstance(value, int) and str(kind) == "double" else value
