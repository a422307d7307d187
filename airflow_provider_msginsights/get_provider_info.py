"""What Airflow discovers about this provider. Every Airflow process loads this module, so it imports nothing."""

from __future__ import annotations

from typing import Any

_PACKAGE = "airflow_provider_msginsights"
_INTEGRATION = "Meta Messaging Insights"
_API_PAGE = (
    "https://developers.facebook.com/documentation/business-messaging/messenger-platform/analytics/messaging-insights"
)


def get_provider_info() -> dict[str, Any]:
    """Provider metadata in the form of Airflow's ``provider_info.schema.json``."""
    return {
        "package-name": "airflow-provider-msginsights",
        "name": _INTEGRATION,
        "description": "Load `Messaging Insights <" + _API_PAGE + ">`__ metrics of Facebook Pages.",
        "integrations": [
            {"integration-name": _INTEGRATION, "external-doc-url": _API_PAGE, "tags": ["service"]},
        ],
        "hooks": [_modules("hooks")],
        "operators": [_modules("operators")],
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


def _field(label: str, description: str, **schema: Any) -> dict[str, Any]:
    return {"label": label, "description": description, "schema": schema}


_FIELD_BEHAVIOUR = {
    "hidden-fields": ["port", "schema"],
    "relabeling": {"host": "Base URL", "login": "Default Page id", "password": "Access token"},
    "placeholders": {
        "host": "https://graph.facebook.com",
        "login": "the Page asked when a task names none",
        "password": "a Page, user or system-user token",
    },
}

_CONNECTION_FIELDS: dict[str, Any] = {
    "api_version": _field(
        "Graph API version",
        "For example v26.0. Left empty: the version this provider was made for.",
        type=["string", "null"],
        pattern=r"^(v\d+\.\d+)?$",
    ),
    "app_id": _field("App id", "The Meta app the token belongs to.", type=["string", "null"]),
    "app_secret": _field(
        "App secret",
        "Needed when the app requires appsecret_proof. Each request is then signed with it; it is never sent.",
        type=["string", "null"],
        format="password",
    ),
    "connect_timeout_seconds": _field(
        "Connect timeout (seconds)", "How long to wait for a connection.", type=["number", "null"], minimum=0
    ),
    "read_timeout_seconds": _field(
        "Read timeout (seconds)", "How long to wait for an answer.", type=["number", "null"], minimum=0
    ),
}
