"""The file formats there are, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_msginsights.exceptions import ConfigurationError

if TYPE_CHECKING:
    from airflow_provider_msginsights.outputs.formats.protocol import Format

FORMAT_NAMES = ("csv", "jsonl", "parquet")
_TEXT_COMPRESSIONS = (None, "none", "gzip")
_PARQUET_COMPRESSIONS = (None, "zstd")
COMPRESSIONS = ("none", "gzip", "zstd")
"""Every name of a compression; which of them a format offers, `format_named` says."""


def format_named(name: str, compression: str | None = None) -> Format:
    """Return the format of that name.

    :param name: ``jsonl``, ``csv`` or ``parquet``.
    :param compression: for text ``none`` (as when left out) or ``gzip``; for Parquet ``zstd``, as when left out.
    :raises ConfigurationError: for other names and combinations, and for Parquet without pyarrow.
    """
    from airflow_provider_msginsights.outputs.formats.text import Csv, Gzipped, JsonLines

    if name not in FORMAT_NAMES:
        raise ConfigurationError(
            f"output_format {name!r} is not known; use one of: {', '.join(FORMAT_NAMES)}.", parameter="output_format"
        )
    offered = _PARQUET_COMPRESSIONS if name == "parquet" else _TEXT_COMPRESSIONS
    if compression not in offered:
        choices = " or ".join(repr(choice) for choice in offered if choice)
        raise ConfigurationError(
            f"compression={compression!r} does not go with output_format={name!r}; use {choices}, or leave it out.",
            parameter="compression",
        )
    if name == "parquet":
        return _parquet()
    text: Format = JsonLines() if name == "jsonl" else Csv()
    return Gzipped(text) if compression == "gzip" else text


def format_of_extension(extension: str) -> Format | None:
    """Return the format whose files have this extension, ``None`` for an extension of none.

    :raises ConfigurationError: for Parquet without pyarrow.
    """
    name, _, compression = extension.partition(".")
    if name not in FORMAT_NAMES or compression not in {"", "gz"} or (name == "parquet" and compression):
        return None
    return format_named(name, "gzip" if compression else None)


def _parquet() -> Format:
    from airflow_provider_msginsights.outputs.formats.parquet import Parquet

    try:
        import pyarrow.parquet  # noqa: F401 - asked for now, so that it is missing before the load and not after
    except ImportError as missing:
        raise ConfigurationError(
            "output_format='parquet' needs pyarrow. Install it with: "
            "pip install 'airflow-provider-msginsights[parquet]'",
            error_id="MSGI-missing-package",
        ) from missing
    return Parquet()
