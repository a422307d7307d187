"""With several teams in one Airflow, the page shows each team the datasets of its own DAGs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from browser.demo_ui import CHROMIUM, browser_page
from browser.test_coverage_page import frame_of, log_in
from support.airflow_versions import needs_airflow
from support.made_reports import made_report
from support.page_server import page_server
from support.published import published

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600), needs_airflow("3.3", "assets have a state store")]

DAG_OF_TEAM = """
from airflow.sdk import DAG, Asset, task

with DAG("TEAM_daily", schedule=None):
    @task(outlets=[Asset("insights_of_TEAM")])
    def load_day(): ...
    load_day()
"""


def test_a_team_sees_nothing_of_another(tmp_path: Path) -> None:
    if CHROMIUM is None:
        pytest.fail("There is no Chromium on this machine; these tests were asked for by their marker and need one.")
    teams = {team: DAG_OF_TEAM.replace("TEAM", team) for team in ("red", "blue")}
    users = ("ada:admin:red|blue", "rita:viewer:red", "bob:viewer:blue")
    with page_server(tmp_path, dags="", users=users, teams=teams) as server:
        for number, team in enumerate(teams):
            server.publish(f"insights_of_{team}", published(made_report(), dataset=f"{number:016}"))
        for user, own, other in (("rita", "red", "blue"), ("bob", "blue", "red")):
            with browser_page() as page:
                log_in(page, server, user)
                text = frame_of(page).locator("main").inner_text()
                assert f"insights_of_{own}" in text
                assert f"_of_{other}" not in text
