"""The control plane's routes as functions: each is the JSON form of a method of `Controls`."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import Any

from airflow_provider_msginsights.emulator.control.api import Controls
from airflow_provider_msginsights.emulator.data.events import Event, EventKind
from airflow_provider_msginsights.emulator.state.faults import Fault
from airflow_provider_msginsights.emulator.state.tokens import Token, TokenKind
from airflow_provider_msginsights.emulator.time_ranges import parse_moment

Answer = dict[str, Any]
Handler = Callable[[Controls, Mapping[str, Any]], Answer]


def get_stats(emulator: Controls, _: Mapping[str, Any]) -> Answer:
    """Counters and journal."""
    return dict(emulator.stats())


def post_reset(emulator: Controls, _: Mapping[str, Any]) -> Answer:
    """Back to the seeded state."""
    emulator.reset()
    return {"reset": True}


def get_clock(emulator: Controls, _: Mapping[str, Any]) -> Answer:
    """Return the emulator's moment, ISO and unix seconds."""
    now = emulator.now()
    return {"now": now.isoformat(), "unix": int(now.timestamp())}


def post_clock(emulator: Controls, body: Mapping[str, Any]) -> Answer:
    """Set (`now`, and `ticking`) or advance (`advance_seconds`) the clock."""
    _only(body, "now", "ticking", "advance_seconds")
    if "now" in body:
        emulator.set_clock(_moment(emulator, body["now"], "now"), ticking=bool(body.get("ticking", False)))
    if "advance_seconds" in body:
        emulator.advance(seconds=float(body["advance_seconds"]))
    return get_clock(emulator, body)


def get_faults(emulator: Controls, _: Mapping[str, Any]) -> Answer:
    """Return the faults that may still strike."""
    return {"faults": [_without_defaults(asdict(fault)) for fault in emulator.faults()]}


def post_faults(emulator: Controls, body: Mapping[str, Any]) -> Answer:
    """Add one fault, or several as `{"faults": [...]}`."""
    faults = [Fault(**fields) for fields in _listed(body, "faults")]
    for fault in faults:
        emulator.add_fault(fault)
    return get_faults(emulator, body)


def delete_faults(emulator: Controls, body: Mapping[str, Any]) -> Answer:
    """Take all faults away."""
    emulator.clear_faults()
    return get_faults(emulator, body)


def get_events(emulator: Controls, query: Mapping[str, Any]) -> Answer:
    """Return a Page's events: `page_id`, and `since`, `until`, `kind` (comma list) if wanted."""
    _only(query, "page_id", "since", "until", "kind")
    bounds = {name: _moment(emulator, query[name], name) for name in ("since", "until") if name in query}
    kinds = [EventKind(kind) for kind in str(query["kind"]).split(",")] if "kind" in query else list(EventKind)
    events = emulator.events(_required(query, "page_id"), kinds=kinds, **bounds)
    return {"events": [event.as_json() for event in events]}


def post_events(emulator: Controls, body: Mapping[str, Any]) -> Answer:
    """Add one event, or several as `{"events": [...]}`."""
    now_seconds = emulator.now().timestamp()
    events = [Event.from_json(fields, now_seconds=now_seconds) for fields in _listed(body, "events")]
    emulator.add_events(events)
    return {"added": len(events)}


def get_tokens(emulator: Controls, _: Mapping[str, Any]) -> Answer:
    """Return what is known of each token; never its value."""
    listed = [asdict(token) for token in emulator.tokens()]
    return {
        "tokens": [
            {name: value for name, value in token.items() if name not in {"value", "parent"}} for token in listed
        ]
    }


def post_tokens(emulator: Controls, body: Mapping[str, Any]) -> Answer:
    """Add or change the token `value`; `expire: true` and `revoke: <subcode>` end it."""
    fields = dict(body)
    value = str(_required(fields, "value"))
    expire, subcode = fields.pop("expire", False), fields.pop("revoke", None)
    del fields["value"]
    if "scopes" in fields:
        fields["scopes"] = tuple(fields["scopes"])
    if "kind" in fields:
        emulator.add_token(Token(**{**fields, "value": value, "kind": TokenKind(fields["kind"])}))
    elif fields:
        emulator.change_token(value, **fields)
    if expire:
        emulator.expire_token(value)
    if subcode is not None:
        emulator.revoke_token(value, subcode=int(subcode))
    return get_tokens(emulator, body)


def get_pages(emulator: Controls, _: Mapping[str, Any]) -> Answer:
    """All Pages and their attributes."""
    return {"pages": [_page_json(asdict(page)) for page in emulator.pages()]}


def post_pages(emulator: Controls, body: Mapping[str, Any]) -> Answer:
    """Add the Page `page_id`, or change it if it exists."""
    fields = dict(body)
    page_id = str(_required(fields, "page_id"))
    del fields["page_id"]
    if "tasks" in fields:
        fields["tasks"] = tuple(fields["tasks"])
    if "first_day" in fields:
        fields["first_day"] = datetime.strptime(fields["first_day"], "%Y-%m-%d").replace(tzinfo=UTC).date()
    if page_id in emulator.page_ids:
        emulator.change_page(page_id, **fields)
    else:
        emulator.add_page(page_id, **fields)
    return get_pages(emulator, body)


