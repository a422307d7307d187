"""No secret in anything a run shows, whatever goes wrong: with every kind of logging on, in every channel.

Each failure is met by the operator, by a poke of the sensor and by the trigger. The connection holds a user token
with characters that encodings change, and an app secret; Page tokens are exchanged, proofs computed.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import quote, quote_plus

import pytest
from support.airflow_versions import TaskDeferred
from support.dag_runs import connection_to
from support.secret_watch import Secrets, Watch

from airflow_provider_msginsights.emulator import Token, TokenKind
from airflow_provider_msginsights.emulator.error_table import known_errors
from airflow_provider_msginsights.operators.msginsights import MessagingInsightsOperator
from airflow_provider_msginsights.sensors.msginsights import MessagingInsightsSensor
from airflow_provider_msginsights.transports.settings import EXTRA_FIELDS
from airflow_provider_msginsights.triggers.msginsights import MessagingInsightsAvailabilityTrigger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from airflow_provider_msginsights.emulator import GraphEmulator

USER_TOKEN = "Q7/x+zz=Kd|mm-81_kT.9w/5e"
PROXY_PASSWORD = "pr0xy+Pass/word="
DAYS: dict[str, Any] = {"since": "2026-11-01", "until": "2026-11-02"}
PAGES = ["101", "102", "103"]
IMPATIENT = {"max_attempts": 2, "base_seconds": 0, "throttle_seconds": 0, "wait_bound_seconds": 0, "total_seconds": 0}


Way: TypeAlias = "Callable[[Watch, Path], None]"


@dataclass
class Scene:
    """An emulator that knows the secrets, a connection that holds them, and a watch for them."""

    emulator: GraphEmulator
    monkeypatch: pytest.MonkeyPatch
    capfd: pytest.CaptureFixture[str]
    folder: Path
    watch: Watch

    def connect(self, **different: Any) -> None:
        extra = {"app_id": "1", "app_secret": "app-secret", **IMPATIENT, **different.pop("extra", {})}
        connection_to(self.emulator, self.monkeypatch, password=USER_TOKEN, extra=extra, **different)

    def leaks_of(self, way: Way) -> list[str]:
        with self.watch.everything_logged(self.capfd):
            way(self.watch, self.folder)
        return self.watch.leaks()


@pytest.fixture
def scene(
    emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> Scene:
    (user,) = (token for token in emulator.tokens() if token.value == "user-token")
    emulator.add_token(Token(value=USER_TOKEN, kind=TokenKind.USER, user_id=user.user_id))
    pages = {f"token of Page {page}": emulator.page_token(page) for page in PAGES}
    secrets = {"user token": USER_TOKEN, "app secret": "app-secret", "proxy password": PROXY_PASSWORD, **pages}
    scene = Scene(emulator, monkeypatch, capfd, tmp_path, Watch(Secrets(secrets, app_secret="app-secret")))
    scene.connect()
    return scene


def load(watch: Watch, folder: Path) -> None:
    """Run the operator, deferrable, and see all it leaves."""
    task = MessagingInsightsOperator(
        task_id="load", page_ids=PAGES, metrics="all", output_path=folder.as_uri(), deferrable=True, **DAYS
    )
    _run(watch, lambda: task.execute({}))
    for name in task.template_fields:
        watch.see("rendered field", getattr(task, name))
    watch.see_files(folder)


def wait(watch: Watch, _: Path) -> None:
    """Ask once by the sensor."""
    task = MessagingInsightsSensor(task_id="wait", page_ids=PAGES, deferrable=True, **DAYS)
    _run(watch, lambda: task.execute({}))


def wait_in_triggerer(watch: Watch, _: Path, *, seconds: float = 0.7) -> None:
    """Ask by the trigger, until its first event or so many seconds are over."""
    trigger = MessagingInsightsAvailabilityTrigger(
        msginsights_conn_id="msginsights_default",
        page_ids=PAGES,
        metrics=["page_messages_new_conversations_unique"],
        ranges=[[*DAYS.values()]],
        poll_interval_seconds=1,
        deadline=(datetime.now(UTC) + timedelta(seconds=seconds)).isoformat(),
        max_failed_polls=1,
    )

    async def first_event() -> None:
        async for event in trigger.run():
            watch.see("event", event.payload)
            return

    watch.see("trigger", trigger.serialize())
    _run(watch, lambda: asyncio.run(asyncio.wait_for(first_event(), seconds + 60)))


def _run(watch: Watch, work: Callable[[], Any]) -> None:
    try:
        watch.see("XCom", work())
    except TaskDeferred as deferred:
        watch.see("trigger", deferred.trigger.serialize())
    except Exception as error:  # noqa: BLE001 - whatever it is, it must not leak
        watch.see_error(error)


WAYS = pytest.mark.parametrize("way", [load, wait, wait_in_triggerer])
ONE_OF_EACH_REMEDY = [(1, None), (10, None), (100, None), (190, 463), (2635, None), (80001, None)]


def crossed(values: Iterable[Any], *, always: Callable[[Way, Any], bool]) -> pytest.MarkDecorator:
    """Every way with every value, by the names `way` and `value`; those that are not always run are slow."""
    return pytest.mark.parametrize(
        ("way", "value"),
        [
            pytest.param(way, value, marks=() if always(way, value) else pytest.mark.slow)
            for way in (load, wait, wait_in_triggerer)
            for value in values
        ],
    )


@pytest.mark.parametrize(
    "way", [load, wait, pytest.param(partial(wait_in_triggerer, seconds=60), id="wait_in_triggerer")]
)
@pytest.mark.parametrize("proof", ["plain", "timed"])
def test_when_all_goes_well(
    way: Way,
    proof: str,
    scene: Scene,
) -> None:
    scene.connect(extra={"appsecret_proof": proof})
    assert scene.leaks_of(way) == []
    assert scene.watch.saw("log")
    assert scene.watch.saw("XCom")
    assert scene.emulator.stats()["graph_calls"] >= len(PAGES)


@crossed(known_errors(), always=lambda _, error: error in ONE_OF_EACH_REMEDY)
def test_when_the_api_refuses_and_repeats_the_token_in_its_words(
    way: Way, value: tuple[int, int | None], scene: Scene
) -> None:
    code, subcode = value
    echoed = f"refused {USER_TOKEN} {quote(USER_TOKEN, safe='')} and {scene.emulator.page_token('101')}"
    title: dict[str, Any] = {"user_title": echoed, "user_message": echoed, "error_data": {"sent": echoed}}
    scene.emulator.add_fault(code=code, subcode=subcode, message=echoed, times=None, skip=1, path="/insights", **title)
    assert scene.leaks_of(way) == []
    assert (
        scene.watch.saw("exception")
        or scene.watch.saw("event")
        or scene.watch.saw("trigger")
        or scene.watch.saw("XCom")
    )


def _escaped(text: str) -> str:
    return "".join(f"\\u{ord(one):04x}" for one in text)


SPELLINGS: dict[str, Callable[[str], str]] = {
    "one JSON escape": lambda secret: secret[0] + _escaped(secret[1]) + secret[2:],
    "JSON escapes": _escaped,
    "slashes escaped": lambda secret: secret.replace("/", "\\/"),
    "every character percent-encoded": lambda secret: "".join(f"%{ord(one):02x}" for one in secret),
    "percent-encoded twice": lambda secret: quote(quote(secret, safe=""), safe=""),
    "form-encoded": quote_plus,
    "in HTML": lambda secret: "".join(f"&#{ord(one)};" for one in secret),
    "hexadecimal": lambda secret: secret.encode().hex(),
}


@crossed(
    [(code, name) for code in (100, 10, 190) for name in SPELLINGS],
    always=lambda way, value: value[1] == "JSON escapes" or (value[0] == 100 and way is load),
)
def test_when_the_api_spells_secrets_in_another_way(way: Way, value: tuple[int, str], scene: Scene) -> None:
    """In every field of the error and in every header that is heard; the body's text holds the escapes as they are."""
    code, spell = value[0], SPELLINGS[value[1]]
    echoed = " ".join(map(spell, (USER_TOKEN, scene.emulator.page_token("101"), "app-secret")))
    fields = ("message", "error_user_title", "error_user_msg", "fbtrace_id", "type")
    members = ", ".join(f'"{name}": "refused {echoed}"' for name in fields)
    body = f'{{"error": {{{members}, "code": {code}, "error_data": {{"{echoed}": "{echoed}"}}}}}}'
    headers = dict.fromkeys(
        ("X-Fb-Trace-Id", "WWW-Authenticate", "Facebook-Api-Version", "Retry-After", "X-App-Usage", "X-Fb-Debug"),
        echoed,
    )
    scene.emulator.add_fault(
        kind="reply", body=body, http_status=400, headers=headers, times=None, skip=1, path="/insights"
    )
    assert scene.leaks_of(way) == []


