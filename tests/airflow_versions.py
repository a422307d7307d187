"""What the tests need of Airflow and older releases keep elsewhere, or do not have."""

from __future__ import annotations

import airflow.sdk

try:
    from airflow.sdk.exceptions import TaskDeferred
except ImportError:  # Airflow 3.1
    from airflow.exceptions import TaskDeferred  # type: ignore[no-redef]  # noqa: TID251

try:
    from airflow.serialization.serialized_objects import DagSerialization
except ImportError:  # Airflow 3.1
    from airflow.serialization.serialized_objects import (  # type: ignore[no-redef]
        SerializedDAG as DagSerialization,
    )

__all__ = ["HAS_PARTITIONS", "DagSerialization", "TaskDeferred"]

HAS_PARTITIONS = "CronPartitionTimetable" in airflow.sdk.__all__
"""Partitioned runs came with Airflow 3.2."""
