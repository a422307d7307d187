"""``msginsights token create``: a pasted token or a login becomes a tested connection, or nothing is saved."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING, Any

import pytest
from support.operator_calls import execute
from support.token_commands import FOUR, Commands, Told, connections_in

from airflow_provider_msginsights.emulator import Token, TokenKind

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_provider_msginsights.emulator import GraphEmulator

APP = ("--app-id", "1")
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


def now_of(emulator: GraphEmulator) -> int:
    return int(emulator.now().timestamp())


def end_of(emulator: GraphEmulator, token: str) -> int:
    """Seconds until the token's end; 0 for never."""
    (found,) = [one for one in emulator.tokens() if one.value == token]
    return found.expires_at and found.expires_at - now_of(emulator)


def saved(file: Path) -> dict[str, Any]:
    (parts,) = connections_in(file).values()
    return parts


def nothing_is_saved(told: Told, file: Path, code: int, *words: str) -> None:
    assert told.exit_code == code, told.err
    assert not file.exists()
    for word in words:
        assert word in told.err
    assert "Traceback" not in told.err


# Paste


def test_a_pasted_system_users_token_is_tested_and_saved_as_it_is(
    commands: Commands, emulator: GraphEmulator, file: Path
) -> None:
    told = commands.create(
        *APP, "--save-env", str(file), "--page-ids", "101,102", given="system-user-token\napp-secret\n"
    )
    assert told.exit_code == 0, told.err
    assert saved(file) == {
        "conn_type": "msginsights",
        "host": emulator.base_url,
        "login": "101,102",
        "password": "system-user-token",
        "extra": {"app_id": "1", "app_secret": "app-secret"},
    }
    assert "it has no end of its own" in told.err
    assert told.out == ""
    calls = [call["path"] for call in emulator.stats()["journal"]]
    assert not any("oauth" in path for path in calls), "an exchange would have shortened it"


