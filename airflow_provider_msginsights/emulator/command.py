"""What `msginsights emulator` does: serve until stopped, and say at the start how to reach it."""

import contextlib
import json
import queue
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

from airflow_provider_msginsights.emulator.documentation import APP_ID, APP_SECRET, SYSTEM_USER_TOKEN, USER_TOKEN
from airflow_provider_msginsights.emulator.emulator import GraphEmulator
from airflow_provider_msginsights.emulator.state.journal import JournalEntry
from airflow_provider_msginsights.emulator.state.tokens import page_token_value

_STOP_SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
_CONNECTION = "AIRFLOW_CONN_MSGINSIGHTS_DEFAULT"


def run_emulator(
    *,
    port: int = 8099,
    pages: int = 20,
    journal: bool = False,
    folder: Path | None = None,
    **settings: Any,
) -> int:
    """Serve on 127.0.0.1 until Ctrl-C, SIGTERM or SIGHUP; the exit code, 128 and the number of the signal.

    `port` 0 takes a free port. `journal` prints a line for each Graph call, tokens taken out. `folder` is
    `GraphEmulator`'s, the other arguments are those of `Settings`. Exit code 1 with one line on stderr when the port is
    taken, 2 for a value that means nothing. Raises OSError when what it has to say cannot be written.
    """
    end: queue.SimpleQueue[int | OSError] = queue.SimpleQueue()

    def print_call(entry: JournalEntry) -> None:
        try:
            _print_call(entry)
        except OSError as error:
            end.put(error)

    try:
        emulator = GraphEmulator(
            pages=pages,
            port=port,
            folder=folder,
            on_call=print_call if journal else None,
            **settings,
        )
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    with _signals_put_into(end):
        try:
            emulator.start()
        except OSError as error:
            reason = error.strerror or error
            sys.stderr.write(f"The emulator cannot listen on port {port}: {reason}. Choose another with --port.\n")
            return 1
        try:
            _print_welcome(emulator)
            ended_by = end.get()
        finally:
            emulator.stop()
    if isinstance(ended_by, OSError):
        raise ended_by
    _console().print("The emulator has stopped.")
    return 128 + ended_by


@contextlib.contextmanager
def _signals_put_into(end: "queue.SimpleQueue[int | OSError]") -> Iterator[None]:
    """Hand the signals that stop a program to whoever waits; a SIGHUP that is ignored already stays so, as by nohup."""

    def stop(number: int, _frame: FrameType | None) -> None:
        end.put(number)

    numbers = [
        number for number in _STOP_SIGNALS if number == signal.SIGINT or signal.getsignal(number) is not signal.SIG_IGN
    ]
    before = {number: signal.signal(number, stop) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def welcome_lines(emulator: GraphEmulator) -> list[tuple[str, str]]:
    """Return what a newcomer needs, as (label, text); a text without a label stands on a line of its own."""
    ids = emulator.page_ids
    first = ids[0] if ids else "101"
    last = f" … {ids[-1]}" if len(ids) > 1 else ""
    token = page_token_value(first)
    # The system user's token reads every Page; that of a Page would not do for a DAG that names two.
    connection = json.dumps(
        {"conn_type": "msginsights", "host": emulator.base_url, "login": first, "password": SYSTEM_USER_TOKEN}
    )
    request = f"{emulator.base_url}/v26.0/{first}/insights?metric=page_messages_new_conversations_unique&period=day"
    return [
        ("Address", emulator.base_url),
        ("Page ids", f"{first}{last}"),
        ("Page tokens", token + (f" … {page_token_value(ids[-1])}" if last else "")),
        ("User token", USER_TOKEN),
        ("System user", SYSTEM_USER_TOKEN),
        ("App", f"id {APP_ID}, secret {APP_SECRET}"),
        ("Control", f"{emulator.base_url}/_emulator/"),
        ("", "Airflow connection, ready to paste:"),
        ("", f"export {_CONNECTION}='{connection}'"),
        ("", "A first request:"),
        ("", f"curl '{request}' -H 'Authorization: Bearer {token}'"),
    ]


def _console() -> Any:
    from rich.console import Console

    return Console(highlight=False, soft_wrap=True, emoji=False)


def _print_welcome(emulator: GraphEmulator) -> None:
    console = _console()
    console.print("[bold]Messaging Insights emulator[/bold]: nothing here reaches Meta. Ctrl-C stops it.\n")
    for label, text in welcome_lines(emulator):
        if label:
            console.print(f"  [dim]{label:<12}[/dim] ", end="")
            console.print(text, markup=False)
        elif text.endswith(":"):
            console.print(f"\n[dim]{text}[/dim]")
        else:
            console.print(text, markup=False)
    sys.stdout.flush()


def _print_call(entry: JournalEntry) -> None:
    """One line: when, what, for whom, and how it ended."""
    shown = {name: value for name, value in entry["params"].items() if name != "access_token"}
    query = "&".join(f"{name}={value}" for name, value in shown.items())
    part = "" if entry["part_number"] is None else f" (batch {entry['batch_number']}, part {entry['part_number']})"
    outcome = str(entry["status"]) + (f" code {entry['code']}" if entry["code"] is not None else "")
    outcome += f", fault {entry['fault']}" if entry["fault"] else ""
    sys.stdout.write(f"{entry['at']}  {outcome:<14} {entry['method']} {entry['path']}?{query}{part}\n")
    sys.stdout.flush()
