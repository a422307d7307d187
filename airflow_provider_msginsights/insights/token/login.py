"""Facebook's login dialog: the address that asks a person, and what the redirect's answer means.

Sources: Facebook Login guide "Manually Build a Login Flow" (parameters, ``state``, ``error_reason=user_denied``,
``auth_type=rerequest``); "Facebook Login for Business" (``config_id``). What the dialog shows instead of its question
is known from public reports; it is a page in a browser, which no program sees.
"""

from __future__ import annotations

import hmac
from typing import NamedTuple
from urllib.parse import parse_qs, urlencode, urlsplit

from airflow_provider_msginsights.exceptions import AuthenticationError, ConfigurationError
from airflow_provider_msginsights.insights.graph.error_table import PERMISSIONS, plain_words
from airflow_provider_msginsights.insights.graph.json_text import printable

_API_HOST, _DIALOG_HOST = "://graph.", "://www."
_MOST_CHARACTERS = 300
_ANSWERS = ("code", "error", "error_code", "error_message", "error_reason")
_DENIED = frozenset({"access_denied", "user_denied"})

_LOG_IN_AGAIN = "Nothing was saved. Log in again."


class DialogProblem(NamedTuple):
    """What the dialog may show instead of its question, and what to change.

    :param words: pieces of its text, as `plain_words` gives them.
    """

    words: tuple[str, ...]
    shown: str
    remedy: str


DIALOG_PROBLEMS = (
    DialogProblem(
        ("url blocked", "not whitelisted", "can t load url", "insecure login", "redirect uri", "domain of this url"),
        "URL Blocked",
        "The app is in live mode, or its redirects are checked strictly, so it takes listed https addresses only. Add "
        "an https address of yours to the app's Valid OAuth Redirect URIs (Facebook Login, Settings) and give it by "
        "--redirect-uri; or let a person with a role on the app log in while the app is in development mode.",
    ),
    DialogProblem(
        ("app not active", "app isn t available", "app is not available", "not accessible right now", "app not set up"),
        "App not active",
        "The app is in development mode and the person has no role on it: add the person under App roles, or switch "
        "the app to live mode.",
    ),
    DialogProblem(
        ("invalid app id", "valid app id"),
        "Invalid App ID",
        "Check --app-id: the app's dashboard shows it (App settings, Basic).",
    ),
    DialogProblem(
        ("invalid scopes", "invalid scope"),
        "Invalid Scopes",
        "The app does not offer these permissions: add them to a use case in the app's dashboard, or, for an app of "
        "Facebook Login for Business, name its configuration by --config-id.",
    ),
    DialogProblem(
        ("feature unavailable", "login is currently unavailable"),
        "Feature Unavailable",
        "Facebook Login is off for this app for now: its dashboard says under Alerts what Meta asks for.",
    ),
)
"""The first that fits counts."""


def dialog_address(
    *,
    base_url: str,
    api_version: str,
    app_id: str,
    redirect_uri: str,
    state: str,
    config_id: str | None = None,
    asks_again: bool = False,
) -> str:
    """Return the address that a person opens to allow the four permissions and choose Pages; it holds no secret.

    :param base_url: that of the API; Meta's dialog lives at the ``www`` beside its ``graph``.
    :param config_id: a configuration of Facebook Login for Business, which names the permissions itself.
    :param asks_again: ask once more for what the person refused before.
    """
    asked = {"config_id": config_id, "override_default_response_type": "true"} if config_id else {}
    params = {
        "client_id": app_id,
        "redirect_uri": redirect_uri,
        "state": state,
        "response_type": "code",
        **(asked or {"scope": ",".join(PERMISSIONS)}),
        **({"auth_type": "rerequest"} if asks_again else {}),
    }
    root = base_url.replace(_API_HOST, _DIALOG_HOST, 1)
    return f"{root}/{api_version}/dialog/oauth?{urlencode(params)}"


def is_answer(query: str) -> bool:
    """Return whether the query of an address is an answer of the dialog, and not just anybody's request."""
    return any(name in _answer_of(query) for name in _ANSWERS)


def code_in(address: str, *, state: str) -> str:
    """Return the code that the redirect brought.

    :param address: where the browser was sent; or what a person copied from the dialog in its place.
    :param state: that of this login; an answer with another one belongs to somebody else's.
    :raises AuthenticationError: the person denied, or the answer is not one to this login.
    :raises ConfigurationError: the dialog refused the app's request, or the text is not an answer of it.
    """
    answer = _answer_of(_query_of(address))
    if not answer.keys() & set(_ANSWERS):
        problem = dialog_problem(address)
        if problem is not None:
            raise ConfigurationError(
                f'The login dialog says "{problem.shown}". {problem.remedy}', error_id="MSGI-login"
            )
        raise ConfigurationError(
            "The login dialog's answer is missing: an address with code and state was expected, as the browser shows "
            f"it after Allow. {_LOG_IN_AGAIN}",
            error_id="MSGI-login",
        )
    if not hmac.compare_digest(answer.get("state", "").encode(), state.encode()):
        raise AuthenticationError(
            f"The answer belongs to another login: its state is not the one this login was begun with. {_LOG_IN_AGAIN}",
            error_id="MSGI-login",
        )
    if not answer.get("code"):
        raise _refusal(answer)
    return answer["code"]


def dialog_problem(text: str) -> DialogProblem | None:
    """Return the known problem that a text of the dialog tells of."""
    words = plain_words(text)
    return next((one for one in DIALOG_PROBLEMS if any(piece in words for piece in one.words)), None)


def _refusal(answer: dict[str, str]) -> AuthenticationError | ConfigurationError:
    if _DENIED & {answer.get("error"), answer.get("error_reason")}:
        return AuthenticationError(
            "The login was denied: the person pressed Cancel, so the app may do nothing. "
            f"{_LOG_IN_AGAIN} Whoever owns the Pages must allow {', '.join(PERMISSIONS)}.",
            error_id="MSGI-login",
        )
    names = ("error_message", "error_description", "error_reason", "error", "error_code")
    said = next((answer[name] for name in names if answer.get(name)), "no reason")
    problem = dialog_problem(said)
    shown = printable(said)[:_MOST_CHARACTERS].rstrip(".")
    return ConfigurationError(
        f"The login dialog refused the app's request: {shown}. {problem.remedy if problem else _LOG_IN_AGAIN}",
        error_id="MSGI-login",
    )


def _query_of(address: str) -> str:
    try:
        return urlsplit(address.strip()).query
    except ValueError:
        return ""


def _answer_of(query: str) -> dict[str, str]:
    try:
        return {name: values[0] for name, values in parse_qs(query, max_num_fields=50).items()}
    except ValueError:
        return {}
