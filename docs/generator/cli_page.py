"""The reference page of the command line, made from its parsers."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from docstrings import prose, sentence
from reference import code_list, entry, page_of

from airflow_provider_msginsights.cli import build_parser
from airflow_provider_msginsights.cli.output import EXIT_CODES

if TYPE_CHECKING:
    from collections.abc import Iterator

INTRODUCTION = """
`msginsights` is installed with the package. `--help` says the same of each command as this page. None of them prints a
token or an app secret, but for `token create --print-secret` and `token renew --print-secret`. They read a connection
as Airflow's own commands do: from the environment, a secrets backend or the database.

With `--json` a command prints one JSON document to standard output, errors too. Commands, options, exit codes and these
documents are stable; tables and wording are not.
"""
PROGRAM = "msginsights"


def page() -> str:
    """Return the page."""
    found = list(_commands(build_parser()))
    commands = [parser for parser, _ in found]
    overview = "\n".join(f"- [`{parser.prog}`](#{_slug(parser)}): {purpose}" for parser, purpose in found)
    codes = "\n".join(f"- {code}: {meaning}" for code, meaning in EXIT_CODES.items())
    return page_of(
        "Command line",
        [prose(INTRODUCTION), overview, *map(_section, commands), f"## Exit codes\n\nOf every command.\n\n{codes}"],
    )


def _commands(parser: argparse.ArgumentParser, purpose: str = "") -> Iterator[tuple[argparse.ArgumentParser, str]]:
    """Yield the commands that do something, in order, each with what it is for: those without commands of their own."""
    children = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]  # noqa: SLF001 - argparse shows its actions nowhere else
    if not children:
        yield parser, purpose
    for action in children:
        purposes = {choice.dest: choice.help or "" for choice in action._choices_actions}  # noqa: SLF001 - as above
        for name, child in action.choices.items():
            yield from _commands(child, purposes[name])


def _slug(parser: argparse.ArgumentParser) -> str:
    return parser.prog.replace(" ", "-")


def _section(parser: argparse.ArgumentParser) -> str:
    groups = [
        (group.title or "", items)
        for group in parser._action_groups  # noqa: SLF001 - as above
        if (items := [_item(parser, action) for action in group._group_actions if action.dest != "help"])  # noqa: SLF001 - as above
    ]
    listed = "\n\n".join(f"{title[0].upper()}{title[1:]}:\n\n" + "\n".join(items) for title, items in groups)
    parts = (f"## {parser.prog}", f"```text\n{_usage(parser)}\n```", parser.description or "", listed)
    return "\n\n".join([*parts, parser.epilog or ""]).rstrip()


def _usage(parser: argparse.ArgumentParser) -> str:
    """Return how the command is written; `argparse` wraps its own text otherwise in each version of Python."""
    if parser.usage:
        return parser.usage
    places = [_place(action) for action in parser._actions if not action.option_strings]  # noqa: SLF001 - as above
    return " ".join([parser.prog, "[options]", *places])


def _place(action: argparse.Action) -> str:
    name = str(action.metavar or action.dest.upper())
    return {"?": f"[{name}]", "*": f"[{name} …]"}.get(str(action.nargs), name)


def _item(parser: argparse.ArgumentParser, action: argparse.Action) -> str:
    """Return an argument or option.

    :raises ValueError: when it has no help.
    """
    name = action.option_strings[-1] if action.option_strings else str(action.metavar or action.dest.upper())
    if not action.help:
        raise ValueError(f"{parser.prog}: {name} has no help.")
    anchor = f"{_slug(parser).removeprefix(f'{PROGRAM}-')}-{name.lstrip('-').replace(' ', '-').lower()}"
    takes_value = action.option_strings and action.nargs != 0
    value = f"`{action.metavar or action.dest.upper()}`" if takes_value and not action.choices else ""
    facts = [value, code_list(action.choices) if action.choices else "", "required" if _is_required(action) else ""]
    text = action.help % {**vars(action), "prog": parser.prog}
    return entry(anchor, name, " · ".join(fact for fact in facts if fact), sentence(text))


def _is_required(action: argparse.Action) -> bool:
    return action.required and action.nargs not in {"?", "*"}
