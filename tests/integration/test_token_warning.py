"""A load warns of a token that ends soon."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from support.dag_runs import connection_to

from airflow_provider_msginsights.hooks.msginsights import MessagingInsightsHook

if TYPE_CHECKING:
    from airflow_provider_msginsights.emulator import GraphEmulator

pytestmark = pytest.mark.usefixtures("present")

APP = {"app_id": "1", "app_secret": "app-secret"}


@pytest.mark.parametrize(
    ("days", "extra", "warned"),
    [
        (13, APP, True),
        (15, APP, False),
        (15, APP | {"token_warning_days": 20}, True),
        (1, APP | {"token_warning_days": 0}, False),
        (1, {}, False),
    ],
)
@pytest.mark.parametrize("what", ["expires_at", "data_access_expires_at"])
def test_a_load_can_warn_of_a_near_end_in_one_call_at_most(
    emulator: GraphEmulator,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    days: int,
    extra: dict[str, Any],
    what: str,
    *,
    warned: bool,
) -> None:
    end = emulator.now() + timedelta(days=days)
    emulator.change_token(emulator.page_token("101"), **{what: int(end.timestamp())})
    connection_to(emulator, monkeypatch, extra=extra)
    MessagingInsightsHook().warn_of_token_end()
    told = [line for line in capfd.readouterr().out.splitlines() if "Connection msginsights_default" in line]
    assert bool(told) is warned
    assert all(f"{end:%Y-%m-%d %H:%M} UTC" in text for text in told)
    assert emulator.stats()["graph_calls"] == (1 if extra.get("app_id") and extra.get("token_warning_days") != 0 else 0)


@pytest.mark.parametrize("trouble", ["fault", "revoked", "other app", "nobody there"])
def test_warning_never_fails_a_load(emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch, trouble: str) -> None:
    connection_to(emulator, monkeypatch, extra=APP)
    if trouble == "fault":
        emulator.add_fault(code=2, times=3)
    elif trouble == "revoked":
        emulator.revoke_token(emulator.page_token("101"))
    elif trouble == "other app":
        emulator.change_token(emulator.page_token("101"), app_id="2")
    else:
        connection_to(emulator, monkeypatch, host="http://127.0.0.1:9", extra=APP)
    MessagingInsightsHook().warn_of_token_end()
    assert emulator.stats()["graph_calls"] <= 1
