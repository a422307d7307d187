"""Numbers that a template may have turned into text."""

from __future__ import annotations

from airflow_provider_msginsights.exceptions import ConfigurationError


def number(name: str, value: object, *, whole: bool = False) -> float:
    """Give a number that is not negative.

    :param name: the parameter's, for the error.
    :raises ConfigurationError: for anything else.
    """
    try:
        found = float(value) if isinstance(value, (int, float, str)) and not isinstance(value, bool) else -1.0
    except ValueError:
        found = -1.0
    if not found >= 0 or (whole and not found.is_integer()):
        kind = "a whole number" if whole else "a number"
        raise ConfigurationError(f"{name}={value!r} is not {kind}, 0 or more.")
    return int(found) if whole else found
