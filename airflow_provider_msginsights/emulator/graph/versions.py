"""Versions in paths. Graph API guide "Versioning", changelog version calendar.

A version that has ended is served by the oldest one still living, without an error; the header
`facebook-api-version` tells which. A number that never existed is an unknown path.
"""

import re
from datetime import date

from airflow_provider_msginsights.emulator.documentation import VERSIONS_USABLE_UNTIL
from airflow_provider_msginsights.emulator.errors import unknown_path

_LAST_MINORS = {2: 12, 3: 3}
"""All other major versions have the minor version 0 only."""
_VERSION = re.compile(r"v(\d{1,3})\.(\d{1,2})")


def names_version(path: str) -> bool:
    """Return True when the path begins with a version."""
    return _VERSION.fullmatch(path.lstrip("/").partition("/")[0]) is not None


def split_version(path: str, *, default_version: str, today: date) -> tuple[str, list[str]]:
    """Return the version that answers, and the path's other components.

    Raises GraphError with code 2500 for a version that does not exist.
    """
    components = [component for component in path.split("/") if component]
    match = _VERSION.fullmatch(components[0]) if components else None
    if match is None:
        return default_version, components
    return _answering(f"v{int(match[1])}.{int(match[2])}", path, today), components[1:]


def _answering(version: str, path: str, today: date) -> str:
    major, minor = _number(version)
    newest, _ = _number(next(reversed(VERSIONS_USABLE_UNTIL)))
    if not 1 <= major <= newest or minor > _LAST_MINORS.get(major, 0):
        raise unknown_path(path)
    living = [known for known, until in VERSIONS_USABLE_UNTIL.items() if until is None or today < until]
    return version if version in living else living[0]


def _number(version: str) -> tuple[int, int]:
    major, _, minor = version.removeprefix("v").partition(".")
    return int(major), int(minor)
