"""``msginsights token`` as a process: asked questions in a terminal, stopped at any moment, and nothing is left."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import select
import shlex
import signal
import socket
import subprocess
import sys
import termios
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

import pytest
from support.dialog_browser import press
from support.processes import AT_ONCE_SECONDS, ONE_AND_THE_OTHERS, Sessions, free_port, wait_until
from support.token_commands import FOUR, LOOKS_AROUND, connections_in

from airflow_provider_msginsights.cli.token.loopback import redirect_server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_msginsights.emulator import GraphEmulator

COMMAND = (sys.executable, "-m", "airflow_provider_msginsights.cli", "token", "create")


@pytest.fixture
def sessions(tmp_path: Path) -> Iterator[Sessions]:
    with Sessions(tmp_path / "logs") as started:
        yield started


@pytest.fixture
def temporary(tmp_path: Path) -> Path:
    """Where the command puts its temporary folders."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    return folder


def listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


# Stopped


@pytest.mark.parametrize("number", ONE_AND_THE_OTHERS)
def test_a_login_that_is_waited_for_ends_at_once_and_its_server_with_it(
    number: signal.Signals, emulator: GraphEmulator, tmp_path: Path
) -> None:
    port, file = free_port(), tmp_path / "x.env"
    options = ("--host", emulator.base_url, "--login", "--app-id", "1", "--port", str(port), "--save-env", str(file))
    with running(*options) as process:
        assert process.stdin is not None
        process.stdin.write(b"app-secret\n")
        process.stdin.flush()
        address_in(process)
        assert listens(port)
        process.send_signal(number)
        assert process.wait(timeout=AT_ONCE_SECONDS) == 128 + number
    assert not listens(port)
    assert not file.exists()


@pytest.mark.parametrize("number", ONE_AND_THE_OTHERS)
def test_a_command_that_saves_is_ended_with_all_it_started(
    number: signal.Signals, emulator: GraphEmulator, tmp_path: Path
) -> None:
    marker = tmp_path / "children"
    code = (
        "import subprocess, sys, time; child = 'import time; time.sleep(99)'; "
        "subprocess.Popen([sys.executable, '-c', child, sys.argv[1]]); open(sys.argv[1], 'w').close(); time.sleep(99)"
    )
    command = shlex.join([sys.executable, "-c", code, str(marker)])
    options = ("--host", emulator.base_url, "--page-ids", "101", "--save-with", command)
    with running(*options) as process:
        assert process.stdin is not None
        process.stdin.write(b"system-user-token\n")
        process.stdin.close()
        wait_until(marker.exists, timeout_seconds=60, told=lambda: "", every_seconds=0.05)
        process.send_signal(number)
        assert process.wait(timeout=AT_ONCE_SECONDS) == 128 + number
    wait_until(lambda: processes_naming(str(marker)) == [], timeout_seconds=5, told=lambda: "a child is left")


@pytest.mark.parametrize("number", ONE_AND_THE_OTHERS)
def test_an_import_into_airflow_leaves_no_file_when_it_is_stopped(
    number: signal.Signals, emulator: GraphEmulator, temporary: Path, tmp_path: Path
) -> None:
    home = {"AIRFLOW_HOME": str(tmp_path / "home"), "TMPDIR": str(temporary)}
    options = ("--host", emulator.base_url, "--page-ids", "101", "--save-airflow")
    with running(*options, **home) as process:
        assert process.stdin is not None
        process.stdin.write(b"system-user-token\n")
        process.stdin.close()
        wait_until(
            lambda: bool(list(temporary.glob("*/connections.json"))),
            timeout_seconds=60,
            told=lambda: "",
            every_seconds=0.01,
        )
        (file,) = temporary.glob("*/connections.json")
        assert file.stat().st_mode & 0o777 == 0o600
        for pid in {process.pid, *processes_naming(str(temporary))}:
            assert b"system-user-token" not in arguments_and_environment(pid)
        process.send_signal(number)
        assert process.wait(timeout=AT_ONCE_SECONDS) == 128 + number
    assert list(temporary.iterdir()) == []
    wait_until(lambda: processes_naming(str(temporary)) == [], timeout_seconds=5, told=lambda: "a child is left")


@pytest.mark.parametrize("number", ONE_AND_THE_OTHERS)
def test_a_command_that_waits_for_the_api_stops_at_once(
    number: signal.Signals, emulator: GraphEmulator, tmp_path: Path
) -> None:
    file = tmp_path / "x.env"
    emulator.add_fault(kind="hang", times=None)
    with running("--host", emulator.base_url, "--save-env", str(file)) as process:
        assert process.stdin is not None
        process.stdin.write(b"system-user-token\n")
        process.stdin.close()
        wait_until(
            lambda: bool(emulator.stats()["journal"]), timeout_seconds=60, told=lambda: "no call", every_seconds=0.05
        )
        process.send_signal(number)
        assert process.wait(timeout=AT_ONCE_SECONDS) == 128 + number
    assert not file.exists()


