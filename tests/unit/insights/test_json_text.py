"""JSON is read strictly, and quickly where nothing is odd."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from airflow_provider_msginsights.insights.graph.json_text import Decoded, NotJsonError, decode, printable, whole_number

KEYS = st.one_of(
    st.sampled_from(["a", "b", "value", '":', '":"', "\\", "\\u0022:", "é", " :", ""]), st.text(max_size=5)
)
SCALARS = st.one_of(
    KEYS, st.none(), st.booleans(), st.integers(-(10**40), 10**40), st.floats(allow_nan=False, allow_infinity=False)
)
DOCUMENTS = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(KEYS, inner, max_size=4)),
    max_leaves=12,
)
SPELLINGS = st.sampled_from(
    [{}, {"separators": (",", ":")}, {"indent": 1}, {"ensure_ascii": False}, {"separators": (" ,", " : ")}]
)


@given(DOCUMENTS, SPELLINGS)
def test_a_document_is_read_as_it_was_written(document: Any, spelling: dict[str, Any]) -> None:
    for holds_long_texts in (False, True):
        found = decode(json.dumps(document, **spelling), holds_long_texts=holds_long_texts)
        assert found == Decoded(document)
        assert repr(found.document) == repr(document), "numbers keep their type"


@example([("a", 1)], 0, ':"', {"separators": (" ,", " : ")})
@example([("a", "\\u0022:"), ("b", '":')], 0, '":', {})
@given(st.lists(st.tuples(KEYS, DOCUMENTS), min_size=1, max_size=4), st.integers(0, 3), KEYS, SPELLINGS)
def test_an_object_with_a_key_twice_is_never_taken_for_one_without(
    pairs: list[tuple[str, Any]], place: int, outer: str, spelling: dict[str, Any]
) -> None:
    members = [*pairs, (pairs[place % len(pairs)][0], "another")]
    told = ",".join(
        f"{json.dumps(key)}{spelling.get('separators', ',:')[1]}{json.dumps(one, **spelling)}" for key, one in members
    )
    for text in (f"{{{told}}}", f"[0, {{{json.dumps(outer)}: [{{{told}}}]}}]"):
        for holds_long_texts in (False, True):
            found = decode(text, holds_long_texts=holds_long_texts)
            assert found.fault == "the same key stands twice in one object"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('{"a": NaN}', "NaN is not JSON"),
        ("[-Infinity]", "-Infinity is not JSON"),
        ('{"a": "caf\udce9"}', "it holds bytes that are not UTF-8"),
        ("[" * 100_000 + "]" * 100_000, "it is nested too deeply"),
        ('{"a": 1, "\\u0061": 2}', "the same key stands twice in one object"),
        ('{"a" :1, "b": {"a":1,"a" :2}}', "the same key stands twice in one object"),
        ('{"a":1,"a":1,"zone":"\\u003a"}', "the same key stands twice in one object"),
        ('{"a":1,"a":1,"zone":"\\\\\\u003A"}', "the same key stands twice in one object"),
        ('{"a":1,"a":1,"zone":"x\\u0022:"}', "the same key stands twice in one object"),
        ('{"a":1,"a":1,"zone":"\\"\\u003a"}', "the same key stands twice in one object"),
        ('{"a":1,"a":1,"zone":"\\"\\u003A"}', "the same key stands twice in one object"),
    ],
)
def test_what_could_be_taken_for_two_things_is_a_fault(text: str, fault: str) -> None:
    assert decode(text).fault == decode(text, holds_long_texts=True).fault == fault


@pytest.mark.parametrize("text", ["", "{", "nul", "{'a': 1}", '{"a": 1}}', "\ufeff{}", "caf\udce9", "[01]", "<html>"])
def test_text_that_is_no_json_is_told_without_quoting_it(text: str) -> None:
    with pytest.raises(NotJsonError) as caught:
        decode(text)
    assert str(caught.value) == "The text is not JSON."
    assert caught.value.__cause__ is None


def test_a_number_of_thousands_of_digits_is_infinite() -> None:
    assert decode(f"[{'9' * 5_000}, -{'9' * 5_000}, 1e999]") == ([float("inf"), float("-inf"), float("inf")], None)
    assert decode("9" * 400).document == int("9" * 400)


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (190, 190), (-1, -1), ("190", 190), ("-1", -1), (190.0, 190), (10**400, None), ("9" * 400, None), (1.5, None),
        (float("inf"), None), (float("nan"), None), (True, None), (None, None), ([190], None), ({}, None), ("", None),
        ("1_0", None), ("--1", None), ("1e3", None),
    ],
)  # fmt: skip
def test_a_whole_number_is_read_in_every_type_it_comes_as(value: object, number: int | None) -> None:
    assert whole_number(value) == number


def test_any_value_can_be_shown() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    assert printable(deep) == "a value that cannot be shown"
    assert printable(10**5_000) == "a value that cannot be shown"
    assert printable("\ud800x") == "?x"
