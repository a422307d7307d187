"""Facebook's login dialog in a browser, up to the code it gives."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import threading
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from airflow_provider_msginsights.cli.token.loopback import redirect_server
from airflow_provider_msginsights.exceptions import AuthenticationError, ConfigurationError
from airflow_provider_msginsights.insights.token.login import DIALOG_PROBLEMS, code_in, dialog_address

if TYPE_CHECKING:
    import argparse

    from airflow_provider_msginsights.cli.token.questions import Questions
    from airflow_provider_msginsights.transports.settings import TransportSettings

DEFAULT_PORT = 8910
"""Always the same, so that an app with strict redirects can list the address."""

_DISPLAYS = ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")


def check_redirect(redirect_uri: str) -> None:
    """Refuse an address that Meta redirects to in no mode.

    :raises ConfigurationError: naming what is allowed.
    """
    try:
        parts = urlsplit(redirect_uri)
        is_https, is_local = parts.scheme == "https", parts.scheme == "http" and parts.hostname == "localhost"
        is_whole = bool(parts.hostname) and parts.username is None and not parts.fragment
    except ValueError:
        is_https = is_local = is_whole = False
    if not is_whole or not (is_https or is_local) or not redirect_uri.isprintable() or " " in redirect_uri:
        raise ConfigurationError(
            "--redirect-uri must be an https address that the app lists among its Valid OAuth Redirect URIs, or "
            "http://localhost:PORT/ for an app in development mode.",
            parameter="--redirect-uri",
        )


def log_in(
    arguments: argparse.Namespace, questions: Questions, settings: TransportSettings, app_id: str
) -> tuple[str, str]:
    """Return the code of a login, and the redirect address that it is good for.

    :raises MessagingInsightsError: denied, foreign, late, or refused by the dialog; the message says what to change.
    """
    state = secrets.token_urlsafe(24)

    def address_for(redirect_uri: str) -> str:
        return dialog_address(
            base_url=settings.base_url,
            api_version=settings.api_version,
            app_id=app_id,
            redirect_uri=redirect_uri,
            state=state,
            config_id=arguments.config_id,
            asks_again=arguments.rerequest,
        )

    if arguments.redirect_uri is not None or arguments.paste_address:
        redirect_uri = arguments.redirect_uri or f"http://localhost:{arguments.port or DEFAULT_PORT}/"
        _invite(questions, address_for(redirect_uri), opens=False)
        questions.tell("The browser then shows an address that begins with the redirect's; the page may be empty.")
        return code_in(questions.secret("That address, whole"), state=state), redirect_uri
    with redirect_server(arguments.port, state=state) as server:
        _invite(questions, address_for(server.redirect_uri), opens=not arguments.no_browser)
        questions.tell(f"Waiting for the answer at {server.redirect_uri}, for {arguments.timeout} s. Ctrl-C ends it.")
        code = server.answer(arguments.timeout)
        if code is None:
            raise _too_late(arguments.timeout)
        return code, server.redirect_uri


def _invite(questions: Questions, address: str, *, opens: bool) -> None:
    questions.tell("Open this address, choose every Page that loads will read, and allow all four permissions:")
    questions.tell(f"\n{address}\n", style="bold")
    problem = DIALOG_PROBLEMS[0]
    questions.tell(f'If the page says "{problem.shown}": {problem.remedy}')
    if opens:
        _open(address)


def _open(address: str) -> None:
    """Open the address in a browser with a window, by a process of its own whose words are nobody's answer."""
    if sys.platform in {"darwin", "win32"} or any(os.environ.get(name) for name in _DISPLAYS):
        browser = subprocess.Popen(  # noqa: S603 - Python's own module; the address holds no secret
            [sys.executable, "-m", "webbrowser", address],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        threading.Thread(target=browser.wait, name="msginsights-browser", daemon=True).start()


def _too_late(seconds: float) -> AuthenticationError:
    problems = "\n".join(f'  "{one.shown}": {one.remedy}' for one in DIALOG_PROBLEMS)
    return AuthenticationError(
        f"No answer of the login came within {seconds} s: the browser was closed, or the dialog showed an error, of "
        "which no program sees. Nothing was saved. Begin again, with a longer --timeout if it takes longer, or with "
        f"--paste-address where the browser runs on another machine. If the page said\n{problems}",
        error_id="MSGI-login-timeout",
    )
