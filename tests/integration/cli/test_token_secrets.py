"""No secret in anything that ``msginsights token`` shows, writes or starts, but where it was asked to save it."""

from __future__ import annotations

import json
import shlex
import sys
from typing import TYPE_CHECKING, Any

import pytest
from support.dialog_browser import environment
from support.secret_watch import Secrets, Watch
from support.token_commands import FOUR, LOOKS_AROUND, Commands

from airflow_provider_msginsights.emulator import Token, TokenKind

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from airflow_provider_msginsights.emulator import GraphEmulator

USER_TOKEN = "Q7/x+zz=Kd|mm-81_kT.9w/5e"
SECRETS = {
    "user token": USER_TOKEN,
    "app secret": "app-secret",
    "app token": "1|app-secret",
    "token of the login": "login-token-",
    "code of the login": "login-code-",
}
APP = ("--app-id", "1")
GIVEN = f"{USER_TOKEN}\napp-secret\n"
COMMANDS: dict[str, tuple[list[str], str]] = {
    "create --paste": (["create", "--paste", *APP, "--page-ids", "101", "--save-env", "{safe}/x.env"], GIVEN),
    "create --paste, the person's": (["create", *APP, "--kind", "person", "--save-env", "{safe}/x.env"], GIVEN),
    "create --paste, without an app": (["create", "--save-env", "{safe}/x.env"], GIVEN),
    "create --login": (["create", "--login", "--port", "0", *APP, "--save-env", "{safe}/x.env"], "app-secret\n"),
    "create --json": (["create", *APP, "--json", "--save-env", "{safe}/x.env", "--report", "{folder}/r.json"], GIVEN),
    "create --save-with": (["create", *APP, "--save-with", "{looks_around} 0"], GIVEN),
    "create --save-with, failing": (["create", *APP, "--save-with", "{looks_around} 7"], GIVEN),
    "create --login, wrong way round": (["create", "--login", "--port", "0", *APP, "--save-env", "{safe}/x"], GIVEN),
    "renew": (["renew", "--if-within-days", "90", "--save-env", "{safe}/x.env"], ""),
    "renew --json": (["renew", "--json", "--if-within-days", "90", "--save-with", "/nonexistent"], ""),
}


def troubles(emulator: GraphEmulator, *, known: str = "") -> dict[str, Callable[[], object]]:
    """What may be wrong, and how to bring it about.

    :param known: a secret that the command was given; the API repeats it.
    """
    echo = f"No, {known}!"
    return {
        "nothing": lambda: None,
        "expired": lambda: emulator.expire_token(USER_TOKEN),
        "another app": lambda: emulator.change_token(USER_TOKEN, app_id="77"),
        "without read_insights": lambda: emulator.lose_permission("read_insights"),
        "repeated by the exchange": lambda: emulator.add_fault(
            code=10, message=echo, times=None, path="/oauth/access_token"
        ),
        "repeated by insights": lambda: emulator.add_fault(code=10, message=echo, times=None, path="/insights"),
        "an exchange of another shape": lambda: emulator.add_fault(
            kind="reply", body=json.dumps({"token": USER_TOKEN}), times=None, path="/oauth/access_token"
        ),
        "an exchange that no header can carry": lambda: emulator.add_fault(
            kind="reply", body=json.dumps({"access_token": f"{USER_TOKEN}\n"}), times=None, path="/oauth/access_token"
        ),
    }


def crossed() -> list[Any]:
    """Every command with every trouble; each of both once in every run, with the first of the others."""
    names = list(troubles(None))  # type: ignore[arg-type] # for the names alone
    first_command, first_trouble = next(iter(COMMANDS)), names[0]
    return [
        (command, trouble)
        if command == first_command or trouble == first_trouble
        else pytest.param(command, trouble, marks=pytest.mark.thorough)
        for command in COMMANDS
        for trouble in names
    ]


@pytest.mark.parametrize(("command", "trouble"), crossed())
def test_no_secret_is_shown_or_left(
    command: str,
    trouble: str,
    emulator: GraphEmulator,
    present: None,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    del present
    watch = prepared(emulator, monkeypatch, is_connected=command.startswith("renew"))
    words, given = COMMANDS[command]
    troubles(emulator, known=given.split("\n")[0] or USER_TOKEN)[trouble]()
    safe, folder = tmp_path / "safe", tmp_path / "folder"
    safe.mkdir()
    folder.mkdir()
    looks_around = shlex.join([sys.executable, "-c", LOOKS_AROUND, str(folder / "seen")])
    filled = [
        word.replace("{safe}", str(safe)).replace("{folder}", str(folder)).replace("{looks_around}", looks_around)
        for word in words
    ]
    action, *options = filled
    host = ["--host", emulator.base_url, "--extra", "max_attempts=1"] if action == "create" else []
    commands = Commands(emulator, monkeypatch, capfd)
    with watch.everything_logged(capfd):
        told = commands.run(action, *host, *options, given=given)
        watch.see("console", told.out + told.err)
    watch.see_files(folder)
    assert watch.leaks() == []
    assert watch.saw("console")
    if trouble == "nothing" and "--save-with" in words and action == "create":
        assert (folder / "seen").stat().st_size > 1000, "the command was started and looked around"
    assert told.exit_code in {0, 1, 2, 3}, told.err


def prepared(emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch, *, is_connected: bool) -> Watch:
    """A person's token that ends in a day and a half, maybe a connection with it, and a browser that allows."""
    (user,) = [token for token in emulator.tokens() if token.value == "user-token"]
    ends = int(emulator.now().timestamp()) + 130_000
    emulator.add_token(Token(value=USER_TOKEN, kind=TokenKind.USER, user_id=user.user_id, expires_at=ends))
    parts: dict[str, Any] = {"conn_type": "msginsights", "host": emulator.base_url, "password": USER_TOKEN}
    parts |= {"login": "101", "extra": {"app_id": "1", "app_secret": "app-secret", "max_attempts": 1}}
    for name, value in environment("allow", scope=FOUR, page=["101"]).items():
        monkeypatch.setenv(name, value)
    if is_connected:
        monkeypatch.setenv("AIRFLOW_CONN_MSGINSIGHTS_DEFAULT", json.dumps(parts))
    pages = {f"token of Page {page}": emulator.page_token(page) for page in ("101", "102")}
    return Watch(Secrets(SECRETS | pages, app_secret="app-secret"))
