"""What the tests need of Airflow and older releases keep elsewhere, or do not have."""

from __future__ import annotations

from typing import Any

import airflow
import pytest
from airflow.serialization import serialized_objects

try:
    from airflow.sdk.exceptions import TaskDeferred
except ImportError:  # Airflow 3.1
    from airflow.exceptions import TaskDeferred  # type: ignore[no-redef]  # noqa: TID251

try:
    from airflow.sdk import lineage
except ImportError:  # Airflow 3.1
    from airflow.lineage import hook as lineage  # type: ignore[no-redef]

try:
    from airflow.sdk import CronTriggerTimetable, DeltaTriggerTimetable, MultipleCronTriggerTimetable
except ImportError:  # Airflow 3.1
    from airflow.timetables.trigger import (  # type: ignore[assignment]
        CronTriggerTimetable,
        DeltaTriggerTimetable,
        MultipleCronTriggerTimetable,
    )

_serialization: Any = serialized_objects
DagSerialization = getattr(serialized_objects, "DagSerialization", None) or _serialization.SerializedDAG
"""What stores a DAG; Airflow 3.1 gives it another name."""

__all__ = [
    "HAS_PARTITIONS",
    "POLICIES_RESCHEDULE",
    "WATCHERS_HAVE_MEMORY",
    "CronTriggerTimetable",
    "DagSerialization",
    "DeltaTriggerTimetable",
    "MultipleCronTriggerTimetable",
    "TaskDeferred",
    "lineage",
    "needs_airflow",
]


def has_release(release: str) -> bool:
    """Tell whether this Airflow is of the release, such as ``3.3``, or newer.

    What came with a release is told by its number and never by looking for it: where a newer release renames it,
    a test has to fail and not to be skipped.
    """
    here, there = (tuple(map(int, version.split(".")[:2])) for version in (airflow.__version__, release))
    return here >= there


def needs_airflow(release: str, what: str) -> pytest.MarkDecorator:
    """Skip on Airflows older than the release, which do not have what is named."""
    return pytest.mark.skipif(not has_release(release), reason=f"from Airflow {release} on: {what}")


HAS_PARTITIONS = has_release("3.2")
"""There are partitioned runs."""

WATCHERS_HAVE_MEMORY = has_release("3.3")
"""Watchers know what they told of before."""

POLICIES_RESCHEDULE = has_release("3.4")
"""A retry policy can have a task rescheduled, which spends no retry."""
