"""Pages and metrics that the test made small, hid or retired are answered as the API answers for such."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.refusals import code

if TYPE_CHECKING:
    from collections.abc import Callable

    import requests

    from airflow_provider_msginsights.emulator import GraphEmulator

    Ask = Callable[..., requests.Response]

NEW = "page_messages_new_conversations_unique"


def test_a_small_page_has_no_insights(emulator: GraphEmulator, ask: Ask) -> None:
    emulator.change_page("101", likes=99)
    assert ask("/v26.0/101/insights", metric=NEW).json() == {"data": []}
    emulator.configure(small_page="error")
    assert code(ask("/v26.0/101/insights", metric=NEW)) == (2874008, None)


def test_a_hidden_metric_is_a_valid_name_without_rows(emulator: GraphEmulator, ask: Ask) -> None:
    emulator.hide_metric(NEW, page_id="101")
    answer = ask("/v26.0/101/insights", metric=f"{NEW},page_messages_sent", period="day")
    assert [entry["name"] for entry in answer.json()["data"]] == ["page_messages_sent"]
    assert ask("/v26.0/101/insights", metric=NEW, period="day").json()["data"] == []


def test_a_retired_metric_is_no_valid_name_for_all_pages_or_for_one(emulator: GraphEmulator, ask: Ask) -> None:
    emulator.retire_metric(NEW, page_id="101")
    assert code(ask("/v26.0/101/insights", metric=NEW)) == (100, None)
    assert ask("/v26.0/102/insights", token="page-token-102", metric=NEW).ok
    emulator.retire_metric(NEW)
    assert code(ask("/v26.0/102/insights", token="page-token-102", metric=NEW)) == (100, None)
    with pytest.raises(ValueError, match="no metric"):
        emulator.retire_metric("page_horoscope")
