"""A Graph API stand-in that costs what a network would: a fixed wait a request and a part. The benchmarks run it as a
process.

It answers insights requests with one integer a metric and day, told apart by Page, metric and day, and keeps what it
rendered, so that it is never the slow side of a comparison. ``GET /_stats`` tells HTTP requests and Graph calls since
it was last asked.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, parse_qsl, urlsplit
from urllib.request import urlopen
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from collections.abc import Iterator

PACIFIC = ZoneInfo("America/Los_Angeles")
DEAD_METRIC = "page_messages_order_count"
BLOCKED_PAGE = "150"
LIMITED = json.dumps(
    {"error": {"message": "(#80001) There have been too many calls to this Page account.", "code": 80001}}
)
REFUSALS = {
    "dead metric": json.dumps({"error": {"message": "(#100) The value must be a valid insights metric", "code": 100}}),
    "expired": json.dumps({"error": {"message": "Session has expired", "code": 190, "error_subcode": 463}}),
    "limited twice": LIMITED,
    "blocked page": LIMITED,
}
REGAIN = json.dumps({BLOCKED_PAGE: [{"type": "pages", "call_count": 100, "estimated_time_to_regain_access": 15}]})


@contextmanager
def running(scenario: str = "") -> Iterator[str]:
    """The server's address, while it runs in a process of its own."""
    argv = [sys.executable, __file__, "--scenario", scenario]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        finally:
            process.terminate()


def stats(url: str) -> dict[str, int]:
    """HTTP requests, POSTs and Graph calls since the last time."""
    with urlopen(f"{url}/_stats") as answer:
        counts: dict[str, int] = json.load(answer)
        return counts


def value_of(page_id: str, metric: str, ordinal: int) -> int:
    """A number that tells Pages, metrics and days apart."""
    return (int(page_id) * 31 + len(metric)) * 100_000 + ordinal % 100_000


@lru_cache(maxsize=4096)
def end_times(since: int, until: int) -> tuple[tuple[str, int], ...]:
    first, end = (datetime.fromtimestamp(stamp, PACIFIC).date() for stamp in (since, until))
    days = [first + timedelta(n) for n in range((end - first).days)]
    return tuple((end_of(day).strftime("%Y-%m-%dT%H:%M:%S+0000"), day.toordinal()) for day in days)


def end_of(day: date) -> datetime:
    return datetime.combine(day + timedelta(1), datetime.min.time(), PACIFIC).astimezone(UTC)


@lru_cache(maxsize=4096)
def healthy_body(target: str) -> str:
    """JSON text for a path with query."""
    url = urlsplit(target)
    params = dict(parse_qsl(url.query))
    if url.path == "me/accounts":
        return list_of_pages(int(params.get("after", 101)), int(params["limit"]))
    page_id, period = url.path.split("/")[0], params["period"]
    entries = []
    metrics = params["metric"]  # the SDK sends a JSON array
    for metric in json.loads(metrics) if metrics.startswith("[") else metrics.split(","):
        rows = ",".join(
            f'{{"value":{value_of(page_id, metric, ordinal)},"end_time":"{end}"}}'
            for end, ordinal in end_times(int(params["since"]), int(params["until"]))
        )
        entries.append(
            f'{{"name":"{metric}","period":"{period}","values":[{rows}],"title":"A title",'
            f'"description":"A description of it","id":"{page_id}/insights/{metric}/{period}"}}'
        )
    return f'{{"data":[{",".join(entries)}]}}'


def list_of_pages(first: int, count: int) -> str:
    """Page tokens, of as many Pages as anybody asks for."""
    pages = [{"id": str(page_id), "access_token": f"page-token-{page_id}"} for page_id in range(first, first + count)]
    return json.dumps({"data": pages, "paging": {"cursors": {"after": str(first + count)}, "next": "more"}})


@lru_cache(maxsize=4096)
def healthy_part(target: str) -> str:
    """The same as a part of a batch reply, which is JSON within JSON."""
    headers = '[{"name":"Content-Type","value":"text/javascript; charset=UTF-8"}]'
    return f'{{"code":200,"headers":{headers},"body":{json.dumps(healthy_body(target))}}}'


class Server(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    request_seconds, part_seconds = 0.1, 0.005
    scenario = ""
    limits_left = 2
    counts = {"http": 0, "posts": 0, "calls": 0}  # noqa: RUF012 - one server a process
    lock = threading.Lock()

    def do_GET(self) -> None:
        if self.path == "/_stats":
            with self.lock:
                told = json.dumps(self.counts)
                self.counts.update(dict.fromkeys(self.counts, 0))
            self.answer(200, told)
            return
        self.count(calls=1)
        time.sleep(self.request_seconds + self.part_seconds)
        target = without_token(self.path.split("/", 2)[2])
        if (headers := self.refusal(target)) is None:
            self.answer(200, healthy_body(target))
        else:
            self.answer(400, REFUSALS[self.scenario], headers)

    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        targets = [without_token(part["relative_url"]) for part in json.loads(form["batch"][0])]
        self.count(calls=len(targets), posts=1)
        body = ",".join(self.part(target) for target in targets)
        time.sleep(self.request_seconds + self.part_seconds * len(targets))
        self.answer(200, f"[{body}]")

    def part(self, target: str) -> str:
        if (headers := self.refusal(target)) is None:
            return healthy_part(target)
        told = [{"name": name, "value": value} for name, value in headers.items()]
        return json.dumps({"code": 400, "headers": told, "body": REFUSALS[self.scenario]})

    def refusal(self, target: str) -> dict[str, str] | None:
        """The headers of a refusal, where the scenario refuses the target."""
        if self.scenario == "expired" or (self.scenario == "dead metric" and DEAD_METRIC in target):
            return {}
        if self.scenario == "blocked page" and target.startswith(f"{BLOCKED_PAGE}/"):
            return {"X-Business-Use-Case-Usage": REGAIN}
        if self.scenario == "limited twice" and Server.limits_left:
            Server.limits_left -= 1
            return {}
        return None

    def count(self, calls: int, posts: int = 0) -> None:
        with self.lock:
            self.counts["http"] += 1
            self.counts["posts"] += posts
            self.counts["calls"] += calls

    def answer(self, status: int, body: str, headers: dict[str, str] | None = None) -> None:
        content = body.encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Nothing on the terminal."""


def without_token(target: str) -> str:
    path, _, query = target.lstrip("/").partition("?")
    kept = (piece for piece in query.split("&") if not piece.startswith("access_token="))
    return f"{path}?{'&'.join(kept)}"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--request-ms", type=float, default=100)
    parser.add_argument("--part-ms", type=float, default=5)
    parser.add_argument("--scenario", default="", choices=["", *REFUSALS])
    told = parser.parse_args()
    Server.request_seconds, Server.part_seconds = told.request_ms / 1000, told.part_ms / 1000
    Server.scenario = told.scenario
    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    server.daemon_threads = True
    print(server.server_address[1], flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
