"""Calls about tokens: codes, exchange, renewal, app token, revoking, debug_token.

Login guides "Get Long-Lived Tokens", "Access Tokens" and the debug_token reference. The refusal of a wrong client
secret is that of public logs and fixtures; those of a missing or unknown client id, and of a grant that is none, are
inferred.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from airflow_provider_msginsights.emulator import documentation
from airflow_provider_msginsights.emulator.call import Call, flag_parameter
from airflow_provider_msginsights.emulator.errors import GraphError, invalid_parameter
from airflow_provider_msginsights.emulator.state.state import State
from airflow_provider_msginsights.emulator.state.tokens import LONG_LIVED, Token, TokenKind

_SHORT_LIVED_SECONDS = 5_400
_LONG_LIVED_SECONDS = 5_183_944
_RENEWED_SECONDS = 60 * 86_400
_DATA_ACCESS_SECONDS = 90 * 86_400
_SESSION_ENDED = 467


def exchange_token(state: State, call: Call) -> dict[str, Any]:
    """`/oauth/access_token`: by a code, or with `grant_type` `client_credentials` or `fb_exchange_token`."""
    params = call.params
    grant = params.get("grant_type")
    has_code = "code" in params and grant in {None, "", "authorization_code"}
    if not has_code and grant not in {"client_credentials", "fb_exchange_token"}:
        raise invalid_parameter("Unsupported grant type")
    _check_client(params.get("client_id"), params.get("client_secret"))
    if grant == "client_credentials":
        return {"access_token": f"{documentation.APP_ID}|{documentation.APP_SECRET}", "token_type": "bearer"}
    if has_code:
        return _redeem_code(state, params)
    return _prolong(state, params)


def _redeem_code(state: State, params: Mapping[str, str]) -> dict[str, Any]:
    """Return a person's token of an hour or two, with what the person allowed in the dialog."""
    now = int(state.clock.now())
    grant = state.logins.redeem(params, now=now)
    token = Token(
        value=f"login-token-{state.logins.next_token_number()}",
        kind=TokenKind.USER,
        user_id=documentation.USER_ID,
        scopes=grant.scopes,
        page_ids=grant.page_ids,
        issued_at=now,
        expires_at=now + _SHORT_LIVED_SECONDS,
        data_access_expires_at=now + _DATA_ACCESS_SECONDS,
    )
    state.tokens.put(token)
    return _given(token, now)


def _prolong(state: State, params: Mapping[str, str]) -> dict[str, Any]:
    """Return a token of about 60 days for a person's; on request a new one beside the old for a system user's."""
    current = params.get("fb_exchange_token")
    if not current:
        raise invalid_parameter("fb_exchange_token parameter not specified")
    now = int(state.clock.now())
    token = state.usable_token(current)
    is_renewal = flag_parameter(params.get("set_token_expires_in_60_days"), default=False)
    if is_renewal and token.kind is TokenKind.SYSTEM_USER:
        value = f"{documentation.SYSTEM_USER_TOKEN}-renewed-{state.logins.next_token_number()}"
        renewed = replace(token, value=value, issued_at=now, expires_at=now + _RENEWED_SECONDS)
    else:
        value = current if token.is_long_lived else current + LONG_LIVED
        parent = current if value != current else token.parent
        renewed = replace(token, value=value, issued_at=now, expires_at=now + _LONG_LIVED_SECONDS, parent=parent)
    state.tokens.put(renewed)
    return _given(renewed, now)


def _given(token: Token, now: int) -> dict[str, Any]:
    return {"access_token": token.value, "token_type": "bearer", "expires_in": token.expires_at - now}


def revoke_token(state: State, call: Call) -> dict[str, Any]:
    """`/oauth/revoke`: end the token `revoke_token`, asked by a good token of the app. The answer is inferred."""
    params = call.params
    _check_client(params.get("client_id"), params.get("client_secret"))
    asking, ended = params.get("access_token"), params.get("revoke_token")
    if not ended:
        raise invalid_parameter("The parameter revoke_token is required")
    if not asking:
        raise GraphError(code=104, message="An access token is required to request this resource.")
    state.usable_token(asking)
    state.usable_token(ended)
    state.tokens.change(ended, invalid_subcode=_SESSION_ENDED)
    return {"success": True}


def _check_client(client_id: str | None, client_secret: str | None) -> None:
    if not client_id:
        raise GraphError(code=101, message="Missing client_id parameter.")
    if client_id != documentation.APP_ID:
        raise GraphError(
            code=101, message="Error validating application. Cannot get application info due to a system error."
        )
    if client_secret != documentation.APP_SECRET:
        raise GraphError(code=1, message="Error validating client secret.")


def debug_token(state: State, token: Token, call: Call) -> dict[str, Any]:
    """`/debug_token`: what an `input_token` is and may. Asked with an app token or a token of the app's developer.

    Everybody else is refused, and so is who asks about a token of another app: both texts as public clients recorded
    them.
    """
    if token.kind is TokenKind.PAGE or not token.of_developer:
        raise invalid_parameter(
            "You must provide an app access token, or a user access token that is an owner or developer of the app"
        )
    value = call.params.get("input_token")
    if not value:
        raise invalid_parameter("The parameter input_token is required")
    inspected = state.tokens.get(value)
    if inspected is None:
        error = {"code": 190, "message": "Invalid OAuth access token - Cannot parse access token"}
        return {"data": {"error": error, "is_valid": False, "scopes": []}}
    if inspected.app_id != token.app_id:
        raise invalid_parameter("The App_id in the input_token did not match the Viewing App")
    data: dict[str, Any] = {
        "app_id": inspected.app_id,
        "type": str(inspected.kind),
        "application": documentation.APP_NAME,
    }
    problem = state.token_problem(inspected)
    if problem is not None:
        return {
            "data": data
            | {
                "is_valid": False,
                "expires_at": inspected.expires_at,
                "scopes": [],
                "error": {"code": problem.code, "subcode": problem.subcode, "message": problem.message},
            }
        }
    return {"data": data | _valid(state, inspected)}


def _valid(state: State, token: Token) -> dict[str, Any]:
    if token.kind is TokenKind.APP:
        return {"is_valid": True}
    scopes = state.scopes_of(token)
    owner = {"profile_id": token.page_id} if token.page_id else {}
    return {
        **owner,
        "user_id": token.user_id,
        "is_valid": True,
        "issued_at": token.issued_at,
        "expires_at": token.expires_at,
        "data_access_expires_at": token.data_access_expires_at,
        "scopes": list(scopes),
        "granular_scopes": [_granular(state, token, scope) for scope in scopes],
    }


def _granular(state: State, token: Token, scope: str) -> dict[str, Any]:
    """Return a permission and the Pages it is for; without `target_ids` it is for all."""
    if token.page_id:
        return {"scope": scope, "target_ids": [token.page_id]}
    given = state.pages if token.page_ids is None else token.page_ids
    allowed = [
        page.page_id for page in state.pages.values() if page.page_id in given and scope in state.scopes_of(token, page)
    ]
    return {"scope": scope} if len(allowed) == len(state.pages) else {"scope": scope, "target_ids": allowed}
