"""Lists that come page by page: where the next page begins, and when a list has no end.

Source: Graph API guide "Paginated Results": ``paging.next`` is there as long as more follows; a page may be short or
empty all the same. A next page is requested by the *parameters* of that address, added to our own request: never by
its host, and never with the token that stands in it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NoReturn
from urllib.parse import parse_qsl

from airflow_provider_msginsights.exceptions import ResponseFormatError
from airflow_provider_msginsights.insights.graph.json_text import is_unicode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from airflow_provider_msginsights.insights.protocol import Flow, Request

Params = tuple[tuple[str, str], ...]
Entry = dict[str, object]

PAGES_A_CALL = 100
"""What is requested at a time; the API gives no more."""

MAX_LIST_CALLS = 1_000
"""A list that goes on after so many calls (100,000 Pages) has no end."""

MAX_IDLE_CALLS = 50
"""So many calls in a row without a new entry lead nowhere: a few are usual, since what a person may not see is left out
of a page after it was cut."""

_PLACES = ("after", "offset", "__paging_token", "page_token", "pagetoken", "page", "since", "until")
_MOST_PARAMETERS, _LONGEST_PLACE = 100, 4_096
_OK = 200


def read_list(
    request: Request,
    what: str,
    *,
    ask: Callable[[Request], Flow[Entry]],
    entries_in: Callable[[Entry], Iterable[tuple[str, Entry]]],
    is_enough: Callable[[dict[str, Entry]], bool] = lambda _: False,
    first: Entry | None = None,
) -> Flow[dict[str, Entry]]:
    """Return the entries of a list by their keys, page by page, until it ends or they are enough.

    :param what: what it lists, for errors.
    :param ask: gives the document that answers a request.
    :param first: the answer to the request, where it is there already.
    :raises ResponseFormatError: for a list that says that more follows and not where, goes in a circle, or has no end.
    """
    found: dict[str, Entry] = {}
    places: set[Params] = set()
    idle_calls = 0
    document = (yield from ask(request)) if first is None else first
    for _ in range(MAX_LIST_CALLS):
        count = len(found)
        for key, entry in entries_in(document):
            found.setdefault(key, entry)
        if is_enough(found) or (following := next_page(document, what)) is None:
            return found
        idle_calls = idle_calls + 1 if len(found) == count else 0
        if (place := _place(following)) in places:
            _fail(what, "goes in a circle: it names a next page that was read before")
        if idle_calls >= MAX_IDLE_CALLS:
            _fail(what, f"leads nowhere: {idle_calls} calls in a row gave nothing new")
        places.add(place)
        document = yield from ask(_at(request, following))
    _fail(what, f"has no end: it goes on after {MAX_LIST_CALLS} calls and {len(found)} entries")


def next_page(document: Entry, what: str) -> Params | None:
    """Return the parameters that lead to the page after this one; ``None`` where it is the last.

    :raises ResponseFormatError: when more follows and nothing says where.
    """
    paging = document.get("paging")
    if paging is None:
        return None
    if not isinstance(paging, dict):
        _fail(what, "has a shape this package does not know at paging")
    address = paging.get("next")
    if address is None:
        return None
    following = _of_address(address) if isinstance(address, str) else ()
    if not _place(following):
        following = _of_cursors(paging.get("cursors"))
    if not following:
        _fail(what, "says that more follows, and not where: its paging.next holds neither a cursor nor an offset")
    return following


def _of_address(address: str) -> Params:
    query = address.partition("?")[2].partition("#")[0]
    try:
        pairs = parse_qsl(query, errors="strict", max_num_fields=_MOST_PARAMETERS)
    except ValueError:
        return ()
    kept = {name: value for name, value in pairs if name in _PLACES and _is_usable(value)}
    limit = dict(pairs).get("limit", "")
    if kept and limit.isdecimal() and limit.isascii() and 0 < len(limit.lstrip("0")) <= len(str(PAGES_A_CALL)):
        kept["limit"] = limit
    return tuple(kept.items())


def _of_cursors(cursors: object) -> Params:
    after = cursors.get("after") if isinstance(cursors, dict) else None
    if isinstance(after, int) and not isinstance(after, bool):
        after = repr(after)
    return (("after", after),) if isinstance(after, str) and _is_usable(after) else ()


def _is_usable(place: str) -> bool:
    return 0 < len(place) <= _LONGEST_PLACE and is_unicode(place)


def _place(params: Params) -> Params:
    """Return which of a page's parameters distinguish it from the others."""
    return tuple(sorted((name, value) for name, value in params if name in _PLACES))


def _at(request: Request, following: Params) -> Request:
    return replace(request, params=tuple((dict(request.params) | dict(following)).items()))


def _fail(what: str, how: str) -> NoReturn:
    raise ResponseFormatError(
        f"The list of {what} {how}. Nothing of it was used.", http_status=_OK, error_id="MSGI-page-list"
    )
