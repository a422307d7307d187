"""``msginsights token renew``: a token of 60 days is replaced before it ends; an ended one is refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from support.token_commands import Commands, Told, connections_in

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_provider_msginsights.emulator import GraphEmulator

APP = {"app_id": "1", "app_secret": "app-secret"}
DAY = 86_400


@pytest.fixture
def commands(
    emulator: GraphEmulator, present: None, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Commands:
    del present
    return Commands(emulator, monkeypatch, capfd)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "msginsights.env"


class Connected:
    """Connections in the environment, and the renewal of theirs."""

    def __init__(self, emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch, commands: Commands) -> None:
        self._emulator, self._monkeypatch, self._commands = emulator, monkeypatch, commands

    def with_token(self, token: str, conn_id: str = "msginsights_default", **different: Any) -> None:
        parts = {"conn_type": "msginsights", "host": self._emulator.base_url, "login": "101", "password": token}
        parts |= {"extra": APP | {"max_attempts": 2}} | different
        self._monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", json.dumps(parts))

    def ends_in(self, token: str, days: float) -> None:
        now = int(self._emulator.now().timestamp())
        self._emulator.change_token(token, expires_at=now + int(days * DAY))

    def renew(self, *options: str, given: str = "") -> Told:
        return self._commands.run("renew", *options, given=given)


@pytest.fixture
def connected(emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch, commands: Commands) -> Connected:
    return Connected(emulator, monkeypatch, commands)


def end_of(emulator: GraphEmulator, token: str) -> float:
    """Days until the token's end."""
    (found,) = [one for one in emulator.tokens() if one.value == token]
    return (found.expires_at - emulator.now().timestamp()) / DAY


@pytest.mark.parametrize("token", ["system-user-token", "user-token"])
def test_a_token_that_ends_soon_is_replaced_and_nothing_else_of_the_connection(
    token: str, connected: Connected, emulator: GraphEmulator, file: Path
) -> None:
    connected.ends_in(token, 10)
    connected.with_token(token, description="ours", login="101,102")
    told = connected.renew("--save-env", str(file))
    assert told.exit_code == 0, told.err
    parts = connections_in(file)["msginsights_default"]
    new = parts.pop("password")
    assert new != token
    assert end_of(emulator, new) > 59
    assert end_of(emulator, token) < 11, "the old one lives on until its own end"
    assert parts == {
        "conn_type": "msginsights",
        "description": "ours",
        "host": emulator.base_url,
        "login": "101,102",
        "extra": APP | {"max_attempts": 2},
    }
    assert new not in told.out + told.err


def test_only_what_ends_within_the_days_is_renewed(connected: Connected, emulator: GraphEmulator, file: Path) -> None:
    connected.ends_in("system-user-token", 20)
    connected.with_token("system-user-token")
    told = connected.renew("--save-env", str(file))
    assert (told.exit_code, file.exists()) == (0, False)
    assert "nothing to do: it ends" in told.err
    assert connected.renew("--if-within-days", "21", "--save-env", str(file)).exit_code == 0
    assert file.exists()
    assert end_of(emulator, connections_in(file)["msginsights_default"]["password"]) > 59


def test_a_token_without_an_end_is_left_alone(connected: Connected, file: Path) -> None:
    connected.with_token("system-user-token")
    told = connected.renew("--save-env", str(file), "--json")
    assert (told.exit_code, file.exists()) == (0, False)
    (found,) = json.loads(told.out)["connections"]
    assert (found["renewed"], found["ends_at"]) == (False, "never")


