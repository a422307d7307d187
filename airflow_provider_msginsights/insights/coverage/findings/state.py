"""What was found in a part before, so that people hear of new and ended findings only.

One small file a part, ``_coverage/findings-<part>.json.gz``. What is lost with it is memory only: all findings that go
on are new once more.
"""

from __future__ import annotations

import gzip
import json
import zlib
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from airflow_provider_msginsights.insights.coverage.findings.kinds import FindingKind
from airflow_provider_msginsights.insights.coverage.findings.rules import CoverageFinding
from airflow_provider_msginsights.insights.coverage.findings.silent_cause import SilentCause

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

VERSION = 1
KEPT_DAYS = 7
"""How long an event stands among the findings that go on, and an ended one in the file."""


@dataclass(frozen=True, slots=True)
class FindingsChange:
    """What a run tells of.

    :param new: found for the first time, or again after it had ended.
    :param ongoing: found before; not said again.
    :param ended: found before, and no more.
    :param newly_final: of the new and ongoing ones, those whose first day became final with this run: what a load with
        ``on_finding="fail"`` fails for.
    """

    new: tuple[CoverageFinding, ...] = ()
    ongoing: tuple[CoverageFinding, ...] = ()
    ended: tuple[CoverageFinding, ...] = ()
    newly_final: tuple[CoverageFinding, ...] = ()


@dataclass(slots=True)
class KnownFinding:
    """A finding and its history.

    :param found_on: the Pacific day on which it was found first.
    :param run: the run that found it first.
    :param final_run: the run with which its first day became final; empty before.
    :param ended_on: the Pacific day on which it was found no more.
    :param ended_run: the run that found it no more.
    """

    finding: CoverageFinding
    found_on: date
    run: str
    final_run: str = ""
    ended_on: date | None = None
    ended_run: str = ""


@dataclass(slots=True)
class FindingsState:
    """The findings of a part that go on, and those that ended lately.

    :param known: identity -> finding and history.
    :param warning: what is wrong with the file that was read; empty where nothing is.
    :param newer: the bytes of a newer version's file, which are left as they are.
    """

    known: dict[str, KnownFinding] = field(default_factory=dict)
    warning: str = ""
    newer: bytes | None = None

    @property
    def open(self) -> tuple[CoverageFinding, ...]:
        """The findings that go on, sorted."""
        return tuple(known.finding for known in self._open())

    def _open(self) -> Iterator[KnownFinding]:
        return (self.known[identity] for identity in sorted(self.known) if self.known[identity].ended_on is None)

    def update(self, found: Iterable[CoverageFinding], *, on: date, run: str) -> FindingsChange:
        """Enter what a run found, and return what it tells of; the same run may be entered again.

        :param on: the run's Pacific day.
        """
        by_identity = {finding.identity: finding for finding in found}
        if self.newer is not None:
            return FindingsChange(ongoing=tuple(by_identity.values()))
        for identity, finding in by_identity.items():
            self._enter(identity, finding, on, run)
        for identity in [*self.known]:
            if identity not in by_identity:
                self._leave_out(identity, by_identity.values(), on, run)
        current = list(self._open())
        return FindingsChange(
            new=tuple(one.finding for one in current if one.run == run),
            ongoing=tuple(one.finding for one in current if one.run != run),
            ended=tuple(self.known[one].finding for one in sorted(self.known) if self._ended_by(run, self.known[one])),
            newly_final=tuple(one.finding for one in current if one.final_run == run),
        )

    @staticmethod
    def _ended_by(run: str, known: KnownFinding) -> bool:
        return known.ended_on is not None and known.ended_run == run

    def _enter(self, identity: str, finding: CoverageFinding, on: date, run: str) -> None:
        known = self.known.get(identity)
        if known is None or (known.ended_on is not None and known.ended_run != run):
            known = self.known[identity] = KnownFinding(finding, on, run)
        known.ended_on, known.ended_run = None, ""
        known.finding = replace(
            finding,
            cause=finding.cause or known.finding.cause,
            is_final=finding.is_final or known.finding.is_final,
        )
        if known.finding.is_final and not known.final_run:
            known.final_run = run

    def _leave_out(self, identity: str, found: Iterable[CoverageFinding], on: date, run: str) -> None:
        """Enter that a finding was not found."""
        known = self.known[identity]
        old = known.finding
        if known.ended_on is not None:
            is_over = known.ended_run != run and on - known.ended_on > timedelta(days=KEPT_DAYS)
        elif old.kind.is_event:
            is_over = on - known.found_on > timedelta(days=KEPT_DAYS)
        else:
            # The trouble of one Page goes on in a finding about many: it did not end.
            is_over = any(
                one.kind is old.kind and one.metric == old.metric and set(old.page_ids) <= set(one.page_ids)
                for one in found
            )
            if not is_over:
                known.ended_on, known.ended_run = on, run
        if is_over:
            del self.known[identity]

    def unexplained(self) -> tuple[CoverageFinding, ...]:
        """Return the silent Pages that no fill has looked at."""
        return tuple(one for one in self.open if one.kind is FindingKind.PAGE_SILENT and one.cause is None)

    def explain(self, identity: str, cause: SilentCause) -> None:
        """Keep why a Page is silent; nothing happens to a finding that is not known."""
        if (known := self.known.get(identity)) is not None:
            known.finding = replace(known.finding, cause=cause)

    # The file

    def to_bytes(self) -> bytes:
        """Return the file; equal states give equal bytes."""
        if self.newer is not None:
            return self.newer
        findings = [_known_to_json(self.known[identity]) for identity in sorted(self.known)]
        text = json.dumps({"version": VERSION, "findings": findings}, separators=(",", ":"))
        return gzip.compress(text.encode(), mtime=0)

    @classmethod
    def from_bytes(cls, data: bytes | None) -> FindingsState:
        """Return the state that a file holds; ``None`` stands for no file.

        A damaged file is an empty state with a warning; of one that a newer version wrote nothing is read, nothing
        found is new, and ``to_bytes`` gives the file as it is.
        """
        if data is None:
            return cls()
        try:
            content = json.loads(gzip.decompress(data))
            version = content["version"]
            if isinstance(version, int) and version > VERSION:
                return cls(newer=data, warning=f"a newer version of this package wrote it (findings {version})")
            known = [_known_from_json(one) for one in content["findings"]]
        except (
            LookupError,
            TypeError,
            ValueError,
            AttributeError,
            OSError,
            EOFError,
            zlib.error,
            RecursionError,
        ) as damage:
            return cls(warning=f"it is damaged ({type(damage).__name__}): all findings that go on are new once more")
        return cls({one.finding.identity: one for one in known})


