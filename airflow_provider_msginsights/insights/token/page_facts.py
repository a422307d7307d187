"""What the API says of a Page itself: how many follow it, and whether it is published.

Fields of the Page node: https://developers.facebook.com/docs/graph-api/reference/page/
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_msginsights.insights.fetch.page_tokens import document_of
from airflow_provider_msginsights.insights.fetch.scheduler import Scheduler
from airflow_provider_msginsights.insights.protocol import Request

if TYPE_CHECKING:
    from airflow_provider_msginsights.insights.fetch.retry_policy import RetryPolicy
    from airflow_provider_msginsights.insights.protocol import Flow


@dataclass(frozen=True, slots=True)
class PageFacts:
    """Facts about a Page; each is ``None`` where the API does not say."""

    followers: int | None
    is_published: bool | None


def read_page_facts(page_id: str, policy: RetryPolicy) -> Flow[PageFacts]:
    """Read them with the connection's own token.

    :raises MessagingInsightsError: what the API answered instead.
    """
    request = Request(f"/{page_id}", (("fields", "followers_count,is_published"),), None)
    document = yield from document_of(Scheduler(policy), request)
    followers, is_published = document.get("followers_count"), document.get("is_published")
    return PageFacts(
        followers if isinstance(followers, int) and not isinstance(followers, bool) else None,
        is_published if isinstance(is_published, bool) else None,
    )
