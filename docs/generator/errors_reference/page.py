"""The reference page of the errors: an anchor for every id that the code can produce.

The ids are found in the code (`ids`); the API's codes take meaning, remedy and source from the error table,
parameters what is allowed from the rules that read them, and what is known besides stands in `texts` and its neighbors.
"""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, TypeAlias

from docstrings import Docstring, prose
from operators_page import CLASSES
from reference import page_of, table

from airflow_provider_msginsights.exceptions import NEVER_RETRIED
from airflow_provider_msginsights.insights.graph.error_codes import RULES, Remedy, Rule, source_of
from airflow_provider_msginsights.insights.graph.error_table import SENTENCES, advice_of
from airflow_provider_msginsights.insights.parameters.numbers import NUMBERS
from airflow_provider_msginsights.transports.settings import EXTRA_FIELDS
from errors_reference import ids as error_ids
from errors_reference.texts import AT_ONCE, COMMAND, KINDS, PAGE, PAGE_RETRIED, REPLIES, RETRIED, TASKS, TOKENS, Text
from errors_reference.texts_of_codes import CODES, HAPPENED
from errors_reference.texts_of_inputs import COMMAND_LINE, CONFIG, STORAGE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Facts: TypeAlias = "list[tuple[str, str]]"
"""What is said of an id: labels and texts."""

INTRODUCTION = """
Every error ends with an id, in logs, failed tasks, XCom, manifests and on the command line; this page has a place for
each. In code it is the `error_id` of the exception, and in the documents of `--json` the key `error_id`. Ids stay;
the words before them may become better.

- `MSGI-190-463` is what the Graph API says: Meta's `code` and `error_subcode`. Where a sentence of the API says more
  than its code, the id has a word for it: `MSGI-100-permission`.
- `MSGI-config-page_ids` is a parameter, or a field of the connection, as its author writes it.
- `MSGI-cli-save-env` is an option of the command line.
- `MSGI-storage` and the like are everything else.

`msginsights check` looks at the token, `msginsights metrics --conn-id` at the metrics.
"""
OF_PARAMETERS = """
A parameter or a field of the connection is wrong. Parameters are read before any request, and a wrong one fails the
task at once; the message names it, its value and what is allowed. A value of a connection is never shown.
"""
OF_OPTIONS = """
What is wrong with a command's options and answers. Nothing was requested, unless the message says so.
"""
OF_KINDS = """
What an error ends with where nothing more is known, by its exception. Those marked "at once" fail a task without a
retry, since the same would happen again; the others leave it to the task's `retries`.
"""
OF_CODES = """
What the API answers with a `code`, and often an `error_subcode`, that tells by itself what is wrong.
"""
OF_SENTENCES = """
Some codes mean many things, and only the sentence that comes with them tells which.
"""
OF_REPLIES = """
Replies without a code that is known, replies of something else, and what follows from several replies.
"""
OF_TASKS = """
What ends a task, or keeps it from beginning, whatever the API says.
"""
OF_TOKENS = """
What reports of a token end their problems and warnings with, and what `msginsights token` refuses. Where the API
refused, the id is that of its code.
"""
OF_STORAGE = """
What the storage of `output_path` refuses, and what lies there that does not fit. A load never changes a file that it
cannot read.
"""
CONFIG_LOAD = "The task fails at once, without a retry; almost always before any request."
STANDARD = ("host", "port", "login", "password")
ARGUMENTS = {"conn_id": "CONN_ID", "pages": "the answer that names Pages"}
REMEDIES = {
    Remedy.STOP: "",
    Remedy.RETRY: "Asked again after a back-off, within the bounds of the connection. ",
    Remedy.WAIT: "The load waits as long as the server says, and goes on. Where that is longer than "
    "`wait_bound_seconds`, everything else is loaded; then the task defers, or fails and is retried.",
    Remedy.SHRINK: "Asked for in smaller pieces by itself. ",
    Remedy.RETRY_THEN_SHRINK: "Asked again, and then for smaller pieces, by itself. ",
    Remedy.PAGE_TOKEN: "The Page's own token is fetched, and the request made again with it. ",
    Remedy.NEW_TOKEN: "The connection is read once more, as its token may have been replaced meanwhile. ",
    Remedy.ISOLATE: "The metrics are asked for one by one, to find the one that is refused; all others are loaded. "
    'A metric that was named fails the task then; one of `"stable"` or `"all"` is left out and reported.',
    Remedy.NO_DATA: "The Page counts as one without rows; the others are loaded.",
}
"""What a load does about each remedy of the error table."""
SAYS_THE_END = (Remedy.WAIT, Remedy.ISOLATE, Remedy.NO_DATA)


def page() -> str:
    """Return the page.

    :raises ValueError: when an id of the code has no text, or a text stands for an id that the code does not have.
    """
    ids = error_ids.found()
    sections = sections_of(ids)
    named = [error_id for _, _, entries in sections for error_id in entries]
    if odd := set(named) ^ set(ids):
        raise ValueError(f"In the code or on the page, not both: {sorted(odd)}.")
    made = (
        "\n\n".join(
            [f"## {title}", text, *(_entry(error_id, facts, ids[error_id]) for error_id, facts in entries.items())]
        )
        for title, text, entries in sections
    )
    return page_of("Errors", [prose(INTRODUCTION), *made])


