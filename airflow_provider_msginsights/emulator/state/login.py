"""Facebook Login as far as a command line needs it: a dialog's question and answer, and the codes it gives.

Login guides "Manually build a login flow" and "Access tokens". The refusals of codes are those of public fixtures;
texts of the dialog's own error pages are known from reports, that of the missing redirect is inferred. How long a code
lives ("some minutes") and a token made from one ("one to two hours") is inferred.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from airflow_provider_msginsights.emulator import documentation
from airflow_provider_msginsights.emulator.call import list_parameter
from airflow_provider_msginsights.emulator.errors import GraphError
from airflow_provider_msginsights.emulator.state.settings import Settings

CODE_SECONDS: Final = 600
_DEVELOPMENT_HOST: Final = "localhost"
_SCOPES: Final = (*documentation.SCOPES, "business_management", "email", "public_profile")


class DialogError(Exception):
    """What the dialog shows instead of its question: a page of Facebook's, and never a redirect."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginRequest:
    """What an app asks a person for.

    `config_id` names a configuration of Facebook Login for Business: its permissions are allowed together or not at all
    (page "Facebook Login for Business").
    """

    redirect_uri: str
    state: str | None
    scopes: tuple[str, ...]
    config_id: str | None = None

    def redirect(self, **answer: str) -> str:
        """Where the browser is sent with the answer: the redirect address, its own query kept."""
        parts = urlsplit(self.redirect_uri)
        query = [*parse_qsl(parts.query, keep_blank_values=True), *answer.items()]
        if self.state is not None:
            query.append(("state", self.state))
        # Facebook appends this fragment to every answer.
        return urlunsplit((parts.scheme, parts.netloc, parts.path or "/", urlencode(query), "_=_"))

    def denied(self) -> str:
        """Where the browser is sent when the person allows nothing."""
        return self.redirect(
            error="access_denied",
            error_code="200",
            error_description="Permissions error",
            error_reason="user_denied",
        )


def read_request(params: Mapping[str, str], settings: Settings) -> LoginRequest:
    """Return the request that the dialog's address spells.

    Raises DialogError for an unknown app, a redirect that the app may not use, and scopes that do not exist.
    """
    if params.get("client_id") != documentation.APP_ID:
        raise DialogError("Invalid App ID: The provided app ID does not look like a valid app ID.")
    redirect_uri = params.get("redirect_uri", "")
    if not redirect_uri:
        raise DialogError("The parameter redirect_uri is required")
    if not _may_redirect(redirect_uri, settings):
        raise DialogError(
            "URL Blocked: This redirect failed because the redirect URI is not whitelisted in the app's Client OAuth "
            "Settings. Make sure Client and Web OAuth Login are on and add all your app domains as Valid OAuth "
            "Redirect URIs."
        )
    if params.get("response_type", "code") != "code":
        raise DialogError("The emulator knows the response_type code only.")
    scopes = tuple(list_parameter(params.get("scope")))
    if params.get("config_id"):
        # A configuration of Facebook Login for Business holds the permissions; it has no scope of its own.
        scopes = scopes or documentation.SCOPES
    unknown = [scope for scope in scopes if scope not in _SCOPES]
    if unknown:
        raise DialogError(f"Invalid Scopes: {', '.join(unknown)}. This message is only shown to developers.")
    return LoginRequest(
        redirect_uri=redirect_uri,
        state=params.get("state"),
        scopes=scopes,
        config_id=params.get("config_id") or None,
    )


def _may_redirect(redirect_uri: str, settings: Settings) -> bool:
    """Allow listed addresses and, while the app is in development mode, any of `localhost` by that very name."""
    try:
        parts = urlsplit(redirect_uri)
    except ValueError:
        return False
    if settings.app_mode == "live":
        return parts.scheme == "https" and redirect_uri in settings.redirect_uris
    is_local = parts.scheme in {"http", "https"} and parts.hostname == _DEVELOPMENT_HOST
    return is_local or redirect_uri in settings.redirect_uris


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What a person allowed, and the code that stands for it."""

    redirect_uri: str
    scopes: tuple[str, ...]
    page_ids: tuple[str, ...]
    expires_at: float
    is_used: bool = False


class Logins:
    """The codes that dialogs gave. Built anew by a reset."""

    def __init__(self) -> None:
        self._grants: dict[str, Grant] = {}
        self._tokens = 0

    def allow(self, request: LoginRequest, *, scopes: Iterable[str], page_ids: Iterable[str], now: float) -> str:
        """Note what was allowed; where the browser is sent with the code."""
        code = f"login-code-{len(self._grants) + 1}"
        allowed = tuple(scope for scope in request.scopes if scope in set(scopes))
        if request.config_id is not None and allowed != request.scopes:
            allowed = ()
        self._grants[code] = Grant(
            redirect_uri=request.redirect_uri,
            scopes=allowed,
            page_ids=tuple(page_ids),
            expires_at=now + CODE_SECONDS,
        )
        return request.redirect(code=code)

    def redeem(self, params: Mapping[str, str], *, now: float) -> Grant:
        """Return what the code stands for; it is used up by the first attempt.

        Raises GraphError: 191 without `redirect_uri`, else 100 with the subcode 36007 (late), 36008 (another redirect)
        or 36009 (used).
        """
        redirect_uri = params.get("redirect_uri")
        if not redirect_uri:
            raise GraphError(code=191, message="Missing redirect_uri parameter.")
        code = params.get("code", "")
        grant = self._grants.get(code)
        if grant is None:
            raise GraphError(code=100, message="Invalid verification code format.")
        self._grants[code] = replace(grant, is_used=True)
        if grant.is_used:
            raise _refused_code("This authorization code has been used.", 36009)
        if grant.expires_at <= now:
            raise _refused_code("This authorization code has expired.", 36007)
        if grant.redirect_uri != redirect_uri:
            raise _refused_code(
                "Error validating verification code. Please make sure your redirect_uri is identical to the one you "
                "used in the OAuth dialog request",
                36008,
            )
        return grant

    def next_token_number(self) -> int:
        """Return a number for the value of a new token, from 1."""
        self._tokens += 1
        return self._tokens


def _refused_code(message: str, subcode: int) -> GraphError:
    return GraphError(code=100, subcode=subcode, message=message)
