"""The reference page of operators, sensor, trigger and retry policy, made from signatures and docstrings."""

from __future__ import annotations

import inspect
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import short_examples
from docstrings import Docstring, prose, sentence
from reference import code_list, default_of, entry, page_of, table

from airflow_provider_msginsights.insights.availability.requirement import ON_SILENT_PAGE
from airflow_provider_msginsights.insights.catalog import PERIODS
from airflow_provider_msginsights.insights.coverage.filling import NewPages
from airflow_provider_msginsights.insights.dates import DATE_PRESETS
from airflow_provider_msginsights.insights.parameters.numbers import NUMBERS
from airflow_provider_msginsights.operators.coverage_check import MessagingInsightsCoverageCheckOperator
from airflow_provider_msginsights.operators.fill import MessagingInsightsFillOperator
from airflow_provider_msginsights.operators.load.config import ON_EMPTY
from airflow_provider_msginsights.operators.load.findings import ON_FINDING
from airflow_provider_msginsights.operators.load.publishing import PUBLISH
from airflow_provider_msginsights.operators.msginsights import MessagingInsightsOperator
from airflow_provider_msginsights.operators.token_check import ON_PROBLEM, MessagingInsightsTokenCheckOperator
from airflow_provider_msginsights.outputs.coverage_recorder import has_coverage
from airflow_provider_msginsights.outputs.formats.by_name import COMPRESSIONS, FORMAT_NAMES
from airflow_provider_msginsights.retry_policies import MessagingInsightsRetryPolicy
from airflow_provider_msginsights.sensors.msginsights import MessagingInsightsSensor
from airflow_provider_msginsights.triggers.new_day import MessagingInsightsNewDayTrigger

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TEMPLATED = " (templated)"
AS_FOR_THE_LOAD = "as for the load"
WHEN = "str | int | date | datetime | None"
NUMBERS_OR_NONE = frozenset({"max_failed_pages", "max_incomplete_pages"})
"""Numbers of which the docstring says all that is allowed."""
CHOICES: Mapping[str, Sequence[str]] = {
    "period": PERIODS,
    "date_preset": DATE_PRESETS,
    "output_format": FORMAT_NAMES,
    "compression": COMPRESSIONS,
    "on_empty": ON_EMPTY,
    "on_finding": ON_FINDING,
    "on_problem": ON_PROBLEM,
    "publish": PUBLISH,
    "new_pages": tuple(NewPages),
    "on_silent_page": ON_SILENT_PAGE,
    "wait_for": ("available", "final"),
}
"""The words that parameters of these names allow."""
ELSEWHERE = {
    "metrics": "[The metrics](metrics.md)",
    "breakdowns": "[The dimensions](metrics.md#dimensions)",
    "period": "[The periods](metrics.md#periods)",
    "retry_bounds": "[The names](connection.md#what-a-task-may-set-for-itself)",
    "msginsights_conn_id": "[Its fields](connection.md)",
}
"""Where more is said of parameters of these names."""
INTRODUCTION = """
Each class with its parameters, what it returns and raises, and one short example. Every parameter is given by its name.
Those marked *templated* may be Jinja templates or XCom of other tasks: they are read when the task runs, before any
request, and a wrong one fails the task at once, with a message that names it, its value and what is allowed. What each
error means and what helps: [errors](errors.md).

What templates and XCom leave is understood: numbers and lists as text (`"['101', '102']"`, `"2"`); with
`render_template_as_native_obj=True` text as numbers (`20261101` is a day); tuples, sets and generators. Nothing, or the
text `"None"`, counts as left out where a parameter may be left out. A value that looks like a token is never shown.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Documented:
    """A class of the page.

    :param prefix: of the anchors of its parameters.
    :param purpose: what it is for, in a few words.
    :param choices: the words that its parameters allow, where other ones than in `CHOICES`.
    """

    owner: type[Any]
    prefix: str
    purpose: str
    example: str
    choices: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def templated(self) -> Sequence[str]:
        """The names of its templated parameters."""
        return tuple(getattr(self.owner, "template_fields", ()))


CLASSES = (
    Documented(
        owner=MessagingInsightsOperator,
        prefix="load",
        purpose="load the days of a run, to files or XCom",
        example=short_examples.LOAD,
    ),
    Documented(
        owner=MessagingInsightsFillOperator,
        prefix="fill",
        purpose="request and store what a dataset lacks",
        example=short_examples.FILL,
        choices={"period": tuple(filter(has_coverage, PERIODS))},
    ),
    Documented(
        owner=MessagingInsightsCoverageCheckOperator,
        prefix="gate",
        purpose="check a dataset before reports are made of it",
        example=short_examples.GATE,
    ),
    Documented(
        owner=MessagingInsightsTokenCheckOperator,
        prefix="token-check",
        purpose="check a token before it ends",
        example=short_examples.CHECK,
    ),
    Documented(
        owner=MessagingInsightsSensor,
        prefix="sensor",
        purpose="wait until days are available",
        example=short_examples.SENSOR,
    ),
    Documented(
        owner=MessagingInsightsNewDayTrigger,
        prefix="trigger",
        purpose="start DAGs by each new day",
        example=short_examples.TRIGGER,
        choices={"on_silent_page": ("ignore", "wait")},
    ),
    Documented(
        owner=MessagingInsightsRetryPolicy,
        prefix="retry-policy",
        purpose="retry when Meta's limits are over",
        example=short_examples.RETRY_POLICY,
    ),
)


def page() -> str:
    """Return the page."""
    overview = table(
        ("Class", "To"),
        [(f"[`{name}`](#{name.lower()})", one.purpose) for one in CLASSES for name in [one.owner.__name__]],
    )
    return page_of("Operators, sensor and trigger", [prose(INTRODUCTION), overview, *map(section, CLASSES)])


def section(documented: Documented) -> str:
    """Return the section of a class."""
    owner, doc = documented.owner, Docstring.of(documented.owner)
    title = documented.prefix.replace("-", " ").capitalize()
    parts = [
        f"## {owner.__name__}",
        f"In `{owner.__module__}`.",
        doc.description,
        f"### {title}: parameters",
        parameters_of(documented),
    ]
    if doc.returns:
        parts += [f"### {title}: what it returns", sentence(doc.returns)]
    if doc.raises:
        parts += [f"### {title}: what it raises", raised(doc.raises)]
    return "\n\n".join([*parts, f"### {title}: example", f"```python\n{documented.example.strip()}\n```"])


def raised(errors: Mapping[str, str]) -> str:
    """Return the list of errors, and when each is raised."""
    return "\n".join(f"- `{name}`: {text}" for name, text in errors.items())


def parameters_of(documented: Documented) -> str:
    """Return a class's parameters: their order, types and defaults by signature, their meaning by docstring.

    :raises ValueError: when signature, docstring and templated fields do not name the same parameters.
    """
    owner, meanings = documented.owner, Docstring.of(documented.owner).parameters
    signature = dict(inspect.signature(owner.__init__).parameters)
    names = [name for name in signature if name not in {"self", "kwargs"}]
    if missing := set(names) - set(meanings):
        raise ValueError(f"The docstring of {owner.__name__} says nothing of {sorted(missing)}.")
    said = {name for name, text in meanings.items() if TEMPLATED in text}
    if said != set(documented.templated):
        raise ValueError(
            f"{owner.__name__}: templated or said to be, not both: {sorted(said ^ {*documented.templated})}."
        )
    return "\n".join(
        entry(
            f"{documented.prefix}-{name}",
            name,
            facts(documented, signature.get(name), name),
            _meaning(documented, name, text),
        )
        for name, text in meanings.items()
    )


def facts(documented: Documented, parameter: inspect.Parameter | None, name: str) -> str:
    """Return the type, the default and whether a parameter is templated; that it is Airflow's own where it is."""
    if parameter is None:
        return "of every task"
    default = default_of(parameter)
    known = [
        f"`{str(parameter.annotation).replace('When', WHEN)}`",
        default if default == "required" else f"default {default}",
        *(["templated"] if name in documented.templated else []),
    ]
    if name in NUMBERS and name not in NUMBERS_OR_NONE:
        low, high, whole = NUMBERS[name]
        known.append(f"{'a whole number' if whole else 'a number'} from {low:,} to {high:,}")
    return " · ".join(known)


def _meaning(documented: Documented, name: str, text: str) -> str:
    meaning = text.replace(TEMPLATED, "")
    if meaning.startswith(AS_FOR_THE_LOAD):
        return sentence(f"[{AS_FOR_THE_LOAD.capitalize()}](#load-{name}){meaning.removeprefix(AS_FOR_THE_LOAD)}")
    choices = code_list({**CHOICES, **documented.choices}.get(name, ()))
    is_said = all(choice in meaning for choice in choices.split(", "))
    parts = [sentence(meaning), "" if is_said else f"Allowed: {choices}.", f"{ELSEWHERE.get(name, '')}."]
    return " ".join(part for part in parts if part.strip("."))
