"""The reference page of the hook: its methods, what they take, and the fields of what they return."""

from __future__ import annotations

import inspect
import re
from enum import StrEnum
from typing import Any

import short_examples
from docstrings import Docstring, prose
from operators_page import raised
from reference import METHODS, MORE_METHODS, page_of

from airflow_provider_msginsights.hooks.msginsights import MessagingInsightsHook
from airflow_provider_msginsights.insights.availability.polling import Availability
from airflow_provider_msginsights.insights.fetch.outcome import FetchOutcome
from airflow_provider_msginsights.insights.fetch.page_tokens import PageInfo
from airflow_provider_msginsights.insights.query import InsightsQuery, asked_days
from airflow_provider_msginsights.insights.records import InsightsRecord
from airflow_provider_msginsights.insights.token.report import TokenReport

ANNOTATION = re.compile(r"(: |-> )'([^']*)'")
"""An annotation in a signature, which is text there."""
MODULE = re.compile(r"\b(?:[a-z_]+\.)+(?=[A-Z]|datetime\b|date\b)")
LONGEST_DEFAULT = 40
RESULTS = (InsightsRecord, FetchOutcome, PageInfo, TokenReport, Availability)
INTRODUCTION = """
`MessagingInsightsHook` is what the operators use, for tasks of your own. Making it reads nothing; each method reads the
connection when it needs it. A method with an async twin, whose name begins with `a`, is for triggers and async tasks
too.
"""
QUERIES = """
A query says what to read: Pages, metrics, Pacific days, a period and breakdowns. Both functions are in
`airflow_provider_msginsights.insights.query`.
"""


def page() -> str:
    """Return the page."""
    constructor = Docstring.of(MessagingInsightsHook)
    return page_of(
        "The hook",
        [
            prose(INTRODUCTION),
            f"```python\n{short_examples.HOOK.strip()}\n```",
            "## MessagingInsightsHook",
            f"In `{MessagingInsightsHook.__module__}`.",
            constructor.description,
            code_of("MessagingInsightsHook", MessagingInsightsHook.__init__),
            _parameters(constructor),
            *map(_method, (*METHODS, *MORE_METHODS)),
            f"## Queries\n\n{prose(QUERIES)}",
            _function("InsightsQuery.create", InsightsQuery.create),
            _function("asked_days", asked_days),
            "## Results\n\nThe fields of what the methods return. They are stable: fields are only ever added.",
            *map(_result, RESULTS),
        ],
    )


def _method(name: str) -> str:
    twin = f"a{name}"
    has_twin = hasattr(MessagingInsightsHook, twin)
    if name in METHODS and not has_twin:
        raise ValueError(f"The method {name} has no twin {twin}.")
    also = f"Async twin: {code_of(twin, getattr(MessagingInsightsHook, twin))}." if has_twin else ""
    return _function(name, getattr(MessagingInsightsHook, name), also=also)


def _function(name: str, function: Any, *, also: str = "") -> str:
    doc = Docstring.of(function)
    errors = f"Raises:\n\n{raised(doc.raises)}" if doc.raises else ""
    parts = (f"### {name}", code_of(name, function), doc.description, _parameters(doc), errors, also)
    return "\n\n".join(part for part in parts if part)


def code_of(name: str, function: Any) -> str:
    """Return the signature as code, without ``self`` and what is Airflow's own."""
    signature = inspect.signature(function)
    kept = [_short(one) for one in signature.parameters.values() if one.name not in {"self", "kwargs"}]
    text = str(signature.replace(parameters=kept, return_annotation=signature.return_annotation))
    text = text.replace("= Ellipsis", "= …")
    text = MODULE.sub("", ANNOTATION.sub(r"\1\2", text)).removesuffix(" -> None")
    return f"`{name}{text}`"


def _short(parameter: inspect.Parameter) -> inspect.Parameter:
    """Return the parameter with a default that is short enough to be read, and the same in each version of Python."""
    default = parameter.default
    if isinstance(default, StrEnum):
        return parameter.replace(default=str(default))
    return parameter if len(repr(default)) <= LONGEST_DEFAULT else parameter.replace(default=...)


def _parameters(doc: Docstring) -> str:
    return "\n".join(f"- `{name}`: {text}" for name, text in doc.parameters.items())


def _result(owner: type[Any]) -> str:
    """Return the section of a type: its fields, then its properties.

    :raises ValueError: when the docstring says nothing of a field.
    """
    doc = Docstring.of(owner)
    if missing := set(owner.__annotations__) - set(doc.parameters):
        raise ValueError(f"The docstring of {owner.__name__} says nothing of {sorted(missing)}.")
    fields = [
        f"- `{name}`, `{getattr(annotation, '__forward_arg__', annotation)}`: {doc.parameters[name]}"
        for name, annotation in owner.__annotations__.items()
    ]
    properties = [
        f"- `{name}`, `{value.fget.__annotations__['return']}`: {Docstring.of(value).description}"
        for name, value in vars(owner).items()
        if isinstance(value, property) and value.fget is not None
    ]
    return "\n\n".join([f"### {owner.__name__}", doc.description, "\n".join([*fields, *properties])])
