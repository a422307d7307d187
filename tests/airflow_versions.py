"""What the tests need of Airflow and older releases keep elsewhere, or do not have."""

from __future__ import annotations

from typing import Any

import airflow.sdk
from airflow.serialization import serialized_objects

try:
    from airflow.sdk.exceptions import TaskDeferred
except ImportError:  # Airflow 3.1
    from airflow.exceptions import TaskDeferred  # type: ignore[no-redef]  # noqa: TID251

_serialization: Any = serialized_objects
DagSerialization = getattr(serialized_objects, "DagSerialization", None) or _serialization.SerializedDAG
"""What stores a DAG; Airflow 3.1 gives it another name."""

__all__ = ["HAS_PARTITIONS", "DagSerialization", "TaskDeferred"]

HAS_PARTITIONS = "CronPartitionTimetable" in airflow.sdk.__all__
"""Partitioned runs came with Airflow 3.2."""
