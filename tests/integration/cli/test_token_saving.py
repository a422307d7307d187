"""Where ``msginsights token create`` saves: for the owner alone, never where git takes it along, never by arguments."""

from __future__ import annotations

import json
import os
import shlex
import stat
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from support.token_commands import Commands, connections_in

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_provider_msginsights.emulator import GraphEmulator

TOKEN = "system-user-token"
GIVEN = f"{TOKEN}\napp-secret\n"
APP = ("--app-id", "1", "--page-ids", "101")


@pytest.fixture
def commands(
    emulator: GraphEmulator, present: None, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Commands:
    del present
    return Commands(emulator, monkeypatch, capfd)


def python(code: str, *arguments: object) -> str:
    """A command line that runs some Python."""
    return shlex.join([sys.executable, "-c", code, *map(str, arguments)])


def repository(folder: Path, *ignored: str) -> Path:
    folder.mkdir(parents=True)
    subprocess.run(["git", "init", "-q", str(folder)], check=True)  # noqa: S603, S607 - ours
    (folder / ".gitignore").write_text("".join(f"{name}\n" for name in ignored))
    return folder


# An environment file


def test_an_environment_file_is_its_owners_alone_and_a_shell_reads_it(commands: Commands, tmp_path: Path) -> None:
    file = tmp_path / "a b.env"
    file.write_text("# mine\nexport AIRFLOW_CONN_MSGINSIGHTS_DEFAULT='old'\nOTHER='x y'\n")
    file.chmod(0o644)
    assert commands.create(*APP, "--save-env", str(file), given=GIVEN).exit_code == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    lines = file.read_text().splitlines()
    assert (lines[0], lines[2], len(lines)) == ("# mine", "OTHER='x y'", 3)
    script = f'. {shlex.quote(str(file))}; printf %s "$AIRFLOW_CONN_MSGINSIGHTS_DEFAULT"'
    read = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)  # noqa: S603, S607 - ours
    assert json.loads(read.stdout)["password"] == TOKEN
    assert [path.name for path in tmp_path.iterdir()] == ["a b.env"], "nothing temporary is left"


def test_a_link_stays_a_link(commands: Commands, tmp_path: Path) -> None:
    target, link = tmp_path / "target.env", tmp_path / "link.env"
    target.write_text("")
    link.symlink_to(target)
    assert commands.create(*APP, "--save-env", str(link), given=GIVEN).exit_code == 0
    assert link.is_symlink()
    assert connections_in(target)["msginsights_default"]["password"] == TOKEN


@pytest.mark.parametrize("place", ["x.env", "deep/er/x.env", "linked"])
def test_a_file_that_git_would_take_along_is_refused_before_anything_is_asked(
    place: str, commands: Commands, emulator: GraphEmulator, tmp_path: Path
) -> None:
    tree = repository(tmp_path / "tree")
    (tree / "deep" / "er").mkdir(parents=True)
    if place == "linked":
        file = tmp_path / "link.env"
        file.symlink_to(tree / "x.env")
    else:
        file = tree / place
    told = commands.create(*APP, "--save-env", str(file), given=GIVEN)
    assert told.exit_code == 2
    assert ".gitignore" in told.err
    assert not (tree / "x.env").exists()
    assert not emulator.stats()["journal"]


def test_a_file_that_git_ignores_is_written_and_one_that_it_tracks_is_not(commands: Commands, tmp_path: Path) -> None:
    tree = repository(tmp_path / "tree", "*.env")
    assert commands.create(*APP, "--save-env", str(tree / "x.env"), given=GIVEN).exit_code == 0
    (tree / "y.env").write_text("")
    subprocess.run(["git", "-C", str(tree), "add", "-f", "y.env"], check=True)  # noqa: S603, S607 - ours
    assert commands.create(*APP, "--save-env", str(tree / "y.env"), given=GIVEN).exit_code == 2
    assert (tree / "y.env").read_text() == ""


@pytest.mark.parametrize("kind", ["folder", "pipe", "device"])
def test_what_is_not_a_file_is_not_replaced(kind: str, commands: Commands, tmp_path: Path) -> None:
    place = tmp_path / "place"
    match kind:
        case "folder":
            place.mkdir()
        case "pipe":
            os.mkfifo(place)
        case _:
            place.symlink_to("/dev/null")
    before = place.stat().st_mode
    assert commands.create(*APP, "--save-env", str(place), given=GIVEN).exit_code == 2
    assert place.stat().st_mode == before


def test_a_work_tree_that_git_cannot_read_is_refused(commands: Commands, tmp_path: Path) -> None:
    (tmp_path / "tree" / ".git").mkdir(parents=True)
    told = commands.create(*APP, "--save-env", str(tmp_path / "tree" / "x.env"), given=GIVEN)
    assert told.exit_code == 2
    assert "cannot be found out" in told.err


def test_without_git_a_work_tree_is_refused(
    commands: Commands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = repository(tmp_path / "tree", "*.env")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert commands.create(*APP, "--save-env", str(tree / "x.env"), given=GIVEN).exit_code == 2
    assert commands.create(*APP, "--save-env", str(tmp_path / "x.env"), given=GIVEN).exit_code == 0


def test_variables_of_git_do_not_mislead(commands: Commands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree, other = repository(tmp_path / "tree"), repository(tmp_path / "other", "*.env")
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other))
    assert commands.create(*APP, "--save-env", str(tree / "x.env"), given=GIVEN).exit_code == 2