def post_metrics(emulator: Controls, body: Mapping[str, Any]) -> Answer:
    """`retire` or `restore` a metric (`first_day`), for all Pages or one `page_id`; or `hide` it for one."""
    _only(body, "retire", "restore", "hide", "page_id", "first_day")
    page_id = body.get("page_id")
    if "retire" in body:
        emulator.retire_metric(str(body["retire"]), page_id=page_id)
    if "restore" in body:
        emulator.restore_metric(str(body["restore"]), page_id=page_id, first_day=_day(body, "first_day"))
    if "hide" in body:
        emulator.hide_metric(str(body["hide"]), page_id=_required(body, "page_id"))
    return dict(body)


def post_permissions(emulator: Controls, body: Mapping[str, Any]) -> Answer:
    """`lose` a permission (from `first_day` to `last_day`) or `restore` it, for all Pages or one `page_id`."""
    _only(body, "lose", "restore", "page_id", "first_day", "last_day")
    page_id = body.get("page_id")
    if "lose" in body:
        first_day, last_day = _day(body, "first_day"), _day(body, "last_day")
        emulator.lose_permission(str(body["lose"]), page_id=page_id, first_day=first_day, last_day=last_day)
    if "restore" in body:
        emulator.restore_permission(str(body["restore"]), page_id=page_id)
    return dict(body)


def post_sharing(emulator: Controls, body: Mapping[str, Any]) -> Answer:
    """`share` or `unshare` a Page, with all people or one `user_id`."""
    _only(body, "share", "unshare", "user_id")
    if "unshare" in body:
        emulator.unshare_page(str(body["unshare"]), user_id=body.get("user_id"))
    if "share" in body:
        emulator.share_page(str(body["share"]), user_id=body.get("user_id"))
    return dict(body)


def get_outage(emulator: Controls, _: Mapping[str, Any]) -> Answer:
    """Return what every request is answered with; null without an outage."""
    outage = emulator.outage()
    return {"outage": None if outage is None else _without_defaults(asdict(outage))}


def post_outage(emulator: Controls, body: Mapping[str, Any]) -> Answer:
    """Answer every request alike: `kind` and other fields of a fault."""
    emulator.start_outage(**body)
    return get_outage(emulator, body)


def delete_outage(emulator: Controls, body: Mapping[str, Any]) -> Answer:
    """End the outage."""
    emulator.end_outage()
    return get_outage(emulator, body)


def post_limits(emulator: Controls, body: Mapping[str, Any]) -> Answer:
    """Throttle for `minutes` (with `code`), or set an allowance of `calls`; of a `page_id`, or of the app."""
    _only(body, "page_id", "minutes", "code", "calls")
    if "minutes" in body:
        code = None if body.get("code") is None else int(body["code"])
        emulator.set_throttled(body.get("page_id"), minutes=float(body["minutes"]), code=code)
    if "calls" in body:
        emulator.set_allowance(body.get("page_id"), calls=int(body["calls"]))
    return dict(body)


def get_settings(emulator: Controls, _: Mapping[str, Any]) -> Answer:
    """Return the settings in force."""
    return {
        name: str(value) if name == "first_day" else value
        for name, value in asdict(emulator.current_settings()).items()
    }


def post_settings(emulator: Controls, body: Mapping[str, Any]) -> Answer:
    """Change settings until the next reset."""
    emulator.configure(**body)
    return get_settings(emulator, body)


HANDLERS: dict[str, dict[str, Handler]] = {
    "stats": {"GET": get_stats},
    "reset": {"POST": post_reset},
    "clock": {"GET": get_clock, "POST": post_clock},
    "faults": {"GET": get_faults, "POST": post_faults, "DELETE": delete_faults},
    "events": {"GET": get_events, "POST": post_events},
    "tokens": {"GET": get_tokens, "POST": post_tokens},
    "pages": {"GET": get_pages, "POST": post_pages},
    "metrics": {"POST": post_metrics},
    "permissions": {"POST": post_permissions},
    "sharing": {"POST": post_sharing},
    "outage": {"GET": get_outage, "POST": post_outage, "DELETE": delete_outage},
    "limits": {"POST": post_limits},
    "settings": {"GET": get_settings, "POST": post_settings},
}


def _only(body: Mapping[str, Any], *known: str) -> None:
    for name in body:
        if name not in known:
            raise ValueError(f"Unknown field '{name}'. Fields are: {', '.join(known)}.")


def _listed(body: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """Return the body itself, or the objects that it lists under the name."""
    listed = body.get(name, [body])
    if not isinstance(listed, list) or not all(isinstance(item, dict) for item in listed):
        raise ValueError(f"'{name}' must be a list of objects.")
    return listed


def _required(body: Mapping[str, Any], name: str) -> Any:
    if body.get(name) in {None, ""}:
        raise ValueError(f"'{name}' is missing.")
    return body[name]


def _day(body: Mapping[str, Any], name: str) -> date | None:
    if body.get(name) is None:
        return None
    try:
        return date.fromisoformat(str(body[name]))
    except ValueError:
        raise ValueError(f"'{name}' must be a date such as 2026-03-08.") from None


def _moment(emulator: Controls, text: Any, name: str) -> datetime:
    seconds = parse_moment(str(text), now_seconds=emulator.now().timestamp())
    if seconds is None:
        raise ValueError(f"'{name}' must be ISO time or unix seconds.")
    return datetime.fromtimestamp(seconds, UTC)


def _without_defaults(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value not in (None, {}, 0, 0.0, False)}


def _page_json(fields: dict[str, Any]) -> dict[str, Any]:
    return fields | {"first_day": str(fields["first_day"]), "unreadable_metrics": sorted(fields["unreadable_metrics"])}
