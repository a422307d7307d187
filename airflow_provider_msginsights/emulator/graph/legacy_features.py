"""Protocol features that apps made since v27.0 may no longer use, and that older apps still may.

Blog post on Graph API v27.0 (4 November 2026). It names the features and not how a call that uses one is answered:
the refusals are inferred, with the code of a wrong parameter.
"""

import re
from collections.abc import Callable, Collection, Iterable
from datetime import UTC, datetime
from typing import Final

from airflow_provider_msginsights.emulator.call import Call, list_parameter
from airflow_provider_msginsights.emulator.errors import GraphError, invalid_parameter
from airflow_provider_msginsights.emulator.graph.field_expansion import AskedField, parse_fields

_CALLBACK = re.compile(r"[A-Za-z_$][\w$.\[\]]{0,100}", re.ASCII)
_MAX_IDS = 50
_EDGES_OF_IDS: Final[tuple[list[str], ...]] = ([], ["insights"])


def refuse_unusable(call: Call, components: list[str], usable: Collection[str]) -> None:
    """Raise GraphError with code 100 when the call uses a feature that the app may not use."""
    used = {
        "date_format": "date_format" in call.params,
        "field_aliases": _names_alias(call.params.get("fields", "")),
        "ids": bool(ids_of(call, components)),
        "jsonp": call.part_number is None and "callback" in call.params,
        "method_override": call.overrides_method,
    }
    for feature, is_used in used.items():
        if is_used and feature not in usable:
            raise invalid_parameter(f"The protocol feature {feature} is no longer available to this app")


def ids_of(call: Call, components: list[str]) -> list[str]:
    """Return the objects that a call to the root, or to an edge of all of them, names in `ids`.

    Raises GraphError with code 100 for more than 50.
    """
    if components not in _EDGES_OF_IDS:
        return []
    ids = list_parameter(call.params.get("ids"))
    if len(ids) > _MAX_IDS:
        raise invalid_parameter(f"Too many IDs. Maximum: {_MAX_IDS}. Provided: {len(ids)}.")
    return ids


def callback_of(call: Call) -> str | None:
    """Return the JavaScript function that a JSONP call wants its answer handed to.

    Raises GraphError with code 100 for a name that is none.
    """
    name = call.params.get("callback")
    if name is None or call.part_number is not None or call.method != "GET":
        return None
    if not _CALLBACK.fullmatch(name):
        raise invalid_parameter("The parameter callback must be the name of a function")
    return name


def _names_alias(fields: str) -> bool:
    try:
        return ".as(" in fields and _has_alias(parse_fields(fields))
    except GraphError:
        return False


def _has_alias(asked: Iterable[AskedField]) -> bool:
    return any("as" in field.modifiers or _has_alias(field.inner) for field in asked)


_PHP: Final[dict[str, Callable[[datetime], str]]] = {
    "Y": lambda moment: f"{moment:%Y}",
    "y": lambda moment: f"{moment:%y}",
    "m": lambda moment: f"{moment:%m}",
    "n": lambda moment: str(moment.month),
    "M": lambda moment: f"{moment:%b}",
    "F": lambda moment: f"{moment:%B}",
    "d": lambda moment: f"{moment:%d}",
    "j": lambda moment: str(moment.day),
    "D": lambda moment: f"{moment:%a}",
    "l": lambda moment: f"{moment:%A}",
    "H": lambda moment: f"{moment:%H}",
    "G": lambda moment: str(moment.hour),
    "i": lambda moment: f"{moment:%M}",
    "s": lambda moment: f"{moment:%S}",
    "e": lambda _: "UTC",
    "T": lambda _: "UTC",
    "O": lambda _: "+0000",
    "P": lambda _: "+00:00",
    "Z": lambda _: "0",
    "U": lambda moment: str(int(moment.timestamp())),
    "c": lambda moment: f"{moment:%Y-%m-%dT%H:%M:%S+00:00}",
    "r": lambda moment: f"{moment:%a, %d %b %Y %H:%M:%S +0000}",
}
"""The letters of PHP's `date`, in UTC; all others stand for themselves."""


def php_date(seconds: int, pattern: str) -> str | int:
    """Return the moment as PHP's `date` writes it in UTC; plain unix seconds for the pattern `U`."""
    if pattern == "U":
        return seconds
    moment = datetime.fromtimestamp(seconds, UTC)
    escaped, written = False, ""
    for letter in pattern:
        written += letter if escaped or letter not in _PHP else _PHP[letter](moment)
        escaped = letter == "\\" and not escaped
        if escaped:
            written = written[:-1]
    return written
