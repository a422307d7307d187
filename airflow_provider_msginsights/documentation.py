"""Where the documentation of this release says more about an error, once its metadata names a site.

The metadata is read when somebody has an error before them, and never while something is imported.
"""

from __future__ import annotations

import re

from airflow_provider_msginsights.exceptions import MessagingInsightsError

DISTRIBUTION = "airflow-provider-msginsights"

ERRORS_PAGE = "reference/errors/"

_RESERVED = re.compile(r"(.*\.)?(invalid|test|localhost|local|example(\.(com|net|org))?)", re.IGNORECASE)
"""Hosts at which no site can stand (RFC 2606, RFC 6761)."""

_TO_BE_FILLED_IN = re.compile(
    r"\b(OWNER|ORGANI[SZ]ATION|ORG|USER|USERNAME|YOUR[A-Z_-]*|CHANGE_?ME|TODO|TBD)\b|[<>{}\s…]"
)


def with_address(error: MessagingInsightsError) -> MessagingInsightsError:
    """Let the error name its place in the documentation behind its id, where there is a site."""
    error.address = address_of(error.error_id)
    return error


def ending_with(text: str, error_id: str) -> str:
    """Return a text that ends with an id, which it may have already, and with its place in the documentation."""
    words = (MessagingInsightsError.split_id(text)[0], error_id, address_of(error_id))
    return " ".join(filter(None, words))


def address_of(error_id: str) -> str | None:
    """Return the address of an id in the errors reference; ``None`` without a site."""
    site = documentation_site()
    return None if site is None else f"{site}{ERRORS_PAGE}#{error_id.lower()}"


def documentation_site() -> str | None:
    """Return the site that the installed package's metadata names, with a slash at its end; a placeholder is none."""
    from importlib.metadata import PackageNotFoundError, metadata

    try:
        named = metadata(DISTRIBUTION).get_all("Project-URL") or []
    except PackageNotFoundError:  # run from a checkout that is not installed
        return None
    for line in named:
        label, _, url = line.partition(",")
        if label.strip().casefold() in {"documentation", "docs"}:
            return _site(url.strip())
    return None


def _site(url: str) -> str | None:
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return None
    is_real = parts.scheme in {"http", "https"} and "." in host and not _RESERVED.fullmatch(host)
    if not is_real or _TO_BE_FILLED_IN.search(url):
        return None
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}/"
