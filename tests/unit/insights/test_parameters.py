"""Every way in which people, templates and XCom write a parameter is understood, or refused by its name."""

from __future__ import annotations

import itertools
from collections import UserList, deque
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import IntEnum, StrEnum
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk import ObjectStoragePath

from airflow_provider_msginsights.exceptions import ConfigurationError
from airflow_provider_msginsights.insights.parameters import numbers as number_parameters
from airflow_provider_msginsights.insights.parameters import parse as parameters
from airflow_provider_msginsights.insights.parameters.values import number_of, shown

if TYPE_CHECKING:
    from collections.abc import Callable

FULL_WIDTH_ONE = "\uff11"
TOKEN = "EAAGm0PX4ZCpsBAKZCZBexampleTokenThatIsLongEnough" + "x" * 130


@pytest.mark.parametrize(
    ("value", "path"),
    [
        (None, None),
        ("/data/insights", "/data/insights"),
        (" /data/insights\n", "/data/insights"),
        (Path("/data/insights"), "/data/insights"),
        (PurePosixPath("/data"), "/data"),
        ("file:///data", "file:///data"),
        ("file://conn@/data", "file://conn@/data"),
        ("s3://bucket", "s3://bucket"),
        ("s3://conn@bucket/insights/~x", "s3://conn@bucket/insights/~x"),
        ("memory://insights", "memory://insights"),
        (ObjectStoragePath("file:///data"), "file:///data"),
        (ObjectStoragePath("/data"), "/data"),
        (ObjectStoragePath("file:///data", conn_id="local"), "file://local@/data"),
    ],
)
def test_a_path_may_be_text_or_a_path_object(value: object, path: str | None) -> None:
    assert parameters.parse_output_path(value) == path
    assert type(parameters.parse_output_path(value)) in (str, type(None))


@pytest.mark.parametrize(
    "value",
    [
        *("", " ", "None", " None ", "data", "./data", "../data", "~", "~/data", "~root/data", "C:\\data", "[]"),
        *("s3:/bucket", "s3:bucket", "://bucket", "s3://", "s3:///key", "s3://conn@/key", "s3://[bucket", "s3://b℀"),
        *("file:data", "file://data", "file://~/data", "file://./data", "local://data", "file://"),
        *("/data\nx", "/data\x00", "s3://b/\ud800", "simplecache::s3://bucket"),
        *(7, 0, True, False, b"/data", ["/data"], {}, 1.5, object(), Path("data"), Path("~/data")),
    ],
)
def test_a_path_that_means_another_place_on_each_worker_is_refused(value: object) -> None:
    with pytest.raises(ConfigurationError, match=r"^output_path=.* is not valid: use "):
        parameters.parse_output_path(value)


def test_a_path_with_credentials_of_its_own_is_refused_without_showing_them() -> None:
    upath = pytest.importorskip("upath")
    with pytest.raises(ConfigurationError, match="output_conn_id") as refused:
        parameters.parse_output_path(upath.UPath("s3://bucket/data", secret="hidden-secret"))
    assert "hidden-secret" not in str(refused.value)


class ShopNumber(IntEnum):
    ONE = 101


class ShopText(StrEnum):
    ONE = "101"


@pytest.mark.parametrize(
    ("value", "page_ids"),
    [
        *((nothing, None) for nothing in (None, "", "None", " \n", " None ")),
        ("101", ("101",)),
        (101, ("101",)),
        (" 101 , 102,101, ", ("101", "102")),
        ([101, "102", "101"], ("101", "102")),
        ((101, 102), ("101", "102")),
        (["101,102", "103"], ("101", "102", "103")),
        (Decimal(101), ("101",)),
        (ShopNumber.ONE, ("101",)),
        (ShopText.ONE, ("101",)),
        (deque([101, 102]), ("101", "102")),
        ({"a": 102}.values(), ("102",)),
        ({103, "102", 101}, ("101", "102", "103")),
        ((str(n) for n in (2, 1)), ("2", "1")),
        (map(int, ("2", "1")), ("2", "1")),
        (range(3, 5), ("3", "4")),
        ({"102": 1, "101": 2}.keys(), ("102", "101")),
        (UserList(["101"]), ("101",)),
        ("['101', '102']", ("101", "102")),
        ('["101"]', ("101",)),
        ("[101, 102]", ("101", "102")),
        ("('101',)", ("101",)),
        ("{'102', '101'}", ("101", "102")),
        ("0101", ("0101",)),
        (9**33, (str(9**33),)),
        ("all", "all"),
        (" all\n", "all"),
        (["all"], "all"),
        ("['all']", "all"),
    ],
)
def test_page_ids_are_understood_from_templates_xcom_and_collections(value: object, page_ids: object) -> None:
    assert parameters.parse_page_ids(value) == page_ids


