"""Which Airflow on which Python, and an environment made for each as its users would have it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).parents[2]
PYTHONS = ("3.11", "3.12", "3.13")
RELEASES = {"3.1.8": "2026-03-20", "3.2.2": "2026-06-05", "3.3.2": "2026-09-22", "3.4.0b2": "2026-10-30"}
"""Each release of Airflow with a date some ten days later: nothing newer than that is installed beside it.

Airflow's constraint files hold what was current at the release; so does this, and it can be had from an index alone.
"""

LOWEST, HIGHEST = (tuple(RELEASES)[index] for index in (0, -1))


@dataclass(frozen=True)
class Combination:
    """One Airflow on one Python."""

    airflow: str
    python: str

    def __str__(self) -> str:
        return f"airflow{self.airflow}-python{self.python}"

    @property
    def newest_date(self) -> str:
        return RELEASES[self.airflow]

    @property
    def is_lowest_or_highest(self) -> bool:
        return (self.airflow, self.python) in {(LOWEST, PYTHONS[0]), (HIGHEST, PYTHONS[-1])}


COMBINATIONS = tuple(Combination(airflow, python) for airflow in RELEASES for python in PYTHONS)


def interpreter(python: str) -> str:
    """Give the path of an interpreter of this machine, or the bare version, which uv then fetches."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found = shutil.which(f"python{python}")
    candidates = [sys.executable, *([found] if found else []), *map(str, sorted(pyenv.glob(f"{python}.*/bin/python")))]
    for candidate in candidates:
        code = "import sys; print('.'.join(map(str, sys.version_info[:2])), sys.base_prefix)"
        done = subprocess.run([candidate, "-c", code], capture_output=True, text=True, check=False)  # noqa: S603 - interpreters
        version, _, prefix = done.stdout.strip().partition(" ")
        if version == python:
            return str(Path(prefix) / "bin" / f"python{python}")
    return python


def build_wheel(folder: Path) -> Path:
    """Build the package as it would be published."""
    _uv("build", "--wheel", "--quiet", "--out-dir", str(folder), str(ROOT))
    (wheel,) = folder.glob("*.whl")
    return wheel


def make_environment(combination: Combination, wheel: Path, folder: Path) -> Path:
    """Install the release, the wheel and what the tests use; give the environment's interpreter."""
    _uv("venv", "--quiet", "--clear", "--python", interpreter(combination.python), str(folder))
    python = folder / "bin" / "python"
    what = [f"apache-airflow=={combination.airflow}", f"airflow-provider-msginsights[emulator,parquet] @ {wheel}"]
    date = ("--exclude-newer", combination.newest_date)
    _uv("pip", "install", "--quiet", "--python", str(python), *date, *what, "--group", f"{ROOT / 'pyproject.toml'}:dev")
    return python


def resolve(combination: Combination, requirements: Sequence[str], *options: str) -> dict[str, str]:
    """Tell which version of what would be installed."""
    date = ("--exclude-newer", combination.newest_date)
    listed = _uv(
        *("pip", "compile", "--quiet", "--no-header", "--no-annotate", "--python-version", combination.python),
        *(*date, *options, "-"),
        given="\n".join(requirements),
    )
    names = (re.match(r"([^ =@]+) ?(?:==|@) ?(\S+)", line) for line in listed.splitlines())
    return {found[1]: found[2] for found in names if found}


def _uv(*arguments: str, given: str = "") -> str:
    done = subprocess.run(  # noqa: S603 - uv itself
        [shutil.which("uv") or "uv", *arguments],
        input=given,
        cwd=os.environ.get("TMPDIR", "/tmp"),  # noqa: S108 - only to be outside of the project
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
