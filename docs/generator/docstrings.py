"""Docstrings in Markdown: the description, and the fields for parameters, the result and errors."""

from __future__ import annotations

import ast
import inspect
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from enum import StrEnum

FIELD = re.compile(r"^:(param|return|raises)(?: ([\w, .]+))?: (.*?)(?=^:|\Z)", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Docstring:
    """What a docstring says, its code marked as Markdown does."""

    description: str
    parameters: dict[str, str]
    returns: str
    raises: dict[str, str]

    @classmethod
    def of(cls, owner: object) -> Docstring:
        """Return the docstring of a class, a function or a method."""
        text = inspect.getdoc(owner) or ""
        first = FIELD.search(text)
        found: dict[str, dict[str, str]] = {"param": {}, "return": {}, "raises": {}}
        for kind, name, meaning in FIELD.findall(text):
            found[kind][name] = in_markdown(meaning)
        return cls(
            description=prose(text[: first.start()] if first else text),
            parameters=found["param"],
            returns=found["return"].get("", ""),
            raises=found["raises"],
        )


def prose(text: str) -> str:
    """Return paragraphs, each on one line, and lists with one line an item."""
    return "\n\n".join(
        "\n".join(f"- {in_markdown(item)}" for item in re.split(r"^[*-] ", block, flags=re.MULTILINE)[1:])
        if block.startswith(("* ", "- "))
        else in_markdown(block)
        for block in inspect.cleandoc(text).split("\n\n")
        if block.strip()
    )


def in_markdown(text: str) -> str:
    """Return the text of a docstring on one line, its code and references marked as Markdown does."""
    return " ".join(text.split()).replace("``", "`")


def sentence(text: str) -> str:
    """Return a clause with a capital letter and a full stop; code at its beginning stays as it is."""
    return f"{text[:1].upper()}{text[1:].removesuffix('.')}."


def words_of(kinds: type[StrEnum]) -> dict[str, str]:
    """Return each word of an enumeration with the text below it in the source."""
    (node,) = ast.parse(inspect.getsource(kinds)).body
    words: dict[str, str] = {}
    for statement in getattr(node, "body", [])[1:]:
        if isinstance(statement, ast.Assign):
            words[ast.literal_eval(statement.value)] = ""
        elif isinstance(statement, ast.Expr):
            words[list(words)[-1]] = in_markdown(ast.literal_eval(statement.value))
    return words
