"""A Graph API stand-in that costs what the network would: a fixed wait a request and a part. Run by the benchmarks as
a process.

It answers insights requests with one integer a metric and day, told apart by Page, metric and day, and keeps what it
rendered so that it is never the slow side of a comparison. ``GET /_stats`` tells HTTP requests and Graph calls since
the last time.
"""

from __future__ import annotations

import argparse
import json
import sys
import threading
import time
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, parse_qsl, urlsplit
from zoneinfo import ZoneInfo

PACIFIC = ZoneInfo("America/Los_Angeles")
DEAD_TEXT = json.dumps({"error": {"message": "(#100) The value must be a valid insights metric", "code": 100}})


def value_of(page_id: str, metric: str, ordinal: int) -> int:
    """A number that tells Pages, metrics and days apart."""
    return (int(page_id) * 31 + len(metric)) * 100_000 + ordinal % 100_000


@lru_cache(maxsize=4096)
def _end_times(since: int, until: int) -> tuple[tuple[str, int], ...]:
    first, end = (datetime.fromtimestamp(stamp, PACIFIC).date() for stamp in (since, until))
    days = [first + timedelta(n) for n in range((end - first).days)]
    return tuple((_end_of(day).strftime("%Y-%m-%dT%H:%M:%S+0000"), day.toordinal()) for day in days)


def _end_of(day: date) -> datetime:
    return datetime.combine(day + timedelta(1), datetime.min.time(), PACIFIC).astimezone(UTC)


@lru_cache(maxsize=4096)
def body_of(target: str) -> tuple[int, str]:
    """Status and JSON text for a path with query."""
    url = urlsplit(target)
    params = dict(parse_qsl(url.query))
    page_id, metrics = url.path.strip("/").split("/")[0], params["metric"].split(",")
    if params.get("dead") or Server.dead_metric in metrics:
        return 400, DEAD_TEXT
    period = params["period"]
    entries = []
    for metric in metrics:
        rows = ",".join(
            f'{{"value":{value_of(page_id, metric, ordinal)},"end_time":"{end}"}}'
            for end, ordinal in _end_times(int(params["since"]), int(params["until"]))
        )
        entries.append(
            f'{{"name":"{metric}","period":"{period}","values":[{rows}],"title":"A title",'
            f'"description":"A description of it","id":"{page_id}/insights/{metric}/{period}"}}'
        )
    return 200, f'{{"data":[{",".join(entries)}]}}'


@lru_cache(maxsize=4096)
def part_of(target: str) -> str:
    """A part of a batch reply as JSON text."""
    status, body = body_of(target)
    return (
        f'{{"code":{status},"headers":[{{"name":"Content-Type","value":"text/javascript"}}],"body":{json.dumps(body)}}}'
    )


class Server(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    request_seconds = 0.1
    part_seconds = 0.005
    dead_metric = ""
    lock = threading.Lock()
    stats = {"http": 0, "posts": 0, "calls": 0}  # noqa: RUF012 - one server a process

    def do_GET(self) -> None:
        if self.path == "/_stats":
            with self.lock:
                told = json.dumps(self.stats)
                self.stats.update(dict.fromkeys(self.stats, 0))
            self._answer(200, told)
            return
        self._count(calls=1)
        time.sleep(self.request_seconds + self.part_seconds)
        status, body = body_of(_without_token(self.path.split("/", 2)[2]))
        self._answer(status, body)

    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        parts = json.loads(form["batch"][0])
        self._count(calls=len(parts), posts=1)
        body = ",".join(part_of(_without_token(part["relative_url"])) for part in parts)
        time.sleep(self.request_seconds + self.part_seconds * len(parts))
        self._answer(200, f"[{body}]")

    def _count(self, calls: int, posts: int = 0) -> None:
        with self.lock:
            self.stats["http"] += 1
            self.stats["posts"] += posts
            self.stats["calls"] += calls

    def _answer(self, status: int, body: str) -> None:
        content = body.encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Nothing on the terminal."""


def _without_token(target: str) -> str:
    return "&".join(piece for piece in target.split("&") if not piece.startswith("access_token="))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--request-ms", type=float, default=100)
    parser.add_argument("--part-ms", type=float, default=5)
    parser.add_argument("--dead-metric", default="")
    told = parser.parse_args()
    Server.request_seconds, Server.part_seconds = told.request_ms / 1000, told.part_ms / 1000
    Server.dead_metric = told.dead_metric
    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    server.daemon_threads = True
    sys.stdout.write(f"{server.server_address[1]}\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    main()
