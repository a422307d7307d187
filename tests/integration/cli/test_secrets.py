"""No secret in anything the command line prints or writes: whatever the token, with all the logging there is."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any

import pytest
from support.dag_runs import connection_to
from support.secret_watch import Secrets, Watch

from airflow_provider_msginsights.cli import main
from airflow_provider_msginsights.emulator import Token, TokenKind
from airflow_provider_msginsights.hooks.msginsights import MessagingInsightsHook

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_provider_msginsights.emulator import GraphEmulator

USER_TOKEN = "Q7/x+zz=Kd|mm-81_kT.9w/5e"
SECRETS = {"user token": USER_TOKEN, "app secret": "app-secret", "app token": "1|app-secret"}
CONN_ID = "msginsights_default"
COMMANDS = {
    "check": ["check", CONN_ID],
    "check --json": ["check", CONN_ID, "--json"],
    "check --sample": ["check", CONN_ID, "--sample", "{folder}/sample.json"],
    "metrics --json": ["metrics", "--conn-id", CONN_ID, "--json"],
    "plan --json": ["plan", "--conn-id", CONN_ID, "--since", "2026-11-01", "--until", "2026-11-03", "--json"],
    "a wrong option": ["plan", "--conn-id", CONN_ID, "--since", "yesterday", "--json"],
}


def troubles(emulator: GraphEmulator) -> dict[str, dict[str, Any]]:
    """What may be wrong: how to bring it about, and what the connection then differs in."""
    return {
        "nothing": {},
        "expired": {"before": lambda: emulator.expire_token(USER_TOKEN)},
        "revoked": {"before": lambda: emulator.revoke_token(USER_TOKEN)},
        "without read_insights": {"before": lambda: emulator.change_token(USER_TOKEN, scopes=("pages_show_list",))},
        "unreachable": {"host": "http://127.0.0.1:9"},
        "wrong field": {"extra": {"app_id": "app-secret", "app_secret": "app-secret"}},
        "the token repeated": {
            "before": lambda: emulator.add_fault(code=10, message=f"No, {USER_TOKEN}!", times=None, path="/insights")
        },
    }


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
@pytest.mark.parametrize("trouble", list(troubles(None)))  # type: ignore[arg-type] # for the names alone
def test_no_command_shows_a_secret(
    command: list[str],
    trouble: str,
    emulator: GraphEmulator,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    watch = connected(emulator, monkeypatch, **troubles(emulator)[trouble])
    with watch.everything_logged(capfd), contextlib.suppress(SystemExit):
        main([word.format(folder=tmp_path) for word in command])
    watch.see_files(tmp_path)
    assert watch.leaks() == []
    assert watch.saw("console")


@pytest.mark.parametrize("trouble", list(troubles(None)))  # type: ignore[arg-type] # for the names alone
def test_the_test_button_shows_no_secret(
    trouble: str, emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    watch = connected(emulator, monkeypatch, **troubles(emulator)[trouble])
    with watch.everything_logged(capfd):
        watch.see("answer", json.dumps(MessagingInsightsHook().test_connection()))
    assert watch.leaks() == []
    assert watch.saw("answer")


def connected(emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch, before: Any = None, **different: Any) -> Watch:
    """Bring the trouble about, and watch for every secret there is."""
    (user,) = (token for token in emulator.tokens() if token.value == "user-token")
    emulator.add_token(Token(value=USER_TOKEN, kind=TokenKind.USER, user_id=user.user_id))
    if before is not None:
        before()
    extra = {"app_id": "1", "app_secret": "app-secret", "max_attempts": 1, **different.pop("extra", {})}
    connection_to(emulator, monkeypatch, password=USER_TOKEN, extra=extra, **different)
    pages = {f"token of Page {page}": emulator.page_token(page) for page in ("101", "102")}
    return Watch(Secrets(SECRETS | pages, app_secret="app-secret"))
