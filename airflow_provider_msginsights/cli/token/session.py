"""A token in hand: what the API says of it, an exchange where that makes it last longer, and the Pages' own tokens."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Self, TypeVar

from airflow_provider_msginsights.exceptions import (
    AuthenticationError,
    ConfigurationError,
    InvalidRequestError,
    PermissionDeniedError,
)
from airflow_provider_msginsights.insights.token.durability import Lengthening, ends_later, lengthening_of
from airflow_provider_msginsights.insights.token.exchange import exchange_for_pages, lengthen_token, redeem_code
from airflow_provider_msginsights.insights.token.inspection import inspect_token
from airflow_provider_msginsights.insights.token.report import TokenKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_msginsights.insights.protocol import Flow
    from airflow_provider_msginsights.insights.token.report import TokenReport
    from airflow_provider_msginsights.transports.blocking import BlockingTransport
    from airflow_provider_msginsights.transports.credentials import Credentials
    from airflow_provider_msginsights.transports.settings import TransportSettings

T = TypeVar("T")

CREATE = "Get a new one by 'msginsights token create'."
"""What helps where nothing of the old token can be kept."""


class TokenSession:
    """Works with one token, and with those it is exchanged for. Close it, or use it in a ``with`` statement.

    :param transport: one that other sessions use too; what any of them knows stays secret in the answers to all.
    """

    def __init__(
        self, settings: TransportSettings, credentials: Credentials, *, transport: BlockingTransport | None = None
    ) -> None:
        from airflow_provider_msginsights.transports.blocking import BlockingTransport

        self._settings = settings
        self._transport = BlockingTransport(settings, credentials) if transport is None else transport
        self.credentials = credentials

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close every connection."""
        self._transport.close()

    def redeem(self, *, redirect_uri: str) -> None:
        """Go on with the token that the login's code stands for.

        :raises MessagingInsightsError: what the API answered instead.
        """
        self._run(redeem_code(self._settings.retry_policy, redirect_uri=redirect_uri))

    def inspect(self, page_ids: Sequence[str] = ()) -> TokenReport:
        """Return the report on the token; these Pages are read as a load reads them.

        :raises MessagingInsightsError: no answer, a limit, or an address or version the API does not know.
        """
        flow = inspect_token(
            self._settings.retry_policy,
            now=datetime.now(UTC),
            asked_version=self._settings.api_version,
            page_ids=page_ids,
            has_app_token=self.credentials.app_token is not None,
            soon_days=self._settings.token_warning_days,
        )
        return self._run(flow)

    def lengthen(self, report: TokenReport) -> TokenReport:
        """Go on with a token that ends later, and return its report; with the old one where the API gives none.

        :param report: of the token as it is.
        :raises AuthenticationError: the API gave one that does not end later.
        :raises MessagingInsightsError: what the API answered instead.
        """
        before = self.credentials
        self._run(lengthen_token(self._settings.retry_policy, kind=report.kind))
        new = self.inspect()
        is_worse = new.is_valid is False or (
            lengthening_of(report) is not Lengthening.UNKNOWN and not ends_later(new.expires, report.expires)
        )
        if is_worse:
            self.credentials = before
            raise AuthenticationError(
                "The exchange gave a token that does not end later than the present one, which is kept. "
                "Let the token's person log in again: 'msginsights token create --login'.",
                error_id="MSGI-token-renewal",
            )
        return new

    def of_pages(self, page_ids: Sequence[str]) -> dict[str, TokenSession]:
        """Return a session with each Page's own token.

        :raises PermissionDeniedError: when a Page gives none.
        :raises MessagingInsightsError: what the API answered otherwise.
        """
        refused = self._run(exchange_for_pages(self._settings.retry_policy, tuple(page_ids)))
        given = {page_id: self._transport.page_credentials(page_id) for page_id in page_ids}
        for error in refused.values():
            raise error
        return {
            page_id: TokenSession(self._settings, credentials, transport=self._transport)
            for page_id, credentials in given.items()
            if credentials is not None
        }

    def _run(self, flow: Flow[T]) -> T:
        self._transport.use(self.credentials)
        try:
            return self._transport.run(flow)
        finally:
            self.credentials = self._transport.credentials


def check_usable(report: TokenReport) -> None:
    """Refuse a token that nothing can be made of.

    :raises AuthenticationError: refused by the API, or an app token.
    :raises ConfigurationError: the app's id and secret are those of another app.
    """
    if report.has_app_token and isinstance(report.inspection_refusal, (AuthenticationError, InvalidRequestError)):
        raise ConfigurationError(
            "The app's id and secret do not go with the token: it was made with another app, or the secret is wrong. "
            f"Nothing was saved. The API says: {report.inspection_refusal}",
            parameter="app_secret",
        )
    if report.refusal is not None:
        raise AuthenticationError(f"The API refuses the token. Nothing was saved. {CREATE} It says: {report.refusal}")
    if report.kind is TokenKind.APP:
        raise AuthenticationError(
            "The API refuses the token for insights: it is an app token, which belongs to no Page and no person. Give "
            "that of a system user, a person or a Page. Nothing was saved.",
            error_id="MSGI-token-wrong-kind",
        )


def check_good(report: TokenReport) -> None:
    """Refuse a token with which loads would fail.

    :raises PermissionDeniedError: naming what is missing.
    """
    errors = [one for one in report.findings if one.severity == "error"]
    if errors:
        named = " ".join(one.what for one in errors)
        raise PermissionDeniedError(
            f"Nothing was saved, because loads would fail: {named}", error_id="MSGI-token-unfit"
        )
    if not report.is_valid:
        raise PermissionDeniedError(
            "Nothing was saved, because whether the token works could not be found out.", error_id="MSGI-token-unfit"
        )
