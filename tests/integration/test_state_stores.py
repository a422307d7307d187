"""A state store that does not answer, or holds something else, costs a warning and never a sensor or a watcher."""

from __future__ import annotations

import asyncio
from datetime import date
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_provider_msginsights.airflow_names import AirflowFailException
from airflow_provider_msginsights.insights.dates import ONE_DAY
from airflow_provider_msginsights.sensors.msginsights import MessagingInsightsSensor
from airflow_provider_msginsights.triggers import announced_days
from airflow_provider_msginsights.triggers.announced_days import AnnouncedDays

DAY = date(2026, 11, 10)


class Store:
    """Holds one value; the calls named fail so many times."""

    def __init__(self, value: Any = None, **failures: int) -> None:
        self.value, self.failures = value, failures

    def _call(self, name: str) -> None:
        if self.failures.get(name, 0) > 0:
            self.failures[name] -= 1
            raise OSError(name)

    def get(self, key: str) -> Any:
        del key
        self._call("get")
        return self.value

    def set(self, key: str, value: Any) -> None:
        del key
        self._call("set")
        self.value = value


def poke(store: Any) -> Any:
    """Poke once, rescheduled, with a store."""
    sensor = MessagingInsightsSensor(
        task_id="wait", mode="reschedule", page_ids="101", since="2026-11-01", until="2026-11-02"
    )
    return sensor.poke({"ti": SimpleNamespace(try_number=1), "task_state_store": store})  # type: ignore[typeddict-item]


@pytest.mark.usefixtures("connection")
@pytest.mark.parametrize("fails", ["get", "set"])
def test_a_rescheduled_poke_does_without_a_store_that_fails(fails: str, capfd: pytest.CaptureFixture[str]) -> None:
    found = poke(Store(**{fails: 9}))
    assert found.xcom_value == {"days": ["2026-11-01"], "page_ids": ["101"]}
    assert "task state store could not be used (OSError)" in capfd.readouterr().out


@pytest.mark.usefixtures("connection")
@pytest.mark.parametrize(
    "value",
    [
        7,
        "text",
        ["failed_polls"],
        {"failed_polls": "many"},
        {"failed_polls": -1},
        {"failed_polls": True},
        {"failed_polls": 0, "not_before": 7},
        {"failed_polls": 0, "not_before": "tomorrow"},
        {"failed_polls": 0, "not_before": "2199-01-01T00:00:00"},
        {"failed_polls": 0, "not_before": None, "missing": 7},
        {"another": "key"},
    ],
    ids=repr,
)
def test_a_rescheduled_poke_passes_over_what_is_not_its_own(value: Any, capfd: pytest.CaptureFixture[str]) -> None:
    assert poke(Store(value)).is_done
    assert "cannot be read" in capfd.readouterr().out


@pytest.mark.usefixtures("connection")
def test_a_rescheduled_poke_still_counts_on_what_the_one_before_kept() -> None:
    waits = {"failed_polls": 0, "not_before": "2199-01-01T00:00:00+00:00", "missing": "a day"}
    assert not poke(Store(waits)).is_done


@pytest.mark.usefixtures("connection")
def test_a_refusal_stays_one_where_the_store_fails() -> None:
    sensor = MessagingInsightsSensor(task_id="wait", mode="reschedule", page_ids="../x")
    with pytest.raises(AirflowFailException, match="page_ids"):
        sensor.poke({"task_state_store": Store(get=9)})  # type: ignore[typeddict-item]


def read(*stores: Store) -> AnnouncedDays:
    """What a watcher of assets with these stores has told of."""
    accessors = SimpleNamespace(_by_name=dict(enumerate(stores)), _by_uri={})
    return asyncio.run(AnnouncedDays.read(accessors, "key", DAY))


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(announced_days, "RETRY_SECONDS", 0)


def test_a_watcher_asks_a_store_again_that_does_not_answer(caplog: pytest.LogCaptureFixture) -> None:
    kept = {"through": "2026-11-05", "later": ["2026-11-07"]}
    told = read(Store(kept, get=3))
    assert (told.through, told.later) == (date(2026, 11, 5), {date(2026, 11, 7)})
    assert sum("could not be used (OSError)" in line for line in caplog.messages) == 3


def test_a_watcher_s_days_are_written_later_where_the_store_fails_at_first(caplog: pytest.LogCaptureFixture) -> None:
    store = Store(set=1)
    told = read(store)
    assert (told.through, store.value) == (DAY - ONE_DAY, None)
    assert "could not be used (OSError)" in caplog.text
    told.add(DAY)
    asyncio.run(told.receipt().try_to_write())
    assert store.value == {"through": str(DAY), "later": []}


@pytest.mark.parametrize(
    "value",
    [
        7,
        "text",
        [1],
        {"through": 7, "later": []},
        {"through": "soon", "later": []},
        {"later": []},
        {"through": "2026-11-05", "later": 7},
    ],
    ids=repr,
)
def test_a_watcher_passes_over_what_is_not_its_own(value: Any, caplog: pytest.LogCaptureFixture) -> None:
    told = read(Store(value))
    assert (told.through, told.later) == (DAY - ONE_DAY, set())
    assert "cannot be read" in caplog.text
