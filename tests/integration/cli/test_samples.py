"""``msginsights check --sample``: the shape of replies survives, and nothing of anyone's does."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.commands import connection

from airflow_provider_msginsights.cli import main
from airflow_provider_msginsights.cli.inspect.allowed_words import FIELD_NAMES, PUBLIC_WORDS
from airflow_provider_msginsights.cli.inspect.anonymize import Anonymiser
from airflow_provider_msginsights.cli.inspect.samples import sample_of
from airflow_provider_msginsights.emulator.data.events import Event, EventKind
from airflow_provider_msginsights.insights.catalog import BREAKDOWNS, METRICS
from airflow_provider_msginsights.insights.protocol import Reply, Request, Response

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_provider_msginsights.emulator import GraphEmulator


@dataclass(frozen=True)
class Planted:
    """A JSON value that is someone's, and the texts by which it would be known again."""

    value: Any
    marks: tuple[str, ...]


# Marks are long enough never to be met by chance in a sample's own words.
_DIGITS = st.integers(10**11, 10**17 - 1).filter(lambda number: str(number)[:2] != "00")
_NAMES = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÜßéñ日本語", min_size=5, max_size=12)
_TOKENS = st.text("abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789", min_size=24, max_size=60)
_MOMENTS = st.datetimes(datetime(2004, 1, 1), datetime(2190, 1, 1))  # noqa: DTZ001 - zones are drawn apart
_ZONES = st.sampled_from(("", "Z", "+0000", "+00:00", "-0700", "+05:30"))


@st.composite
def planted_ids(draw: st.DrawFn) -> Planted:
    number = draw(_DIGITS)
    metric = draw(st.sampled_from(sorted(METRICS)))
    value = draw(
        st.sampled_from(
            (
                number,
                str(number),
                f"-{number}",
                f"{number}.25",
                f"{number}/insights/{metric}/day",
                f"Page {number}",
                f"https://graph.facebook.com/v26.0/{number}/insights?metric={metric}&since={number}",
                json.dumps({"id": number, str(number): [f"{number}"]}),
            )
        )
    )
    return Planted(value, (str(number),))


@st.composite
def planted_numbers(draw: st.DrawFn) -> Planted:
    number = draw(st.floats(10_000, 1e15).filter(lambda one: one % 1 > 0))
    return Planted(number, (repr(number),))


@st.composite
def planted_words(draw: st.DrawFn) -> Planted:
    # Hypothesis also tries texts that stand in our code, and what everyone knows is kept.
    word = draw(st.one_of(_NAMES, _TOKENS).filter(lambda one: not any(one in public for public in PUBLIC_WORDS)))
    shapes = (
        word,
        f"{word} & Sons",
        f"a,{word},b",
        f"?access_token={word}&after={word}",
        f"{word}|{word}",
        f"EAA{word}",
    )
    return Planted(draw(st.sampled_from(shapes)), (word,))


@st.composite
def planted_moments(draw: st.DrawFn) -> Planted:
    moment = draw(_MOMENTS).replace(microsecond=0)
    seconds = int(moment.replace(tzinfo=UTC).timestamp())
    day = f"{moment:%Y-%m-%d}"
    shapes = (
        f"{day}T{moment:%H:%M:%S}{draw(_ZONES)}",
        f"{day} {moment:%H:%M:%S}",
        f"{day}T{moment:%H:%M:%S}.123456+0000",
        day,
        seconds,
        str(seconds),
    )
    return Planted(draw(st.sampled_from(shapes)), (day, str(seconds), f"{moment:%Y}-"))


def planted() -> st.SearchStrategy[Planted]:
    return st.one_of(planted_ids(), planted_numbers(), planted_words(), planted_moments())


def documents() -> st.SearchStrategy[Any]:
    """JSON of the API's fields, known and unknown, whose leaves are planted; the plants are found by `plants_in`."""
    leaves = st.one_of(planted(), st.none(), st.booleans())
    names = st.one_of(st.sampled_from(sorted(FIELD_NAMES)), planted_words(), planted_ids())
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.lists(inner, max_size=4),
            st.lists(st.tuples(names, inner), max_size=4).map(lambda pairs: ("object", pairs)),
        ),
        max_leaves=12,
    )


def plain(tree: Any, marks: set[str]) -> Any:
    """The JSON value of a drawn document; collects the marks of all that is planted in it."""
    if isinstance(tree, Planted):
        marks.update(tree.marks)
        return tree.value
    if isinstance(tree, tuple):
        return {str(plain(name, marks)): plain(value, marks) for name, value in tree[1]}
    return [plain(one, marks) for one in tree] if isinstance(tree, list) else tree


def shape(value: Any) -> Any:
    """Kinds and lengths; of the names of fields only those everyone knows."""
    if isinstance(value, dict):
        return [(name if name in FIELD_NAMES else None, shape(one)) for name, one in value.items()]
    return [shape(one) for one in value] if isinstance(value, list) else type(value)


def reply(body: str, headers: dict[str, str] | None = None) -> Reply:
    request = Request("/me")
    return Reply(request=request, at_seconds=0.0, response=Response(status=200, headers=headers or {}, body=body))


@given(documents())
def test_nothing_planted_anywhere_in_a_reply_survives(tree: Any) -> None:
    marks: set[str] = set()
    body = json.dumps(plain(tree, marks))
    text = sample_of([reply(body, {"x-app-usage": body, "x-private": body})]).text
    told = text + json.dumps(json.loads(text), ensure_ascii=False)
    assert [mark for mark in marks if mark in told] == []


