"""The file formats there are, by name."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from math import isfinite
from typing import IO, TYPE_CHECKING, Any, Protocol

from airflow_provider_msginsights.exceptions import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from airflow_provider_msginsights.outputs.schema import Column, Row
    from airflow_provider_msginsights.outputs.values import Values

FORMAT_NAMES = ("csv", "jsonl", "parquet")
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)
_LARGEST_OBJECT_BYTES = 64 * 2**20
"""A manifest of ten years and a thousand Pages has a few megabytes."""
_TEXT_COMPRESSIONS = (None, "none", "gzip")
_PARQUET_COMPRESSIONS = (None, "zstd")
COMPRESSIONS = ("none", "gzip", "zstd")
"""Every name of a compression; which of them a format offers, `format_named` says."""


class Format(Protocol):
    """What a dataset needs of a file format; equal rows always give equal bytes.

    ``extension`` ends the names of its files; ``least_row_bytes`` is what a row takes at least, to guess how many a
    file holds.
    """

    @property
    def extension(self) -> str: ...  # noqa: D102 - described by the class
    @property
    def least_row_bytes(self) -> int: ...  # noqa: D102 - described by the class

    def write(self, rows: Iterable[Values], columns: Sequence[Column], file: IO[bytes]) -> int:
        """Write the rows to a file at its start, return how many."""

    def read(self, data: bytes, columns: Sequence[Column]) -> Iterator[Values]:
        """Read the rows of a whole file; a column that the file does not have is null.

        :raises ValueError: when the bytes are no file of this format.
        """


def format_named(name: str, compression: str | None = None) -> Format:
    """Give the format of that name.

    :param name: ``jsonl``, ``csv`` or ``parquet``.
    :param compression: for text ``none`` (as when left out) or ``gzip``; for Parquet ``zstd``, as when left out.
    :raises ConfigurationError: for other names and combinations, and for Parquet without pyarrow.
    """
    from airflow_provider_msginsights.outputs.text_formats import Csv, Gzipped, JsonLines

    if name not in FORMAT_NAMES:
        raise ConfigurationError(f"output_format {name!r} is not known; use one of: {', '.join(FORMAT_NAMES)}.")
    offered = _PARQUET_COMPRESSIONS if name == "parquet" else _TEXT_COMPRESSIONS
    if compression not in offered:
        choices = " or ".join(repr(choice) for choice in offered if choice)
        raise ConfigurationError(
            f"compression={compression!r} does not go with output_format={name!r}; use {choices}, or leave it out."
        )
    if name == "parquet":
        return _parquet()
    text: Format = JsonLines() if name == "jsonl" else Csv()
    return Gzipped(text) if compression == "gzip" else text


def _parquet() -> Format:
    from airflow_provider_msginsights.outputs.parquet_format import Parquet

    try:
        import pyarrow.parquet  # noqa: F401 - asked for now, so that it is missing before the load and not after
    except ImportError as missing:
        raise ConfigurationError(
            "output_format='parquet' needs pyarrow. Install it with: "
            "pip install 'airflow-provider-msginsights[parquet]'"
        ) from missing
    return Parquet()


def json_ready(row: Row) -> dict[str, Any]:
    """Give the row with its dates as ISO text, as JSON and XCom hold it."""
    return {name: iso_text(value) for name, value in row.items()}


def json_text(value: Any) -> str:
    """Compact JSON; NaN, which JSON does not have, is refused."""
    # The encoder makes ready for each value anew, unless that is text.
    return repr(value) if value.__class__ is float and isfinite(value) else _ENCODER.encode(value)


def json_object_in(data: bytes) -> dict[str, Any] | None:
    """Give the JSON object that small files of ours hold, or None where the bytes are anything else."""
    if len(data) > _LARGEST_OBJECT_BYTES:
        return None
    try:
        found = json.loads(data.decode())
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def iso_text(value: Any) -> Any:
    """Dates as ``YYYY-MM-DD``, times as ISO 8601 in UTC with a ``Z``, anything else as it is."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    return value
