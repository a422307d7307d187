"""Values as JSON text, and JSON text as values: of rows, manifests and small files of ours."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from json.encoder import encode_basestring
from math import isfinite
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_provider_msginsights.outputs.schema import Row

_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)
_LARGEST_OBJECT_BYTES = 64 * 2**20
"""A manifest of ten years and a thousand Pages has a few megabytes."""


def json_ready(row: Row) -> dict[str, Any]:
    """Return the row with its dates as ISO text, as JSON and XCom hold it."""
    return {name: iso_text(value) for name, value in row.items()}


def json_text(value: Any) -> str:
    """Compact JSON; NaN, which JSON does not have, is refused."""
    # The encoder makes ready for each value anew.
    if value is None:
        return "null"
    if value.__class__ is str:
        return encode_basestring(value)
    return repr(value) if value.__class__ is float and isfinite(value) else _ENCODER.encode(value)


def json_object_in(data: bytes) -> dict[str, Any] | None:
    """Return the JSON object that small files of ours hold, or None where the bytes are anything else."""
    if len(data) > _LARGEST_OBJECT_BYTES:
        return None
    try:
        found = json.loads(data.decode())
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def iso_text(value: Any) -> Any:
    """Dates as ``YYYY-MM-DD``, times as ISO 8601 in UTC with a ``Z``, anything else as it is."""
    if not isinstance(value, date):  # a datetime is one
        return value
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return value.isoformat()