@pytest.mark.parametrize(
    ("content", "conn_id", "words"),
    [
        ("AIRFLOW_CONN_MINE='{\n}'\n", "mine", "several lines"),
        ("", "my.connection", "not the name of an environment variable"),
        (None, "mine", "folder is missing"),
    ],
)
def test_a_file_that_cannot_hold_it_is_refused(
    content: str | None, conn_id: str, words: str, commands: Commands, tmp_path: Path
) -> None:
    file = tmp_path / "missing" / "x.env" if content is None else tmp_path / "x.env"
    if content is not None:
        file.write_text(content)
    told = commands.create(conn_id, *APP, "--save-env", str(file), given=GIVEN)
    assert told.exit_code == 2
    assert words in told.err
    assert content is None or file.read_text() == content


# A command


def test_a_command_gets_the_json_on_its_standard_input_and_nowhere_else(commands: Commands, tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    code = (
        "import json, os, sys; from pathlib import Path; parent = Path('/proc') / str(os.getppid()); "
        "Path(sys.argv[1]).write_text(json.dumps({'given': sys.stdin.read(), 'arguments': sys.argv, "
        "'environment': dict(os.environ), 'parent': [(parent / name).read_bytes().decode('latin-1') "
        "for name in ('cmdline', 'environ')]}))"
    )
    told = commands.create("mine", *APP, "--save-with", python(code, seen, "{conn_id}"), given=GIVEN)
    assert told.exit_code == 0, told.err
    document = json.loads(seen.read_text())
    assert json.loads(document.pop("given"))["password"] == TOKEN
    assert document["arguments"][-1] == "mine"
    assert TOKEN not in json.dumps(document)
    assert "app-secret" not in json.dumps(document)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (python("import sys; sys.exit('no: ' + sys.stdin.read())"), "ended with exit code 1"),
        ("/nonexistent/command", "cannot be started"),
        ("'", "not a command line"),
        (" ", "names no command"),
        (python("import os; os.kill(os.getpid(), 9)"), "exit code -9"),
    ],
)
def test_a_command_that_fails_ends_with_2_and_shows_no_secret(command: str, words: str, commands: Commands) -> None:
    told = commands.create(*APP, "--save-with", command, given=GIVEN)
    assert told.exit_code == 2
    assert words in told.err
    assert TOKEN not in told.out + told.err
    assert "app-secret" not in told.out + told.err


def test_what_was_saved_before_a_failure_is_named(commands: Commands, tmp_path: Path) -> None:
    file = tmp_path / "x.env"
    told = commands.create(*APP, "--save-env", str(file), "--save-with", "/nonexistent", given=GIVEN)
    assert told.exit_code == 2
    assert f"Saved before: environment file {file}" in told.err


def test_a_command_that_does_not_read_its_input_is_no_failure(commands: Commands) -> None:
    assert commands.create(*APP, "--save-with", python("pass"), given=GIVEN).exit_code == 0


# Standard output, and without the app's secret


def test_standard_output_holds_the_secret_only_when_it_is_asked_for(commands: Commands) -> None:
    told = commands.create(*APP, "--print-secret", given=GIVEN)
    assert json.loads(told.out)["password"] == TOKEN
    assert TOKEN not in told.err
    told = commands.create(*APP, "--print-secret", "--json", given=GIVEN)
    assert (told.exit_code, told.out) == (2, "") or json.loads(told.out)["error"]


def test_the_apps_secret_may_be_left_out_and_may_come_from_a_file(commands: Commands, tmp_path: Path) -> None:
    secret, file = tmp_path / "secret", tmp_path / "x.env"
    secret.write_text("app-secret\n")
    options = (*APP, "--app-secret-file", str(secret), "--without-app-secret", "--save-env", str(file))
    assert commands.create(*options, given=f"{TOKEN}\n").exit_code == 0
    assert connections_in(file)["msginsights_default"]["extra"] == {"app_id": "1"}
    secret.unlink()
    assert commands.create(*options, given=f"{TOKEN}\n").exit_code == 2


# Airflow's database


@pytest.mark.slow
def test_airflows_database_takes_it_and_loads_read_it(
    commands: Commands, airflow_database: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    del airflow_database
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    told = commands.create("stored", *APP, "--save-airflow", given=GIVEN)
    assert told.exit_code == 0, told.err
    assert list(tmp_path.iterdir()) == []
    shown = subprocess.run(
        [sys.executable, "-m", "airflow_provider_msginsights.cli", "check", "stored", "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert shown.returncode == 0, shown.stderr


@pytest.mark.slow
def test_a_database_that_is_not_set_up_is_told_in_a_line(
    commands: Commands, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path / "home"))
    told = commands.create("stored", *APP, "--save-airflow", given=GIVEN)
    assert told.exit_code == 2
    assert "airflow db migrate" in told.err
    assert TOKEN not in told.err
    assert os.environ["AIRFLOW_HOME"]
