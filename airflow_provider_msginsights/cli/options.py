"""Types of options that several commands have."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date


def whole_number(low: int, high: int) -> Callable[[str], int]:
    """Return the type of an option that takes a whole number within these bounds."""

    def read(text: str) -> int:
        from airflow_provider_msginsights.insights.parameters.values import number_of, shown

        number = number_of(text)
        if not isinstance(number, int) or not low <= number <= high:
            raise argparse.ArgumentTypeError(f"{shown(text)} is not a whole number from {low:,} to {high:,}")
        return number

    return read


def day(text: str) -> date:
    """Return the Pacific day that an option names, for a parser."""
    from datetime import datetime

    from airflow_provider_msginsights.exceptions import ConfigurationError
    from airflow_provider_msginsights.insights.dates import pacific_date, parse_moment

    try:
        moment = parse_moment(text)
    except ConfigurationError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return pacific_date(moment) if isinstance(moment, datetime) else moment


def page_ids(text: str) -> tuple[str, ...]:
    """Return the Page ids that an option names, with commas, for a parser."""
    from airflow_provider_msginsights.exceptions import ConfigurationError
    from airflow_provider_msginsights.insights.parameters.parse import ALL_PAGE_IDS, parse_page_ids

    try:
        found = parse_page_ids(text, name="--page-ids")
    except ConfigurationError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    if found is None or found == ALL_PAGE_IDS:
        raise argparse.ArgumentTypeError("name the Pages, separated by commas")
    return found
