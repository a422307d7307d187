"""What people, templates and XCom write for a parameter -> the value that is meant, or a `ConfigurationError`.

Every parameter of the operators, the sensor, the triggers, the hook and the command line is read here, once, before
any request. White space around text does not count. Templates leave text of everything: ``"None"`` where nothing was
meant, ``"['101', '102']"`` where a list was, ``"3"`` for a number. With ``render_template_as_native_obj=True`` it is
the other way round: the number 101 stands where text was meant. Both are understood.

Messages show the value, but never one that looks like a token: it may have been typed into the wrong field.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from math import floor, isfinite
from typing import Literal, TypeAlias, TypeGuard

from airflow_provider_msginsights.exceptions import ConfigurationError
from airflow_provider_msginsights.insights.parameters.values import (
    is_given,
    is_literal,
    items_of,
    literal_of,
    number_of,
    refusal,
    shown,
    suggestion,
    text_of,
)

ALL_PAGE_IDS: Literal["all"] = "all"
"""Stands for every Page that the token may analyze."""

PageIds: TypeAlias = 'tuple[str, ...] | Literal["all"] | None'
"""Page ids, every Page, or none named."""

_MAX_SHOWN_ID_CHARACTERS = 20
_PAGE_ID = re.compile(r"[0-9]{1,32}")
_COMPACT_DAYS = range(1000_01_01, 9999_12_32)
_API_VERSION = re.compile(r"v[0-9]{1,3}\.[0-9]{1,2}")
_SCHEME = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<place>.+)", re.DOTALL)
_LIKE_A_PASSWORD = re.compile(
    r"[^/]*:[^/]*@"  # user:password@bucket
    r"|[^/:]*:/+[^/]*(?::|%3A)[^/]*@"  # s3://user:password@bucket
    r"|[^/:]*:/+[^/@]*:(?![0-9]{1,5}(?:/|$))",  # s3://user:pass/word@bucket
    re.IGNORECASE,
)
_TRUE, _FALSE = frozenset({"true", "1", "yes"}), frozenset({"false", "0", "no"})
_CONN_ID = re.compile(r"[\w#!()\-.:/\\]{1,250}")  # as Airflow's own forms have it
_TOKEN = re.compile(r"\bEA[A-Za-z0-9]{18,}")
_PART_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.=+-]{0,99}")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def parse_text(name: str, value: object, allowed: str = "text") -> str:
    """Return one text; a whole number, as native rendering leaves it, becomes its digits.

    :raises ConfigurationError: for nothing, other types, and text that cannot be stored or printed.
    """
    text = text_of(value)
    if text is None or not is_given(text):
        raise refusal(name, value, allowed)
    if _UNPRINTABLE.search(text):
        raise refusal(name, value, f"{allowed} without line breaks and control characters")
    return text


def parse_conn_id(name: str, value: object) -> str:
    """Return the id of an Airflow connection.

    :raises ConfigurationError: for what cannot be one, and for a token, which Airflow would show as a missing id.
    """
    conn_id = parse_text(name, value, "the id of an Airflow connection")
    if not _CONN_ID.fullmatch(conn_id) or _TOKEN.search(conn_id):
        raise refusal(name, value, "the id of an Airflow connection: letters, digits and _ - . : / # ! ( )")
    return conn_id


def parse_optional_conn_id(name: str, value: object) -> str | None:
    """Return the id of an Airflow connection, or ``None`` where none was given."""
    return parse_conn_id(name, value) if is_given(value) else None


def parse_optional_text(name: str, value: object) -> str | None:
    """Return one text, or ``None`` where none was given."""
    return parse_text(name, value) if is_given(value) else None


def parse_choice(name: str, value: object, allowed: Iterable[str]) -> str:
    """Return one of the texts that are allowed.

    :raises ConfigurationError: otherwise; names what is allowed and the nearest spelling.
    """
    choices = tuple(allowed)
    if isinstance(value, str) and (text := str.__str__(value).strip()) in choices:
        return text
    raise ConfigurationError(
        f"{name}={shown(value)} is not valid.{suggestion(value, choices)} Use one of: {', '.join(choices)}.",
        parameter=name,
    )


def parse_optional_choice(name: str, value: object, allowed: Iterable[str]) -> str | None:
    """Return one of the texts that are allowed, or ``None`` where none was given."""
    return parse_choice(name, value, allowed) if is_given(value) else None


def parse_switch(name: str, value: object) -> bool:
    """Return a truth, given as such or as text: true, yes, 1; false, no, 0."""
    text = str(value).strip().lower() if isinstance(value, str) else text_of(value)
    if type(value).__name__ in {"bool", "bool_"}:
        return bool(value)
    if text not in _TRUE | _FALSE:
        raise refusal(name, value, "true or false")
    return text in _TRUE


def parse_names(name: str, value: object) -> tuple[str, ...]:
    """Return names, each once, in the order given; those of a set sorted. They may be none.

    :param value: text with commas, text of a list, or any collection of texts; numbers count as text.
    :raises ConfigurationError: for other types, lists in lists, and lists with an empty place.
    """
    if not is_given(value):
        return ()
    names: dict[str, None] = {}
    for item in items_of(name, value):
        text = text_of(item)
        if text is None or not is_given(text):
            raise ConfigurationError(
                f"{name} holds {shown(item)}, which is not a name: use text, or a list of texts.", parameter=name
            )
        names.update(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    return tuple(names)


def parse_page_ids(value: object, *, name: str = "page_ids") -> PageIds:
    """Return the Page ids that a parameter names, each once; `ALL_PAGE_IDS` for ``"all"``, ``None`` for none.

    :param value: ids as text or whole numbers; text with commas; text of a list; any collection of them.
    :raises ConfigurationError: for an empty collection, and for ids that are not 1 to 32 digits. A long one is not
        shown, because it may be a token.
    """
    if not is_given(value):
        return None
    page_ids = parse_names(name, value)
    if page_ids == (ALL_PAGE_IDS,):
        return ALL_PAGE_IDS
    if not page_ids:
        raise ConfigurationError(
            f"{name}={shown(value)}: No Page was named. Leave it out for the connection's default Pages.",
            parameter=name,
        )
    for page_id in page_ids:
        if not is_page_id(page_id):
            also = f", or {ALL_PAGE_IDS!r} alone for every Page" if page_id.lower() == ALL_PAGE_IDS else ""
            raise ConfigurationError(
                f"{name}: {_shown_id(page_id)} is not a Page id: use 1 to 32 digits{also}.", parameter=name
            )
    return page_ids


def is_page_id(value: object) -> TypeGuard[str]:
    """Return whether a text is the id of a Page, as far as its form shows."""
    return isinstance(value, str) and _PAGE_ID.fullmatch(value) is not None


def _shown_id(text: str) -> str:
    is_short = len(text) <= _MAX_SHOWN_ID_CHARACTERS and "|" not in text and "token" not in text.lower()
    return shown(text) if is_short and not text.startswith("EA") else f"a text of {len(text)} characters"


def parse_login(value: object) -> tuple[str, ...]:
    """Return the default Page ids of a connection's login; nothing of the login is ever shown.

    :raises ConfigurationError: for what is not Page ids: a token may have been typed into the wrong field.
    """
    names = parse_names("login", value) if isinstance(value, str) and not is_literal(value.strip()) else ()
    if (is_given(value) and not names) or not all(map(is_page_id, names)):
        raise ConfigurationError(
            "The connection's login must hold Page ids (1 to 32 digits each, separated by commas) or nothing. "
            "The access token belongs into the password.",
            parameter="login",
        )
    return names


def parse_mapping(name: str, value: object) -> dict[str, object]:
    """Return a dictionary with text as keys; empty where none was given.

    :param value: a mapping, or the text of one, as JSON or Python.
    """
    if not is_given(value):
        return {}
    allowed = "a dictionary of names and values"
    found = value
    if isinstance(value, str) and is_literal(text := value.strip()):
        found = literal_of(name, text)
    if not isinstance(found, Mapping) or not all(isinstance(key, str) for key in found):
        raise refusal(name, value, allowed)
    return {str.__str__(key): found[key] for key in found}


def parse_extra_columns(value: object) -> dict[str, str]:
    """Return the extra columns, name and text: what native rendering made of text becomes text again.

    :raises ConfigurationError: for values that were no text: nothing, lists, dictionaries, bytes.
    """
    columns = {}
    for column, held in parse_mapping("extra_columns", value).items():
        name = f"extra_columns[{shown(column)}]"
        is_scalar = isinstance(held, (str, bool, float, Decimal, date)) or text_of(held) is not None
        text = str.__str__(held) if isinstance(held, str) else str(held) if is_scalar else None
        if text is None or _SURROGATE.search(text):
            raise refusal(name, held, "text, such as a rendered template")
        columns[column] = text
    return columns


def parse_when(name: str, value: object) -> str | int | date | datetime | None:
    """Return a day or a moment as it was given, ``None`` where none was; `date_ranges.parse_moment` reads it.

    The number 20261101 is the text of a day, made a number by native rendering. Fractions of a second do not matter:
    days end at whole ones.

    :raises ConfigurationError: for types that are neither.
    """
    if not is_given(value):
        return None
    allowed = "a Pacific date such as '2026-11-01', a moment with its offset, or unix seconds"
    if isinstance(value, (str, date)):  # datetime is a date too
        if value == value:  # noqa: PLR0124 - pandas' "not a time" is a datetime that differs from itself
            return value
        raise refusal(name, value, allowed)
    number = number_of(value)
    if number is None or not isfinite(number):
        raise refusal(name, value, allowed)
    seconds = floor(number)
    return str(seconds) if seconds in _COMPACT_DAYS else seconds


def parse_api_version(value: object) -> str | None:
    """Return a version of the Graph API, or ``None`` where none was given."""
    if not is_given(value):
        return None
    if not isinstance(value, str) or not _API_VERSION.fullmatch(text := str.__str__(value).strip()):
        raise refusal("api_version", value, "a version such as 'v26.0'")
    return text


def parse_part(value: object) -> str:
    """Return the name of a task's file in each partition; ``"0"`` where none was given.

    :raises ConfigurationError: for what cannot stand in a file name on every store.
    """
    part = parse_text("part", value) if is_given(value) else "0"
    if not _PART_NAME.fullmatch(part):
        raise ConfigurationError(
            f"part={shown(part)} cannot stand in a file name: use up to 100 letters, digits and _ . = + - and "
            "start with a letter or digit.",
            parameter="part",
        )
    return part


def parse_output_path(value: object) -> str | None:
    """Return where to write, as text; ``None``, and only that, stands for XCom.

    :param value: text, or a path object: of ``pathlib``, ``ObjectStoragePath``, ``UPath``.
    :raises ConfigurationError: for a path that would depend on the worker: relative, or with ``~``; for text that a
        template made of nothing; for anything that is no path; for one with a password, which is never shown.
    """
    if value is None:
        return None
    text = _path_text(value)
    if text is not None and _LIKE_A_PASSWORD.match(text):
        raise ConfigurationError(
            "output_path has a user name and a password, or another colon, before the bucket (not shown here). They "
            "would end up in logs and in Airflow's database: put them into an Airflow connection, and name that in "
            "output_conn_id or as s3://conn_id@bucket/path.",
            parameter="output_path",
        )
    if text is None or not is_given(text):
        raise _path_refusal(value)
    if _UNPRINTABLE.search(text):
        raise refusal("output_path", value, "a path without line breaks and control characters")
    if text.startswith("~"):
        raise refusal("output_path", value, "the absolute path, because '~' is another folder on each worker")
    match = _SCHEME.fullmatch(text)
    if match is None and not text.startswith("/"):
        raise _path_refusal(value)
    if match is not None:
        _check_place(value, match["scheme"].lower(), match["place"])
    return text


def _path_refusal(value: object) -> ConfigurationError:
    return refusal(
        "output_path", value, "an absolute path such as '/data/insights' or a URL such as 's3://bucket/insights'"
    )


def _path_text(value: object) -> str | None:
    if isinstance(value, str):
        return str.__str__(value).strip()
    kind = type(value)
    if hasattr(kind, "protocol") and hasattr(kind, "path"):
        # Of a path's own options only the connection travels in its text.
        if set(getattr(value, "storage_options", ())) - {"conn_id"}:
            raise ConfigurationError(
                "output_path is a path object with storage options of its own, which would get lost. Put them into an "
                "Airflow connection and name it in output_conn_id.",
                parameter="output_path",
            )
        return str(value).strip()
    try:
        text = kind.__fspath__(value) if hasattr(kind, "__fspath__") else None
    except Exception:  # noqa: BLE001 - an object of any library, which is no path then
        return None
    return text.strip() if isinstance(text, str) else None


def _check_place(value: object, scheme: str, place: str) -> None:
    """Refuse a URL that names no place, or one that depends on the worker."""
    from urllib.parse import urlsplit

    try:
        netloc, path = (parts := urlsplit(f"{scheme}://{place}")).netloc, parts.path
    except ValueError:  # brackets and characters that no host name has
        raise _path_refusal(value) from None
    if scheme in {"file", "local"}:
        if not path.startswith("/") or (netloc and not netloc.endswith("@")):
            raise refusal("output_path", value, f"three slashes and the absolute path, as in '{scheme}:///data'")
    elif not netloc.rpartition("@")[2] and scheme != "memory":
        raise refusal("output_path", value, f"a URL that names the bucket or container, as in '{scheme}://bucket/data'")