def test_the_saved_connection_loads_a_day(
    commands: Commands, emulator: GraphEmulator, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    emulator.change_token("user-token", expires_at=now_of(emulator) + 3_600)
    options = (*APP, "--page-ids", "101,103", "--save-env", str(file))
    assert commands.create(*options, given="user-token\napp-secret\n").exit_code == 0
    monkeypatch.setenv("AIRFLOW_CONN_MSGINSIGHTS_DEFAULT", json.dumps(saved(file)))
    rows = execute(metrics="stable")
    assert {(row["page_id"], row["pacific_date"]) for row in rows} == {("101", "2026-11-01"), ("103", "2026-11-01")}


def test_a_short_lived_token_is_exchanged_for_one_that_lasts(
    commands: Commands, emulator: GraphEmulator, file: Path
) -> None:
    emulator.change_token("user-token", expires_at=now_of(emulator) + 3_600)
    told = commands.create(*APP, "--kind", "person", "--save-env", str(file), given="user-token\napp-secret\n")
    assert told.exit_code == 0, told.err
    token = saved(file)["password"]
    assert token != "user-token"
    assert end_of(emulator, token) > 59 * DAY
    assert "msginsights token renew msginsights_default" in told.err


def test_for_one_page_a_persons_token_becomes_the_pages_own_without_an_end(
    commands: Commands, emulator: GraphEmulator, file: Path
) -> None:
    emulator.change_token("user-token", expires_at=now_of(emulator) + 3_600)
    told = commands.create(*APP, "--page-ids", "102", "--save-env", str(file), given="user-token\napp-secret\n")
    assert told.exit_code == 0, told.err
    assert saved(file)["login"] == "102"
    assert end_of(emulator, saved(file)["password"]) == 0
    assert "Page token: it has no end of its own" in told.err


def test_pages_own_tokens_become_a_connection_each(commands: Commands, emulator: GraphEmulator, file: Path) -> None:
    emulator.change_token("user-token", expires_at=now_of(emulator) + 3_600)
    options = (*APP, "--kind", "page", "--page-ids", "101,102", "--save-env", str(file))
    assert commands.create("mine", *options, given="user-token\napp-secret\n").exit_code == 0
    found = connections_in(file)
    assert {name: parts["login"] for name, parts in found.items()} == {"mine_101": "101", "mine_102": "102"}
    assert {end_of(emulator, parts["password"]) for parts in found.values()} == {0}


@pytest.mark.parametrize("exchange", ["auto", "yes"])
def test_a_token_that_never_ends_is_never_shortened(
    exchange: str, commands: Commands, emulator: GraphEmulator, file: Path
) -> None:
    emulator.change_token("user-token", expires_at=0)
    options = (*APP, "--exchange", exchange, "--kind", "person", "--save-env", str(file))
    assert commands.create(*options, given="user-token\napp-secret\n").exit_code == 0
    assert saved(file)["password"] == "user-token"


def test_a_short_lived_token_without_the_apps_secret_is_refused(
    commands: Commands, emulator: GraphEmulator, file: Path
) -> None:
    emulator.change_token("user-token", expires_at=now_of(emulator) + 3_600)
    told = commands.create("--save-env", str(file), given="user-token\n")
    nothing_is_saved(told, file, 1, "too soon for a connection", "--app-id")
    told = commands.create("--save-env", str(file), "--exchange", "no", given="user-token\n")
    assert told.exit_code == 0, told.err


def test_a_pages_short_lived_token_is_refused(commands: Commands, emulator: GraphEmulator, file: Path) -> None:
    emulator.change_token("page-token-101", expires_at=now_of(emulator) + 3_600)
    told = commands.create(*APP, "--save-env", str(file), given="page-token-101\napp-secret\n")
    nothing_is_saved(told, file, 1, "too soon for a connection")


def test_where_the_end_is_not_known_a_person_decides_on_the_exchange(
    commands: Commands, emulator: GraphEmulator, file: Path
) -> None:
    emulator.add_fault(code=200, message="Not for you", times=None, path="/debug_token")
    options, given = (*APP, "--kind", "person", "--save-env", str(file)), "user-token\napp-secret\n"
    nothing_is_saved(commands.create(*options, given=given), file, 2, "--exchange yes or no is missing")
    assert commands.create(*options, "--exchange", "no", given=given).exit_code == 0
    assert saved(file)["password"] == "user-token"
    assert commands.create(*options, "--exchange", "yes", given=given).exit_code == 0
    assert saved(file)["password"] != "user-token"


def test_a_page_token_needs_no_app(commands: Commands, file: Path) -> None:
    assert commands.create("--save-env", str(file), given="page-token-103\n").exit_code == 0
    assert saved(file)["login"] == "103"
    assert "extra" not in saved(file)


@pytest.mark.parametrize(
    ("given", "code", "words"),
    [
        ("", 2, "standard input ended"),
        ("\n", 2, "nothing was given"),
        ("two words\n", 2, "holds spaces"),
        ("nonsense\napp-secret\n", 1, "The API refuses the token"),
        ("1|app-secret\napp-secret\n", 1, "app token"),
        ("system-user-token\n", 2, "standard input ended"),
        ("system-user-token\nwrong-secret\n", 2, "do not go with the token"),
    ],
)
def test_what_is_no_token_of_the_app_is_refused(
    given: str, code: int, words: str, commands: Commands, file: Path
) -> None:
    nothing_is_saved(commands.create(*APP, "--save-env", str(file), given=given), file, code, words)


def test_a_token_of_another_app_is_refused(commands: Commands, emulator: GraphEmulator, file: Path) -> None:
    emulator.change_token("system-user-token", app_id="77")
    told = commands.create(*APP, "--save-env", str(file), given="system-user-token\napp-secret\n")
    nothing_is_saved(told, file, 2, "another app")


@pytest.mark.parametrize("subcode", [463, 460, 467])
def test_a_token_that_has_ended_is_refused(
    subcode: int, commands: Commands, emulator: GraphEmulator, file: Path
) -> None:
    emulator.change_token("system-user-token", invalid_subcode=subcode)
    told = commands.create(*APP, "--save-env", str(file), given="system-user-token\napp-secret\n")
    nothing_is_saved(told, file, 1, "msginsights token create")


def test_missing_permissions_are_named_and_reported(
    commands: Commands, emulator: GraphEmulator, file: Path, tmp_path: Path
) -> None:
    emulator.lose_permission("read_insights")
    report = tmp_path / "report.json"
    options = (*APP, "--save-env", str(file), "--report", str(report))
    told = commands.create(*options, given="system-user-token\napp-secret\n")
    nothing_is_saved(told, file, 1, "read_insights")
    document = json.loads(report.read_text())
    assert document["saved_to"] == []
    assert document["connections"][0]["missing_permissions"] == ["read_insights"]


def test_a_token_without_pages_is_refused(commands: Commands, emulator: GraphEmulator, file: Path) -> None:
    emulator.add_token(Token(value="lonely", kind=TokenKind.USER, user_id="9001", page_ids=()))
    told = commands.create(*APP, "--save-env", str(file), given="lonely\napp-secret\n")
    nothing_is_saved(told, file, 1, "lists no Page")


def test_an_api_that_does_not_answer_ends_with_3(commands: Commands, file: Path) -> None:
    options = ("--host", "http://127.0.0.1:9", "--extra", "max_attempts=1", "--save-env", str(file))
    nothing_is_saved(commands.run("create", *options, given="t\n"), file, 3)


# Pages


def test_expected_pages_are_compared_with_those_of_the_token(
    commands: Commands, emulator: GraphEmulator, file: Path, tmp_path: Path
) -> None:
    emulator.change_token("user-token", page_ids=("101", "102", "103"))
    pages = tmp_path / "pages.csv"
    pages.write_text("name,page_id\nOne,101\nFour,104\n")
    report = tmp_path / "report.json"
    options = (*APP, "--expect-pages", str(pages), "--save-env", str(file), "--report", str(report))
    told = commands.create(*options, given="user-token\napp-secret\n")
    nothing_is_saved(told, file, 1, "Missing: 104", "left out: 102, 103")
    (facts,) = json.loads(report.read_text())["connections"]
    assert (facts["page_ids"], facts["missing_page_ids"], facts["extra_page_ids"]) == (["101"], ["104"], ["102", "103"])
    emulator.change_token("user-token", page_ids=("101", "104"))
    assert commands.create(*options, given="user-token\napp-secret\n").exit_code == 0
    assert saved(file)["login"] == "101,104"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "names no Page"),
        ("page_id\n", "names no Page"),
        ("page_id\n101\nEAAB1234567890abcdefghij\n", "line 3"),
        ("101\n10x\n", "line 2"),
        (b"\xff\xfe\x00", "not CSV"),
        (None, "cannot be read"),
    ],
)
def test_a_file_that_names_no_pages_is_refused_before_anything_is_asked(
    text: str | bytes | None, words: str, commands: Commands, emulator: GraphEmulator, file: Path, tmp_path: Path
) -> None:
    pages = tmp_path / "pages.csv"
    if text is not None:
        pages.write_bytes(text if isinstance(text, bytes) else text.encode())
    told = commands.create("--expect-pages", str(pages), "--save-env", str(file), given="system-user-token\n")
    nothing_is_saved(told, file, 2, words)
    assert "EAAB" not in told.err
    assert not emulator.stats()["journal"]


