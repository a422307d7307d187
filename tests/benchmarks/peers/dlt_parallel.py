"""dlt's rest_api source with parallelized resources."""

from __future__ import annotations

from typing import TYPE_CHECKING

from peers import dlt_plain
from peers.dlt_plain import versions

if TYPE_CHECKING:
    from peers.jobs import Job

__all__ = ["load", "versions"]


def load(job: Job) -> None:
    dlt_plain.load(job, parallelized=True)
