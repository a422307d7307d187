"""The words of replies that everyone knows, because Meta documents them or its public SDK holds them: nobody's own.

Sources: Messaging Insights API page; Graph API reference (Insights edge, ``/debug_token``, ``/me/accounts``); guides
"Handle Errors" and "Rate Limits"; Meta's Python SDK, ``InsightsValue`` and ``InsightsResult``; permissions reference.
"""

from __future__ import annotations

from airflow_provider_msginsights.insights.catalog import BREAKDOWNS, METRICS, PERIODS
from airflow_provider_msginsights.insights.graph.error_table import PERMISSIONS

_FIELDS = """
    access_token after app_id application before body breakdown breakdowns call_count call_volume category
    category_list code cpu_time currency cursors data data_access_expires_at date_preset description
    description_from_api_doc earning_source end_time error error_data error_subcode error_user_msg error_user_title
    estimated_time_to_regain_access expires_at fbtrace_id fields granular_scopes headers id insights is_from_ads
    is_from_followers is_transient is_valid issued_at limit message metadata metric microAmount monetization_tool name
    next paging period previous profile_id reset_time_duration scope scopes since start_time subcode
    summary target_ids tasks title total_cputime total_time type until user_id value values
    content-type facebook-api-version x-ad-account-usage x-app-usage x-business-use-case-usage x-page-usage
"""

_VALUES = """
    lifetime me accounts debug_token https: http: graph.facebook.com ***
    USER PAGE APP SYSTEM_USER ANALYZE ADVERTISE MESSAGING MODERATE CREATE_CONTENT MANAGE
    OAuthException GraphMethodException FacebookApiException pages messenger instagram ads_insights ads_management
    custom_audience leadgen
    Messenger Instagram MESSENGER INSTAGRAM daily weekly monthly Daily Weekly Monthly DAILY WEEKLY MONTHLY
    public_profile email business_management pages_manage_metadata pages_manage_posts pages_manage_engagement
    pages_read_user_content instagram_basic instagram_manage_insights instagram_manage_messages ads_read
"""

_CONTENT_TYPES = (
    "application/json",
    "application/json; charset=UTF-8",
    "text/html",
    "text/javascript; charset=UTF-8",
)


def _listed(text: str) -> frozenset[str]:
    return frozenset(text.split())


FIELD_NAMES = _listed(_FIELDS).union(BREAKDOWNS)
"""Names of fields, parameters and headers."""

PUBLIC_WORDS = FIELD_NAMES.union(METRICS, PERIODS, PERMISSIONS, _listed(_VALUES), _CONTENT_TYPES)
"""Those, and values that mean the same to everyone."""
