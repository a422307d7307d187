"""The hook: an Airflow connection in, Messaging Insights out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseHook

from airflow_provider_msginsights.insights.flows import fetch_insights, probe_availability
from airflow_provider_msginsights.transports.credentials import from_connection_parts

if TYPE_CHECKING:
    from collections.abc import Generator
    from datetime import datetime

    from airflow.sdk import Connection

    from airflow_provider_msginsights.insights.flows import Availability, FetchOutcome
    from airflow_provider_msginsights.insights.query import InsightsQuery
    from airflow_provider_msginsights.insights.records import InsightsRecord
    from airflow_provider_msginsights.transports.blocking import BlockingTransport


class MessagingInsightsHook(BaseHook):
    """Talk to Meta's Messaging Insights API with the token of an Airflow connection.

    The connection is read when it is first needed, never when the hook is made. The token stays in the
    transport: no method returns it, logs it or puts it into an error.

    :param msginsights_conn_id: the Airflow connection of type ``msginsights``.
    :param api_version: Graph API version such as ``v26.0``; the connection's, or this provider's, when left out.
    """

    conn_name_attr = "msginsights_conn_id"
    default_conn_name = "msginsights_default"
    conn_type = "msginsights"
    hook_name = "Meta Messaging Insights"
