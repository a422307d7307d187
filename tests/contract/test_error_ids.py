"""The ids of errors: what the code produces, what the reference has a place for, and what was promised are the same."""

from __future__ import annotations

import copy
import itertools
import json
import pickle
from pathlib import Path
from typing import Any

import pytest
from errors_reference import ids as error_ids
from hypothesis import given
from hypothesis import strategies as st
from support.paths import ROOT

from airflow_provider_msginsights import exceptions
from airflow_provider_msginsights.exceptions import ConfigurationError, MessagingInsightsError
from airflow_provider_msginsights.failures import error_from_event, event_of_error
from airflow_provider_msginsights.insights.graph.error_table import (
    LIMIT_CODES,
    PERMISSION_CODES,
    RULES,
    SENTENCES,
    rule_for,
)
from airflow_provider_msginsights.insights.wording import failures_in_words, gravest

FROZEN: list[str] = json.loads(Path(__file__).with_name("frozen_names.json").read_text())["error_ids"]
PAGE = ROOT / "docs" / "reference" / "errors.md"
FACTS = ("What happened", "For the load", "What to do")
KINDS = error_ids.kinds()


def sections(page: str) -> dict[str, str]:
    """What the page says of each id."""
    parts = [part.partition("\n") for part in page.split("\n### ")[1:]]
    return {error_id: text.split("\n## ")[0] for error_id, _, text in parts}


def test_the_search_sees_the_code() -> None:
    """Otherwise nothing below could fail."""
    assert len(error_ids.found()) > 200
    assert sum(map(len, error_ids.found().values())) > 200
    assert {"MSGI-190-463", "MSGI-100-permission", "MSGI-config-page_ids", "MSGI-cli-save-env"} <= set(
        error_ids.found()
    )


def test_every_id_of_the_code_has_a_place_in_the_reference_and_every_place_an_id() -> None:
    assert sorted(sections(PAGE.read_text())) == sorted(error_ids.found())


def test_every_place_says_what_happened_what_it_means_and_what_to_do() -> None:
    said = sections(PAGE.read_text())
    lacking = [(error_id, fact) for error_id in said for fact in FACTS if f"- **{fact}**: " not in said[error_id]]
    assert lacking == []


def test_codes_and_sentences_of_the_api_have_metas_code_and_the_source() -> None:
    said = sections(PAGE.read_text())
    ids = {rule.error_id for rule in (*RULES.values(), *(sentence.rule for sentence in SENTENCES))}
    assert [one for one in ids if "**Meta's code**: `" not in said[one] or "**Source**: " not in said[one]] == []


def test_ids_are_frozen() -> None:
    """Add new ones to frozen_names.json; none may ever go or be renamed, since people link to them."""
    assert sorted(error_ids.found()) == FROZEN


def test_ids_are_lower_case_behind_the_prefix_and_lead_to_places_of_their_own() -> None:
    assert [error_id for error_id in error_ids.found() if error_id != "MSGI-" + error_id[5:].lower()] == []
    assert len({error_id.lower() for error_id in error_ids.found()}) == len(error_ids.found())


def test_every_code_has_an_id_of_its_own() -> None:
    ids = [rule.error_id for rule in RULES.values()]
    assert len(set(ids)) == len(ids)
    assert RULES[190, 463].error_id == "MSGI-190-463"
    for pair, rule in RULES.items():
        assert rule.error_id == "MSGI-" + "-".join(str(number) for number in pair if number is not None)


def test_whatever_the_api_says_has_an_id_with_a_place() -> None:
    codes = {None, -1, 12345, *PERMISSION_CODES, *LIMIT_CODES, *(code for code, _ in RULES)}
    subcodes = {None, 1, *(subcode for _, subcode in RULES)}
    texts = ("", "(#1) Who knows", "Missing Permission", "API access blocked.")
    for code, subcode, text, status, passes in itertools.product(
        codes, subcodes, texts, (400, 429, 503), (True, False)
    ):
        assert rule_for(code, subcode, text, status=status, is_transient=passes).error_id in error_ids.found()


def test_no_configuration_error_is_made_without_naming_what_is_wrong() -> None:
    assert error_ids.made()["MSGI-config"] == []


