"""Runs an operator's work as a task does: once, and again when it fails for a retry.

Airflow's own cost of a task is left out, for ours and for the others: it is measured apart.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException
from airflow.sdk.listener import get_listener_manager

from peers.jobs import ATTEMPTS, WAIT_SECONDS

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator

get_listener_manager()  # loads the installation's plugins, as Airflow does before a task's own work begins


def run_task(operator: BaseOperator) -> Any:
    """What the task returns; tried as often as ``retries=2`` would."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return operator.execute({})  # none of it asks for the run
        except (AirflowFailException, AirflowSkipException):
            raise
        except Exception:
            if attempt == ATTEMPTS:
                raise
            time.sleep(WAIT_SECONDS)
    raise AssertionError
