"""The `fields` parameter: names, modifiers and nested fields, as in `name,insights.metric(a,b).period(day){values}`.

Graph API guide "Field expansion".
"""

from dataclasses import dataclass, field

from airflow_provider_msginsights.emulator.errors import GraphError

_SYNTAX = 'Syntax error "Expected end of string" at character {position}: {text}'


@dataclass(slots=True)
class AskedField:
    """One field with its modifiers and the fields asked for inside it."""

    name: str
    modifiers: dict[str, str] = field(default_factory=dict)
    inner: list["AskedField"] = field(default_factory=list)

    @property
    def answer_name(self) -> str:
        """What the field is called in the answer: its alias (`name.as(title)`), or its name."""
        return self.modifiers.get("as") or self.name


def parse_fields(text: str) -> list[AskedField]:
    """Return the fields of the text.

    Raises GraphError with code 2500 when brackets do not match.
    """
    asked: list[AskedField] = []
    for part in _split(text):
        name, modifiers, inner = part, {}, ""
        if part.endswith("}"):
            opening = part.find("{")
            name, inner = part[:opening], part[opening + 1 : -1]
        name, *calls = _split(name, at=".")
        for call in calls:
            modifier, bracket, argument = call.partition("(")
            if not bracket or not argument.endswith(")"):
                raise GraphError(code=2500, message=_SYNTAX.format(position=text.find(call), text=text))
            modifiers[modifier] = argument[:-1]
        asked.append(AskedField(name.strip(), modifiers, parse_fields(inner) if inner else []))
    return asked


def _split(text: str, at: str = ",") -> list[str]:
    """Split outside of brackets."""
    parts, depth, start = [], 0, 0
    for position, letter in enumerate(text):
        if letter in "({":
            depth += 1
        elif letter in ")}":
            depth -= 1
        elif letter == at and depth == 0:
            parts.append(text[start:position].strip())
            start = position + 1
        if depth < 0:
            break
    if depth != 0:
        raise GraphError(code=2500, message=_SYNTAX.format(position=len(text), text=text))
    parts.append(text[start:].strip())
    return [part for part in parts if part]