def test_every_kind_of_error_has_an_id_of_its_own() -> None:
    named = [kind.kind_id for kind in vars(exceptions).values() if isinstance(kind, type) and hasattr(kind, "kind_id")]
    assert len(set(named)) == len(named) > 10
    assert {kind.kind_id for kind in KINDS.values()} <= set(error_ids.found())


@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
def test_an_id_survives_pickling_copying_and_a_deferral(kind: type[MessagingInsightsError]) -> None:
    error = kind("It failed.", code=190, page_id="101", error_id="MSGI-190-463")
    again: list[MessagingInsightsError] = [pickle.loads(pickle.dumps(error)), copy.copy(error)]  # noqa: S301 - made here
    if kind.__module__.endswith("exceptions"):
        again.append(error_from_event(json.loads(json.dumps(event_of_error(error)))))
    for other in again:
        assert (type(other), str(other)) == (kind, "It failed. (Page 101, code 190) MSGI-190-463")


def test_an_event_of_an_older_trigger_gets_the_id_of_its_code() -> None:
    event: dict[str, Any] = {"kind": "AuthenticationError", "message": "Gone.", "evidence": {"code": 190}}
    assert error_from_event(event).error_id == "MSGI-190"
    event["evidence"]["error_subcode"] = 463
    assert error_from_event(event).error_id == "MSGI-190-463"
    assert error_from_event({"kind": "TransportError", "message": "No reply."}).error_id == "MSGI-no-reply"


@given(st.lists(st.text(), max_size=5))
def test_an_error_made_of_another_one_ends_with_one_id(words: list[str]) -> None:
    error: MessagingInsightsError = ConfigurationError("It is wrong.", parameter="page_ids")
    for word in words:
        error = ConfigurationError(f"{word}: {error}")
    assert str(error).endswith("It is wrong. MSGI-config-page_ids")
    assert str(error).count("MSGI-config-page_ids") == 1 + sum(word.count("MSGI-config-page_ids") for word in words)


@pytest.mark.parametrize(
    ("parameter", "error_id"),
    [
        ("page_ids", "MSGI-config-page_ids"),
        ("extra_columns['brand']", "MSGI-config-extra_columns"),
        ("retry_bounds['base_seconds']", "MSGI-config-retry_bounds"),
        ("--save-env", "MSGI-cli-save-env"),
        ("CONN_ID", "MSGI-cli-conn_id"),
        ("", "MSGI-config"),
    ],
)
def test_the_id_of_a_parameter_is_the_parameter_as_its_author_writes_it(parameter: str, error_id: str) -> None:
    assert ConfigurationError("It is wrong.", parameter=parameter).error_id == error_id


def refused(page_id: str, code: int, subcode: int | None = None) -> MessagingInsightsError:
    rule = RULES[code, subcode]
    return rule.kind(f"Page {page_id} failed.", code=code, page_id=page_id, error_id=rule.error_id)


def test_many_failures_in_one_message_name_the_id_of_each_kind_once() -> None:
    failures = {str(page): refused(str(page), *((10, None), (100, 33), (190, 463))[page % 3]) for page in range(90)}
    text = str(gravest(failures))
    assert text.endswith("MSGI-10")
    assert [text.count(error_id) for error_id in ("MSGI-10 ", "MSGI-100-33", "MSGI-190-463")] == [0, 1, 1]
    assert text.count("MSGI-10") == 2, "its own, and that of code 100"
    lines = [reason for _, reason in failures_in_words(failures)]
    assert sorted(line.rpartition(" ")[2] for line in lines) == ["MSGI-10", "MSGI-100-33", "MSGI-190-463"]


def test_failures_for_many_reasons_name_the_ids_of_those_not_shown() -> None:
    failures = {str(page): refused(f"{page}", 10) for page in range(4)}
    failures |= {f"5{page}": MessagingInsightsError(f"Reason {page}.", error_id=f"MSGI-{page}") for page in range(9)}
    *_, (_, last) = failures_in_words(failures)
    assert "MSGI-8" in last
    assert len({word.strip(",") for word in last.split() if word.startswith("MSGI-")}) == last.count("MSGI-") > 3