@given(documents())
def test_kinds_lengths_and_known_fields_survive(tree: Any) -> None:
    value = plain(tree, set())
    assert shape(Anonymiser().of(value)) == shape(value)


@given(st.lists(planted(), min_size=1, max_size=6), st.sampled_from(sorted(FIELD_NAMES)))
def test_the_search_would_find_what_is_planted(plants: list[Planted], name: str) -> None:
    """The marks really stand in the replies, so the search above is not blind."""
    for plant in plants:
        body = json.dumps({name: plant.value}, ensure_ascii=False)
        assert any(mark in body for mark in plant.marks)


@given(moment=_MOMENTS, midnight=st.booleans(), zone=st.sampled_from((UTC, timezone(timedelta(hours=-7)))))
def test_a_time_keeps_its_spelling_and_whether_it_is_a_pacific_midnight(
    *, moment: datetime, midnight: bool, zone: timezone
) -> None:
    from airflow_provider_msginsights.insights.dates import pacific_date, pacific_midnight

    aware = moment.replace(tzinfo=zone, microsecond=0)
    if midnight:
        aware = pacific_midnight(aware.date())
    for text in (aware.strftime("%Y-%m-%dT%H:%M:%S%z"), aware.isoformat(sep=" ")):
        told = Anonymiser().of({"end_time": text})["end_time"]
        assert re.sub(r"[0-9]", "9", told) == re.sub(r"[0-9]", "9", text).replace("+99:99", "+99:99")
        read = datetime.fromisoformat(told)
        assert (read == pacific_midnight(pacific_date(read))) is (aware == pacific_midnight(pacific_date(aware)))
        assert read.year == 2000 or text.startswith(("2000", "1999"))


def test_what_verification_needs_survives() -> None:
    body = {
        "data": [
            {
                "name": "page_messages_sent",
                "period": "day",
                "values": [
                    {"value": "42", "end_time": "1665126000", "messaging_channel": "Messenger"},
                    {"value": 27, "end_time": "2022-10-08T07:00:00+0000", "messaging_channel": "springsale"},
                    {"value": 0.25, "end_time": 1665212400, "surprise": "x"},
                ],
                "id": "123456789012345/insights/page_messages_sent/day",
            }
        ],
        "error": {"code": 190, "error_subcode": 463, "type": "OAuthException", "message": "It ended on Monday"},
    }
    sample = sample_of([reply(json.dumps(body))])
    told = json.loads(sample.text)["replies"][0]["body"]
    assert told["error"] == {"code": 190, "error_subcode": 463, "type": "OAuthException", "message": "some text"}
    (entry,) = told["data"]
    assert (entry["name"], entry["period"], entry["id"]) == (
        "page_messages_sent",
        "day",
        "0/insights/page_messages_sent/day",
    )
    assert [row["value"] for row in entry["values"]] == ["0", 0, 0.5]
    assert [type(row["end_time"]) for row in entry["values"]] == [str, str, int]
    assert [row.get("messaging_channel") for row in entry["values"]] == ["Messenger", "word-1", None]
    assert "unknown_field_1" in entry["values"][2]
    assert sample.unknown_fields == ("surprise",)


def test_a_page_that_is_called_like_a_word_of_the_api_is_hidden_too() -> None:
    assert Anonymiser().of({"name": "Messenger", "id": "daily"}) == {"name": "word-1", "id": "word-2"}


@pytest.mark.parametrize("body", ["", "<html>Maria's proxy</html>", "Service Unavailable", "[" * 100_000])
def test_a_body_that_is_no_json_is_described_and_not_quoted(body: str) -> None:
    told = json.loads(sample_of([reply(body)]).text)["replies"][0]["body"]
    assert told == {"no_json": True, "is_empty": body == "", "is_html": body.startswith("<")}


def test_the_sample_of_a_connection_holds_nothing_of_it(
    emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    page_id, name, campaign = "845123456789012", "Olive and Thyme", "Grand Opening 77345"
    emulator.add_page(page_id, name=name)
    now = emulator.now()
    emulator.add_events(
        [
            Event(
                page_id=page_id,
                kind=EventKind.MARKETING_MESSAGE_SENT,
                at=now - timedelta(days=3, minutes=number),
                person_id=f"person-{number}",
                message_id=f"message-{number}",
                campaign_id=campaign,
            )
            for number in range(4321)
        ]
    )
    file = tmp_path / "sample.json"
    monkeypatch.setenv(*next(iter(connection(emulator, "user-token", login=page_id).items())))
    assert main(["check", "--sample", str(file), "--json"]) == 0
    text = file.read_text()
    dates = {f"{now - timedelta(days=days):%Y-%m-%d}" for days in range(-90, 30)}
    private = {page_id, name, campaign, "4321", "user-token", f"page-token-{page_id}", "Emulator Analyst", *dates}
    assert [one for one in private if one in text] == []
    assert page_id in capsys.readouterr().out
    sample = json.loads(text)
    assert all(
        f'"{name}"' in text for name in (*METRICS, *(one for metric in METRICS.values() for one in metric.breakdowns))
    )
    assert set(BREAKDOWNS) >= {reply["asked"].get("breakdown") for reply in sample["replies"]} - {None}
    refused = sample["replies"][-1]
    assert (refused["status"], refused["body"]["error"]["code"]) == (400, 100)
