"""A token that is replaced while a run is under way is taken up, and the run goes on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from support.dag_runs import connection_to

from airflow_provider_msginsights.emulator import Token, TokenKind
from airflow_provider_msginsights.hooks.msginsights import MessagingInsightsHook

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_provider_msginsights.emulator import GraphEmulator

GOOD = "a-token-for-the-test"


def test_a_token_replaced_between_calls_is_used(emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    connection_to(emulator, monkeypatch)
    hook = MessagingInsightsHook()
    assert hook.inspect_token().kind == "PAGE"
    emulator.revoke_token(emulator.page_token("101"))
    connection_to(emulator, monkeypatch, password=emulator.system_user_token)
    assert hook.list_pages(), "the connection is read again when its token is refused"
    assert hook.inspect_token().kind == "SYSTEM_USER"


RUN = """
import asyncio, json, pathlib, sys
from airflow_provider_msginsights.hooks.msginsights import MessagingInsightsHook
from airflow_provider_msginsights.insights.query import InsightsQuery, asked_days

file, new = pathlib.Path(sys.argv[1]), sys.argv[2]
days = asked_days(since="2025-01-01", until="2026-01-01")
query = InsightsQuery.create(page_ids="101", metrics="stable", days=days)

def replace():
    print("replaced", file=sys.stderr, flush=True)
    sys.stdin.readline()  # the other side revokes the old token now
    told = json.loads(file.read_text())
    told["msginsights_default"]["password"] = new
    file.write_text(json.dumps(told))

async def main():
    count = 0
    async for record in MessagingInsightsHook().aget_records(query):
        count += 1
        if count == 1:
            replace()
    return count

def blocking():
    count = 0
    for record in MessagingInsightsHook().get_records(query):
        count += 1
        if count == 1:
            replace()
    return count

print(asyncio.run(main()) if sys.argv[3] == "async" else blocking())
"""


@pytest.mark.thorough
@pytest.mark.parametrize("world", ["blocking", "async"])
def test_a_token_replaced_in_the_secrets_backend_during_a_run_lets_it_go_on(
    emulator: GraphEmulator, tmp_path: Path, world: str
) -> None:
    emulator.add_token(Token(value=GOOD, kind=TokenKind.PAGE, user_id="9001", page_id="101"))
    file = tmp_path / "connections.json"
    told: dict[str, Any] = {
        "conn_type": "msginsights",
        "host": emulator.base_url,
        "password": emulator.page_token("101"),
        "extra": {"max_response_bytes": 20_000, "batch_size": 1, "concurrency": 1},
    }
    file.write_text(json.dumps({"msginsights_default": told}))
    backend = {
        "AIRFLOW__SECRETS__BACKEND": "airflow.secrets.local_filesystem.LocalFilesystemBackend",
        "AIRFLOW__SECRETS__BACKEND_KWARGS": json.dumps({"connections_file_path": str(file)}),
        "AIRFLOW__WORKERS__SECRETS_BACKEND": "airflow.secrets.local_filesystem.LocalFilesystemBackend",
        "AIRFLOW__WORKERS__SECRETS_BACKEND_KWARGS": json.dumps({"connections_file_path": str(file)}),
    }
    with subprocess.Popen(  # noqa: S603 - our own interpreter and code
        [sys.executable, "-c", RUN, str(file), GOOD, world],
        env={**os.environ, **backend},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as run:
        assert run.stderr is not None
        assert run.stdin is not None
        seen = ""
        while "replaced" not in seen:
            line = run.stderr.readline()
            assert line, seen
            seen += line
        emulator.revoke_token(emulator.page_token("101"))
        run.stdin.write("go on\n")
        run.stdin.flush()
        printed, errors = run.communicate(timeout=120)
    assert run.returncode == 0, errors
    assert int(printed.strip().splitlines()[-1]) == 4 * 365
    refused = [(entry["code"], entry["subcode"]) for entry in emulator.stats()["journal"] if entry["code"]]
    assert refused, "the old token was refused on the way"
    assert set(refused) == {(190, 467)}