ESCAPES = {name: spell for name, spell in SPELLINGS.items() if name != "hexadecimal"}
"""What rows are searched for; codes such as hexadecimal are looked for in error texts and headers only."""


@crossed(ESCAPES, always=lambda way, name: name == "JSON escapes" or way is load)
def test_when_rows_and_versions_spell_the_token_in_another_way(way: Way, value: str, scene: Scene) -> None:
    echoed = ESCAPES[value](USER_TOKEN)
    values = f'[{{"value": "{echoed}", "end_time": "2026-11-02T08:00:00+0000"}}]'
    body = f'{{"data": [{{"name": "page_messages_sent", "period": "day", "id": "{echoed}", "values": {values}}}]}}'
    scene.emulator.add_fault(
        kind="reply", body=body, headers={"Facebook-Api-Version": echoed}, times=None, path="/insights"
    )
    assert scene.leaks_of(way) == []


BODIES = {
    "an HTML page that repeats the token": f"<html>{USER_TOKEN}</html>",
    "JSON of an unknown shape with the token": json.dumps({"data": [{"name": USER_TOKEN, "access_token": USER_TOKEN}]}),
    "a list": json.dumps([USER_TOKEN]),
    "rows with the token in the value": json.dumps(
        {
            "data": [
                {
                    "name": "page_messages_sent",
                    "period": "day",
                    "values": [{"value": USER_TOKEN, "end_time": USER_TOKEN}],
                }
            ]
        }
    ),
    "a cut body": '{"data": [{"name": "' + USER_TOKEN,
}


