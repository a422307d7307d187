"""The HTTP libraries, set up once: certificates, proxies, timeouts, and nothing taken from the environment unasked."""

from __future__ import annotations

import os
import ssl
from functools import cache
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from airflow_provider_msginsights.exceptions import ConfigurationError

if TYPE_CHECKING:
    import httpx
    import requests

    from airflow_provider_msginsights.transports.settings import TransportSettings


def new_session(settings: TransportSettings) -> requests.Session:
    """A session that reads no netrc, sends no cookie back, prints nothing and shares the process's SSL context."""
    import requests
    from requests.adapters import HTTPAdapter

    class OurAdapter(HTTPAdapter):
        def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
            super().init_poolmanager(*args, ssl_context=ssl_context(settings), **kwargs)
            self.poolmanager.pool_classes_by_scheme = _silent_pools()

        def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
            manager = super().proxy_manager_for(*args, ssl_context=ssl_context(settings), **kwargs)
            manager.pool_classes_by_scheme = _silent_pools()
            return manager

        def cert_verify(self, conn: Any, *_: Any) -> None:
            conn.cert_reqs = "CERT_REQUIRED"  # the certificates are in the context already

    session = requests.Session()
    session.trust_env = False
    session.proxies = proxies_for(settings)
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    for scheme in ("https://", "http://"):
        session.mount(scheme, OurAdapter())
    return session


@cache
def _silent_pools() -> dict[str, Any]:
    """Give pools whose connections print nothing: ``HTTPConnection.debuglevel = 1`` would print every token."""
    from urllib3 import connection, connectionpool

    class SilentConnection(connection.HTTPConnection):
        debuglevel = 0

    class SilentTlsConnection(connection.HTTPSConnection):
        debuglevel = 0

    class HttpPool(connectionpool.HTTPConnectionPool):
        ConnectionCls = SilentConnection

    class HttpsPool(connectionpool.HTTPSConnectionPool):
        ConnectionCls = SilentTlsConnection

    return {"http": HttpPool, "https": HttpsPool}


def new_client(settings: TransportSettings) -> httpx.AsyncClient:
    """A client that reads nothing from the environment by itself, sends no cookie back and shares the SSL context."""
    import httpx

    context = ssl_context(settings)
    mounts = {
        f"{scheme}://": httpx.AsyncHTTPTransport(verify=context, proxy=proxy)
        for scheme, proxy in proxies_for(settings).items()
    }
    timeout = httpx.Timeout(settings.read_timeout_seconds, connect=settings.connect_timeout_seconds)
    client = httpx.AsyncClient(verify=context, mounts=mounts, timeout=timeout, trust_env=False, follow_redirects=False)
    client.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    return client


def proxies_for(settings: TransportSettings) -> dict[str, str]:
    """Scheme -> proxy: the one set, or else those the environment names for the host."""
    if settings.proxy:
        return {"http": settings.proxy, "https": settings.proxy}
    named = {scheme: proxy for scheme, proxy in getproxies().items() if scheme in ("http", "https")}
    return {} if named and proxy_bypass(urlsplit(settings.base_url).hostname or "") else named


def ssl_context(settings: TransportSettings) -> ssl.SSLContext:
    """The SSL context for the settings' certificates, or else those the environment names, or else the usual ones."""
    if settings.ca_bundle is None and not any(map(_is_tls, (settings.base_url, *proxies_for(settings).values()))):
        return _trusting_nobody()
    named = settings.ca_bundle or os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("SSL_CERT_FILE")
    return _ssl_context(named)


def _is_tls(url: str) -> bool:
    return urlsplit(url).scheme == "https"


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
    except OSError:
        raise ConfigurationError(f"The certificates to trust cannot be read from {named}.") from None