def test_page_ids_of_numpy_and_pandas_are_understood() -> None:
    numpy = pytest.importorskip("numpy")
    assert parameters.parse_page_ids(numpy.int64(101)) == ("101",)
    assert parameters.parse_page_ids(numpy.array([101, 102])) == ("101", "102")
    assert parameters.parse_page_ids(numpy.array(["101"])) == ("101",)
    for wrong in (numpy.array(101), numpy.array([1.5]), numpy.bool_(1), numpy.array([[101]])):
        with pytest.raises(ConfigurationError, match="page_ids"):
            parameters.parse_page_ids(wrong)
    assert number_of(numpy.float32(0.5)) == 0.5
    assert number_of(numpy.bool_(1)) is None
    assert number_of(numpy.array([1])) is None


@pytest.mark.parametrize(
    ("value", "told"),
    [
        *((empty, "No Page was named") for empty in ("[]", ",", " , ", "()")),
        *(([item], "page_ids holds .*, which is not a name") for item in (None, "", "None", 1.0, True, ["101"], b"1")),
        ([], "No Page was named"),
        (frozenset(), "No Page was named"),
        ("[None]", "page_ids holds None"),
        *((wrong, "is not valid: use text, or a list of texts") for wrong in (1.0, True, b"101", {"101": 1}, object())),
        *((wrong, "is not valid") for wrong in ("[101, }]", "{'101': 1}", "(101)", "[" * 9 + "]", "[*]")),
        *((wrong, "is not a Page id: use 1 to 32 digits") for wrong in ("12a", "me", "-5", -5, "1/insights", "1?a=b")),
        *(
            (wrong, "is not a Page id")
            for wrong in ("..", FULL_WIDTH_ONE * 3, "101.0", "1" * 33, "1 2", "101\n102", "101;102")
        ),
        *((wrong, "or 'all' alone") for wrong in ("all,101", ["101", "all"], "ALL")),
        (itertools.count(), "at most 100,000"),
    ],
)
def test_what_is_not_page_ids_is_refused_by_name(value: object, told: str) -> None:
    with pytest.raises(ConfigurationError, match=told) as refused:
        parameters.parse_page_ids(value)
    assert "page_ids" in str(refused.value)


class Failing:
    """A value of another library, whose every conversion fails in a way of its own."""

    def __index__(self) -> int:
        raise ValueError("index")

    def __float__(self) -> float:
        raise ZeroDivisionError("float")

    def __fspath__(self) -> str:
        raise RuntimeError("path")

    def __repr__(self) -> str:
        raise RuntimeError("repr")


@pytest.mark.parametrize(
    "parse",
    [
        parameters.parse_page_ids,
        parameters.parse_output_path,
        parameters.parse_part,
        parameters.parse_api_version,
        parameters.parse_extra_columns,
        lambda value: parameters.parse_extra_columns({"team": value}),
        lambda value: parameters.parse_when("since", value),
        lambda value: parameters.parse_switch("deferrable", value),
        lambda value: parameters.parse_choice("period", value, ("day",)),
        lambda value: number_parameters.parse_number("final_after_hours", value),
        number_parameters.parse_max_failed_pages,
        number_parameters.parse_min_ready_pages,
    ],
)
def test_a_value_whose_conversions_fail_is_refused_as_any_other(parse: Callable[[object], object]) -> None:
    with pytest.raises(ConfigurationError, match="a value of type Failing"):
        parse(Failing())


