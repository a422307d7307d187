"""The files of a test run in memory: tests make tens of thousands of small ones, and remove them again."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

MEMORY = Path("/dev/shm")  # noqa: S108 - Linux has its memory disk there
ENOUGH = 2 * 1024**3
"""Several times what a whole run holds at once; a container often has 64 MiB there."""

TOO_MUCH = ("matrix", "stores", "system", "browser")
"""Tests that make whole environments and clusters, by their marker or folder."""


def keep_files_in_memory() -> None:
    """Let this process and those it starts make their temporary files in memory, where there is room for them.

    On some machines that is half of the time of a run. Who sets TMPDIR has decided, and a worker does as the process
    that started it; so does pytest where a test starts one.
    """
    decided = {"TMPDIR", "PYTEST_XDIST_WORKER"} & os.environ.keys()
    if decided or any(name in argument for name in TOO_MUCH for argument in sys.argv[1:]):
        return
    if not os.access(MEMORY, os.W_OK) or shutil.disk_usage(MEMORY).free < ENOUGH:
        return
    os.environ["TMPDIR"] = str(MEMORY)
    tempfile.tempdir = None  # asked for before, it would be remembered