def sections_of(ids: Iterable[str]) -> list[tuple[str, str, dict[str, Facts]]]:
    """Return the sections: title, introduction, and what is said of each id."""
    said = {**TASKS, **COMMAND_LINE}
    names = sorted(
        one.removeprefix("MSGI-config-") for one in ids if one.startswith("MSGI-config-") and one not in said
    )
    options = sorted(one.removeprefix("MSGI-cli-") for one in ids if one.startswith("MSGI-cli-") and one not in said)
    return [
        ("Codes of the API", prose(OF_CODES), {rule.error_id: _of_code(*pair, rule) for pair, rule in _rules()}),
        ("Sentences of the API", prose(OF_SENTENCES), _of_sentences()),
        ("Other replies", prose(OF_REPLIES), _plain(REPLIES)),
        ("Tasks", prose(OF_TASKS), _plain(TASKS)),
        ("Tokens", prose(OF_TOKENS), _plain(TOKENS)),
        ("Storage and datasets", prose(OF_STORAGE), _plain(STORAGE)),
        (
            "Parameters and fields of the connection",
            f"{prose(OF_PARAMETERS)}\n\n{_listed(error_ids.made()[error_ids.OF_A_NAME])}",
            {f"MSGI-config-{name}": _of_parameter(name) for name in names},
        ),
        (
            "The command line",
            prose(OF_OPTIONS),
            _plain(COMMAND_LINE) | {f"MSGI-cli-{name}": _of_option(name) for name in options},
        ),
        ("Kinds of errors", f"{prose(OF_KINDS)}\n\n{_kinds()}", _plain(KINDS)),
    ]


def _entry(error_id: str, facts: Facts, messages: Iterable[str]) -> str:
    lines = [f"- **{label}**: {text}" for label, text in facts if text]
    if messages := list(messages):
        lines.append(f"- **Messages**:\n{textwrap.indent(_listed(messages), '    ')}")
    return f"### {error_id}\n\n" + "\n".join(lines)


def _listed(messages: Iterable[str]) -> str:
    return "\n".join(f"- `{' '.join(message.split())}`" for message in messages)


def _plain(texts: Mapping[str, Text]) -> dict[str, Facts]:
    return {error_id: _facts(*text) for error_id, text in texts.items()}


def _facts(happened: str, load: str, do: str, *more: tuple[str, str]) -> Facts:
    return [("What happened", happened), ("For the load", load), ("What to do", do), *more]


def _rules() -> list[tuple[tuple[int, int | None], Rule]]:
    return sorted(RULES.items(), key=lambda one: (one[0][0], one[0][1] or 0))


def _of_code(code: int, subcode: int | None, rule: Rule) -> Facts:
    number = f"`{code}`" if subcode is None else f"`{code}`, `error_subcode` `{subcode}`"
    return _of_rule(rule, ("Meta's code", number), ("Source", source_of(code, subcode)))


def _of_sentences() -> dict[str, Facts]:
    entries: dict[str, Facts] = {}
    for sentence in SENTENCES:
        if sentence.rule.error_id in entries:
            entries[sentence.rule.error_id].append(("Source", sentence.source))
        elif sentence.rule not in RULES.values():
            numbers = ", ".join(f"`{code}`" for code in sorted(code for code in sentence.codes if code is not None))
            where = ("Meta's code", f"{numbers}, by the sentence")
            entries[sentence.rule.error_id] = _of_rule(sentence.rule, where, ("Source", sentence.source))
    return entries


def _of_rule(rule: Rule, *more: tuple[str, str]) -> Facts:
    happened = f"{HAPPENED[rule.error_id]} The exception is `{rule.kind.__name__}`."
    advice, also = advice_of(rule, ""), CODES.get(rule.error_id, "")
    rest = advice.removeprefix(HAPPENED[rule.error_id]).strip()
    do = " ".join(filter(None, (rest if rest or also else advice, also)))
    return _facts(happened, _for_the_load(rule), do, *more)


def _for_the_load(rule: Rule) -> str:
    """Return what a load does about a rule's remedy, and what it costs where that does not help."""
    first = REMEDIES[rule.remedy]
    if rule.remedy in SAYS_THE_END:
        return first
    is_final = issubclass(rule.kind, NEVER_RETRIED)
    if rule.scope == "page":
        end = PAGE if is_final else PAGE_RETRIED
    else:
        end = f"The run stops, after storing what was answered. {AT_ONCE if is_final else RETRIED}"
    return f"{first}If that does not help, {end[0].lower()}{end[1:]}" if first else end


def _of_parameter(name: str) -> Facts:
    places = [
        f"[`{one.owner.__name__}`](operators.md#{one.prefix}-{name})"
        for one in CLASSES
        if name in Docstring.of(one.owner).parameters
    ]
    if name in (*EXTRA_FIELDS, *STANDARD):
        places.append(f"[the connection](connection.md#{name})")
    where = f" It belongs to {', '.join(places)}." if places else ""
    allowed = ""
    if name in NUMBERS:
        low, high, is_whole = NUMBERS[name]
        allowed = f"{'A whole number' if is_whole else 'A number'} from {low:,} to {high:,}."
    do = " ".join(filter(None, (allowed, CONFIG.get(name, ""))))
    happened = f"`{name}` is missing, or has a value that cannot be used.{where}"
    return _facts(happened, CONFIG_LOAD, do or "Use what the message says is allowed.")


def _of_option(name: str) -> Facts:
    shown = ARGUMENTS.get(name, f"--{name}")
    happened = f"`{shown}` has a value that cannot be used, or does not go with another option."
    return _facts(happened, COMMAND, "Use what the message says; `msginsights COMMAND --help` lists what there is.")


def _kinds() -> str:
    rows = []
    for name, kind in error_ids.kinds().items():
        ends = "at once" if issubclass(kind, NEVER_RETRIED) else "by `retries`"
        rows.append(
            (f"`{name}`", f"[{kind.kind_id}](#{kind.kind_id.lower()})", ends, (kind.__doc__ or "").splitlines()[0])
        )
    return table(("Exception", "Id", "Ends a task", "What it is"), rows)
