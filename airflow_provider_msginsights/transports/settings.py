"""Connection parts -> checked settings and credentials. Every wrong value is refused by the name of its field."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, field, fields, replace
from difflib import get_close_matches
from pathlib import PurePath
from typing import TYPE_CHECKING

from airflow_provider_msginsights.exceptions import ConfigurationError
from airflow_provider_msginsights.insights.fetch.retry_policy import RetryPolicy
from airflow_provider_msginsights.insights.graph.batch import MAX_PARTS
from airflow_provider_msginsights.insights.parameters.parse import parse_login
from airflow_provider_msginsights.insights.parameters.values import known
from airflow_provider_msginsights.insights.token.report import SOON_DAYS
from airflow_provider_msginsights.transports.addresses import is_surely_loopback, parse_address
from airflow_provider_msginsights.transports.credentials import PROOFS, Credentials, is_sendable
from airflow_provider_msginsights.transports.proxies import EXPECTED, parse_proxy

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_HOST = "https://graph.facebook.com"
DEFAULT_API_VERSION = "v26.0"


@dataclass(frozen=True, slots=True, kw_only=True)
class TransportSettings:
    """Where the API is and how patiently to speak with it; holds no secret.

    :param base_url: scheme and host.
    :param default_page_ids: Pages requested when a query names none.
    :param proxy: address of a proxy for all traffic; hidden from the repr, because it may hold a password.
    :param ca_bundle: file or directory of certificates to trust instead of the usual ones.
    :param batch_size: most requests in one POST.
    :param concurrency: most HTTP requests under way at a time.
    :param max_response_bytes: longest reply read; a longer one makes the flow ask for less.
    :param token_warning_days: how long before its end a token is worth a warning; 0 for never.
    :param retry_policy: bounds on asking again.
    """

    base_url: str = DEFAULT_HOST
    api_version: str = DEFAULT_API_VERSION
    default_page_ids: tuple[str, ...] = ()
    connect_timeout_seconds: float = 10.0
    read_timeout_seconds: float = 120.0
    proxy: str | None = field(default=None, repr=False)
    ca_bundle: str | None = None
    batch_size: int = MAX_PARTS
    concurrency: int = 4
    max_response_bytes: int = 32 * 2**20
    token_warning_days: float = SOON_DAYS
    retry_policy: RetryPolicy = field(default_factory=lambda: RetryPolicy(uniform=random.random))

    def bounded_by(self, retry_bounds: Mapping[str, object]) -> TransportSettings:
        """Give these settings with other bounds on asking again, as one task may want them.

        :param retry_bounds: any of `RETRY_FIELDS`; numbers may come as text.
        :raises ConfigurationError: for a wrong name or value, naming it.
        """
        if not retry_bounds:
            return self
        for name in retry_bounds:
            known(name, RETRY_FIELDS, "name in retry_bounds", parameter="retry_bounds")
        numbers = {
            name: _number(name, value, "The retry_bounds", quoted=f", not {value!r}")
            for name, value in retry_bounds.items()
        }
        return replace(self, retry_policy=replace(self.retry_policy, **numbers))  # type: ignore[arg-type]


_BOUNDS = {
    "connect_timeout_seconds": (0.01, 3600),
    "read_timeout_seconds": (0.01, 3600),
    "batch_size": (1, MAX_PARTS),
    "concurrency": (1, 64),
    "max_response_bytes": (1024, 2**31),
    "token_warning_days": (0, 3650),
}
RETRY_FIELDS = tuple(one.name for one in fields(RetryPolicy) if one.name != "uniform")
"""The bounds on asking again, which a task may set for itself."""

_WHOLE = frozenset({"batch_size", "concurrency", "max_response_bytes", "max_attempts", "max_in_flight"})
EXTRA_FIELDS = (
    "api_version",
    "app_id",
    "app_secret",
    "appsecret_proof",
    "allow_plain_http",
    "proxy",
    "ca_bundle",
    *_BOUNDS,
    *RETRY_FIELDS,
)
"""Everything the connection's extra may hold."""

