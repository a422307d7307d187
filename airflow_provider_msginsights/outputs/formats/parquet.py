"""Rows as Parquet: typed columns, zstd, bounded row groups."""

from __future__ import annotations

from itertools import islice
from typing import IO, TYPE_CHECKING, Any

from airflow_provider_msginsights.outputs.schema import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from airflow_provider_msginsights.outputs.schema import Column
    from airflow_provider_msginsights.outputs.values import Values

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
        remaining = iter(rows)
        count = 0
        with pq.ParquetWriter(file, schema, compression="zstd") as writer:
            while group := list(islice(remaining, ROW_GROUP_ROWS)):
                writer.write_table(_table(group, schema), row_group_size=ROW_GROUP_ROWS)
                count += len(group)
        return count

    def read(self, data: bytes, columns: Sequence[Column]) -> Iterator[Values]:
        """Read the rows of a whole file."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            file = pq.ParquetFile(pa.BufferReader(data))
            present = [column.name for column in columns if column.name in file.schema_arrow.names]
            for batch in file.iter_batches(batch_size=_READ_ROWS, columns=present):
                found = dict(zip(present, (array.to_pylist() for array in batch.columns), strict=True))
                absent = [None] * batch.num_rows
                yield from zip(*[found.get(column.name, absent) for column in columns], strict=True)
        except Exception as error:  # damaged bytes make pyarrow raise nearly anything
            raise ValueError(f"{error}" or type(error).__name__) from error


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


def _table(group: list[Values], schema: Any) -> Any:
    import pyarrow as pa

    columns = zip(*group, strict=True)
    return pa.table([_array(values, field.type) for values, field in zip(columns, schema, strict=True)], schema=schema)


def _array(values: tuple[Any, ...], kind: Any) -> Any:
    """Make a column; most hold one value all over a partition, and making that value once is far quicker."""
    import pyarrow as pa

    first = values[0]
    if values.count(first) == len(values):
        return pa.repeat(pa.scalar(_storable(first, kind), kind), len(values))
    if kind == pa.float64():
        return pa.array([_storable(value, kind) for value in values], kind)
    return pa.array(values, kind)


def _storable(value: Any, kind: Any) -> Any:
    return float(value) if isinstance(value, int) and str(kind) == "double" else value
