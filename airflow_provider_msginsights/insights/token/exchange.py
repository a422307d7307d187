"""From a login's code to a token, and from a token to one that lasts longer; the flows see neither.

Sources: Facebook Login guides "Manually Build a Login Flow" (code), "Get Long-Lived Tokens" (``fb_exchange_token``);
Business Management API guide "Install Apps, Generate, Refresh, and Revoke Tokens"
(``set_token_expires_in_60_days``: a new token, beside which the old one lives on until its own end). The guides show
GET; a form in a POST is what common OAuth clients send (Go's oauth2, passport-facebook), and keeps secrets out of URLs.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from airflow_provider_msginsights.exceptions import ResponseFormatError
from airflow_provider_msginsights.insights.fetch.page_tokens import document_of, exchange_tokens
from airflow_provider_msginsights.insights.fetch.scheduler import Scheduler
from airflow_provider_msginsights.insights.protocol import Request
from airflow_provider_msginsights.insights.token.report import TokenKind

if TYPE_CHECKING:
    from airflow_provider_msginsights.exceptions import MessagingInsightsError
    from airflow_provider_msginsights.insights.fetch.retry_policy import RetryPolicy
    from airflow_provider_msginsights.insights.protocol import Flow

_PATH = "/oauth/access_token"


def redeem_code(policy: RetryPolicy, *, redirect_uri: str) -> Flow[None]:
    """Have the transport go on with the token that the login's code stands for: a person's, good for an hour or two.

    A code works once, so it is sent once.

    :param redirect_uri: the very address that the dialog was given.
    :raises MessagingInsightsError: what the API answered instead.
    """
    request = Request(_PATH, (("redirect_uri", redirect_uri),), exchanges="code")
    yield from _exchange(replace(policy, max_attempts=1), request)


def lengthen_token(policy: RetryPolicy, *, kind: TokenKind) -> Flow[None]:
    """Have the transport go on with a token of about 60 days in place of its own, which lives on until its own end.

    :param kind: of the transport's token; one that never ends would be shortened.
    :raises MessagingInsightsError: what the API answered instead; a token that has ended cannot be exchanged.
    """
    renewal = (("set_token_expires_in_60_days", "true"),) if kind is TokenKind.SYSTEM_USER else ()
    request = Request(_PATH, (("grant_type", "fb_exchange_token"), *renewal), exchanges="fb_exchange_token")
    yield from _exchange(policy, request)


def exchange_for_pages(policy: RetryPolicy, page_ids: tuple[str, ...]) -> Flow[dict[str, MessagingInsightsError]]:
    """Have the transport keep the tokens of these Pages; return the Pages that have none, with the reason.

    :raises MessagingInsightsError: what the API answered, where it concerns the transport's own token.
    """
    return (yield from exchange_tokens(Scheduler(policy), page_ids))


def _exchange(policy: RetryPolicy, request: Request) -> Flow[None]:
    document = yield from document_of(Scheduler(policy), request)
    if not isinstance(document.get("access_token"), str):
        raise ResponseFormatError(
            "The reply has a shape this package does not know at access_token: a token that a request can carry was "
            "expected.",
            http_status=200,
        )
