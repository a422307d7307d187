"""What the tests need of Airflow and older releases keep elsewhere, or do not have."""

from __future__ import annotations

from typing import Any

import airflow.sdk
from airflow.serialization import serialized_objects
from airflow.triggers.base import BaseEventTrigger

try:
    from airflow.sdk.exceptions import TaskDeferred
except ImportError:  # Airflow 3.1
    from airflow.exceptions import TaskDeferred  # type: ignore[no-redef]  # noqa: TID251

try:
    from airflow.sdk import lineage
except ImportError:  # Airflow 3.1
    from airflow.lineage import hook as lineage  # type: ignore[no-redef]

_serialization: Any = serialized_objects
DagSerialization = getattr(serialized_objects, "DagSerialization", None) or _serialization.SerializedDAG
"""What stores a DAG; Airflow 3.1 gives it another name."""

__all__ = ["HAS_PARTITIONS", "WATCHERS_HAVE_MEMORY", "DagSerialization", "TaskDeferred", "lineage"]

HAS_PARTITIONS = "CronPartitionTimetable" in airflow.sdk.__all__
"""Partitioned runs came with Airflow 3.2."""

WATCHERS_HAVE_MEMORY = hasattr(BaseEventTrigger, "create_shared_stream_producer")
"""Watchers know from Airflow 3.3 on what they told of before."""
