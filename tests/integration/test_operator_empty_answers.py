"""An answer without any row: what becomes of the task, of the stored rows, and what the token has to do with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.dag_runs import connection_to
from support.operator_calls import execute

from airflow_provider_msginsights.airflow_names import AirflowSkipException
from airflow_provider_msginsights.exceptions import EmptyAnswerError
from airflow_provider_msginsights.insights.catalog import METRICS

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_provider_msginsights.emulator import GraphEmulator

pytestmark = pytest.mark.usefixtures("connection")


def test_an_empty_answer_fails_for_a_retry_is_skipped_or_accepted(emulator: GraphEmulator, tmp_path: Path) -> None:
    execute(output_path=tmp_path.as_uri())
    (file,) = tmp_path.glob("dt=*/*")
    before = file.read_bytes()
    for metric in ("blocked", "reported", "new"):
        emulator.hide_metric(f"page_messages_{metric}_conversations_unique", page_id="101")
    emulator.hide_metric("page_messages_total_messaging_connections", page_id="101")
    with pytest.raises(EmptyAnswerError, match="read_insights"):
        execute(output_path=tmp_path.as_uri())
    with pytest.raises(AirflowSkipException):
        execute(output_path=tmp_path.as_uri(), on_empty="skip")
    assert execute(output_path=tmp_path.as_uri(), on_empty="succeed")["rows"] == 0
    assert file.read_bytes() == before


def test_an_empty_answer_names_the_permission_that_is_missing(
    emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    connection_to(emulator, monkeypatch, password=emulator.user_token)
    for token in (emulator.user_token, emulator.page_token("101")):
        emulator.change_token(token, scopes=("pages_messaging", "pages_read_engagement", "pages_show_list"))
    with pytest.raises(EmptyAnswerError, match="The token lacks read_insights") as caught:
        execute()
    assert "msginsights_default" in str(caught.value)
    assert emulator.user_token not in str(caught.value)
    assert execute(on_empty="succeed") == []
    assert "The token lacks read_insights" in capfd.readouterr().out


def test_an_empty_answer_survives_a_token_that_cannot_be_looked_at(
    emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    connection_to(emulator, monkeypatch, extra={"max_attempts": 1})
    for metric in METRICS:
        emulator.hide_metric(metric, page_id="101")
    emulator.add_fault(code=2, skip=1, times=None)
    with pytest.raises(EmptyAnswerError, match="Either Meta has not computed the days yet"):
        execute()
    assert "The token could not be inspected" in capfd.readouterr().out