def test_neither_it_nor_what_it_starts_shows_a_secret_to_other_processes(
    emulator: GraphEmulator, tmp_path: Path
) -> None:
    seen = tmp_path / "seen"
    command = shlex.join([sys.executable, "-c", LOOKS_AROUND, str(seen), "0"])
    with running("--host", emulator.base_url, "--app-id", "1", "--save-with", command, "--json") as process:
        printed, told = process.communicate(b"system-user-token\napp-secret\n", timeout=60)
        assert process.returncode == 0, told
    for secret in (b"system-user-token", b"app-secret"):
        assert secret not in printed + told
        assert secret not in seen.read_bytes()
    assert b"token\0create" in seen.read_bytes(), "the arguments of the command itself were looked at"


# The redirect


def test_only_the_one_answer_of_the_dialog_counts(emulator: GraphEmulator, tmp_path: Path) -> None:
    port, file = free_port(), tmp_path / "x.env"
    options = ("--host", emulator.base_url, "--login", "--app-id", "1", "--port", str(port), "--save-env", str(file))
    with running(*options) as process:
        assert process.stdin is not None
        process.stdin.write(b"app-secret\n")
        process.stdin.flush()
        address = address_in(process)
        assert status_of(f"http://127.0.0.1:{port}/favicon.ico") == 404
        assert status_of(f"http://127.0.0.1:{port}/") == 404
        assert status_of(f"http://127.0.0.1:{port}/?code=x&state=y", host="evil.example") == 403
        speculative = socket.create_connection(("127.0.0.1", port))  # a browser opens more than it uses
        page = press(address, {"answer": "allow", "scope": FOUR, "page": ["101"]})
        assert "The login is done" in page
        speculative.close()
        assert process.wait(timeout=60) == 0
    assert connections_in(file)["msginsights_default"]["login"] == "101"
    assert not listens(port)


def test_the_redirect_is_good_for_one_use() -> None:
    with redirect_server(0, state="mine") as server:
        address = f"{server.redirect_uri}?code=the+code&state=mine"
        assert status_of(address) == 200
        assert status_of(address) == 410
        assert status_of(f"{server.redirect_uri}?error=access_denied&state=mine") == 410
        assert server.answer(5) == "the code"
        assert server.answer(0.01) is None
        port = server.server_port
    assert not listens(port)


def test_a_foreign_state_ends_the_login(emulator: GraphEmulator, tmp_path: Path) -> None:
    port, file = free_port(), tmp_path / "x.env"
    options = ("--host", emulator.base_url, "--login", "--app-id", "1", "--port", str(port), "--save-env", str(file))
    with running(*options) as process:
        assert process.stdin is not None
        process.stdin.write(b"app-secret\n")
        process.stdin.flush()
        address_in(process)
        assert status_of(f"http://127.0.0.1:{port}/?code=login-code-1&state=foreign") == 400
        assert process.wait(timeout=60) == 1
        assert process.stderr is not None
        assert "another login" in process.stderr.read().decode()
    assert not file.exists()
    assert not listens(port)


# A terminal


def test_a_person_is_asked_and_no_secret_is_shown(emulator: GraphEmulator, tmp_path: Path) -> None:
    """The whole conversation in a terminal, as a pseudo-terminal makes it."""
    file = tmp_path / "x.env"
    with Terminal([*COMMAND, "--host", emulator.base_url]) as terminal:
        terminal.answer("How to get the token", "paste")
        terminal.answer("Access token", "system-user-token")
        terminal.answer("App id", "1")
        terminal.answer("App secret", "app-secret")
        terminal.answer("Which Pages", "101, 103")
        terminal.answer("Where to save", "env")
        terminal.answer("Which file", str(file))
        terminal.expect("Saved msginsights_default")
        assert terminal.exit_code() == 0
        assert terminal.echoes
    assert connections_in(file)["msginsights_default"]["login"] == "101,103"
    assert "system-user-token" not in terminal.shown
    assert "app-secret" not in terminal.shown
    assert "Fresno Bicycles" in terminal.shown, "the list of Pages"


@pytest.mark.thorough
def test_a_page_of_any_name_is_listed(emulator: GraphEmulator) -> None:
    emulator.change_page("102", name="[/nothing] [bold]x")
    with Terminal([*COMMAND, "--host", emulator.base_url, "--paste", "--print-secret"]) as terminal:
        terminal.answer("Access token", "system-user-token")
        terminal.answer("App id", "")
        terminal.expect("[/nothing] [bold]x")
        terminal.answer("Which Pages", "no id")
        terminal.expect("Page id")
        terminal.answer("Which Pages", "102")
        assert terminal.exit_code() == 0