@pytest.mark.parametrize(
    "trouble", ["ended", "revoked", "page", "app secret", "no app", "another app", "lost permission"]
)
def test_what_cannot_be_renewed_is_refused_with_what_to_do(
    trouble: str, connected: Connected, emulator: GraphEmulator, file: Path
) -> None:
    token, code, words = "system-user-token", 1, "msginsights token create"
    different: dict[str, Any] = {}
    connected.ends_in(token, 5)
    match trouble:
        case "ended":
            connected.ends_in(token, -1)
        case "revoked":
            emulator.revoke_token(token)
        case "page":
            token = "page-token-101"
            connected.ends_in(token, 5)
        case "app secret":
            different = {"extra": APP | {"app_secret": "wrong"}}
            code, words = 2, "do not go with the token"
        case "no app":
            different = {"extra": {}}
            code, words = 2, "names no app"
        case "another app":
            emulator.change_token(token, app_id="77")
            code, words = 2, "another app"
        case _:
            emulator.lose_permission("read_insights")
            words = "read_insights"
    connected.with_token(token, **different)
    told = connected.renew("--save-env", str(file))
    assert (told.exit_code, file.exists()) == (code, False), told.err
    assert words in told.err
    assert token not in told.out + told.err


def test_one_that_cannot_be_renewed_keeps_no_other_from_it(connected: Connected, file: Path, tmp_path: Path) -> None:
    connected.ends_in("system-user-token", 5)
    connected.ends_in("user-token", -1)
    connected.with_token("user-token", "ended")
    connected.with_token("system-user-token", "good")
    report = tmp_path / "report.json"
    told = connected.renew("ended", "missing", "good", "--save-env", str(file), "--json", "--report", str(report))
    assert told.exit_code == 1
    assert list(connections_in(file)) == ["good"]
    outcomes = {one["connection"]: one for one in json.loads(told.out)["connections"]}
    assert {name: one["renewed"] for name, one in outcomes.items()} == {"ended": False, "missing": False, "good": True}
    assert outcomes["missing"]["error"]["kind"] == "ConfigurationError"
    assert [one["connection"] for one in json.loads(report.read_text())["connections"]] == ["ended", "good"]


def test_an_exchange_that_gives_no_later_end_saves_nothing(
    connected: Connected, emulator: GraphEmulator, file: Path
) -> None:
    connected.ends_in("system-user-token", 5)
    connected.with_token("system-user-token")
    emulator.add_fault(
        kind="reply", path="/oauth/access_token", times=None, body=json.dumps({"access_token": "system-user-token"})
    )
    told = connected.renew("--save-env", str(file))
    assert (told.exit_code, file.exists()) == (1, False)
    assert "does not end later" in told.err


def test_the_apps_secret_is_read_where_the_connection_has_none(connected: Connected, file: Path) -> None:
    connected.ends_in("system-user-token", 5)
    connected.with_token("system-user-token", extra={"app_id": "1"})
    assert connected.renew("--save-env", str(file)).exit_code == 2
    assert connected.renew("--save-env", str(file), given="app-secret\n").exit_code == 0
    assert connections_in(file)["msginsights_default"]["extra"] == {"app_id": "1"}, "it stays out of the connection"


def test_a_renewed_token_must_be_saved_somewhere(connected: Connected, emulator: GraphEmulator) -> None:
    connected.with_token("system-user-token")
    assert connected.renew().exit_code == 2
    assert not emulator.stats()["journal"]


def test_a_variable_that_goes_before_the_database_is_named(
    connected: Connected, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Airflow itself is not needed to see that: a stand-in says what its import says."""
    stand_in = tmp_path / "airflow"
    stand_in.mkdir()
    (stand_in / "__init__.py").touch()
    (stand_in / "__main__.py").write_text("print('Imported connection msginsights_default')\n")
    connected.ends_in("system-user-token", 5)
    connected.with_token("system-user-token")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    told = connected.renew("--save-airflow")
    assert told.exit_code == 0, told.err
    assert "AIRFLOW_CONN_MSGINSIGHTS_DEFAULT is set here and goes before the database" in told.err


def test_the_check_names_the_command_that_helps(
    connected: Connected, commands: Commands, emulator: GraphEmulator
) -> None:
    connected.with_token("system-user-token")
    for days, words in ((5, "msginsights token renew"), (-1, "msginsights token create")):
        connected.ends_in("system-user-token", days)
        assert words in commands.any("check").out
    connected.ends_in("system-user-token", 50)
    emulator.lose_permission("pages_messaging")
    assert "msginsights token create" in commands.any("check").out
