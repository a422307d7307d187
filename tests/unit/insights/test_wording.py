"""Counts and their nouns."""

from __future__ import annotations

import pytest

from airflow_provider_msginsights.insights.wording import plural


@pytest.mark.parametrize(
    ("count", "words"), [(0, "0 requests"), (1, "1 request"), (2, "2 requests"), (1000, "1000 requests")]
)
def test_a_count_of_one_has_a_singular_noun(count: int, words: str) -> None:
    assert plural(count, "request") == words


def test_a_noun_may_have_a_plural_of_its_own() -> None:
    assert [plural(count, "query", "queries") for count in (1, 2)] == ["1 query", "2 queries"]
