"""A client in another language: Node's own fetch, in the ways Node's Graph libraries use it."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from airflow_provider_msginsights.emulator import GraphEmulator

NODE = shutil.which("node")
pytestmark = pytest.mark.skipif(NODE is None, reason="Node is not installed")

PROGRAM = """
const [base] = process.argv.slice(1);
const metric = 'page_messages_new_conversations_unique';
const query = (fields) => new URLSearchParams(fields).toString();
const part = (id) => ({method: 'GET', relative_url: `${id}/insights?` + query({metric, period: 'day',
    access_token: `page-token-${id}`})});
const form = (fields) => {
  const data = new FormData();
  for (const [name, value] of Object.entries(fields)) data.append(name, value);
  return data;
};
const batch = {access_token: 'user-token', batch: JSON.stringify([part('101'), part('102')]), include_headers: 'false'};
const json = {'Content-Type': 'application/json'};
const read = async (path, options = {}) => {
  const answer = await fetch(base + path, options);
  return {status: answer.status, version: answer.headers.get('facebook-api-version'), body: await answer.json()};
};
const bearer = {headers: {Authorization: 'Bearer page-token-101'}};
const until = Math.floor(Date.parse('2026-11-12T08:00:00Z') / 1000);
const out = {
  query: await read('/v26.0/101/insights?' + query({metric, period: 'day', access_token: 'page-token-101',
      since: until - 172800, until})),
  header: await read('/v26.0/me/insights?' + query({metric: JSON.stringify([metric]), period: 'week'}), bearer),
  form: await read('/v26.0', {method: 'POST', body: new URLSearchParams(batch)}),
  multipart: await read('/v26.0', {method: 'POST', body: form(batch)}),
  json: await read('/v26.0/', {method: 'POST', headers: json,
      body: JSON.stringify({...batch, batch: [part('101'), part('102')]})}),
  error: await read('/v26.0/101/insights?' + query({metric: 'nonsense'}), bearer),
  accounts: await read('/v26.0/me/accounts?' + query({limit: 1, access_token: 'user-token'})),
};
const next = await fetch(out.accounts.body.paging.next);
out.next = {status: next.status, body: await next.json()};
console.log(JSON.stringify(out));
"""


@pytest.fixture
def answers(emulator: GraphEmulator) -> dict[str, Any]:
    assert NODE is not None
    done = subprocess.run(  # noqa: S603 - the program above
        [NODE, "--input-type=module", "--eval", PROGRAM, emulator.base_url],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    read: dict[str, Any] = json.loads(done.stdout)
    return read


def test_node_reads_insights_batches_errors_and_cursors(answers: dict[str, Any]) -> None:
    assert [row["end_time"] for row in answers["query"]["body"]["data"][0]["values"]] == [
        "2026-11-11T08:00:00+0000",
        "2026-11-12T08:00:00+0000",
    ]
    assert answers["query"]["version"] == "v26.0"
    assert answers["header"]["body"]["data"][0]["period"] == "week"
    for encoding in ("form", "multipart", "json"):
        parts = answers[encoding]["body"]
        assert [json.loads(part["body"])["data"][0]["id"].partition("/")[0] for part in parts] == ["101", "102"]
    assert (answers["error"]["status"], answers["error"]["body"]["error"]["code"]) == (400, 100)
    assert [page["id"] for page in answers["next"]["body"]["data"]] == ["102"]
