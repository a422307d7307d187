"""A store that refuses: the error names the bucket or container, the key and the right that is missing."""

from __future__ import annotations

import re
import threading
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from support.dag_runs import connection_to
from support.operator_calls import execute

from airflow_provider_msginsights.airflow_names import AirflowFailException

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.store_places import Place

    from airflow_provider_msginsights.emulator import GraphEmulator

XML = "application/xml"
NOT_FOUND: dict[str, tuple[str, str, dict[str, str]]] = {
    "s3": ("<Error><Code>NoSuchKey</Code></Error>", XML, {}),
    "gs": ('{"error": {"code": 404, "message": "No such object"}}', "application/json", {}),
    "abfs": (
        "<Error><Code>BlobNotFound</Code><Message>None.</Message></Error>",
        XML,
        {"x-ms-error-code": "BlobNotFound"},
    ),
}
"""As each store says that a file is not there."""

DENIED: dict[str, tuple[str, str, dict[str, str]]] = {
    "s3": ("<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>", XML, {}),
    "gs": ('{"error": {"code": 403, "message": "loader@x does not have access to it."}}', "application/json", {}),
    "abfs": (
        "<Error><Code>AuthorizationPermissionMismatch</Code><Message>Not authorized.</Message></Error>",
        XML,
        {"x-ms-error-code": "AuthorizationPermissionMismatch"},
    ),
}
"""As each store says that a right is missing."""

EMPTY_LISTINGS = {
    "s3": "<ListBucketResult><KeyCount>0</KeyCount><IsTruncated>false</IsTruncated></ListBucketResult>",
    "gs": '{"kind": "storage#objects"}',
    "abfs": "<EnumerationResults><Blobs /><NextMarker /></EnumerationResults>",
}


@contextmanager
def refusing(scheme: str, denied: tuple[str, ...]) -> Iterator[str]:
    """Run a store without any file, that denies requests of these methods."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            is_listing = "prefix=" in self.path or "list-type" in self.path
            status, (body, kind, headers) = 404, NOT_FOUND[scheme]
            if self.command in denied:
                status, (body, kind, headers) = 403, DENIED[scheme]
            elif is_listing:
                status, body = 200, EMPTY_LISTINGS[scheme]
            self.send_response(status)
            data = b"" if self.command == "HEAD" else body.encode()
            for name, value in ({"Content-Type": kind, "Content-Length": str(len(data))} | headers).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = answer  # noqa: N815 - the base class's names

        def log_message(self, *_: Any) -> None:
            """Nothing on the terminal."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(
    ("denied", "right"),
    [(("PUT", "POST"), "write"), (("GET", "HEAD"), "read"), (("GET", "HEAD", "PUT", "POST"), "read")],
)
def test_a_refusal_names_bucket_key_and_the_missing_right(
    place: Place, emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch, denied: tuple[str, ...], right: str
) -> None:
    connection_to(emulator, monkeypatch)
    with refusing(place.scheme, denied) as endpoint:
        there = replace(place, endpoint=endpoint)
        # Airflow keeps the file system of a connection for the whole process: each server needs one of its own.
        conn_id = f"refused_{endpoint.rpartition(':')[2]}"
        monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", there.connection)
        with pytest.raises(AirflowFailException) as refusal:
            execute(output_path=place.url, output_conn_id=conn_id)
    told = str(refusal.value)
    assert re.search(rf"bucket {place.bucket!r}, key 'insights/[^']+'", told)
    assert place.rights[right] in told
    assert "output_conn_id" in told
    assert emulator.stats()["http_requests"] == 0
