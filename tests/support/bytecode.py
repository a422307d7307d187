"""Compiled Python modules, shared by the processes of a test run where they are not to be left beside the sources."""

from __future__ import annotations

import atexit
import os
import shutil
import sys
import tempfile


def share_bytecode() -> None:
    """Compile each module once, not in every process: Airflow starts many, and compiling is half of what they do.

    Nothing is to be done, but where Python is told to write no bytecode, as in many a container.
    """
    if not sys.dont_write_bytecode or sys.pycache_prefix:
        return
    sys.dont_write_bytecode, sys.pycache_prefix = False, tempfile.mkdtemp(prefix="msginsights-bytecode-")
    atexit.register(shutil.rmtree, sys.pycache_prefix, ignore_errors=True)
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ["PYTHONPYCACHEPREFIX"] = sys.pycache_prefix
