"""Which proxy carries a connection's traffic: the connection's, or the one the environment names, or none.

Traffic to this machine goes through none, whoever names one: it would carry the token out of the machine.
"""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING
from urllib.request import getproxies, proxy_bypass

from airflow_provider_msginsights.exceptions import ConfigurationError
from airflow_provider_msginsights.transports.addresses import is_loopback, parse_address

if TYPE_CHECKING:
    from airflow_provider_msginsights.transports.addresses import Address

EXPECTED = "http://proxy.example:3128; percent-encode special characters of a user name and password"
"""What a proxy looks like, for messages."""


def proxy_for(base_url: str, chosen: str | None) -> Address | None:
    """Return the proxy for a host: the chosen one, otherwise the environment's.

    :raises ConfigurationError: when the environment names something that is not a proxy; its value is not shown.
    """
    host = parse_address(base_url)
    if host is None or is_loopback(host.name):
        return None
    if chosen is not None:
        return parse_proxy(chosen)
    if not getproxies().get(host.scheme) or _is_exempt(host):
        return None
    if (proxy := parse_proxy(getproxies()[host.scheme])) is None:
        raise ConfigurationError(
            f"The environment's {host.scheme}_proxy (or {host.scheme.upper()}_PROXY) must be a URL such as {EXPECTED}. "
            "Correct it, name the host in NO_PROXY, or set proxy in the connection's extra.",
            parameter="proxy",
        )
    return proxy


def parse_proxy(text: str) -> Address | None:
    """Return the proxy that a text names; ``None`` where it names none."""
    proxy = parse_address(text)
    return proxy if proxy is not None and not proxy.path else None


def _is_exempt(host: Address) -> bool:
    """Return whether ``NO_PROXY`` names the host, alone, with its port, by a domain above it or by a network."""
    name = host.name.strip("[]")
    if any(map(proxy_bypass, (name, f"{host.name}:{host.effective_port}"))):
        return True
    named = [entry.strip().lower() for entry in getproxies().get("no", "").split(",")]
    return "*" in named or any(_covers(entry, name) for entry in named)


def _covers(entry: str, name: str) -> bool:
    if entry.startswith("*."):
        return f".{name}".endswith(entry[1:])
    try:
        return ip_address(name) in ip_network(entry.strip("[]"), strict=False)
    except ValueError:
        return False
