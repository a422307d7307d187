"""What was asked of the emulator: counters and a journal of calls, secrets taken out."""

from collections import Counter, deque
from collections.abc import Callable
from typing import TypedDict

_JOURNAL_LENGTH = 20_000


class JournalEntry(TypedDict):
    """One Graph call. `path` is without version; `token` says which kind and whose, `token_place` where it was.

    `secrets_in_url` names the secret parameters that stood in the URL of the HTTP request, `batch_token_place` where
    the token of the batch around a part stood. A batch that is refused whole is one entry, with path `/`.
    `batch_number` and `part_number` tell which POST a batch part came with. `code` and `subcode` are those of the
    error it was answered with.
    """

    at: str
    method: str
    path: str
    version: str
    params: dict[str, str]
    page_id: str | None
    token: str | None
    token_place: str
    batch_token_place: str | None
    secrets_in_url: list[str]
    status: int
    code: int | None
    subcode: int | None
    fault: str | None
    batch_number: int | None
    part_number: int | None
    user_agent: str | None


class Stats(TypedDict):
    """Counters since the last reset; the control plane writes the same.

    `http_requests` are requests on the wire, `batch_requests` those among them that were batches, `graph_calls`
    single calls and batch parts. `max_concurrent_requests` is how many requests were open at the same time.
    """

    http_requests: int
    batch_requests: int
    graph_calls: int
    errors: int
    max_concurrent_requests: int
    calls_by_page: dict[str, int]
    journal: list[JournalEntry]


class Journal:
    """Counts and keeps the last calls."""

    def __init__(self, on_call: Callable[[JournalEntry], None] | None = None) -> None:
        self._on_call = on_call
        self.reset()

    def reset(self) -> None:
        """All counters to zero, the journal empty."""
        self._entries: deque[JournalEntry] = deque(maxlen=_JOURNAL_LENGTH)
        self._by_page: Counter[str] = Counter()
        self._http_requests = self._batch_requests = self._graph_calls = self._errors = 0
        self._open = self._most_open = 0

    def request_opened(self) -> None:
        """One more request on the wire."""
        self._http_requests += 1
        self._open += 1
        self._most_open = max(self._most_open, self._open)

    def request_closed(self) -> None:
        """Note that a request has been answered, or that its client has left."""
        self._open = max(0, self._open - 1)

    def next_batch(self) -> int:
        """Return the number of this batch, from 1."""
        self._batch_requests += 1
        return self._batch_requests

    def note(self, entry: JournalEntry) -> None:
        """Keep one call."""
        self._graph_calls += 1
        self._errors += entry["code"] is not None
        if entry["page_id"] is not None:
            self._by_page[entry["page_id"]] += 1
        self._entries.append(entry)
        if self._on_call is not None:
            self._on_call(entry)

    def stats(self) -> Stats:
        """Everything so far."""
        return Stats(
            http_requests=self._http_requests,
            batch_requests=self._batch_requests,
            graph_calls=self._graph_calls,
            errors=self._errors,
            max_concurrent_requests=self._most_open,
            calls_by_page=dict(self._by_page),
            journal=list(self._entries),
        )