@pytest.mark.thorough
def test_a_person_may_name_another_place_where_one_refuses(emulator: GraphEmulator, tmp_path: Path) -> None:
    options = ("--host", emulator.base_url, "--paste", "--page-ids", "101", "--save-with", "/nonexistent")
    file = tmp_path / "x.env"
    with Terminal([*COMMAND, *options]) as terminal:
        terminal.answer("Access token", "system-user-token")
        terminal.answer("App id", "")
        terminal.expect("cannot be started")
        terminal.answer("Where to save", "env")
        terminal.answer("Which file", str(file))
        assert terminal.exit_code() == 0
    assert connections_in(file)


def test_ctrl_c_at_a_secret_gives_the_terminal_back(emulator: GraphEmulator) -> None:
    with Terminal([*COMMAND, "--host", emulator.base_url, "--paste", "--print-secret"]) as terminal:
        terminal.expect("Access token")
        wait_until(lambda: not terminal.echoes, timeout_seconds=10, told=lambda: terminal.shown, every_seconds=0.02)
        terminal.type("\x03")
        assert terminal.exit_code() == 130
        assert terminal.echoes
    assert "Traceback" not in terminal.shown


# Helpers


@contextlib.contextmanager
def running(*options: str, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """The command in a process; it is killed at the end if it still runs."""
    process = subprocess.Popen(  # noqa: S603 - our own command
        [*COMMAND, *options],
        env={**os.environ, "NO_PROXY": "*", "BROWSER": "", "DISPLAY": "", **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        with process:
            yield process
    finally:
        process.kill()


def address_in(process: subprocess.Popen[bytes]) -> str:
    """The dialog's address, once the command waits for its answer."""
    assert process.stderr is not None
    text = ""
    while "Waiting for the answer" not in text:
        line = process.stderr.readline().decode()
        assert line, text
        text += line
    found = re.search(r"http\S+/dialog/oauth\S+", text)
    assert found, text
    return found[0]


def status_of(address: str, *, host: str | None = None) -> int:
    from urllib.error import HTTPError
    from urllib.request import ProxyHandler, Request, build_opener

    request = Request(address, headers={} if host is None else {"Host": host})  # noqa: S310 - this machine
    try:
        with build_opener(ProxyHandler({})).open(request, timeout=10) as answer:
            return int(answer.status)
    except HTTPError as error:
        with error:
            return error.code


def processes_naming(text: str) -> list[int]:
    """Processes whose arguments hold a text; this one is none of them."""
    found = []
    for arguments in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if text.encode() in arguments.read_bytes() and int(arguments.parent.name) != os.getpid():
                found.append(int(arguments.parent.name))
    return found


def arguments_and_environment(pid: int) -> bytes:
    """What everybody, and what the owner's processes may read of a process; nothing when it has ended."""
    with contextlib.suppress(OSError):
        return b"".join((Path("/proc") / str(pid) / name).read_bytes() for name in ("cmdline", "environ"))
    return b""


class Terminal:
    """A command in a terminal of its own, and a person who types."""

    def __init__(self, command: list[str]) -> None:
        self._command = command
        self.shown = ""
        self._looked_at = 0

    def __enter__(self) -> Self:
        self._pid, self._terminal = pty.fork()
        if not self._pid:
            environment = {**os.environ, "NO_PROXY": "*", "TERM": "xterm", "COLUMNS": "120", "NO_COLOR": "1"}
            os.execve(self._command[0], self._command, environment)  # noqa: S606 - our own command
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            os.kill(self._pid, signal.SIGKILL)
        with contextlib.suppress(OSError):
            os.close(self._terminal)

    @property
    def echoes(self) -> bool:
        """Whether the terminal shows what is typed."""
        return bool(termios.tcgetattr(self._terminal)[3] & termios.ECHO)

    def expect(self, text: str) -> None:
        """Wait until the text is shown that was not looked at before."""
        deadline = time.monotonic() + 60
        while text not in self.shown[self._looked_at :]:
            assert time.monotonic() < deadline, f"{text!r} was not shown:\n{self.shown}"
            assert self._read(), f"It ended without {text!r}:\n{self.shown}"
        self._looked_at = self.shown.index(text, self._looked_at) + len(text)

    def type(self, text: str) -> None:
        os.write(self._terminal, text.encode())

    def answer(self, question: str, text: str) -> None:
        """Type the answer, as soon as the question stands there."""
        self.expect(question)
        self.expect(": ")
        if question in {"Access token", "App secret"}:
            wait_until(lambda: not self.echoes, timeout_seconds=10, told=lambda: self.shown, every_seconds=0.02)
        self.type(f"{text}\n")

    def exit_code(self) -> int:
        while self._read():
            pass
        _, status = os.waitpid(self._pid, 0)
        return os.waitstatus_to_exitcode(status)

    def _read(self) -> bool:
        if not select.select([self._terminal], [], [], 1)[0]:
            return True
        try:
            piece = os.read(self._terminal, 65536)
        except OSError:  # its end on Linux
            return False
        self.shown += piece.decode(errors="replace")
        return bool(piece)
