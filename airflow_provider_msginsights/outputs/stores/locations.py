"""Where files go: the text of a path, taken apart once, in the one way that everything else then uses.

Airflow, universal_pathlib and each file system read odd paths differently (``file:////data``, ``s3:///b``, ``..``,
names of hosts), so that a load could look for its files in one place and write them to another. Here such a path
either gets one spelling that all of them read alike, or is refused.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from urllib.parse import unquote

from airflow_provider_msginsights.exceptions import ConfigurationError

LOCAL_SCHEMES = frozenset({"file", "local"})
_AZURE_SCHEMES = frozenset({"abfs", "abfss", "adl", "az"})
_URL = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<place>.*)", re.DOTALL)
_CONN_ID = re.compile(r"[\w#!()\-.]{1,250}")
"""What Airflow allows in the id of a connection, but for ``:``, ``/`` and the backslash."""
_PORT = re.compile(r"[0-9]{1,5}")


@dataclass(frozen=True, slots=True)
class Location:
    """A directory of a store.

    :param scheme: in lower case; empty for a path of this machine without one.
    :param conn_id: the Airflow connection of the storage, or ``None`` for what the machine has of its own.
    :param bucket: the bucket, container or host; empty on this machine.
    :param key: the directory in it, without slashes at its ends; on this machine the absolute path.
    """

    scheme: str
    conn_id: str | None
    bucket: str
    key: str

    @property
    def url(self) -> str:
        """The directory as a URL, or as a path without scheme; without the connection."""
        return self.key if not self.scheme else f"{self.scheme}://{self.bucket}/{self.key.lstrip('/')}"


def parse_location(output_path: str, output_conn_id: str | None = None) -> Location:
    """Take a path apart.

    :param output_path: an absolute path, or a URL; a connection may be named in it: ``s3://conn_id@bucket/key``.
    :param output_conn_id: the connection, where it is named by a parameter.
    :raises ConfigurationError: for a path that names no place or none for certain, for a password in it, and for two
        connections. A part of a path that may hold a secret is never shown.
    """
    match = _URL.fullmatch(output_path)
    if match is None:
        return Location("", output_conn_id, "", _local_path(output_path, output_path))
    scheme = match["scheme"].lower()
    netloc, slash, path = match["place"].partition("/")
    user_info, at, host = netloc.rpartition("@")
    conn_id = _conn_id(scheme, unquote(user_info), output_conn_id) if at else output_conn_id
    if scheme in LOCAL_SCHEMES:
        if host:
            raise ConfigurationError(
                f"output_path={_shown(scheme, host, path)!r} names a host. Use three slashes and the absolute path, as "
                f"in '{scheme}:///data'.",
                parameter="output_path",
            )
        return Location(scheme, conn_id, "", _local_path(f"{slash}{path}", _shown(scheme, host, path)))
    _check_host(scheme, host)
    if scheme in _AZURE_SCHEMES and {"?", "#"} & set(path):
        raise ConfigurationError(
            "output_path has a '?' or '#', and what follows would get lost (not shown here: it may be a signature). "
            "Put a SAS token into the connection, and use other characters in names.",
            parameter="output_path",
        )
    return Location(scheme, conn_id, host, _key(path, _shown(scheme, host, path)))


def _shown(scheme: str, host: str, path: str) -> str:
    return f"{scheme}://{host}/{path}"


def _conn_id(scheme: str, named: str, output_conn_id: str | None) -> str:
    """Return the connection that stands before the ``@``."""
    form = f"{scheme}://conn_id@bucket/path"
    if ":" in named:
        raise ConfigurationError(
            "output_path has a user name and a password before the @ (not shown here). They would end up in logs and "
            "in Airflow's database: put them into an Airflow connection, and name that in output_conn_id or as "
            f"{form}.",
            parameter="output_path",
        )
    if not _CONN_ID.fullmatch(named):
        raise ConfigurationError(
            "output_path has something before the @ that is not the id of an Airflow connection (not shown here). Name "
            f"a connection in output_conn_id or as {form}, or leave out the @.",
            parameter="output_path",
        )
    if output_conn_id and named != output_conn_id:
        raise ConfigurationError(
            f"output_path names the connection {named!r} and output_conn_id names {output_conn_id!r}. "
            "Name one of them.",
            parameter="output_conn_id",
        )
    return named


def _check_host(scheme: str, host: str) -> None:
    """Refuse what is not the name of a bucket, container or host."""
    name, colon, port = host.rpartition(":")
    if colon and not _PORT.fullmatch(port):
        raise ConfigurationError(
            "output_path has a colon in the place of the bucket (not shown here, because a secret may follow). Write "
            f"{scheme}://bucket/path, and put credentials into an Airflow connection.",
            parameter="output_path",
        )
    if not (name if colon else host) and scheme != "memory":
        raise ConfigurationError(
            f"output_path names no bucket or container: use a URL such as '{scheme}://bucket/insights'.",
            parameter="output_path",
        )
    if scheme in _AZURE_SCHEMES and "." in host:
        raise ConfigurationError(
            f"output_path names the host {host!r}. Airflow takes the account from the connection, and what stands "
            f"before an @ for the id of one: use '{scheme}://container/path' with output_conn_id.",
            parameter="output_path",
        )


def _key(path: str, shown: str) -> str:
    """Return the key of a directory, in which clients of object stores must not read anything else."""
    segments = path.rstrip("/").split("/")
    if {".", ".."} & set(segments) or ("" in segments and segments != [""]):
        raise ConfigurationError(
            f"output_path={shown!r} has '.', '..' or nothing between two slashes. In an object store that is a name of "
            "its own, and not the same one for everything that reads it: write the path without.",
            parameter="output_path",
        )
    return "/".join(segments)


def _local_path(path: str, shown: str) -> str:
    """Return an absolute path with single slashes; ``..`` stays, as what it means depends on links."""
    if not path.startswith("/"):
        raise ConfigurationError(
            f"output_path={shown!r} is relative: use an absolute path, such as '/data/insights', or a URL.",
            parameter="output_path",
        )
    segments = [segment for segment in path.split("/") if segment not in {"", "."}]
    if posixpath.normpath(path).strip("/") == "":
        raise ConfigurationError(
            f"output_path={shown!r} is the root directory: name a directory below it.", parameter="output_path"
        )
    return "/" + "/".join(segments)
