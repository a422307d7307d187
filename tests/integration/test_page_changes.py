"""``page_ids="all"``: a Page that comes or goes is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.dag_runs import connection_to
from support.operator_calls import NEW, execute

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_provider_msginsights.emulator import GraphEmulator


@pytest.fixture(autouse=True)
def every_page(emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    connection_to(emulator, monkeypatch, password=emulator.system_user_token)


def warnings_of(tmp_path: Path, capfd: pytest.CaptureFixture[str], part: str = "0") -> list[str]:
    """What a load of all Pages warns about them."""
    capfd.readouterr()
    execute(page_ids="all", metrics=NEW, output_path=tmp_path.as_uri(), part=part)
    return [line for line in capfd.readouterr().out.splitlines() if "page_ids='all'" in line]


def test_the_first_load_and_one_of_the_same_pages_warn_of_nothing(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert warnings_of(tmp_path, capfd) == []
    assert warnings_of(tmp_path, capfd) == []


def test_pages_gained_and_lost_are_named(
    emulator: GraphEmulator, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    warnings_of(tmp_path, capfd)
    emulator.add_page("500")
    emulator.change_page("102", tasks=("MESSAGING",))
    gained, lost = warnings_of(tmp_path, capfd)
    assert "1 Page (500)" in gained
    assert "1 Page (102)" in lost
    assert "ANALYZE" in lost


def test_another_part_has_a_list_of_its_own(
    emulator: GraphEmulator, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    connection_to(emulator, monkeypatch)
    execute(metrics=NEW, output_path=tmp_path.as_uri(), part="one_page")
    connection_to(emulator, monkeypatch, password=emulator.system_user_token)
    emulator.change_page("101", tasks=())
    assert warnings_of(tmp_path, capfd, part="rest") == []