@WAYS
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_when_the_reply_is_garbage_that_repeats_the_token(
    way: Way,
    body: str,
    scene: Scene,
) -> None:
    scene.emulator.add_fault(kind="reply", body=body, times=None, path="/insights")
    assert scene.leaks_of(way) == []


SERVER_FAILURES = (
    "html_500",
    "unavailable_503",
    "unavailable_text",
    "garbage_json",
    "wrong_content_type",
    "cut",
    "reset",
    "null_part",
)


@crossed(
    [(kind, on) for kind in SERVER_FAILURES for on in ("call", "batch")],
    always=lambda way, value: value[1] == ("call" if way is load and value[0] != "null_part" else "batch"),
)
def test_when_the_server_or_the_connection_fails(way: Way, value: tuple[str, str], scene: Scene) -> None:
    kind, on = value
    scene.emulator.add_fault(kind=kind, on=on, times=None)
    assert scene.leaks_of(way) == []


UNREACHABLE: dict[str, dict[str, Any]] = {
    "connection refused": {"host": "http://127.0.0.1:9"},
    "no such host": {"host": "https://graph.invalid"},
    "TLS asked of a server that has none": {"tls": True},
    "proxy refused": {
        "host": "https://graph.invalid",
        "extra": {"proxy": f"http://someone:{quote(PROXY_PASSWORD, safe='')}@127.0.0.1:9"},
    },
    "silence": {"extra": {"read_timeout_seconds": 0.05}, "fault": {"kind": "hang"}},
    "a field that is wrong": {"extra": {"app_id": "no digits"}},
    "a field nobody knows": {"extra": {"acess_token": USER_TOKEN}},
    "a redirect": {
        "fault": {"kind": "reply", "body": "", "http_status": 302, "headers": {"Location": "http://127.0.0.1:9/"}}
    },
}


@WAYS
@pytest.mark.parametrize("trouble", UNREACHABLE.values(), ids=UNREACHABLE)
def test_when_the_api_cannot_be_reached_or_the_connection_is_wrong(
    way: Way,
    trouble: dict[str, Any],
    scene: Scene,
) -> None:
    different = {name: value for name, value in trouble.items() if name in {"host", "extra"}}
    if trouble.get("tls"):
        different["host"] = scene.emulator.base_url.replace("http:", "https:")
    scene.connect(**different)
    if "fault" in trouble:
        scene.emulator.add_fault(times=None, **trouble["fault"])
    assert scene.leaks_of(way) == []
    assert scene.watch.saw("exception") or scene.watch.saw("event") or scene.watch.saw("trigger")


