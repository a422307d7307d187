"""Who may use the control plane: programs, and no web page that somebody's browser happens to show.

A page of another site can send requests to this machine's addresses. It cannot choose the headers by which a browser
tells where they come from, nor send JSON without asking first. A page whose own name is made to point here (DNS
rebinding) is known by the name, which stands in `Host`.
"""

import ipaddress
import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from starlette.datastructures import Headers

_HOST = re.compile(r"(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?")
_EVERY_ADDRESS = frozenset({"", "0.0.0.0", "::"})  # noqa: S104 - compared with, not bound to
_OWN_SITES = frozenset({"same-origin", "none"})
_WRITING = frozenset({"POST", "PUT", "PATCH"})


def refusal(method: str, headers: "Headers", *, listens_on: str) -> tuple[int, str] | None:
    """HTTP status and reason when the request may not be answered; None when it may.

    `listens_on` is the address that the server listens on.
    """
    hosts = headers.getlist("host")
    if len(hosts) != 1 or not _is_own_host(hosts[0], listens_on):
        return 403, (
            "The control plane is not reached by this Host: use 127.0.0.1, localhost or the address that the emulator "
            "listens on."
        )
    own_origin = f"http://{hosts[0]}".lower()
    origins = [*headers.getlist("origin"), *(_origin(referer) for referer in headers.getlist("referer"))]
    sites = headers.getlist("sec-fetch-site")
    if any(origin.lower() != own_origin for origin in origins) or not _OWN_SITES.issuperset(sites):
        return 403, "The control plane does not answer pages of other origins."
    if method in _WRITING and not _is_json(headers):
        return 415, "The body must be JSON: send it with the header 'Content-Type: application/json'."
    return None


def _is_own_host(host: str, listens_on: str) -> bool:
    match = _HOST.fullmatch(host)
    if match is None:
        return False
    name = match[1].strip("[]").lower()
    if name in {"localhost", listens_on.lower()}:
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    # Only a name can be made to point somewhere else.
    return address.is_loopback or listens_on in _EVERY_ADDRESS


def _origin(address: str) -> str:
    try:
        parts = urlsplit(address)
    except ValueError:
        return address
    return f"{parts.scheme}://{parts.netloc}"


def _is_json(headers: "Headers") -> bool:
    """Return True for a JSON body, and for a request that has neither a body nor a type, such as `curl -X POST`."""
    types = headers.getlist("content-type")
    if not types:
        return headers.get("content-length", "0") == "0" and "transfer-encoding" not in headers
    return [kind.partition(";")[0].strip().lower() for kind in types] == ["application/json"]
