"""Types of options that several commands have."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def whole_number(low: int, high: int) -> Callable[[str], int]:
    """Return the type of an option that takes a whole number within these bounds."""

    def read(text: str) -> int:
        from airflow_provider_msginsights.insights.parameters.values import number_of, shown

        number = number_of(text)
        if not isinstance(number, int) or not low <= number <= high:
            raise argparse.ArgumentTypeError(f"{shown(text)} is not a whole number from {low:,} to {high:,}")
        return number

    return read
