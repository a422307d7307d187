"""What the public documentation says, transcribed: metrics, breakdowns, periods, presets, versions.

This is the emulator's own reading, made apart from the provider's catalogue on purpose: a misreading in one of
the two shows as a difference between them. Sources are the public pages "Messaging Insights API" (updated
27 March 2026), "Page Insights" (parameters and presets), "Graph API changelog" (version calendar) and the blog post
of 4 November 2026 that introduces v27.0.
"""

from dataclasses import dataclass
from datetime import date

APP_ID = "1"
APP_SECRET = "app-secret"  # noqa: S105 - printed at start-up, guards nothing
APP_NAME = "Messaging Insights emulator"
USER_ID = "9001"
USER_NAME = "Emulator Analyst"
SYSTEM_USER_ID = "9002"
SYSTEM_USER_NAME = "Emulator System User"
USER_TOKEN = "user-token"  # noqa: S105 - printed at start-up, guards nothing
SYSTEM_USER_TOKEN = "system-user-token"  # noqa: S105 - printed at start-up, guards nothing
FIRST_PAGE_ID = 101

SCOPES = ("pages_messaging", "pages_read_engagement", "pages_show_list", "read_insights")
"""Messaging Insights API page, "Before you start"."""

TASKS = ("ADVERTISE", "ANALYZE", "CREATE_CONTENT", "MANAGE", "MESSAGING", "MODERATE")

PERIODS = ("day", "week", "month", "days_28", "total_over_range")
"""Messaging Insights API page, "Insights parameters", `period`."""

UNASKED_PERIODS = ("day", "week", "days_28")
"""Without `period` every period comes, in this order (Page Insights guide, sample answer)."""

DATE_PRESETS = (
    "today",
    "yesterday",
    "this_month",
    "last_month",
    "this_quarter",
    "maximum",
    "data_maximum",
    "last_3d",
    "last_7d",
    "last_14d",
    "last_28d",
    "last_30d",
    "last_90d",
    "last_week_mon_sun",
    "last_week_sun_sat",
    "last_quarter",
    "last_year",
    "this_week_mon_today",
    "this_week_sun_today",
    "this_year",
)
"""Insights edge reference, `date_preset`."""

PAGE_ONLY_PRESET = "last_week"
"""Named by the Messaging Insights API page and in no list of presets; taken as Monday to Sunday."""

MAX_SPAN_DAYS = 90
"""Insights edge reference: `since` and `until` lie at most 90 days apart."""

BREAKDOWNS = (
    "campaign_id",
    "engagement_source",
    "message_type",
    "messaging_channel",
    "recurring_notifications_entry_point",
    "recurring_notifications_frequency",
    "recurring_notifications_topic",
)

VERSIONS_USABLE_UNTIL: dict[str, date | None] = {
    "v19.0": date(2026, 5, 21),
    "v20.0": date(2026, 9, 24),
    "v21.0": date(2027, 1, 21),
    "v22.0": date(2027, 5, 20),
    "v23.0": date(2027, 10, 8),
    "v24.0": date(2028, 2, 18),
    "v25.0": date(2028, 7, 29),
    "v26.0": date(2028, 11, 4),
    "v27.0": None,
}
"""Graph API changelog, version calendar. Older numbers existed and are long gone; newer ones do not exist.

v27.0 came on 4 November 2026. The end of v26.0 is inferred: a version ends two years after its successor appears.
"""

DASHBOARD_VERSION = "v26.0"
"""What answers a path without a version: the version set in the app's dashboard."""

LEGACY_FEATURES = ("date_format", "field_aliases", "ids", "jsonp", "method_override")
"""What apps made since v27.0 may no longer use, and older ones still may (blog post of 4 November 2026)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One row of the table "Available metrics".

    `sentence` is what the SQL definition in `metrics.py` has to follow; `title` is what an answer carries.
    """

    name: str
    title: str
    sentence: str
    breakdowns: tuple[str, ...] = ()
    in_development: bool = False


_MARKETING_BREAKDOWNS = ("campaign_id", "message_type", "messaging_channel", "recurring_notifications_topic")

_METRICS = (
    Metric(
        name="page_messages_blocked_conversations_unique",
        title="Daily unique blocked conversations count",
        sentence="The number of conversations with the Page that have been blocked.",
    ),
    Metric(
        name="page_messages_engagement",
        title="Marketing message engagement",
        sentence="The number of times customers interacted with marketing messages sent by your business Page "
        "by tapping on a call-to-action button.",
        breakdowns=(
            "campaign_id",
            "engagement_source",
            "message_type",
            "messaging_channel",
            "recurring_notifications_topic",
        ),
        in_development=True,
    ),
    Metric(
        name="page_messages_new_conversations_unique",
        title="Daily unique new conversations count",
        sentence="The number of messaging conversations on Messenger that began with people who had never "
        "messaged with your business before.",
    ),
    Metric(
        name="page_messages_order_count",
        title="Orders",
        sentence="The number of times you created an order in messaging conversations or in third-party apps or "
        "websites used to manage messaging conversations.",
        in_development=True,
    ),
    Metric(
        name="page_messages_paid_order_earnings",
        title="Paid order earnings",
        sentence="The approximate amount of money you have earned from orders created through messaging "
        "conversations or through third-party apps or websites used to manage messaging conversations.",
        in_development=True,
    ),
    Metric(
        name="page_messages_read_ratio",
        title="Marketing message read ratio",
        sentence="The number of marketing messages read divided by the number of marketing messages sent by your Page.",
        breakdowns=_MARKETING_BREAKDOWNS,
        in_development=True,
    ),
    Metric(
        name="page_messages_reported_conversations_unique",
        title="Daily unique reported conversations count",
        sentence="The number of conversations from your Page that have been reported by people for reasons such "
        "as spam, or containing inappropriate content.",
    ),
    Metric(
        name="page_messages_sent",
        title="Marketing messages sent",
        sentence="The number of marketing messages your business Page sent to customers.",
        breakdowns=_MARKETING_BREAKDOWNS,
        in_development=True,
    ),
    Metric(
        name="page_messages_total_messaging_connections",
        title="Messaging connections",
        sentence="The number of people who have ever sent a message to your business on Messenger, not including "
        "people who have blocked or reported your business on Messenger. This metric also only includes "
        "connections made since October 2016, when data became available.",
    ),
    Metric(
        name="page_messages_with_business_outcomes",
        title="Messaging connections with orders",
        sentence="The number of messaging connections with at least one order created.",
        in_development=True,
    ),
    Metric(
        name="recurring_notifications_tokens",
        title="Recurring notifications tokens",
        sentence="The number of times accounts agreed to receive recurring messages minus the number of times "
        "accounts unsubscribed. If an account has subscribed to multiple topics, it will be counted again for "
        "each topic.",
        breakdowns=(
            "messaging_channel",
            "recurring_notifications_frequency",
            "recurring_notifications_topic",
        ),
        in_development=True,
    ),
)

METRICS: dict[str, Metric] = {metric.name: metric for metric in _METRICS}
