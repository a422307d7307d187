"""The fixtures as a user's project gets them."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points
from textwrap import dedent
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def test_a_project_opts_in_with_one_line_and_each_test_begins_fresh(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(
        'pytest_plugins = ["airflow_provider_msginsights.emulator.pytest_fixtures"]\n', encoding="utf-8"
    )
    (tmp_path / "test_dag.py").write_text(
        dedent("""
            import urllib.request

            def read(emulator):
                url = f"{emulator.base_url}/v26.0/101/insights?metric=page_messages_sent&access_token=page-token-101"
                return urllib.request.urlopen(url, timeout=10).status

            def test_one(graph_emulator):
                assert read(graph_emulator) == 200
                assert graph_emulator.stats()["graph_calls"] == 1
                graph_emulator.add_fault(code=2, times=None)

            def test_two(graph_emulator):
                assert graph_emulator.page_ids == ("101", "102", "103")
                assert graph_emulator.stats()["graph_calls"] == 0
                assert read(graph_emulator) == 200
        """),
        encoding="utf-8",
    )
    command = [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider", "-c", "/dev/null"]
    done = subprocess.run(  # noqa: S603 - pytest on files written above
        [*command, "--rootdir", str(tmp_path), str(tmp_path)], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout
    assert "2 passed" in done.stdout


def test_no_entry_point_loads_them_for_others() -> None:
    assert [point.value for point in entry_points(group="pytest11") if "msginsights" in point.value] == []
