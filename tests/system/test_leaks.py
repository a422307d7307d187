"""The search for secrets finds one however it is spelled, and nothing else."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from system.leaks import leaks

SECRET = 'EAAB/ten+letters=&a "quote"'


@pytest.mark.parametrize(
    "spelled",
    [SECRET, quote(SECRET, safe=""), json.dumps({"token": SECRET}), SECRET.encode().hex()],
    ids=["plain", "in a URL", "JSON", "hexadecimal"],
)
def test_it_finds_a_secret_in_other_words(spelled: str) -> None:
    found = leaks([("log", f"before {spelled} after".encode()), ("other", b"nothing")], [SECRET])
    assert [name for name, _ in found] == ["log"]


@given(before=st.binary(max_size=9), after=st.binary(max_size=9))
def test_it_finds_a_secret_within_anything_that_was_base64_encoded(before: bytes, after: bytes) -> None:
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        assert leaks([("log", encode(before + SECRET.encode() + after))], [SECRET])


def test_it_finds_nothing_where_there_is_nothing() -> None:
    assert leaks([("log", b"a line\nand another"), ("empty", b"")], [SECRET]) == []
