"""Usage headers -> how close to a limit, and how long to stay away.

Source: Graph API guide "Rate Limits", sections on headers. Numbers are whole percent of the allowance; the time to
regain access is in *minutes*; headers are often absent. Whatever cannot be read is ignored: a header must never fail
a load.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_PERCENTAGES = ("call_count", "total_time", "total_cputime")
_OWN_TYPES = frozenset({"pages", "messenger"})
"""Business use cases that count calls of this API; ads, Instagram and others do not concern it."""

_LARGEST = 1e9
LONGEST_SECONDS = 86_400.0
"""Limits roll over at most a day: no delay a server names is taken for longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """How much of one allowance is used.

    :param object_id: the business object it belongs to, which for this API is a Page; ``None`` for the whole app.
    :param percent: of the allowance; at 100 calls are refused.
    :param regain_seconds: how long calls will be refused; 0 when they are not.
    """

    object_id: str | None
    percent: float
    regain_seconds: float = 0.0

    @property
    def of_app(self) -> bool:
        """Whether every Page shares the allowance."""
        return self.object_id is None


def read_usage(headers: Mapping[str, str], page_id: str | None) -> tuple[Usage, ...]:
    """Every allowance a reply's headers (lower-case names) speak of; ``x-page-usage`` is that of the request's Page."""
    found = [
        Usage(object_id=object_id, percent=percent)
        for name, object_id in (("x-app-usage", None), ("x-page-usage", page_id or "unknown"))
        if isinstance(usage := _loads(headers.get(name)), dict) and (percent := _percent(usage)) is not None
    ]
    business = _loads(headers.get("x-business-use-case-usage"))
    if isinstance(business, dict):
        for object_id, uses in business.items():
            found.extend(_business_usage(object_id, uses))
    return tuple(found)


def regain_seconds(headers: Mapping[str, str], page_id: str | None) -> float | None:
    """How long the server asked to stay away: ``Retry-After``, or the time to regain access."""
    waits = [usage.regain_seconds for usage in read_usage(headers, page_id)]
    if (after := _retry_after(headers)) is not None:
        waits.append(after)
    longest = max(waits, default=0.0)
    return longest if longest > 0 else None


def answered_version(headers: Mapping[str, str]) -> str | None:
    """Return the version that a reply says it was answered by; ``None`` where it says none."""
    version = headers.get("facebook-api-version", "")
    return version if re.fullmatch(r"v[0-9]{1,4}\.[0-9]{1,4}", version) else None


def _business_usage(object_id: str, uses: object) -> Iterator[Usage]:
    for use in uses if isinstance(uses, list) else [uses]:
        if not isinstance(use, dict) or not _is_own(use.get("type")):
            continue
        minutes = _number(use.get("estimated_time_to_regain_access")) or 0.0
        percent = _percent(use)
        if percent is not None or minutes > 0:
            regain = min(minutes * 60, LONGEST_SECONDS)
            yield Usage(object_id=object_id, percent=percent or 0.0, regain_seconds=regain)


def _is_own(use_case: object) -> bool:
    return use_case is None or (isinstance(use_case, str) and use_case in _OWN_TYPES)


def _percent(usage: dict[str, object]) -> float | None:
    return max((n for key in _PERCENTAGES if (n := _number(usage.get(key))) is not None), default=None)


def _number(value: object) -> float | None:
    if isinstance(value, str) and re.fullmatch(r"\s*[0-9]{1,9}(\.[0-9]*)?\s*", value):
        return float(value)
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= _LARGEST:
        return float(value)
    return None


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds, or a date counted from the reply's own ``Date``."""
    header = headers.get("retry-after")
    if header is None:
        return None
    if (seconds := _number(header)) is None:
        until, sent = _http_date(header), _http_date(headers.get("date"))
        seconds = (until - sent).total_seconds() if until and sent else 0.0
    return min(max(seconds, 0.0), LONGEST_SECONDS)


def _http_date(text: str | None) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text) if text else None
    except (ValueError, TypeError, OverflowError):
        return None
    return moment.replace(tzinfo=UTC) if moment is not None and moment.tzinfo is None else moment


def _loads(text: str | None) -> object:
    try:
        return json.loads(text) if text else None
    except (ValueError, RecursionError):
        return None