FIELDS = ("host", "port", "login", *EXTRA_FIELDS, USER_TOKEN, "extra")


@crossed(FIELDS, always=lambda way, field: way is load or field not in EXTRA_FIELDS)
def test_when_the_token_was_typed_into_a_wrong_field(way: Way, value: str, scene: Scene) -> None:
    field = value
    connection: dict[str, Any] = {"conn_type": "msginsights", "host": scene.emulator.base_url, "password": USER_TOKEN}
    if field == "extra":
        connection["extra"] = f"no JSON {USER_TOKEN}"
    elif field in ("host", "login"):
        connection[field] = USER_TOKEN
    elif field == "port":
        connection["host"] = f"http://127.0.0.1:{USER_TOKEN}"
    else:
        connection["extra"] = {field: USER_TOKEN}
    scene.monkeypatch.setenv("AIRFLOW_CONN_MSGINSIGHTS_DEFAULT", json.dumps(connection))
    assert scene.leaks_of(way) == []
    assert scene.watch.saw("exception") or scene.watch.saw("event") or field == "app_secret"


@WAYS
def test_when_login_and_password_are_swapped(way: Way, scene: Scene) -> None:
    connection = {"conn_type": "msginsights", "host": scene.emulator.base_url, "login": USER_TOKEN, "password": "101"}
    scene.monkeypatch.setenv("AIRFLOW_CONN_MSGINSIGHTS_DEFAULT", json.dumps(connection))
    before = scene.emulator.stats()["graph_calls"]
    assert scene.leaks_of(way) == []
    assert scene.emulator.stats()["graph_calls"] == before


@WAYS
@pytest.mark.parametrize(
    "proxy",
    ["http://someone:{}@127.0.0.1:9", "http://someone:{}@127.0.0.1\u2100:9", "someone:{}@127.0.0.1:9", "http://{}:x"],
)
def test_when_the_environment_names_a_proxy_that_does_not_work(way: Way, proxy: str, scene: Scene) -> None:
    scene.connect(host="https://graph.invalid")
    scene.monkeypatch.setenv("HTTPS_PROXY", proxy.format(quote(PROXY_PASSWORD, safe="")))
    assert scene.leaks_of(way) == []
    assert scene.watch.saw("exception") or scene.watch.saw("event") or scene.watch.saw("trigger")


@WAYS
@pytest.mark.parametrize("odd", ["\\n", "\\u0000", "\u00f6"])
def test_when_the_api_gives_a_page_a_token_that_no_header_can_carry(way: Way, odd: str, scene: Scene) -> None:
    token = scene.emulator.page_token("102") + odd
    pages = ", ".join(f'{{"id": "{page}", "access_token": "{token}", "tasks": ["ANALYZE"]}}' for page in PAGES)
    scene.emulator.add_fault(kind="reply", body=f'{{"data": [{pages}]}}', times=None, path="/me/accounts")
    for page in PAGES:
        body = f'{{"id": "{page}", "access_token": "{token}"}}'
        scene.emulator.add_fault(kind="reply", body=body, times=None, path=f"/{page}")
    assert scene.leaks_of(way) == []


@pytest.mark.parametrize("exception", [MemoryError, KeyboardInterrupt, SystemExit, RuntimeError])
def test_when_the_worker_dies_of_something_else(
    exception: type[BaseException],
    scene: Scene,
) -> None:
    """A crash report shows frames with their locals; ours hold no secret that a repr would show."""
    disk_is_full = _raising(exception)
    scene.monkeypatch.setattr("pathlib.Path.replace", disk_is_full)

    def load_until_it_dies(watch: Watch, folder: Path) -> None:
        try:
            load(watch, folder)
        except BaseException as error:  # noqa: BLE001 - such as KeyboardInterrupt
            watch.see_error(error)

    assert scene.leaks_of(load_until_it_dies) == []
    assert scene.watch.saw("exception")


def _raising(exception: type[BaseException]) -> Callable[..., Any]:
    def replace(*_: Any, **__: Any) -> Any:
        raise exception("the worker dies here")

    return replace
