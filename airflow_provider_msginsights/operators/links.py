"""The button beside a task that opens the Page's Insights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from airflow.sdk import BaseOperatorLink

from airflow_provider_msginsights.exceptions import ConfigurationError
from airflow_provider_msginsights.insights.parameters.parse import ALL_PAGE_IDS, parse_page_ids

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator

_INSIGHTS = "https://business.facebook.com/latest/insights/overview"


class PageInsightsLink(BaseOperatorLink):
    """Opens the Insights of the task's first Page in Meta Business Suite, for whoever is logged in there."""

    @property
    def name(self) -> str:
        """The button's text."""
        return "Page Insights"

    def get_link(self, operator: BaseOperator, *, ti_key: Any) -> str:
        """Return the address; without a known Page it opens the Insights of the Page that was open last."""
        del ti_key
        page_ids = getattr(operator, "loaded_page_ids", ()) or _named(getattr(operator, "page_ids", None))
        return f"{_INSIGHTS}?asset_id={quote(page_ids[0], safe='')}" if page_ids else _INSIGHTS


def _named(page_ids: Any) -> tuple[str, ...]:
    """Return the Pages that a task names, if any; a link never fails."""
    if not isinstance(page_ids, (str, int, list, tuple)):
        return ()
    try:
        named = parse_page_ids(page_ids)
    except ConfigurationError:
        return ()
    return () if named is None or named == ALL_PAGE_IDS else named
