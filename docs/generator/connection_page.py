"""The reference page of the connection's fields, made from the form and from the code that reads them."""

from __future__ import annotations

from typing import Any

from docstrings import Docstring, prose, sentence
from reference import code_list, entry, page_of

from airflow_provider_msginsights.get_provider_info import get_provider_info
from airflow_provider_msginsights.hooks.msginsights import MessagingInsightsHook
from airflow_provider_msginsights.transports.settings import (
    DEFAULT_HOST,
    EXTRA_FIELDS,
    RETRY_FIELDS,
    from_connection_parts,
)

INTRODUCTION = f"""
Everything that a connection of type `{MessagingInsightsHook.conn_type}` may hold. Its id is
`{MessagingInsightsHook.default_conn_name}` unless a task names another one by `msginsights_conn_id`. A name or value
that means nothing is refused before any request: the message names the field, and never quotes its value, because a
secret may have been typed into any of them.
"""
SPELLINGS = """
From Airflow 3.2 on, the form in the UI has a field for each of them. In Airflow 3.1 the extra fields go into the box
"Extra", as JSON. In an environment variable or a secrets backend a connection is JSON or a URI:
"""
_FIELDS = '"conn_type": "msginsights", "login": "<page id>", "password": "<token>", "extra": {"batch_size": 25}'
_URI = "msginsights://<page id>:<token>@graph.facebook.com:443/?batch_size=25&concurrency=2"
EXAMPLES = f"""\
```bash
export AIRFLOW_CONN_MSGINSIGHTS_DEFAULT='{{{_FIELDS}}}'
export AIRFLOW_CONN_MSGINSIGHTS_DEFAULT='{_URI}'
```"""
EXTRA = """
All of them may be left out. In JSON each is a key of `extra`; in a URI each is a parameter by the same name, the first
after `?`, the others after `&`.
"""
IN_A_URI = """
In a URI, whatever is not a letter or a digit is percent-encoded (`%2C` for the comma between two Page ids), and so is a
whole base URL in place of the host: `http%3A%2F%2F127.0.0.1%3A8099`. Numbers and `true` or `false` may be text in JSON
too.
"""
STANDARD = {
    "password": "required",
    "login": "may be left empty",
    "host": f"left empty: `{DEFAULT_HOST}`",
    "port": "left empty: that of the base URL",
}
"""Airflow's own fields of a connection, the most important first, with what counts when they are left empty."""
PLACES = {"password": ":TOKEN@", "login": "//LOGIN:", "host": "@HOST", "port": ":PORT/"}


def page() -> str:
    """Return the page.

    :raises ValueError: when the form and the code that reads a connection do not know the same fields.
    """
    (connection,) = get_provider_info()["connection-types"]
    fields = connection["conn-fields"]
    if set(fields) != set(EXTRA_FIELDS):
        raise ValueError(f"In the form or in the code, not both: {sorted(set(fields) ^ set(EXTRA_FIELDS))}.")
    extra = "\n".join(_extra(name, field) for name, field in fields.items())
    retries = (
        f"A task may set these for itself, by the parameter `retry_bounds`: {code_list(RETRY_FIELDS)}. They are about "
        "how often a request is repeated, and how long is waited."
    )
    return page_of(
        "Connection fields",
        [
            prose(INTRODUCTION),
            f"## How it is written\n\n{prose(SPELLINGS)}\n\n{EXAMPLES}\n\n{prose(IN_A_URI)}",
            "## Standard fields\n\n" + _standard(connection["ui-field-behaviour"]),
            f"## Fields of the extra\n\n{prose(EXTRA)}\n\n{extra}",
            f"## What a task may set for itself\n\n{retries}",
        ],
    )


def _standard(behaviour: dict[str, Any]) -> str:
    meanings, labels = Docstring.of(from_connection_parts).parameters, behaviour["relabeling"]
    return "\n".join(
        entry(
            name,
            name,
            f'in the form "{labels.get(name, name.title())}" · in a URI `{PLACES[name]}` · {empty}',
            sentence(meanings[name]),
        )
        for name, empty in STANDARD.items()
    )


def _extra(name: str, field: dict[str, Any]) -> str:
    text, _, empty = field["description"].partition(" Left empty: ")
    default = _default(field["schema"], empty.removesuffix("."))
    if empty and not default:
        text += f" Left empty: {empty}"
    return entry(name, name, f'in the form "{field["label"]}" · {allowed(field["schema"])}{default}', text)


def _default(schema: dict[str, Any], empty: str) -> str:
    known = schema.get("values_display", {}).get("null", "").removesuffix(" (default)")
    if schema["type"][0] == "boolean":
        known = "false"
    elif empty.isdigit():
        known = empty
    return known and f" · default `{known}`"


def allowed(schema: dict[str, Any]) -> str:
    """Return what a field's schema allows, in words."""
    kind = schema["type"][0]
    if "enum" in schema:
        return code_list(value for value in schema["enum"] if value)
    if kind in {"integer", "number"}:
        noun = "whole number" if kind == "integer" else "number"
        most = f" to {schema['maximum']:,}" if "maximum" in schema else " on"
        return f"{noun} from {schema['minimum']:,}{most}"
    return {"boolean": "`true` or `false`", "string": "text"}[kind]
