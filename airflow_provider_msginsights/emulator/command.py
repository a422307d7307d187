"""What `msginsights emulator` does: serve until told to stop, and say at the start how to reach it."""

import json
import signal
import sys
import threading
from types import FrameType
from typing import Any

from airflow_provider_msginsights.emulator.documentation import APP_ID, APP_SECRET, SYSTEM_USER_TOKEN, USER_TOKEN
from airflow_provider_msginsights.emulator.emulator import GraphEmulator
from airflow_provider_msginsights.emulator.journal import JournalEntry
from airflow_provider_msginsights.emulator.tokens import page_token_value

_CONNECTION = "AIRFLOW_CONN_MSGINSIGHTS_DEFAULT"


def run_emulator(
    *,
    port: int = 8099,
    pages: int = 20,
    seed: int = 1,
    latency_ms: float = 0.0,
    batch_part_ms: float = 0.0,
    readiness_lag_hours: float = 0.0,
    style: str = "real",
    journal: bool = False,
) -> int:
    """Serve on 127.0.0.1 until Ctrl-C or SIGTERM; the exit code.

    `port` 0 takes a free port. `journal` prints a line for each Graph call, tokens taken out. The other arguments are
    those of `Settings`. Exit code 1 with one line on stderr when the port is taken, 2 for a value that means nothing.
    """
    told_to_stop = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        told_to_stop.set()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        emulator = GraphEmulator(
            pages=pages,
            port=port,
            seed=seed,
            latency_ms=latency_ms,
            batch_part_ms=batch_part_ms,
            readiness_lag_hours=readiness_lag_hours,
            style=style,
            on_call=_print_call if journal else None,
        )
        with emulator:
            _print_welcome(emulator)
            told_to_stop.wait()
    except OSError as error:
        sys.stderr.write(f"The emulator cannot listen on port {port}: {error.strerror}. Choose another with --port.\n")
        return 1
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    _console().print("The emulator has stopped.")
    return 0


def welcome_lines(emulator: GraphEmulator) -> list[tuple[str, str]]:
    """What a newcomer needs, as (label, text); a text without a label stands on a line of its own."""
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