def test_all_pages_stay_all(commands: Commands, file: Path) -> None:
    assert commands.create("--page-ids", "all", "--save-env", str(file), given="system-user-token\n").exit_code == 0
    assert saved(file)["login"] == "all"


def test_a_page_that_the_list_leaves_out_may_be_named(commands: Commands, emulator: GraphEmulator, file: Path) -> None:
    emulator.change_page("102", listed=False)
    assert commands.create("--page-ids", "102", "--save-env", str(file), given="system-user-token\n").exit_code == 0


# Log in


def test_a_login_of_one_page_ends_with_that_pages_token_without_an_end(
    commands: Commands, emulator: GraphEmulator, file: Path
) -> None:
    told = commands.log_in("--save-env", str(file), page=["102"])
    assert told.exit_code == 0, told.err
    assert saved(file)["login"] == "102"
    assert end_of(emulator, saved(file)["password"]) == 0


def test_a_login_of_several_pages_ends_with_the_persons_token_of_60_days(
    commands: Commands, emulator: GraphEmulator, file: Path
) -> None:
    told = commands.log_in("--save-env", str(file), page=["101", "103"])
    assert told.exit_code == 0, told.err
    assert saved(file)["login"] == "101,103"
    assert end_of(emulator, saved(file)["password"]) > 59 * DAY


def test_a_configuration_of_login_for_business_is_named_instead_of_permissions(commands: Commands, file: Path) -> None:
    told = commands.log_in("--save-env", str(file), "--config-id", "55", page=["101"])
    assert told.exit_code == 0, told.err
    assert "config_id=55" in told.err
    assert "scope=" not in told.err


def test_a_denied_login_saves_nothing(commands: Commands, file: Path) -> None:
    nothing_is_saved(commands.log_in("--save-env", str(file), answer="deny"), file, 1, "The login was denied")


def test_refused_permissions_and_pages_not_ticked_are_named(commands: Commands, file: Path) -> None:
    some = [one for one in FOUR if one != "read_insights"]
    told = commands.log_in("--save-env", str(file), scope=some, page=["101"])
    nothing_is_saved(told, file, 1, "lacks read_insights", "--rerequest")
    told = commands.log_in("--save-env", str(file), "--page-ids", "101,104", page=["101"])
    nothing_is_saved(told, file, 1, "Missing: 104")
    nothing_is_saved(commands.log_in("--save-env", str(file), page=[]), file, 1, "lists no Page")