_MOST_PORT = 65535
_TRUE, _FALSE = frozenset({"true", "1", "yes"}), frozenset({"false", "0", "no"})
_CONNECTION = "The connection's extra"


def from_connection_parts(
    *,
    host: str | None = None,
    port: int | str | None = None,
    login: str | None = None,
    password: str | None = None,
    extra: Mapping[str, object] | None = None,
) -> tuple[TransportSettings, Credentials]:
    """Return settings and credentials from the parts of an Airflow connection.

    :param host: base URL of the Graph API, such as that of the emulator in tests; https unless it is this machine or
        ``allow_plain_http`` is set. Without user name, query and fragment.
    :param port: the base URL's port, where the host has none of its own.
    :param login: default Page id, requested when a task names no ``page_ids``: digits, several with commas. Anything
        else is refused before any request, as it may be the token. For Instagram messaging: the Page linked to the
        Instagram professional account.
    :param password: the access token of a Page, a user or a system user, with ``pages_messaging``,
        ``pages_read_engagement``, ``pages_show_list`` and ``read_insights``.
    :param extra: any of `EXTRA_FIELDS`; numbers and truths may come as text; empty values count as not given.
    :raises ConfigurationError: for a wrong value, naming its field. It quotes no value, since a secret may have been
        typed into any field.
    """
    given = {name: value for name, value in (extra or {}).items() if value is not None and value != ""}
    for name in given:
        _known_field(name)
    numbers = {name: _number(name, given[name]) for name in (*_BOUNDS, *RETRY_FIELDS) if name in given}
    policy = {name: numbers[name] for name in RETRY_FIELDS if name in numbers}
    bounded = {name: numbers[name] for name in _BOUNDS if name in numbers}
    plain = _truth("allow_plain_http", given.get("allow_plain_http", False))
    settings = TransportSettings(
        base_url=_base_url(_text("host", host), port, allow_plain_http=plain),
        api_version=_api_version(given.get("api_version", DEFAULT_API_VERSION)),
        default_page_ids=parse_login(login),
        proxy=_proxy(given.get("proxy")),
        ca_bundle=_ca_bundle(given.get("ca_bundle")),
        retry_policy=_retry_policy(policy),
        **bounded,  # type: ignore[arg-type]
    )
    return settings, _credentials(_text("password", password), given)


def _known_field(name: str) -> None:
    if name in EXTRA_FIELDS:
        return
    near = get_close_matches(str(name), EXTRA_FIELDS, n=2, cutoff=0.6)
    hint = f" Did you mean {' or '.join(map(repr, near))}?" if near else ""
    raise ConfigurationError(
        f"{_CONNECTION} has an unknown field.{hint} Allowed: {', '.join(EXTRA_FIELDS)}.", parameter="extra"
    )


def _text(field_name: str, value: object) -> str:
    if value is not None and not isinstance(value, str):
        raise ConfigurationError(f"The connection's {field_name} must be text.", parameter=field_name)
    return (value or "").strip()


def _credentials(token: str, given: Mapping[str, object]) -> Credentials:
    if not token:
        raise ConfigurationError("The connection has no password: put the access token there.", parameter="password")
    if not is_sendable(token):
        raise ConfigurationError(
            "The connection's password is not an access token: it holds spaces or unprintable characters.",
            parameter="password",
        )
    app_id, app_secret = given.get("app_id"), given.get("app_secret")
    if app_id is not None and (isinstance(app_id, bool) or not re.fullmatch(r"[0-9]{1,20}", str(app_id))):
        raise ConfigurationError(
            f"{_CONNECTION} field app_id must be digits: the number the app's dashboard shows.", parameter="app_id"
        )
    if app_secret is not None and not (
        isinstance(app_secret, str) and app_secret.isascii() and app_secret.isprintable()
    ):
        raise ConfigurationError(f"{_CONNECTION} field app_secret must be plain text.", parameter="app_secret")
    proof = str(given.get("appsecret_proof", "plain")).strip().lower()
    if proof not in PROOFS:
        raise ConfigurationError(
            f"{_CONNECTION} field appsecret_proof must be one of {', '.join(PROOFS)}.", parameter="appsecret_proof"
        )
    return Credentials(
        token=token,
        app_id=str(app_id) if app_id is not None else None,
        app_secret=app_secret,
        proof=proof if app_secret else "off",
    )


