"""Airflow's names that have moved: the one file that knows where 3.1 keeps what ``airflow.sdk`` has from 3.2."""

from __future__ import annotations

from typing import Any

try:
    from airflow.sdk import conf
except ImportError:  # Airflow 3.1
    from airflow.configuration import conf  # type: ignore[assignment]

try:
    from airflow.sdk.exceptions import (
        AirflowFailException,
        AirflowNotFoundException,
        AirflowSensorTimeout,
        AirflowSkipException,
        AirflowTaskTimeout,
    )
except ImportError:  # Airflow 3.1
    from airflow.exceptions import (  # type: ignore[attr-defined, no-redef]
        AirflowFailException,
        AirflowNotFoundException,
        AirflowSensorTimeout,
        AirflowSkipException,
        AirflowTaskTimeout,
    )

__all__ = [
    "AirflowFailException",
    "AirflowNotFoundException",
    "AirflowSensorTimeout",
    "AirflowSkipException",
    "AirflowTaskTimeout",
    "airflow_stats",
    "conf",
    "hook_lineage_collector",
]


def airflow_stats() -> Any:
    """Give what has ``incr`` and ``gauge``; loaded when a task ends and not with every DAG file."""
    try:
        from airflow.sdk.observability.stats import Stats
    except ImportError:  # Airflow 3.1
        from airflow.stats import Stats
    return Stats


def hook_lineage_collector() -> Any:
    """Give what gathers the lineage of hooks; it does nothing unless something reads it."""
    try:
        from airflow.sdk.lineage import get_hook_lineage_collector
    except ImportError:  # Airflow 3.1
        from airflow.lineage.hook import get_hook_lineage_collector  # type: ignore[import-not-found, no-redef]
    return get_hook_lineage_collector()
