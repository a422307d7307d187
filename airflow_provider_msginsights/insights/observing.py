"""A flow with somebody looking on."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar, cast

from airflow_provider_msginsights.insights.protocol import Emit

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_msginsights.insights.protocol import Answer, Flow, Step

T = TypeVar("T")


def observed(flow: Flow[T], see: Callable[[Step, Answer], None], *, passes_on: bool = True) -> Flow[T]:
    """The same flow; ``see`` gets each step with its answer: of an `Emit`, when the consumer has taken its records.

    :param passes_on: whether the consumer gets what is emitted; otherwise ``see`` alone does.
    """
    answer: Answer = None
    try:
        while True:
            try:
                step = flow.send(answer)
            except StopIteration as stop:
                return cast("T", stop.value)
            if passes_on or not isinstance(step, Emit):
                answer = yield step
            else:
                answer = None
            see(step, answer)
    finally:
        flow.close()
