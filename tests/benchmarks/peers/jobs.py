"""What every peer is asked to do: standard library only, as it is read in every peer's environment."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

VERSION = "v26.0"
USER_TOKEN = "user-token"
FIRST_PAGE = 101
MOST_DAYS = 90
"""The widest range the API answers at once."""

LIMIT_CODES = frozenset({4, 17, 32, 613, 80001, 80006})
WAIT_SECONDS = 1.0
ATTEMPTS = 3
"""How peers that can be told so wait for a limit; ours is told the same."""

METRICS = (
    "page_messages_blocked_conversations_unique",
    "page_messages_engagement",
    "page_messages_new_conversations_unique",
    "page_messages_order_count",
    "page_messages_paid_order_earnings",
    "page_messages_read_ratio",
    "page_messages_reported_conversations_unique",
    "page_messages_sent",
    "page_messages_total_messaging_connections",
    "page_messages_with_business_outcomes",
    "recurring_notifications_tokens",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Load every metric of so many Pages for so many days, as files below ``output``."""

    base_url: str
    pages: int
    first_day: date
    days: int
    output: Path

    @property
    def root(self) -> str:
        return f"{self.base_url}/{VERSION}"

    @property
    def page_ids(self) -> list[str]:
        return [str(FIRST_PAGE + number) for number in range(self.pages)]

    @property
    def known_tokens(self) -> dict[str, str]:
        """Page tokens given beforehand: a single Page's own, as one would store it; many are exchanged by the peer."""
        return {page_id: f"page-token-{page_id}" for page_id in self.page_ids} if self.pages == 1 else {}

    @property
    def token(self) -> str:
        """The one token a peer is given."""
        return next(iter(self.known_tokens.values()), USER_TOKEN)

    @property
    def end_day(self) -> date:
        return self.first_day + timedelta(self.days)

    def ranges(self) -> Iterator[tuple[str, str]]:
        """Dates ``since`` and ``until``, no wider than the API answers."""
        since = self.first_day
        while since < self.end_day:
            until = min(since + timedelta(MOST_DAYS), self.end_day)
            yield since.isoformat(), until.isoformat()
            since = until

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"first_day": self.first_day.isoformat(), "output": str(self.output)}

    @classmethod
    def from_json(cls, told: dict[str, Any]) -> Job:
        day, output = date.fromisoformat(told["first_day"]), Path(told["output"])
        return cls(**{**told, "first_day": day, "output": output})


def write_answer(file: IO[str], page_id: str, answer: dict[str, Any]) -> None:
    """Append the rows of an answer of the insights edge, one JSON object a line."""
    for entry in answer["data"]:
        for row in entry["values"]:
            told = {"page_id": page_id, "metric": entry["name"], "end_time": row["end_time"], "value": row["value"]}
            file.write(json.dumps(told) + "\n")
