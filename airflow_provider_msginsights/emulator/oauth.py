"""Calls about tokens: exchange, app token, debug_token.

Login guides "Get Long-Lived Tokens", "Access Tokens" and the debug_token reference.
"""

from typing import Any

from airflow_provider_msginsights.emulator import documentation
from airflow_provider_msginsights.emulator.calls import Call
from airflow_provider_msginsights.emulator.errors import GraphError, invalid_parameter
from airflow_provider_msginsights.emulator.tokens import Token, TokenKind
from airflow_provider_msginsights.emulator.world import World

_LONG_LIVED_SECONDS = 5_183_944


def exchange_token(world: World, call: Call) -> dict[str, Any]:
    """`/oauth/access_token` for `client_credentials` and `fb_exchange_token`."""
    params = call.params
    grant = params.get("grant_type")
    if grant not in {"client_credentials", "fb_exchange_token"}:
        raise invalid_parameter("Unsupported grant type")
    _check_client(params.get("client_id"), params.get("client_secret"))
    if grant == "client_credentials":
        return {"access_token": f"{documentation.APP_ID}|{documentation.APP_SECRET}", "token_type": "bearer"}
    short = params.get("fb_exchange_token")
    if not short:
        raise invalid_parameter("fb_exchange_token parameter not specified")
    now = int(world.clock.now())
    token = world.usable_token(short)
    value = short if short.endswith("-long-lived") else f"{short}-long-lived"
    world.tokens.put(
        Token(
            value=value,
            kind=token.kind,
            page_id=token.page_id,
            user_id=token.user_id,
            scopes=token.scopes,
            issued_at=now,
            expires_at=now + _LONG_LIVED_SECONDS,
            data_access_expires_at=token.data_access_expires_at,
            parent=short if value != short else token.parent,
            of_developer=token.of_developer,
            app_id=token.app_id,
        )
    )
    return {"access_token": value, "token_type": "bearer", "expires_in": _LONG_LIVED_SECONDS}


def _check_client(client_id: str | None, client_secret: str | None) -> None:
    if not client_id:
        raise GraphError(code=101, message="Missing client_id parameter.")
    if client_id != documentation.APP_ID:
        raise GraphError(
            code=101, message="Error validating application. Cannot get application info due to a system error."
        )
    if client_secret != documentation.APP_SECRET:
        raise GraphError(code=1, message="Error validating client secret.")


def debug_token(world: World, token: Token, call: Call) -> dict[str, Any]:
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
    inspected = world.tokens.get(value)
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
    problem = world.token_problem(inspected)
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
    return {"data": data | _valid(world, inspected)}


def _valid(world: World, token: Token) -> dict[str, Any]:
    if token.kind is TokenKind.APP:
        return {"is_valid": True}
    scopes = world.scopes_of(token)
    owner = {"profile_id": token.page_id} if token.page_id else {}
    return {
        **owner,
        "user_id": token.user_id,
        "is_valid": True,
        "issued_at": token.issued_at,
        "expires_at": token.expires_at,
        "data_access_expires_at": token.data_access_expires_at,
        "scopes": list(scopes),
        "granular_scopes": [_granular(world, token, scope) for scope in scopes],
    }


def _granular(world: World, token: Token, scope: str) -> dict[str, Any]:
    """A permission and the Pages it is for; without `target_ids` it is for all."""
    if token.page_id:
        return {"scope": scope, "target_ids": [token.page_id]}
    allowed = [page.page_id for page in world.pages.values() if scope in world.scopes_of(token, page)]
    return {"scope": scope} if len(allowed) == len(world.pages) else {"scope": scope, "target_ids": allowed}
