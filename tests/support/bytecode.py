"""Compiled Python modules, shared by the processes of test runs where they are not to be left beside the sources."""

from __future__ import annotations

import os
import sys

from support.paths import ROOT


def share_bytecode() -> None:
    """Compile each module once, not in every process: Airflow starts many, and compiling is half of what they do.

    Nothing is to be done, but where Python is told to write no bytecode, as in many a container. Later runs find it in
    pytest's own cache; Python compiles anew what has changed.
    """
    if not sys.dont_write_bytecode or sys.pycache_prefix:
        return
    sys.dont_write_bytecode, sys.pycache_prefix = False, str(ROOT / ".pytest_cache" / "bytecode")
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ["PYTHONPYCACHEPREFIX"] = sys.pycache_prefix
