"""Whether an exchange makes a token last longer: never where it would shorten it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_msginsights.insights.token.durability import (
    LONG_DAYS,
    Lengthening,
    ends_later,
    is_short_lived,
    lengthening_of,
    lifetime_lines,
    suited_kind,
)
from airflow_provider_msginsights.insights.token.report import Lifetime, TokenKind, TokenReport

NOW = datetime(2026, 11, 30, tzinfo=UTC)
NEVER, UNKNOWN = Lifetime(is_known=True), Lifetime()


def until(days: float) -> Lifetime:
    return Lifetime(is_known=True, ends_at=NOW + timedelta(days=days))


def report(kind: TokenKind, expires: Lifetime, data_access: Lifetime = UNKNOWN) -> TokenReport:
    return TokenReport(
        asked_at=NOW, is_valid=True, kind=kind, asked_version="v26.0", expires=expires, data_access=data_access
    )


lifetimes = st.just(NEVER) | st.just(UNKNOWN) | st.floats(-1000, 1000).map(until)


@pytest.mark.parametrize(
    ("kind", "expires", "verdict"),
    [
        (TokenKind.USER, until(0.05), Lengthening.POSSIBLE),
        (TokenKind.SYSTEM_USER, until(30), Lengthening.POSSIBLE),
        (TokenKind.SYSTEM_USER, until(60), Lengthening.LONG_ALREADY),
        (TokenKind.SYSTEM_USER, NEVER, Lengthening.NEEDLESS),
        (TokenKind.PAGE, NEVER, Lengthening.NEEDLESS),
        (TokenKind.PAGE, until(0.05), Lengthening.IMPOSSIBLE),
        (TokenKind.USER, until(-1), Lengthening.IMPOSSIBLE),
        (TokenKind.APP, NEVER, Lengthening.IMPOSSIBLE),
        (TokenKind.PERSON, UNKNOWN, Lengthening.UNKNOWN),
        (TokenKind.UNKNOWN, UNKNOWN, Lengthening.UNKNOWN),
    ],
)
def test_an_exchange_is_worth_it_only_where_it_is_known_to_last_longer(
    kind: TokenKind, expires: Lifetime, verdict: Lengthening
) -> None:
    assert lengthening_of(report(kind, expires)) is verdict


@given(st.sampled_from(TokenKind), lifetimes)
def test_nothing_is_exchanged_that_would_end_earlier(kind: TokenKind, expires: Lifetime) -> None:
    if lengthening_of(report(kind, expires)) is Lengthening.POSSIBLE:
        assert ends_later(until(LONG_DAYS), expires)


@given(lifetimes, lifetimes)
def test_of_two_lifetimes_at_most_one_ends_later(one: Lifetime, other: Lifetime) -> None:
    assert not (ends_later(one, other) and ends_later(other, one))
    assert not ends_later(one, one)
    assert not ends_later(one, NEVER)


def test_a_token_of_hours_is_short_lived_and_an_unknown_one_is_not() -> None:
    assert is_short_lived(report(TokenKind.USER, until(0.1)))
    assert not any(is_short_lived(report(TokenKind.USER, one)) for one in (until(2), NEVER, UNKNOWN))


@pytest.mark.parametrize("kind", TokenKind)
def test_the_lines_say_until_when_and_what_ends_it_before(kind: TokenKind) -> None:
    lines = " ".join(lifetime_lines(report(kind, until(30), data_access=until(90))))
    assert "in 30 days" in lines
    assert "in 90 days" in lines
    assert "before its time when" in lines
    assert "not known" in " ".join(lifetime_lines(report(kind, UNKNOWN)))


def test_the_kind_that_suits_depends_on_the_number_of_pages() -> None:
    user = report(TokenKind.USER, until(60))
    assert "Page's own token" in suited_kind(user, pages=1)
    assert "system user's token" in suited_kind(user, pages=2)
    assert "suits pipelines best" in suited_kind(report(TokenKind.SYSTEM_USER, NEVER), pages=2)
