"""How people and Pages of the generator behave, in numbers. Probabilities lie between 0 and 1."""

from typing import Final

# People
NEWCOMERS_A_DAY: Final = 2.0
CHANCE_NEVER_ACTS: Final = 0.12
CHANCE_ACTS_AGAIN: Final = 0.35
CHANCE_INSTAGRAM: Final = 0.2
CHANCE_BLOCKED_EARLY: Final = 0.04
CHANCE_BLOCKS: Final = 0.02
CHANCE_UNBLOCKS: Final = 0.3
CHANCE_REPORTS: Final = 0.01

# Subscriptions
TOPICS: Final = ("newproducts", "10percentsale", "backinstock", "weeklydigest")
FREQUENCIES: Final = ("daily", "weekly", "monthly")
FREQUENCY_WEIGHTS: Final = (5, 3, 1)
ENTRY_POINTS: Final = ("in_thread", "ctm_ads", "checkbox_plugin", "m_me_link", "facebook_page")
CHANCE_SUBSCRIBES: Final = 0.3
CHANCE_SECOND_TOPIC: Final = 0.25
CHANCE_UNSUBSCRIBES: Final = 0.45
AUDIENCE_LIMIT: Final = 600

# Marketing messages
ALWAYS_ON_CAMPAIGN: Final = "always_on"
ALWAYS_ON_A_DAY: Final = 2.0
CAMPAIGN_MESSAGES: Final = 20.0
NEWSLETTER_MESSAGES: Final = 12
CAMPAIGN_DAYS: Final = frozenset({4, 18})
BLACK_FRIDAY_DAYS: Final = frozenset({(11, 27), (11, 30)})
MESSAGE_TYPE: Final = "marketing_messages"
CALLS_TO_ACTION: Final = ("primary", "primary", "primary", "secondary")
CHANCE_READ: Final = 0.62
CHANCE_READ_LATE: Final = 0.2
"""Most people look within hours; every fifth receipt comes days later and restates the day of sending."""
CHANCE_TAPS: Final = 0.18

# Orders
CHANCE_ORDERS: Final = 0.12
ORDERS_ELSEWHERE_A_DAY: Final = 0.12
CHANCE_PAID: Final = 0.85

# The calendar
SATURDAY: Final = 5
BUSY_MONTHS: Final = frozenset({11, 12})
BUSY_FACTOR: Final = 1.35
_SEASONS: Final = ("Winter", "Spring", "Summer", "Autumn")


def season(month: int) -> str:
    """The season that a month, 1 to 12, lies in."""
    return _SEASONS[month % 12 // 3]