def _base_url(host: str, port: object, *, allow_plain_http: bool) -> str:
    text = host or DEFAULT_HOST
    address = parse_address(text if "://" in text else f"https://{text}")
    if address is None or address.user_info:
        raise ConfigurationError(
            f"The connection's host must be a base URL such as {DEFAULT_HOST}, without user name, query and fragment.",
            parameter="host",
        )
    if (field_port := _port(port)) is not None:
        if address.port not in (None, field_port):
            raise ConfigurationError(
                f"The connection's host has the port {address.port}, and its port field says {field_port}: "
                "give it once, or the same twice.",
                parameter="port",
            )
        address = replace(address, port=field_port)
    if address.scheme == "http" and not is_surely_loopback(address.name) and not allow_plain_http:
        raise ConfigurationError(
            "The connection's host is plain http, which would send the token unencrypted. "
            "Use https, or set allow_plain_http in the connection's extra for a test server you trust.",
            parameter="host",
        )
    return address.url


def _port(value: object) -> int | None:
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not re.fullmatch(r"[0-9]{1,5}", str(value)) or not 1 <= int(str(value)) <= _MOST_PORT:
        raise ConfigurationError(
            f"The connection's port must be a whole number between 1 and {_MOST_PORT}.", parameter="port"
        )
    return int(str(value))


def _api_version(value: object) -> str:
    version = str(value).strip()
    if not re.fullmatch(r"v[0-9]{1,3}\.[0-9]{1,2}", version):
        raise ConfigurationError(
            f"{_CONNECTION} field api_version must look like {DEFAULT_API_VERSION!r}.", parameter="api_version"
        )
    return version


def _proxy(value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or (proxy := parse_proxy(value)) is None:
        raise ConfigurationError(f"{_CONNECTION} field proxy must be a URL such as {EXPECTED}.", parameter="proxy")
    return proxy.url


def _ca_bundle(value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or "\0" in value or not PurePath(value).is_absolute():
        raise ConfigurationError(f"{_CONNECTION} field ca_bundle must be an absolute path.", parameter="ca_bundle")
    return value


def _retry_policy(policy: Mapping[str, float]) -> RetryPolicy:
    try:
        return RetryPolicy(uniform=random.random, **policy)  # type: ignore[arg-type]
    except ConfigurationError as error:
        # The policy quotes the value that it refuses.
        text, error_id = error.message.rpartition(", not ")[0], error.error_id
    raise ConfigurationError(f"{_CONNECTION} field {text}.", error_id=error_id)


def _number(name: str, value: object, where: str = _CONNECTION, *, quoted: str = "") -> float:
    parameter = name if where == _CONNECTION else "retry_bounds"
    try:
        number = float(value) if isinstance(value, (int, float, str)) and not isinstance(value, bool) else None
    except (ValueError, OverflowError):
        number = None
    if number is None or (name in _WHOLE and not number.is_integer()):
        kind = "a whole number" if name in _WHOLE else "a number"
        raise ConfigurationError(f"{where} field {name} must be {kind}{quoted}.", parameter=parameter)
    low, high = _BOUNDS.get(name, (0, float("inf")))
    if not low <= number <= high:
        raise ConfigurationError(
            f"{where} field {name} must lie between {low} and {high}{quoted}.", parameter=parameter
        )
    return int(number) if name in _WHOLE else number


def _truth(name: str, value: object) -> bool:
    text = str(value).strip().lower()
    if text not in _TRUE | _FALSE:
        raise ConfigurationError(f"{_CONNECTION} field {name} must be true or false.", parameter=name)
    return text in _TRUE
