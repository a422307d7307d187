"""The table after a life of loads: each key once, its newest value, and no row gone that the API did not replace."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
from support.dag_runs import connection_to
from support.made_events import fleeting_message, late_conversation
from support.page_blocks import named_block

from airflow_provider_msginsights.airflow_names import AirflowFailException
from airflow_provider_msginsights.operators.msginsights import MessagingInsightsOperator

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_provider_msginsights.emulator import GraphEmulator

NEW = "page_messages_new_conversations_unique"
BLOCKED = "page_messages_blocked_conversations_unique"
SENT = "page_messages_sent"

Unit = tuple[str, str, str]


class Life:
    """A dataset, and beside it what the API answered last for each Page, metric and day."""

    def __init__(self, root: Path, **parameters: Any) -> None:
        self.root = root
        self.parameters: dict[str, Any] = {
            "on_empty": "succeed",
            "output_format": "parquet",
            "xcom_max_rows": 10**6,
        } | parameters
        self.answers: dict[Unit, dict[str, float]] = {}

    def load(self, first: str | date, days: int, **parameters: Any) -> int:
        """Load so many days, and ask the API the same once more; how many rows came."""
        start = date.fromisoformat(str(first))
        asked: dict[str, Any] = self.parameters | parameters | {"since": start, "until": start + timedelta(days)}
        MessagingInsightsOperator(task_id="load", output_path=self.root.as_uri(), **asked).execute({})
        rows = MessagingInsightsOperator(task_id="ask", **asked).execute({})
        for unit in {unit_of(row) for row in rows}:
            self.answers[unit] = {row["record_id"]: row["value"] for row in rows if unit_of(row) == unit}
        self.check()
        return len(rows)

    def check(self) -> None:
        found = self.table("record_id, value")
        assert len(found) == len({key for key, _ in found}), "a key is there twice"
        assert dict(found) == {key: value for unit in self.answers.values() for key, value in unit.items()}

    def table(self, columns: str) -> list[tuple[Any, ...]]:
        query = f"SELECT {columns} FROM read_parquet($1) ORDER BY ALL"  # noqa: S608 - columns of ours
        return duckdb.execute(query, [f"{self.root}/**/*.parquet"]).fetchall()


def unit_of(row: dict[str, Any]) -> Unit:
    return row["page_id"], row["metric"], row["pacific_date"]


@pytest.fixture
def emulator(emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch) -> GraphEmulator:
    connection_to(emulator, monkeypatch, password=emulator.system_user_token)
    return emulator


def test_a_table_has_the_newest_answer_for_each_key_whatever_happened_meanwhile(
    emulator: GraphEmulator, tmp_path: Path
) -> None:
    life = Life(tmp_path, page_ids=["101"], metrics=[NEW, BLOCKED])
    assert life.load("2026-10-01", 3) == 6
    assert life.load("2026-10-02", 3) == 6, "a look-back overlaps"
    life.parameters["page_ids"] = ["101", "102"]
    assert life.load("2026-10-03", 3) == 12, "a Page was added"
    emulator.add_events(late_conversation(date(2026, 10, 4)))
    before = dict(life.table("record_id, value"))
    assert life.load("2026-10-04", 3) == 12, "a day was restated"
    assert any(before.get(key, value) != value for key, value in life.table("record_id, value"))
    life.parameters["metrics"] = "all"
    assert life.load("2026-10-05", 3) == 66, "metrics were added"
    emulator.retire_metric(SENT)
    assert life.load("2026-10-06", 3) == 60, "a metric was retired"
    assert (SENT, date(2026, 10, 6)) in life.table("metric, pacific_date")
    scopes = ("pages_messaging", "pages_read_engagement", "pages_show_list")
    for token in (emulator.system_user_token, *map(emulator.page_token, ("101", "102"))):
        emulator.change_token(token, scopes=scopes)
    kept = life.table("*")
    assert life.load("2026-10-06", 3) == 0, "the permission was lost"
    assert life.table("*") == kept


def test_a_run_of_three_years_ago_cleared_today_is_refused_and_deletes_nothing(
    emulator: GraphEmulator, tmp_path: Path
) -> None:
    emulator.add_page("500", seeded=True, first_day=date(2023, 1, 1))
    life = Life(tmp_path, page_ids=["500"], metrics="all")
    assert life.load("2026-10-01", 2) == 22
    (tmp_path / "dt=2026-10-01").rename(tmp_path / "dt=2023-11-01")
    kept = {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()}
    calls = emulator.stats()["graph_calls"]
    with pytest.raises(AirflowFailException, match="the API keeps 2 years"):
        life.load("2023-11-01", 2)
    assert {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()} == kept
    assert emulator.stats()["graph_calls"] == calls


def test_a_breakdown_value_that_disappears_from_an_answer_disappears_from_the_table(
    emulator: GraphEmulator, tmp_path: Path
) -> None:
    life = Life(tmp_path, page_ids=["101"], metrics=SENT, breakdowns="campaign_id")
    life.load("2026-10-01", 3)
    lasting = life.table("campaign_id, pacific_date, value")
    emulator.add_events([fleeting_message(date(2026, 10, 2))])
    life.load("2026-10-01", 3)
    assert ("fleeting", date(2026, 10, 2), 1.0) in life.table("campaign_id, pacific_date, value")
    emulator.reset()
    life.load("2026-10-02", 2)
    assert life.table("campaign_id, pacific_date, value") == lasting


def recipe_for(root: Path) -> str:
    """The guide's, for a dataset's October."""
    recipe = named_block("duckdb").code
    assert recipe.count("/tmp/messaging_insights") == 2  # noqa: S108 - the guide's place
    return recipe.replace("/tmp/messaging_insights", str(root)).replace("2026-03-*", "2026-10-*")  # noqa: S108


def test_the_recipe_of_the_readme_follows_the_dataset(emulator: GraphEmulator, tmp_path: Path) -> None:
    warehouse = duckdb.connect()
    life = Life(tmp_path, page_ids=["101"], metrics=SENT, breakdowns="campaign_id")

    def is_followed() -> bool:
        warehouse.execute(recipe_for(tmp_path))
        found = warehouse.execute("SELECT record_id, value FROM messaging_insights ORDER BY ALL").fetchall()
        return found == life.table("record_id, value") != []

    emulator.add_events([fleeting_message(date(2026, 10, 2))])
    life.load("2026-10-01", 3)
    assert is_followed()
    emulator.reset()
    life.load("2026-10-02", 3)
    assert is_followed()
    assert is_followed(), "the recipe can be repeated"


def test_the_recipe_of_the_readme_deletes_nothing_that_it_does_not_replace(
    emulator: GraphEmulator, tmp_path: Path
) -> None:
    warehouse = duckdb.connect()
    by_campaign = Life(tmp_path / "by_campaign", page_ids=["101"], metrics=SENT, breakdowns="campaign_id")
    plain, other_page = (Life(tmp_path / name, page_ids=[page]) for name, page in (("plain", "101"), ("other", "102")))
    emulator.add_events([fleeting_message(date(2026, 10, 2))])
    lives = [(by_campaign, SENT), (plain, [NEW, SENT]), (other_page, SENT)]
    for life, metrics in lives:
        life.load("2026-10-01", 3, metrics=metrics)
        warehouse.execute(recipe_for(life.root))
    expected = sorted(row for life, _ in lives for row in life.table("record_id, value"))
    for life, _ in [*lives, *lives]:
        assert warehouse.execute("SELECT record_id, value FROM messaging_insights ORDER BY ALL").fetchall() == expected
        warehouse.execute(recipe_for(life.root))
