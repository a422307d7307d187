"""Shell commands as the documentation writes them, and whether their programs would take them."""

from __future__ import annotations

import argparse
import json
import re
import shlex
import tomllib
from importlib.metadata import metadata
from typing import TYPE_CHECKING

import pytest
from airflow.cli.cli_parser import get_parser
from airflow.sdk import BaseHook
from packaging.requirements import Requirement

from airflow_provider_msginsights.cli import main
from airflow_provider_msginsights.emulator.control.handlers import HANDLERS
from airflow_provider_msginsights.hooks.msginsights import MessagingInsightsHook
from support.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

_OURS = "airflow-provider-msginsights"
_BETWEEN_COMMANDS = {"&&", "||", ";", "|", "&"}
_SHELL = {"}": 0, "set": 1, ".": 1, "echo": 0, "cat": 1}
"""What the shell or every system has, and how many arguments it needs here at the least."""
_PLACEHOLDER = re.compile(r"<[a-z][a-z _-]*>")
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=")


def commands_of(code: str) -> Iterator[list[str]]:
    """Each command of a block, in words; placeholders such as ``<page id>`` are filled in, redirections left out."""
    for line in code.replace("\\\n", " ").splitlines():
        lexer = shlex.shlex(_PLACEHOLDER.sub("101", line), posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        words: list[str] = []
        for word in [*lexer, ";"]:
            if word not in _BETWEEN_COMMANDS:
                words.append(word)
            elif words:
                yield words
                words = []


def check_command(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the program's own parser judge the command; what it sets stays set for the test.

    :raises SystemExit: from the parser.
    :raises AssertionError: for a program that is not known here.
    """
    while len(words) > 1 and (words[0] == "{" or _ASSIGNMENT.match(words[0])):
        words = words[1:]
    program, *arguments = words
    match program:
        case "export":
            _check_export(arguments, monkeypatch)
        case "msginsights":
            _check_msginsights(arguments, monkeypatch)
        case "airflow":
            get_parser().parse_args(arguments)
        case "pip":
            _check_pip(arguments)
        case "uv":
            _check_uv(arguments, monkeypatch)
        case "python":
            assert (ROOT / arguments[0]).is_file(), arguments[0]
        case "pytest":
            _check_pytest(arguments)
        case "curl":
            _check_curl(arguments)
        case _:
            unknown = f"No test knows the command {words}: teach page_commands.py its program."
            assert len(arguments) >= _SHELL.get(program, len(words)), unknown


def _check_uv(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    if arguments != ["sync"]:
        assert arguments[0] == "run"
        check_command(_without_groups(arguments[1:]), monkeypatch)


def _without_groups(arguments: list[str]) -> list[str]:
    """Leave out uv's ``--group``, whose groups must exist."""
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]
    while arguments[0] == "--group":
        assert arguments[1] in groups
        arguments = arguments[2:]
    return arguments


class _ParsedError(BaseException):
    """The arguments were understood; nothing is to be run."""


def _check_msginsights(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    really_parse = argparse.ArgumentParser.parse_args

    def only_parse(parser: argparse.ArgumentParser, given: list[str]) -> None:
        really_parse(parser, given)
        raise _ParsedError

    with monkeypatch.context() as patch:
        patch.setattr(argparse.ArgumentParser, "parse_args", only_parse)
        with pytest.raises(_ParsedError):
            main(arguments)


def _check_pip(arguments: list[str]) -> None:
    command, *requirements = arguments
    assert command == "install"
    assert requirements
    for requirement in map(Requirement, requirements):
        if requirement.name == _OURS:
            assert requirement.extras <= set(metadata(_OURS).get_all("Provides-Extra") or ())


def _check_curl(arguments: list[str]) -> None:
    """The emulator's control plane has the route, and the body is JSON and said to be."""
    address, *options = arguments
    _, found, name = address.partition("/_emulator/")
    assert found
    assert name in HANDLERS
    values = dict(zip(options[::2], options[1::2], strict=True))
    assert values.pop("-H") == "Content-Type: application/json"
    json.loads(values.pop("-d"))
    assert not values


def _check_pytest(arguments: list[str]) -> None:
    """Paths exist, and each word of a ``-m`` expression is a marker of this project."""
    options = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"]
    markers = {marker.partition(":")[0] for marker in options["markers"]}
    previous = ""
    for argument in arguments:
        if previous == "-m":
            assert set(re.findall(r"\w+", argument)) - {"not", "and", "or"} <= markers
        elif not argument.startswith("-"):
            assert (ROOT / argument.partition("::")[0]).exists(), argument
        previous = argument


def _check_export(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for argument in arguments:
        assert _ASSIGNMENT.match(argument), argument
        name, _, value = argument.partition("=")
        monkeypatch.setenv(name, value)
        if name.startswith("AIRFLOW_CONN_"):
            conn_id = name.removeprefix("AIRFLOW_CONN_").lower()
            connection = BaseHook.get_connection(conn_id)
            assert connection.conn_type
            if connection.conn_type == MessagingInsightsHook.conn_type:
                assert MessagingInsightsHook(conn_id).resolve_page_ids(None)
