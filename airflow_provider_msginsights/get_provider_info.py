"""What Airflow discovers about this provider. Every Airflow process loads this module, so it imports nothing."""

from __future__ import annotations

from typing import Any

_PACKAGE = "airflow_provider_msginsights"
_INTEGRATION = "Meta Messaging Insights"
_API_PAGE = (
    "https://developers.facebook.com/documentation/business-messaging/messenger-platform/analytics/messaging-insights"
)


def get_provider_info() -> dict[str, Any]:
    """Return the provider's metadata in the form of Airflow's ``provider_info.schema.json``."""
    return {
        "package-name": "airflow-provider-msginsights",
        "name": _INTEGRATION,
        "description": "Load `Messaging Insights <" + _API_PAGE + ">`__ metrics of Facebook Pages.",
        "integrations": [
            {"integration-name": _INTEGRATION, "external-doc-url": _API_PAGE, "tags": ["service"]},
        ],
        "hooks": [_modules("hooks")],
        "operators": [_modules("operators", "coverage_check", "fill", "token_check")],
        "sensors": [_modules("sensors")],
        "triggers": [_modules("triggers", "new_day", "resume")],
        "extra-links": [f"{_PACKAGE}.operators.links.PageInsightsLink"],
        "connection-types": [
            {
                "connection-type": "msginsights",
                "hook-class-name": f"{_PACKAGE}.hooks.msginsights.MessagingInsightsHook",
                "hook-name": _INTEGRATION,
                "conn-fields": _CONNECTION_FIELDS,
                "ui-field-behaviour": _FIELD_BEHAVIOUR,
            }
        ],
    }


def _modules(kind: str, *modules: str) -> dict[str, Any]:
    return {
        "integration-name": _INTEGRATION,
        "python-modules": [f"{_PACKAGE}.{kind}.{name}" for name in ("msginsights", *modules)],
    }


_FIELD_BEHAVIOUR = {
    # Not the port: the Test button of Airflow 3.3.1 and 3.3.2 refuses every connection without one.
    "hidden-fields": ["schema"],
    "relabeling": {"host": "Base URL", "login": "Default Page id", "password": "Access token"},
    "placeholders": {
        "port": "the base URL's, or 443: the Test button of Airflow 3.3.1 and 3.3.2 needs one; otherwise left empty",
        "host": "https://graph.facebook.com (left empty, this one)",
        "login": "asked when a task names no Page; for Instagram, the Page linked to the account",
        "password": "a Page, user or system-user token",
    },
}


def _text(label: str, help_text: str, **schema: Any) -> dict[str, Any]:
    return {"label": label, "description": help_text, "schema": {"type": ["string", "null"], **schema}}


def _number(label: str, help_text: str, *, default: float, whole: bool = False, **bounds: float) -> dict[str, Any]:
    kind = "integer" if whole else "number"
    return {
        "label": label,
        "description": f"{help_text} Left empty: {default}.",
        "schema": {"type": [kind, "null"], **bounds},
    }


_CONNECTION_FIELDS: dict[str, Any] = {
    "api_version": _text(
        "Graph API version",
        "The version of the API that is requested. Left empty: v26.0, which this provider was made for.",
        pattern=r"^(v[0-9]+\.[0-9]+)?$",
    ),
    "app_id": _text(
        "App id",
        "The Meta app the token was made with. With the app secret, the Test button can tell all about the token, and "
        "loads warn before it ends.",
        pattern=r"^[0-9]{0,20}$",
    ),
    "app_secret": _text(
        "App secret",
        "Signs each request (appsecret_proof), for apps that require it. It leaves only in the app's own token, in the "
        "body of a POST, to ask what the access token is.",
        format="password",
    ),
    "appsecret_proof": _text(
        "Proof of the app secret",
        "How requests are signed: plain, timed (each signature lives five minutes) or off. Without an app secret none "
        "is signed.",
        enum=[None, "plain", "timed", "off"],
        # Not a default: Airflow masks the values of fields that have "secret" in their names, this one too.
        values_display={"null": "plain (default)"},
    ),
    "token_warning_days": _number(
        "Warn before the token ends (days)",
        "A load logs a warning when the token, or its access to data, ends sooner. Needs app id and secret; 0 never "
        "warns.",
        default=14,
        minimum=0,
        maximum=3650,
    ),
    "proxy": _text(
        "Proxy",
        "Such as http://proxy.example:3128; never used for this machine's own addresses. Left empty: what the "
        "environment names.",
        pattern=r"^(https?://.+)?$",
        format="password",
    ),
    "ca_bundle": _text(
        "CA bundle",
        "Absolute path of the certificates to trust, on every worker and triggerer. Left empty: the usual ones.",
        pattern="^(/.*)?$",
    ),
    "allow_plain_http": {
        "label": "Allow plain http",
        "description": "Send the token unencrypted to a host other than this machine. For test servers only.",
        "schema": {"type": ["boolean", "null"]},
    },
    "connect_timeout_seconds": _number(
        "Connect timeout (seconds)", "How long to wait for a connection.", default=10, minimum=0.01, maximum=3600
    ),
    "read_timeout_seconds": _number(
        "Read timeout (seconds)", "How long the server may be silent.", default=120, minimum=0.01, maximum=3600
    ),
    "batch_size": _number("Batch size", "Most requests in one POST.", default=50, whole=True, minimum=1, maximum=50),
    "concurrency": _number(
        "Concurrency", "Most HTTP requests of a task at a time.", default=4, whole=True, minimum=1, maximum=64
    ),
    "max_in_flight": _number(
        "Requests in flight",
        "Most requests that are sent and whose rows are not yet consumed; it bounds memory.",
        default=200,
        whole=True,
        minimum=1,
    ),
    "max_response_bytes": _number(
        "Longest reply (bytes)",
        "A longer reply is broken off, and less is requested at a time.",
        default=33554432,
        whole=True,
        minimum=1024,
        maximum=2147483648,
    ),
    "max_attempts": _number(
        "Attempts", "How often one request is sent, the first time included.", default=5, whole=True, minimum=1
    ),
    "total_seconds": _number(
        "Time of a request (seconds)",
        "For all its tries, connecting, reading and the waits between them together; 0 for a single try.",
        default=600,
        minimum=0,
    ),
    "base_seconds": _number(
        "First back-off (seconds)",
        "The longest wait before the second try; it doubles with each further one. A random share of it is waited.",
        default=1,
        minimum=0,
    ),
    "max_delay_seconds": _number(
        "Longest back-off (seconds)", "Where the doubling of waits stops.", default=60, minimum=0
    ),
    "throttle_seconds": _number(
        "Wait after a limit (seconds)",
        "How long to wait after a limit for which Meta names no time. It doubles while the limit lasts.",
        default=30,
        minimum=0,
    ),
    "wait_bound_seconds": _number(
        "Longest wait in a task (seconds)",
        "What has to wait longer is left for later: the task defers, or fails for a retry.",
        default=120,
        minimum=0,
    ),
    "slow_above_percent": _number(
        "Slow down above (percent)",
        "Once more than this share of an allowance of calls is used, requests are spaced out.",
        default=80,
        minimum=0,
        maximum=99,
    ),
    "max_pace_seconds": _number(
        "Slowest pace (seconds)",
        "The longest pause between two requests that are spaced out, just before a limit.",
        default=10,
        minimum=0,
    ),
}