def finding_to_json(finding: CoverageFinding) -> dict[str, Any]:
    """Return a finding as JSON's own types, for manifests, events and reports: all its fields and its identity."""
    return {
        "identity": finding.identity,
        "kind": str(finding.kind),
        "page_id": finding.page_id,
        "page_ids": list(finding.page_ids),
        "metric": finding.metric,
        "first_day": finding.first_day.isoformat(),
        "is_final": finding.is_final,
        "what": finding.what,
        "remedy": finding.remedy,
        "cause": None if finding.cause is None else str(finding.cause),
    }


def _finding_from_json(data: Mapping[str, Any]) -> CoverageFinding:
    return CoverageFinding(
        kind=FindingKind(data["kind"]),
        page_id=_text_or_none(data["page_id"]),
        page_ids=tuple(_text(one) for one in data["page_ids"]),
        metric=_text_or_none(data["metric"]),
        first_day=date.fromisoformat(data["first_day"]),
        is_final=bool(data["is_final"]),
        what=_text(data["what"]),
        remedy=_text(data["remedy"]),
        cause=None if data["cause"] is None else SilentCause(data["cause"]),
    )


def _known_to_json(known: KnownFinding) -> dict[str, Any]:
    return {
        **finding_to_json(known.finding),
        "found_on": known.found_on.isoformat(),
        "run": known.run,
        "final_run": known.final_run,
        "ended_on": known.ended_on and known.ended_on.isoformat(),
        "ended_run": known.ended_run,
    }


def _known_from_json(data: Mapping[str, Any]) -> KnownFinding:
    return KnownFinding(
        finding=_finding_from_json(data),
        found_on=date.fromisoformat(data["found_on"]),
        run=_text(data["run"]),
        final_run=_text(data["final_run"]),
        ended_on=None if data["ended_on"] is None else date.fromisoformat(data["ended_on"]),
        ended_run=_text(data["ended_run"]),
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("no text")  # noqa: TRY004 - damage, of whatever type
    return value


def _text_or_none(value: object) -> str | None:
    return None if value is None else _text(value)
