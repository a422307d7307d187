"""Addresses as people write them -> addresses that both HTTP libraries read alike, or nothing.

What passes here is plain ASCII, names a host that can exist and has a port that can: no library finds fault with it
later, in words that quote it.
"""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import quote, unquote

_MOST_PORT = 65535
_MOST_NAME = 253
_DEFAULT_PORTS = {"http": 80, "https": 443}
_LABEL = re.compile(r"[A-Za-z0-9_-]{1,63}")
_DOTTED_DIGITS = re.compile(r"[0-9]+(\.[0-9]+){3}\.?")
_ADDRESS = re.compile(
    r"(?P<scheme>https?)://(?:(?P<user_info>[!-~]*)@)?(?P<name>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)"
    r"(?::(?P<port>[0-9]{0,5}))?(?P<path>(?:/[A-Za-z0-9._~-]+)*)/*",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Scheme, host, port and path of an HTTP address.

    :param name: the host; a version 6 address stands in brackets.
    :param port: ``None`` where none is written.
    :param path: without a slash at its end.
    :param user_info: user and password, percent-encoded; never shown.
    """

    scheme: str
    name: str
    port: int | None = None
    path: str = ""
    user_info: str = field(default="", repr=False)

    @property
    def url(self) -> str:
        """The address, without the port that its scheme has anyway."""
        port = "" if self.port in (None, _DEFAULT_PORTS[self.scheme]) else f":{self.port}"
        return f"{self.scheme}://{self.user_info}{'@' * bool(self.user_info)}{self.name}{port}{self.path}"

    @property
    def effective_port(self) -> int:
        """The port written, or else that of the scheme."""
        return self.port or _DEFAULT_PORTS[self.scheme]


def parse_address(text: str) -> Address | None:
    """Return the address that a text is; ``None`` for one that no server can have."""
    match = _ADDRESS.fullmatch(text.strip())
    if match is None or not _is_host(match["name"]):
        return None
    port = int(match["port"]) if match["port"] else None
    user_info = _user_info(match["user_info"] or "")
    if user_info is None or not (port is None or 1 <= port <= _MOST_PORT):
        return None
    return Address(
        scheme=match["scheme"].lower(), name=match["name"].lower(), port=port, path=match["path"], user_info=user_info
    )


def _is_host(name: str) -> bool:
    if name.startswith("["):
        return _ip(name) is not None
    if _DOTTED_DIGITS.fullmatch(name):
        return _ip(name) is not None
    labels = name.removesuffix(".").split(".")
    return len(name) <= _MOST_NAME and all(map(_LABEL.fullmatch, labels))


def _user_info(text: str) -> str | None:
    """Return user and password as one spelling that every library decodes alike; ``None`` where none does."""
    user, colon, password = text.partition(":")
    parts = [unquote(part, errors="replace") for part in (user, password)]
    if re.search(r"[/?#\\]", text) or not all(part.isascii() and (part.isprintable() or not part) for part in parts):
        return None
    user, password = (quote(part, safe="") for part in parts)
    return f"{user}{colon}{password}"


def _ip(name: str) -> IPv4Address | IPv6Address | None:
    try:
        return IPv6Address(name[1:-1]) if name.startswith("[") else ip_address(name)
    except ValueError:
        return None


def is_loopback(name: str) -> bool:
    """Return whether a host is this machine: by name, by address, or by one of the short spellings of an address."""
    plain = name.lower().removesuffix(".")
    if plain == "localhost" or plain.endswith(".localhost"):
        return True
    address = _ip(plain)
    if address is None and re.fullmatch(r"[0-9a-fx.]+", plain) and plain[:1].isdigit():
        try:
            address = IPv4Address(socket.inet_aton(plain))  # 127.1, 0x7f000001: what the resolver reads too
        except OSError:
            return False
    if isinstance(address, IPv6Address):
        address = address.ipv4_mapped or address
    return address is not None and (address.is_loopback or address.is_unspecified)


def is_surely_loopback(name: str) -> bool:
    """Return whether a host is this machine however names are resolved."""
    plain = name.lower()
    address = _ip(plain)
    if isinstance(address, IPv6Address):
        address = address.ipv4_mapped or address
    return plain == "localhost" or (address is not None and address.is_loopback)
