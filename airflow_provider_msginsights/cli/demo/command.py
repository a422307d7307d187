"""``msginsights demo``: the daily load, from nothing to a file, on the emulator and an Airflow of its own."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider_msginsights.cli import output
from airflow_provider_msginsights.cli.demo.child import child
from airflow_provider_msginsights.cli.extras import require_emulator
from airflow_provider_msginsights.cli.process import temporary_folder
from airflow_provider_msginsights.exceptions import ConfigurationError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator

    from rich.console import Console
    from rich.table import Table

_DAG_FILE = "daily_load.py"
_PAGE_ID = "101"
_DEFAULT_OUTPUT = "file:///tmp/messaging_insights"
_PROXY_VARIABLES = frozenset(f"{kind}_proxy" for kind in ("http", "https", "all", "ftp", "socks", "ws", "wss", "no"))
_LONGEST_SECONDS = 600.0
_DONE_BY_TASK = {
    "day_is_available": "found the day",
    "load_day": "wrote the files",
    "newest_values": "read one back",
}


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe the command and its options."""
    parser = commands.add_parser(
        "demo",
        help="run the daily load once, on the emulator and in an Airflow home of its own",
        description="Run example_dags/daily_load.py for the last finished Pacific day. Your Airflow is not touched.",
    )
    parser.add_argument("--ui", action="store_true", help="start all of Airflow instead, to look at in a browser")
    parser.add_argument("--port", type=output.port, default=8080, help="with --ui: port of Airflow (default: 8080)")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep the Airflow home, its log and the data in DIR")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the demo; 0 only if the DAG run succeeded."""
    from rich.console import Console

    require_emulator()
    console = Console(soft_wrap=True)
    if arguments.keep is not None:
        home = arguments.keep.expanduser().resolve()
        try:
            home.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigurationError(f"--keep: {home} cannot be made: {error.strerror}.", parameter="--keep") from None
        return _start(_Demo(home=home, console=console, kept=True), arguments)
    with temporary_folder("msginsights-demo-") as folder:
        return _start(_Demo(home=folder, console=console, kept=False), arguments)