@pytest.mark.parametrize(
    "value", [TOKEN, f"101,{TOKEN}", [TOKEN], [101, TOKEN], f"['{TOKEN}']", {TOKEN}, {"token": TOKEN}, [[TOKEN]]]
)
def test_a_token_in_the_wrong_field_is_refused_and_not_shown(value: object) -> None:
    for parse in (
        parameters.parse_page_ids,
        parameters.parse_login,
        parameters.parse_output_path,
        parameters.parse_api_version,
        number_parameters.parse_max_failed_pages,
        lambda one: parameters.parse_choice("on_empty", one, ("fail", "skip")),
        lambda one: number_parameters.parse_number("lookback_days", one),
        lambda one: parameters.parse_switch("deferrable", one),
        lambda one: parameters.parse_mapping("retry_bounds", [one]),
    ):
        with pytest.raises(ConfigurationError) as refused:
            parse(value)
        assert TOKEN[:12] not in f"{refused.value!r}"
    assert "a text of" in shown(TOKEN)


def test_a_long_text_in_place_of_an_id_is_told_by_its_length() -> None:
    with pytest.raises(ConfigurationError, match="a text of 180 characters is not a Page id"):
        parameters.parse_page_ids("x" * 180)
    with pytest.raises(ConfigurationError, match="a text of 10 characters is not a Page id"):
        parameters.parse_page_ids("user-token")


@pytest.mark.parametrize("login", ["someone@example.org", "user-token", "all", "101;102", "['101']", ",", "1" * 33, 7])
def test_a_login_that_is_not_page_ids_is_refused_and_never_shown(login: object) -> None:
    with pytest.raises(ConfigurationError, match="The connection's login must hold Page ids") as refused:
        parameters.parse_login(login)
    assert str(login) not in str(refused.value).replace("(1 to 32 digits each, separated by commas)", "")


def test_a_login_may_hold_several_pages_or_none() -> None:
    assert parameters.parse_login(" 101, 102 ") == ("101", "102")
    assert parameters.parse_login(None) == parameters.parse_login("") == ()


@pytest.mark.parametrize(
    ("value", "number"),
    [(3, 3), ("3", 3), (" 3\n", 3), (3.0, 3), ("3.0", 3), (Decimal(3), 3), ("+3", 3), ("3e2", 300), ("0", 0)],
)
def test_a_whole_number_may_come_as_any_number_or_text(value: object, number: int) -> None:
    found = number_parameters.parse_count("lookback_days", value)
    assert (found, type(found)) == (number, int)


@pytest.mark.parametrize(
    "value",
    [
        *(
            None,
            "",
            "None",
            "three",
            FULL_WIDTH_ONE,
            "1_0",
            "0x3",
            "nan",
            "inf",
            "3.5",
            "-1",
            "1e400",
            "9" * 5000,
            "3 4",
        ),
        *(True, False, 3.5, -1, 10**400, float("nan"), float("inf"), Decimal("NaN"), Decimal("1e999999"), 1j),
        *(b"3", [3], {}, object(), date(2026, 1, 1), 3651),
    ],
)
def test_what_is_not_such_a_number_is_refused_with_the_bounds(value: object) -> None:
    with pytest.raises(ConfigurationError, match=r"lookback_days=.* use a whole number from 0 to 3,650\."):
        number_parameters.parse_number("lookback_days", value)


@pytest.mark.parametrize(("value", "number"), [(None, None), ("None", None), (0, 0), ("0.5", 0.5), ("2.0", 2), (1, 1)])
def test_the_pages_that_may_fail_are_a_count_or_a_fraction(value: object, number: float | None) -> None:
    assert number_parameters.parse_max_failed_pages(value) == number


@pytest.mark.parametrize("value", ["", " ", "some", 1.5, -0.1, float("nan"), True, [1]])
def test_other_numbers_of_pages_that_may_fail_are_refused(value: object) -> None:
    with pytest.raises(ConfigurationError, match=r"max_failed_pages=.* a fraction below 1"):
        number_parameters.parse_max_failed_pages(value)


@pytest.mark.parametrize(("value", "truth"), [(True, True), ("False", False), (" yes ", True), (0, False), ("1", True)])
def test_a_truth_may_come_as_text(value: object, truth: object) -> None:
    assert parameters.parse_switch("deferrable", value) is truth


@pytest.mark.parametrize("value", [None, "", "None", "maybe", 2, 1.0, [], b"true", "é"])
def test_what_is_no_truth_is_refused(value: object) -> None:
    with pytest.raises(ConfigurationError, match=r"deferrable=.* use true or false"):
        parameters.parse_switch("deferrable", value)


