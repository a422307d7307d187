"""The HTTP libraries, set up once: certificates, proxies, timeouts, and nothing taken from the environment unasked."""

from __future__ import annotations

import os
import ssl
from functools import cache, lru_cache
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider_msginsights.exceptions import ConfigurationError
from airflow_provider_msginsights.transports.bodies import ENCODING
from airflow_provider_msginsights.transports.connections import pools_of
from airflow_provider_msginsights.transports.proxies import proxy_for

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx
    import requests

    from airflow_provider_msginsights.transports.connections import Line
    from airflow_provider_msginsights.transports.settings import TransportSettings
    from airflow_provider_msginsights.transports.wire import HttpCall


def new_session(settings: TransportSettings, line: Line) -> requests.Session:
    """Return a session that reads no netrc, sends no cookie back, prints nothing and shares the process's SSL context.

    :param line: ends its calls in time.
    """
    import requests
    from requests.adapters import HTTPAdapter

    class OurAdapter(HTTPAdapter):
        def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
            super().init_poolmanager(*args, ssl_context=ssl_context(settings), **kwargs)
            self.poolmanager.pool_classes_by_scheme = pools_of(line)

        def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
            manager = super().proxy_manager_for(*args, ssl_context=ssl_context(settings), **kwargs)
            manager.pool_classes_by_scheme = pools_of(line)
            return manager

        def cert_verify(self, conn: Any, *_: Any) -> None:
            conn.cert_reqs = "CERT_REQUIRED"  # the certificates are in the context already

    session = requests.Session()
    session.trust_env = False
    session.headers["Accept-Encoding"] = ENCODING
    if (proxy := proxy_for(settings.base_url, settings.proxy)) is not None:
        session.proxies = {"http": proxy.url, "https": proxy.url}
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    for scheme in ("https://", "http://"):
        session.mount(scheme, OurAdapter())
    return session


def new_line(settings: TransportSettings) -> httpx.AsyncHTTPTransport:
    """Return a line for one call at a time, which reads nothing from the environment and shares the SSL context.

    It has httpx's connections and errors without its client: nothing here is redirected, kept as a cookie or logged.
    """
    import httpx

    proxy = proxy_for(settings.base_url, settings.proxy)
    return httpx.AsyncHTTPTransport(
        verify=ssl_context(settings), trust_env=False, proxy=None if proxy is None else httpx.Proxy(proxy.url)
    )


def new_request(call: HttpCall, timeout: Mapping[str, float]) -> httpx.Request:
    """Return a signed request for a line.

    :param timeout: seconds for each stage, by httpcore's names for them.
    """
    import httpx

    extensions = {"timeout": dict(timeout)}
    request = httpx.Request(call.method, _url(call.url), headers=_headers(), data=call.form, extensions=extensions)
    return call.sign(request)


@cache
def _headers() -> httpx.Headers:
    import httpx

    return httpx.Headers(
        {
            "Accept": "*/*",
            "Accept-Encoding": ENCODING,
            "Connection": "keep-alive",
            "User-Agent": f"python-httpx/{httpx.__version__}",
        }
    )


@lru_cache(1024)
def _url(text: str) -> httpx.URL:
    """Read an address, in which no secret stands; a trigger's is the same at each poll."""
    import httpx

    return httpx.URL(text)


def ssl_context(settings: TransportSettings) -> ssl.SSLContext:
    """Return the SSL context for the settings' certificates, else those the environment names, else the usual ones."""
    proxy = proxy_for(settings.base_url, settings.proxy)
    if settings.ca_bundle is None and not any(map(_is_tls, (settings.base_url, proxy.url if proxy else ""))):
        return _trusting_nobody()
    named = settings.ca_bundle or os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("SSL_CERT_FILE")
    return _ssl_context(named)


def _is_tls(url: str) -> bool:
    return url.startswith("https:")


@cache
def _trusting_nobody() -> ssl.SSLContext:
    """For a server spoken to without TLS, such as the emulator: reading certificates would take 20 ms of a load."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


@cache
def _ssl_context(ca_bundle: str | None) -> ssl.SSLContext:
    """One a process and bundle: making one costs 15 ms and most of a megabyte."""
    import certifi

    named = ca_bundle or certifi.where()
    try:
        if Path(named).is_dir():
            return ssl.create_default_context(capath=named)
        return ssl.create_default_context(cafile=named)
    except (OSError, ValueError):
        pass
    raise ConfigurationError(
        "The certificates to trust cannot be read: check ca_bundle in the connection's extra, or else the file that "
        "REQUESTS_CA_BUNDLE or SSL_CERT_FILE names in the environment.",
        parameter="ca_bundle",
    )