def _start(demo: _Demo, arguments: argparse.Namespace) -> int:
    return demo.run_ui(arguments.port) if arguments.ui else demo.run()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Demo:
    home: Path
    console: Console
    kept: bool

    @property
    def log_file(self) -> Path:
        return self.home / "airflow.log"

    @property
    def dags(self) -> Path:
        return self.home / "dags"

    @property
    def output(self) -> Path:
        return self.home / "messaging_insights"

    def run(self) -> int:
        from airflow_provider_msginsights.emulator import GraphEmulator

        say = self.console.print
        say("\n[bold]Messaging Insights, loaded by Airflow[/bold]\n")
        with temporary_folder("msginsights-demo-") as store, GraphEmulator(pages=1, folder=store) as emulator:
            say(f"[bold]1[/bold]  The emulator of Meta's API answers at {emulator.base_url}, for Page {_PAGE_ID}.")
            say(f"[bold]2[/bold]  Airflow gets a home of its own: {self.home}")
            say(f"   Its log goes to {self.log_file}")
            environment = self._environment(emulator.base_url, emulator.page_token(_PAGE_ID))
            self._place_dag()
            with self.console.status("Airflow makes its database, then runs the DAG (about 25 seconds) …"):
                report = self._run_dag(environment)
            calls = emulator.stats()["graph_calls"]
        if report is None or report["state"] != "success":
            self._show_failure(report)
            return 1
        self._show_success(report, calls)
        return 0

    def run_ui(self, port: int) -> int:
        """Show all of Airflow until a signal stops the command; 1 when it does not start or ends by itself."""
        from airflow_provider_msginsights.cli.demo.ui import is_free, standalone, ui_environment
        from airflow_provider_msginsights.emulator import GraphEmulator

        if not is_free(port):
            raise ConfigurationError(f"Port {port} is taken: choose another one by --port.", parameter="--port")
        say = self.console.print
        with contextlib.ExitStack() as stack:
            stack.enter_context(_reporting_the_end(say))
            store = stack.enter_context(temporary_folder("msginsights-demo-"))
            emulator = stack.enter_context(GraphEmulator(pages=20, folder=store))
            log = stack.enter_context(self.log_file.open("ab"))
            surroundings = self._environment(emulator.base_url, emulator.system_user_token)
            environment = ui_environment({**surroundings, **self._of_history(emulator.base_url)}, port=port)
            airflow = stack.enter_context(standalone(environment, port=port, log=log))
            say(f"The emulator of Meta's API answers at {emulator.base_url}; Airflow's home is {self.home}.")
            say("Airflow starts (about 30 seconds) …")
            if airflow.wait_until_ready():
                self._place_dag()  # not before: a run that begins ahead of the API server fails, and retries late
                self._place_history()
                say(f"\nOpen [bold]{airflow.url}[/bold] in a browser; nobody has to log in.")
                say(f"The DAG appears in a few seconds, at {airflow.url}/dags/msginsights_daily_load.")
                say(f"Its files go to {self.output}.")
                say("In a minute, a dataset of half a year with a hole, a silent Page and a restated day is shown at")
                say(f"{airflow.url}/plugin/messaging-insights (in the menu: Browse, Messaging Insights).")
                say("Ctrl-C stops Airflow and the emulator.")
                airflow.process.wait()
        self._show_failure(None)
        return 1

    def _place_dag(self) -> None:
        """Put the example where this Airflow looks for DAGs, with its files below the home."""
        source = (_example_dags() / _DAG_FILE).read_text(encoding="utf-8")
        text = source.replace(_DEFAULT_OUTPUT, f"file://{self.output}")
        (self.dags / _DAG_FILE).write_text(text, encoding="utf-8")

    def _place_history(self) -> None:
        """Put the DAG of the dataset that the page in Airflow's UI shows there, too."""
        source = Path(__file__).with_name("history_dag.py").read_text(encoding="utf-8")
        (self.dags / "history_dag.py").write_text(source, encoding="utf-8")

    def _of_history(self, base_url: str) -> dict[str, str]:
        """Return what that DAG reads from its environment."""
        output_path = f"file://{self.home / 'messaging_insights_history'}"
        return {"MSGINSIGHTS_DEMO_EMULATOR": base_url, "MSGINSIGHTS_DEMO_OUTPUT": output_path}

    def _environment(self, base_url: str, token: str) -> dict[str, str]:
        """Give the child an Airflow of its own: nothing of the user's settings reaches it."""
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("AIRFLOW") and name.lower() not in _PROXY_VARIABLES
        }
        self.dags.mkdir(exist_ok=True)
        for name in (_DAG_FILE, "history_dag.py"):
            (self.dags / name).unlink(missing_ok=True)
        connection = {"conn_type": "msginsights", "host": base_url, "login": _PAGE_ID, "password": token}
        return {
            **inherited,
            # All that is reached is on this machine. Set, so that no proxy of the system is looked up either.
            "NO_PROXY": "*",
            "no_proxy": "*",
            # Airflow's files hold more than the letters of an old locale.
            "PYTHONUTF8": "1",
            "AIRFLOW_HOME": str(self.home),
            "AIRFLOW__CORE__DAGS_FOLDER": str(self.dags),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW_CONN_MSGINSIGHTS_DEFAULT": json.dumps(connection),
        }

    def _run_dag(self, environment: dict[str, str]) -> dict[str, Any] | None:
        report_file = self.home / "report.json"
        report_file.unlink(missing_ok=True)
        runner = "airflow_provider_msginsights.cli.demo.run"
        commands = (
            [sys.executable, "-m", "airflow", "db", "migrate"],
            [
                sys.executable,
                "-m",
                runner,
                str(self.dags / _DAG_FILE),
                f"file://{self.output}",
                str(report_file),
            ],
        )
        with self.log_file.open("ab") as log:
            for command in commands:
                with child(command, environment, log) as process:
                    if _failed(process):
                        break
        if not report_file.exists():
            return None
        report: dict[str, Any] = json.loads(report_file.read_text(encoding="utf-8"))
        return report

    def _show_success(self, report: dict[str, Any], calls: int) -> None:
        day = report["pacific_date"]
        data_file = self.output / f"dt={day}" / "part-0.jsonl"
        rows = [json.loads(line) for line in data_file.read_text(encoding="utf-8").splitlines()]
        say = self.console.print
        say(f"[bold]3[/bold]  The DAG loaded Pacific day [bold]{day}[/bold] and the two before it.")
        say(f"   Calls of the API: {calls}.\n")
        say(_task_table(report["tasks"]))
        say(_metric_table(rows, day))
        say(f"The day's file, one JSON object a row:\n  {data_file}", soft_wrap=True)
        say("" if self.kept else "It is gone when this command ends; --keep DIR keeps it.\n")
        say("[bold]What to try next[/bold]")
        say("  msginsights demo --keep ./demo    keep the file, the Airflow home and its log")
        say("  msginsights emulator --port 8099  the API, to develop a DAG against")
        say("The DAG that just ran, and others to copy, are in")
        say(f"  {_example_dags()}\n", soft_wrap=True)

    def _show_failure(self, report: dict[str, Any] | None) -> None:
        say = self.console.print
        if report:
            say(_task_table(report["tasks"]))
        tail = self.log_file.read_text(encoding="utf-8", errors="replace").splitlines()[-30:]
        say("[bold red]The DAG run did not succeed.[/bold red] The end of Airflow's log:\n")
        say("\n".join(tail), markup=False, highlight=False)
        if not self.kept:
            say("\nRun it again with --keep DIR to keep the whole log.")


def _failed(process: subprocess.Popen[bytes]) -> bool:
    """Wait for a part of the demo, but not for ever."""
    try:
        return process.wait(timeout=_LONGEST_SECONDS) != 0
    except subprocess.TimeoutExpired:
        return True


@contextlib.contextmanager
def _reporting_the_end(say: Callable[[str], None]) -> Iterator[None]:
    """Say that everything has stopped, when a signal stops it."""
    try:
        yield
    except KeyboardInterrupt:
        say("\nAirflow and the emulator have stopped.")
        raise


def _example_dags() -> Path:
    """Find the example DAGs: in an installed package inside it, in a checkout beside it."""
    package = Path(__file__).resolve().parents[2]
    installed = package / "example_dags"
    return installed if installed.is_dir() else package.parent / "example_dags"


def _task_table(tasks: list[dict[str, Any]]) -> Table:
    from rich.table import Table

    table = Table(title="What happened, in order", title_justify="left")
    for heading in ("started (UTC)", "task", "what it did", "state"):
        table.add_column(heading)
    table.add_column("seconds", justify="right")
    for task in tasks:
        did = _DONE_BY_TASK.get(task["task_id"], "")
        table.add_row(task["started"], task["task_id"], did, task["state"], f"{task['seconds']:.1f}")
    return table


def _metric_table(rows: list[dict[str, Any]], day: str) -> Table:
    from rich.table import Table

    table = Table(title=f"What was loaded for Pacific day {day}", title_justify="left")
    table.add_column("metric")
    table.add_column("value", justify="right")
    table.add_column("unit")
    for row in rows:
        table.add_row(row["metric"], str(row["value"]), row["currency"] or row["unit"])
    return table
