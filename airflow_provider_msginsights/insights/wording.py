"""Many Pages in few words: a count and the first few, and each reason once."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from airflow_provider_msginsights.exceptions import FatalGraphAPIError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from datetime import date

    from airflow_provider_msginsights.exceptions import MessagingInsightsError

MOST_NAMED = 5
"""How many Pages, and how many reasons, are named one by one."""


def plural(count: int, noun: str, plural_noun: str | None = None) -> str:
    """Return a count and its noun: ``1 request``, ``2 requests``.

    :param plural_noun: where it is not the noun with an s.
    """
    return f"{count} {noun}" if count == 1 else f"{count} {plural_noun or noun + 's'}"


def some_of(names: Collection[str], *, most: int = MOST_NAMED) -> str:
    """Return the first few names, and how many more there are."""
    listed = list(names)
    more = f" and {len(listed) - most} more" if len(listed) > most else ""
    return ", ".join(listed[:most]) + more


def pages_in_words(page_ids: Collection[str]) -> str:
    """One Page by its id; several by their number and the first few ids."""
    listed = list(page_ids)
    if not listed:
        return "no Page"
    return f"Page {listed[0]}" if len(listed) == 1 else f"{len(listed)} Pages ({some_of(listed)})"


def days_in_words(days: Sequence[date | str]) -> str:
    """Pacific days in order: one by its date, several by the first, the last and their number."""
    if len(days) == 1:
        return f"Pacific day {days[0]}"
    return f"{len(days)} Pacific days ({days[0]} to {days[-1]})"


def failures_in_words(failures: Mapping[str, MessagingInsightsError]) -> Iterator[tuple[str, str]]:
    """Who failed and why: a few Pages one by one, many together with those that failed for the same reason.

    :param failures: Page -> its error.
    :return: pairs of Pages and reason, each in words; at most five.
    """
    if len(failures) <= MOST_NAMED:
        yield from ((pages_in_words([page_id]), str(error)) for page_id, error in failures.items())
        return
    reasons: dict[tuple[str, str], list[str]] = {}
    for page_id, error in failures.items():
        reasons.setdefault((error.error_id, error.message.replace(page_id, "…")), []).append(page_id)
    groups = sorted(reasons.values(), key=len, reverse=True)
    apart = groups if len(groups) <= MOST_NAMED else groups[: MOST_NAMED - 1]
    for page_ids in apart:
        yield pages_in_words(page_ids), str(failures[page_ids[0]])
    if others := [page_id for page_ids in groups[len(apart) :] for page_id in page_ids]:
        kinds = Counter(type(failures[page_id]).__name__ for page_id in others)
        ids = sorted({failures[page_id].error_id for page_id in others})
        yield pages_in_words(others), f"for other reasons ({some_of(sorted(kinds))}) {', '.join(ids)}"


def gravest(failures: Mapping[str, MessagingInsightsError]) -> MessagingInsightsError:
    """Return the error that waiting helps least against; it names the other Pages that failed."""
    page_id, error = min(failures.items(), key=lambda one: not isinstance(one[1], FatalGraphAPIError))
    others = [other for other in failures if other != page_id]
    if not others:
        return error
    ids = sorted({failures[other].error_id for other in others} - {error.error_id})
    also = f"Also failed: {pages_in_words(others)}{f', with {some_of(ids)}' if ids else ''}."
    words = (error.what, also, error.advice)
    return type(error)(" ".join(filter(None, words)), **error.evidence)