def test_a_choice_tells_the_nearest_spelling() -> None:
    assert parameters.parse_choice("on_empty", " skip ", ("fail", "skip")) == "skip"
    with pytest.raises(ConfigurationError, match=r"on_empty='skipp' .*Did you mean 'skip'\? Use one of: fail, skip\."):
        parameters.parse_choice("on_empty", "skipp", ("fail", "skip"))
    for wrong in (None, "None", "", 7, True, ["skip"], b"skip", object()):
        with pytest.raises(ConfigurationError, match=r"on_empty=.* Use one of: fail, skip"):
            parameters.parse_choice("on_empty", wrong, ("fail", "skip"))


@pytest.mark.parametrize(
    ("value", "columns"),
    [
        (None, {}),
        ("None", {}),
        ({}, {}),
        ({"team": "a"}, {"team": "a"}),
        (MappingProxyType({"team": 7}), {"team": "7"}),
        ({"team": 1.5, "new": True}, {"team": "1.5", "new": "True"}),
        ({"at": datetime(2026, 11, 1, tzinfo=UTC)}, {"at": "2026-11-01 00:00:00+00:00"}),
        ({"team": "", "other": "None"}, {"team": "", "other": "None"}),
        ("{'team': 'a'}", {"team": "a"}),
        ('{"team": 7}', {"team": "7"}),
    ],
)
def test_extra_columns_become_text_again(value: object, columns: dict[str, str]) -> None:
    assert parameters.parse_extra_columns(value) == columns


@pytest.mark.parametrize(
    ("value", "told"),
    [
        *((wrong, "extra_columns=.* a dictionary of names") for wrong in ("team", "['team']", ["team"], 7, {1: "a"})),
        *(
            ({"team": wrong}, r"extra_columns\['team'\]=")
            for wrong in (None, [], {}, b"a", "\ud800", object(), 10**999)
        ),
    ],
)
def test_other_extra_columns_are_refused(value: object, told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        parameters.parse_extra_columns(value)


@pytest.mark.parametrize(
    ("value", "when"),
    [
        *((nothing, None) for nothing in (None, "", "None", " None ")),
        ("2026-11-01", "2026-11-01"),
        (20261101, "20261101"),
        (1772956800, 1772956800),
        (1772956800.5, 1772956800),
        (date(2026, 11, 1), date(2026, 11, 1)),
    ],
)
def test_a_day_that_native_rendering_made_a_number_stays_a_day(value: object, when: object) -> None:
    assert parameters.parse_when("since", value) == when


@pytest.mark.parametrize("value", [True, b"2026-11-01", [], {}, object()])
def test_what_is_no_day_is_refused(value: object) -> None:
    with pytest.raises(ConfigurationError, match=r"since=.* a Pacific date"):
        parameters.parse_when("since", value)


@pytest.mark.parametrize(("value", "text"), [("eu", "eu"), (" eu ", "eu"), (2026, "2026"), ("0", "0")])
def test_text_may_have_been_rendered_to_a_number(value: object, text: str) -> None:
    assert parameters.parse_text("part", value) == text


@pytest.mark.parametrize("value", [None, "", "None", 1.5, True, b"eu", [], "a\nb", "\x00", "\ud800"])
def test_what_is_no_text_is_refused(value: Any) -> None:
    with pytest.raises(ConfigurationError, match="part="):
        parameters.parse_text("part", value)


def test_a_connection_id_is_text_as_airflow_takes_it() -> None:
    assert parameters.parse_conn_id("msginsights_conn_id", " team/eu-1 ") == "team/eu-1"
    assert parameters.parse_optional_conn_id("output_conn_id", "None") is None
    wrong: object
    for wrong in (None, "", "None", "a b", "x" * 251, TOKEN[:60], ["a"], True):
        with pytest.raises(
            ConfigurationError, match=r"msginsights_conn_id=.* the id of an Airflow connection"
        ) as refused:
            parameters.parse_conn_id("msginsights_conn_id", wrong)
        assert TOKEN[:12] not in str(refused.value)


def test_a_version_is_read_as_the_api_writes_it() -> None:
    assert parameters.parse_api_version(" v26.0 ") == "v26.0"
    assert parameters.parse_api_version("None") is None
    wrong: object
    for wrong in ("26", 26.0, "v26", f"v{FULL_WIDTH_ONE}.0", [], "v26.0/../x"):
        with pytest.raises(ConfigurationError, match=r"api_version=.* a version such as 'v26.0'"):
            parameters.parse_api_version(wrong)