def test_a_closed_browser_ends_with_what_the_dialog_may_have_said(
    commands: Commands, emulator: GraphEmulator, file: Path
) -> None:
    emulator.configure(app_mode="live")
    told = commands.log_in("--save-env", str(file), "--timeout", "2", page=["101"])
    nothing_is_saved(told, file, 1, "within 2 s", "URL Blocked", "live mode", "--redirect-uri", "--paste-address")


def test_a_port_that_is_taken_is_named(commands: Commands, file: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        told = commands.log_in("--save-env", str(file), "--port", str(port), page=["101"])
    nothing_is_saved(told, file, 2, f"--port: {port}")


def test_a_wrong_secret_of_the_app_ends_with_2(commands: Commands, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from support.dialog_browser import environment

    for name, value in environment("allow", scope=FOUR, page=["101"]).items():
        monkeypatch.setenv(name, value)
    options = ("--login", "--port", "0", *APP, "--save-env", str(file))
    nothing_is_saved(commands.create(*options, given="wrong\n"), file, 2, "client secret", "App settings, Basic")


@pytest.mark.parametrize("uri", ["http://example.com/", "ftp://localhost/", "https://", "http://[", "https://a b/"])
def test_a_redirect_that_meta_never_takes_is_refused(uri: str, commands: Commands, file: Path) -> None:
    options = ("--login", *APP, "--redirect-uri", uri, "--save-env", str(file))
    nothing_is_saved(commands.create(*options, given="app-secret\n"), file, 2, "--redirect-uri")


@pytest.mark.parametrize(
    ("address", "code", "words"),
    [
        ("https://app.example/back?code=x&state=foreign", 1, "another login"),
        ("https://app.example/back?code=x", 1, "another login"),
        ("https://app.example/back", 2, "code and state"),
        ("http://[", 2, "code and state"),
        ("URL_Blocked:_This_redirect_failed", 2, "live mode"),
        ("https://app.example/?error_message=Invalid%20Scopes&error_code=100&state=foreign", 1, "another login"),
    ],
)
def test_a_pasted_address_that_is_no_answer_is_refused(
    address: str, code: int, words: str, commands: Commands, file: Path
) -> None:
    options = ("--login", *APP, "--redirect-uri", "https://app.example/back", "--save-env", str(file))
    told = commands.create(*options, given=f"app-secret\n{address}\n")
    nothing_is_saved(told, file, code, words)


# Options


def test_where_to_save_must_be_said_where_nobody_can_be_asked(commands: Commands, emulator: GraphEmulator) -> None:
    told = commands.create(given="system-user-token\n")
    assert told.exit_code == 2
    assert "--save-airflow, --save-env, --save-with and --print-secret" in told.err
    assert not emulator.stats()["journal"]


@pytest.mark.parametrize("option", ["token=x", "app_secret=x", "proxy=http://u:p@h", "nonsense=1", "batch_size=0"])
def test_an_extra_that_is_a_secret_or_means_nothing_is_refused(option: str, commands: Commands, file: Path) -> None:
    told = commands.create("--extra", option, "--save-env", str(file), given="system-user-token\n")
    assert told.exit_code == 2
    assert not file.exists()


def test_a_secret_in_the_place_of_an_id_is_not_shown(commands: Commands, file: Path) -> None:
    told = commands.create("--app-id", "0123abcd", "--save-env", str(file), given="system-user-token\n")
    assert told.exit_code == 2
    assert "0123abcd" not in told.out + told.err


def test_json_holds_what_may_be_committed(commands: Commands, file: Path) -> None:
    told = commands.create(*APP, "--json", "--save-env", str(file), given="system-user-token\napp-secret\n")
    (facts,) = json.loads(told.out)["connections"]
    assert (facts["connection"], facts["app_id"], facts["kind"], facts["ends_at"]) == (
        "msginsights_default",
        "1",
        "SYSTEM_USER",
        "never",
    )
    assert facts["missing_permissions"] == []


def test_the_handover_names_all_parts_with_their_sources_and_asks_nothing(
    commands: Commands, emulator: GraphEmulator
) -> None:
    told = commands.create("--handover", "--page-ids", "101,102", "--app-id", "1")
    assert told.exit_code == 0
    for words in ("Page's owner", "app's admin", "business admin", "data engineer", "101,102", *FOUR):
        assert words in told.out
    assert told.out.count("- [ ]") == told.out.count("Source: ") >= 10
    assert not emulator.stats()["journal"]
