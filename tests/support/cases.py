"""A crossing of many cases swept in one test, which names the case that failed."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def case(*what: object) -> Iterator[None]:
    """Add to any failure within what the case was, as pytest does with the id of a parametrized test.

    :param what: the values of the case; each is shown by its `repr`, shortened.
    """
    try:
        yield
    except BaseException as error:
        error.add_note(f"In the case: {', '.join(repr(value)[:200] for value in what)}")
        raise
