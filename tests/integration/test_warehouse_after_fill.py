"""A warehouse follows a fill by its manifest, without reading the whole dataset again."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
from support.dag_runs import connection_to
from support.histories import History
from support.page_blocks import named_block

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_provider_msginsights.emulator import GraphEmulator

START, END, NEXT = date(2026, 9, 1), date(2026, 10, 1), date(2026, 10, 2)
DBT = ("dbt-core>=1.9,<1.10", "dbt-duckdb>=1.9,<1.10")


@pytest.fixture
def history(emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> History:
    """A dataset in Parquet that lacks days of both Pages."""
    connection_to(emulator, monkeypatch, password=emulator.system_user_token)
    parameters = {"page_ids": ["101", "102"], "output_format": "parquet"}
    return History(tmp_path / "insights", emulator, START, parameters)


def recipe_of_a_fill(root: Path, manifest: str) -> str:
    """The guide's two steps: what the fill wrote, and the same replacement as after a load."""
    filled = named_block("duckdb-fill").code
    assert filled.count("/tmp/messaging_insights/_manifests/fill.json") == 1  # noqa: S108 - the guide's place
    replacement = named_block("duckdb").code
    replacement = replacement[replacement.index("BEGIN TRANSACTION") :]
    del root
    return filled.replace("/tmp/messaging_insights/_manifests/fill.json", manifest) + replacement  # noqa: S108


def stored(root: Path) -> list[tuple[Any, ...]]:
    return duckdb.execute(
        "SELECT record_id, value FROM read_parquet($1, hive_partitioning = false) ORDER BY ALL",
        [f"{root}/**/*.parquet"],
    ).fetchall()


def test_duckdb_follows_a_fill_by_page_and_day(history: History) -> None:
    warehouse = duckdb.connect()
    history.load(END, lookback_days=6)
    files = f"'{history.root}/dt=*/*.parquet', hive_partitioning = false"
    warehouse.execute(f"CREATE TABLE messaging_insights AS FROM read_parquet({files})")
    before = warehouse.execute("SELECT count(*) FROM messaging_insights").fetchone()
    result = history.fill(END)
    assert result["filled_range_count"] == 2
    warehouse.execute(recipe_of_a_fill(history.root, result["manifest"]))
    found = warehouse.execute("SELECT record_id, value FROM messaging_insights ORDER BY ALL").fetchall()
    assert found == stored(history.root)
    assert before is not None
    assert len(found) > before[0]
    loaded = warehouse.execute("SELECT count(*) FROM loaded").fetchone()
    assert loaded == (result["filled_cells"],), "what was there already is not read into the table again"


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_an_incremental_dbt_model_follows_loads_and_fills(history: History, tmp_path: Path) -> None:
    project = tmp_path / "project"
    dbt = dbt_at(tmp_path / "environment")
    (project / "models").mkdir(parents=True)
    (project / "models" / "messaging_insights.sql").write_text(named_block("dbt-model").code)
    (project / "dbt_project.yml").write_text("name: insights\nversion: '1.0'\nprofile: here\nmodel-paths: [models]\n")
    database = tmp_path / "warehouse.duckdb"
    (project / "profiles.yml").write_text(
        f"here:\n  target: dev\n  outputs:\n    dev: {{type: duckdb, path: '{database}', threads: 1}}\n"
    )
    for run in (partial(history.load, END, lookback_days=6), partial(history.fill, END), partial(history.load, NEXT)):
        argv = [dbt, "run", "--profiles-dir", ".", "--vars", json.dumps({"manifest": run()["manifest"]})]
        done = subprocess.run(  # noqa: S603 - our own arguments
            argv, check=False, capture_output=True, text=True, cwd=project, env=os.environ | {"DO_NOT_TRACK": "1"}
        )
        assert done.returncode == 0, done.stdout
        with duckdb.connect(str(database), read_only=True) as warehouse:
            found = warehouse.execute("SELECT record_id, value FROM messaging_insights ORDER BY ALL").fetchall()
        assert found == stored(history.root)


def dbt_at(environment: Path) -> str:
    """Install dbt into an environment of its own: it has pins that Airflow does not share."""
    uv = shutil.which("uv")
    assert uv is not None
    for argv in (
        ["venv", "-q", "-p", sys.executable, str(environment)],
        ["pip", "install", "-q", "-p", str(environment), *DBT],
    ):
        subprocess.run([uv, *argv], check=True)  # noqa: S603 - our own arguments
    return str(environment / "bin" / "dbt")
