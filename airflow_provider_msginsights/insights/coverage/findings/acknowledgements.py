"""What people know of and want to hear no more about for a while: ``_coverage/acknowledged.json``.

Written by hand, or by ``msginsights coverage ack``; a line each::

    {
      "version": 1,
      "acknowledged": [
        {"page_ids": ["456"], "metrics": ["page_messages_sent"], "until": "2026-12-15", "reason": "agreed with client"}
      ]
    }

``page_ids``, ``kinds`` and ``metrics`` say what is meant; what is left out means all of it, but one of the three must
be there. ``until`` is the last Pacific day on which it holds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from airflow_provider_msginsights.exceptions import ConfigurationError
from airflow_provider_msginsights.insights.coverage.findings.kinds import FindingKind
from airflow_provider_msginsights.insights.coverage.hand_edited import EditedFile
from airflow_provider_msginsights.insights.dates import parse_moment
from airflow_provider_msginsights.insights.parameters.parse import is_page_id, parse_text
from airflow_provider_msginsights.insights.parameters.values import shown, suggestion

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import date

    from airflow_provider_msginsights.insights.coverage.findings.rules import CoverageFinding
    from airflow_provider_msginsights.insights.coverage.hand_edited import Place

VERSION = 1
_T = TypeVar("_T")


class AcknowledgementsFileError(ConfigurationError):
    """``_coverage/acknowledged.json`` was edited so that it cannot be read: a person must correct it."""

    kind_id = "MSGI-acknowledgements"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ack:
    """Something people know of.

    :param page_ids: the Pages meant; none for all.
    :param kinds: the kinds of findings meant; none for all.
    :param metrics: the metrics meant; none for all, and for findings about a whole Page.
    :param until: the last Pacific day on which it holds.
    :param reason: why, for those who read it later.
    """

    until: date
    reason: str = ""
    page_ids: tuple[str, ...] = ()
    kinds: tuple[FindingKind, ...] = ()
    metrics: tuple[str, ...] = ()

    def covers(self, finding: CoverageFinding, on: date) -> bool:
        """Whether a finding is meant, on a day."""
        return (
            on <= self.until
            and (not self.page_ids or set(finding.page_ids) <= set(self.page_ids))
            and (not self.kinds or finding.kind in self.kinds)
            and (not self.metrics or finding.metric in self.metrics)
        )

    def covers_page(self, page_id: str, on: date) -> bool:
        """Whether all that is wrong with a Page is meant, on a day."""
        return on <= self.until and page_id in self.page_ids and not self.kinds and not self.metrics


@dataclass(frozen=True, slots=True)
class Acknowledgements:
    """All that people know of, in the order of the file. Never changed: each change returns others."""

    acks: tuple[Ack, ...] = ()

    @classmethod
    def from_bytes(cls, data: bytes | None) -> Acknowledgements:
        """Return what a file says; ``None`` stands for no file.

        :raises AcknowledgementsFileError: for a file that people edited wrongly, with the line and what helps; for a
            newer one.
        """
        if data is None:
            return cls()
        listed = _FILE.read(data).members(("version", "acknowledged"))["acknowledged"]
        return cls(tuple(_ack(place) for place in listed.items()))

    def to_bytes(self) -> bytes:
        """Return the file: a line each, in the order given; equal ones give equal bytes."""
        return _FILE.write("acknowledged", [_fields(ack) for ack in self.acks])

    def with_ack(
        self,
        page_ids: Iterable[str] = (),
        *,
        until: date,
        reason: str,
        kinds: Iterable[str] = (),
        metrics: Iterable[str] = (),
    ) -> Acknowledgements:
        """Return these and another one; it replaces one of the same Pages, kinds and metrics.

        :raises ConfigurationError: for one that names nothing, and for what the file could not hold.
        """
        parse_moment(until)
        ack = Ack(
            until=until,
            reason=parse_text("reason", reason) if reason else "",
            page_ids=tuple(sorted({_page_id(one) for one in page_ids})),
            kinds=tuple(sorted({_kind(one) for one in kinds})),
            metrics=tuple(sorted({parse_text("metrics", one) for one in metrics})),
        )
        if not (ack.page_ids or ack.kinds or ack.metrics):
            raise ConfigurationError(_NOTHING, error_id="MSGI-acknowledgements")
        meant = (ack.page_ids, ack.kinds, ack.metrics)
        others = [one for one in self.acks if (one.page_ids, one.kinds, one.metrics) != meant]
        return self if ack in self.acks else Acknowledgements((*others, ack))

    def covers(self, finding: CoverageFinding, on: date) -> Ack | None:
        """Return the one that means a finding on a day, or ``None``."""
        return next((ack for ack in self.acks if ack.covers(finding, on)), None)

    def covers_page(self, page_id: str, on: date) -> Ack | None:
        """Return the one that means all that is wrong with a Page on a day, or ``None``."""
        return next((ack for ack in self.acks if ack.covers_page(page_id, on)), None)


_FILE = EditedFile("_coverage/acknowledged.json", VERSION, AcknowledgementsFileError)
_NOTHING = "An acknowledgement must name page_ids, kinds or metrics: one that names nothing would hide everything."


def _page_id(text: str) -> str:
    if not is_page_id(text):
        raise ConfigurationError(
            f"{shown(text)} is not a Page id: use 1 to 32 digits in quotes.", error_id="MSGI-acknowledgements"
        )
    return text


def _kind(text: str) -> FindingKind:
    if text not in tuple(FindingKind):
        names = tuple(map(str, FindingKind))
        raise ConfigurationError(
            f"Unknown kind {shown(text)}.{suggestion(text, names)} Allowed: {', '.join(names)}.",
            error_id="MSGI-acknowledgements",
        )
    return FindingKind(text)


def _ack(place: Place) -> Ack:
    found = place.members(("until",), ("page_ids", "kinds", "metrics", "reason"))
    ack = Ack(
        until=found["until"].as_day(),
        reason=found["reason"].as_text() if "reason" in found else "",
        page_ids=_each(found.get("page_ids"), _page_id),
        kinds=_each(found.get("kinds"), _kind),
        metrics=_each(found.get("metrics"), str),
    )
    if not (ack.page_ids or ack.kinds or ack.metrics):
        raise place.refusal(_NOTHING)
    return ack


def _each(places: Place | None, read: Callable[[str], _T]) -> tuple[_T, ...]:
    """Return what the texts of a list mean, each once, sorted."""
    values = {}
    for place in places.items() if places is not None else ():
        text = place.as_text()
        try:
            values[text] = read(text)
        except ConfigurationError as error:
            raise place.refusal(error.message) from None
    return tuple(values[text] for text in sorted(values))


def _fields(ack: Ack) -> dict[str, Any]:
    values = {
        "page_ids": list(ack.page_ids),
        "kinds": list(map(str, ack.kinds)),
        "metrics": list(ack.metrics),
        "until": ack.until.isoformat(),
        "reason": ack.reason,
    }
    return {name: value for name, value in values.items() if value}
