"""The metrics: one SQL definition each, following the documentation's sentence word by word.

Sentences stand in `documentation.py` (Messaging Insights API page, "Available metrics" and "Limitations"). Each
definition gives rows of (`ends_at`, breakdown values, value), one or more for each row of the table `windows`.
Only events up to `:known_until` are known: a message read later restates the day it was sent on, later.

Where a sentence leaves a choice open, the choice is written beside the definition.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from airflow_provider_msginsights.emulator.data.event_store import EventStore, stored_id
from airflow_provider_msginsights.emulator.data.events import MESSENGER
from airflow_provider_msginsights.emulator.documentation import METRICS
from airflow_provider_msginsights.emulator.pacific_days import midnight
from airflow_provider_msginsights.emulator.time_ranges import Window

CONNECTIONS_START = date(2016, 10, 1)
UNNAMED = "unknown"
"""The bucket of events that carry no value for a breakdown."""


def _in_window(event: str) -> str:
    return (
        f"{event}.page_id = :page_id AND {event}.at >= windows.starts_at AND {event}.at < windows.ends_at "
        f"AND {event}.at <= :known_until"
    )


def _until(event: str, person: str, moment: str) -> str:
    return (
        f"{event}.page_id = :page_id AND {event}.person = {person} AND {event}.at < {moment} "
        f"AND {event}.at <= :known_until"
    )


def _is_connection(person: str, moment: str) -> str:
    """Return SQL that is true for a person who has sent a message on Messenger, and has not blocked or reported since.

    The first message must be of October 2016 or later.

    Choices: a connection is made by the person's first message, so somebody who first wrote before October 2016
    stays uncounted; who unblocks the Page counts again; a report is for good.
    """
    return f"""(
        (SELECT MIN(acted.at) FROM looked_up_person_acted AS acted
         WHERE {_until("acted", person, moment)} AND acted.messaging_channel = '{MESSENGER}') >= :connections_start
        AND NOT EXISTS (SELECT 1 FROM looked_up_reported AS reported WHERE {_until("reported", person, moment)})
        AND COALESCE((SELECT MAX(blocked.at) FROM looked_up_blocked AS blocked
                      WHERE {_until("blocked", person, moment)}), 0)
         <= COALESCE((SELECT MAX(unblocked.at) FROM looked_up_unblocked AS unblocked
                      WHERE {_until("unblocked", person, moment)}), 0)
    )"""


BLOCKED: Final = f"""
    SELECT windows.ends_at, COUNT(DISTINCT blocked.conversation)
    FROM windows CROSS JOIN blocked WHERE {_in_window("blocked")}
    GROUP BY windows.ends_at
"""

REPORTED: Final = f"""
    SELECT windows.ends_at, COUNT(DISTINCT reported.conversation)
    FROM windows CROSS JOIN reported WHERE {_in_window("reported")}
    GROUP BY windows.ends_at
"""

# A conversation counts on the day on which the person first acts in it ("only after a person performs an action"),
# and only if that is the first time the person acts towards the Page, in whatever channel.
NEW_CONVERSATIONS: Final = f"""
    SELECT windows.ends_at, COUNT(DISTINCT acted.conversation)
    FROM windows CROSS JOIN person_acted AS acted
    WHERE {_in_window("acted")} AND acted.messaging_channel = '{MESSENGER}'
      AND NOT EXISTS (SELECT 1 FROM looked_up_person_acted AS earlier
                      WHERE {_until("earlier", "acted.person", "acted.at")})
    GROUP BY windows.ends_at
"""

# A running sum over time. Nearly everybody joins once and stays. The few who ever blocked or reported are judged
# after each thing that they did, and join or leave where the judgement changes.
CONNECTIONS: Final = f"""
    WITH
    refusal AS (
        SELECT person, at FROM blocked WHERE page_id = :page_id AND at <= :known_until
        UNION SELECT person, at FROM unblocked WHERE page_id = :page_id AND at <= :known_until
        UNION SELECT person, at FROM reported WHERE page_id = :page_id AND at <= :known_until
    ),
    first_message AS (
        SELECT acted.person, MIN(acted.at) AS at FROM looked_up_person_acted AS acted
        WHERE acted.page_id = :page_id AND acted.at <= :known_until AND acted.messaging_channel = '{MESSENGER}'
        GROUP BY acted.person HAVING MIN(acted.at) >= :connections_start
    ),
    judgement AS (
        SELECT deed.person, deed.at, {_is_connection("deed.person", "(deed.at + 1)")} AS is_connection
        FROM (SELECT person, at FROM refusal UNION
              SELECT person, at FROM first_message WHERE person IN (SELECT person FROM refusal)) AS deed
    ),
    timeline AS (
        SELECT at, 1 AS joining, 0 AS is_end FROM first_message WHERE person NOT IN (SELECT person FROM refusal)
        UNION ALL
        SELECT at, is_connection - LAG(is_connection, 1, 0) OVER (PARTITION BY person ORDER BY at), 0 FROM judgement
        UNION ALL
        SELECT ends_at, 0, 1 FROM windows
    )
    SELECT at, people FROM (
        SELECT at, is_end, SUM(joining) OVER (ORDER BY at, is_end DESC ROWS UNBOUNDED PRECEDING) AS people FROM timeline
    ) WHERE is_end
"""

SENT: Final = f"""
    SELECT windows.ends_at, {{breakdowns}} COUNT(*)
    FROM windows CROSS JOIN marketing_message_sent AS marked WHERE {_in_window("marked")}
    GROUP BY windows.ends_at {{groups}}
"""

# A read belongs to the message, and so to the day of sending: the ratio never passes 1.
READ_RATIO: Final = f"""
    SELECT windows.ends_at, {{breakdowns}} CAST(SUM(EXISTS (
        SELECT 1 FROM looked_up_marketing_message_read AS read
        WHERE read.page_id = :page_id AND read.message = marked.message AND read.at <= :known_until
    )) AS REAL) / COUNT(*)
    FROM windows CROSS JOIN marketing_message_sent AS marked WHERE {_in_window("marked")}
    GROUP BY windows.ends_at {{groups}}
"""

ENGAGEMENT: Final = f"""
    SELECT windows.ends_at, {{breakdowns}} COUNT(*)
    FROM windows CROSS JOIN marketing_message_tapped AS marked WHERE {_in_window("marked")}
    GROUP BY windows.ends_at {{groups}}
"""

ORDERS: Final = f"""
    SELECT windows.ends_at, COUNT(*)
    FROM windows CROSS JOIN order_created WHERE {_in_window("order_created")}
    GROUP BY windows.ends_at
"""

# Money counts on the day it is paid; money for an order that was never created counts nowhere.
EARNINGS: Final = f"""
    SELECT windows.ends_at, SUM(paid.cents) / 100.0
    FROM windows CROSS JOIN order_paid AS paid
    WHERE {_in_window("paid")} AND EXISTS (
        SELECT 1 FROM looked_up_order_created AS created
        WHERE created.page_id = :page_id AND created.order_number = paid.order_number AND created.at <= :known_until
    )
    GROUP BY windows.ends_at
"""

# A messaging connection is what page_messages_total_messaging_connections counts, at the end of the window.
BUSINESS_OUTCOMES: Final = f"""
    SELECT windows.ends_at, COUNT(DISTINCT created.person)
    FROM windows CROSS JOIN order_created AS created
    WHERE {_in_window("created")} AND {_is_connection("created.person", "windows.ends_at")}
    GROUP BY windows.ends_at
"""

TOKENS: Final = f"""
    SELECT ends_at, {{columns}} SUM(change) FROM (
        SELECT windows.ends_at, {{breakdowns}} COUNT(*) AS change
        FROM windows CROSS JOIN opted_in AS marked WHERE {_in_window("marked")}
        GROUP BY windows.ends_at {{groups}}
        UNION ALL
        SELECT windows.ends_at, {{breakdowns}} -COUNT(*)
        FROM windows CROSS JOIN opted_out AS marked WHERE {_in_window("marked")}
        GROUP BY windows.ends_at {{groups}}
    ) GROUP BY ends_at {{groups}}
"""

DEFINITIONS: dict[str, str] = {
    "page_messages_blocked_conversations_unique": BLOCKED,
    "page_messages_engagement": ENGAGEMENT,
    "page_messages_new_conversations_unique": NEW_CONVERSATIONS,
    "page_messages_order_count": ORDERS,
    "page_messages_paid_order_earnings": EARNINGS,
    "page_messages_read_ratio": READ_RATIO,
    "page_messages_reported_conversations_unique": REPORTED,
    "page_messages_sent": SENT,
    "page_messages_total_messaging_connections": CONNECTIONS,
    "page_messages_with_business_outcomes": BUSINESS_OUTCOMES,
    "recurring_notifications_tokens": TOKENS,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One number: its window's stamp, its value, and the breakdown values that it is for.

    `is_empty` is True when there was nothing to count in the window; the value is 0 then.
    """

    end_time: int
    value: float
    breakdowns: dict[str, str]
    is_empty: bool = False


def measure(
    store: EventStore,
    *,
    page_id: str,
    metric: str,
    windows: Sequence[Window],
    known_until: int,
    breakdowns: Sequence[str] = (),
    with_zero_buckets: bool = False,
) -> list[Figure]:
    """Return the metric's figures over the windows, in the windows' order.

    Without breakdowns every window has a figure, 0 where nothing happened. With breakdowns there is one figure for
    each combination that is not zero; `with_zero_buckets` one for each that has ever occurred at the Page by the end
    of the last window.
    """
    if not windows:
        return []
    sql = _sql(metric, breakdowns)
    parameters = {
        "page_id": stored_id(page_id),
        "known_until": known_until,
        "connections_start": midnight(CONNECTIONS_START),
    }
    buckets: list[tuple[Any, ...]] = []
    if breakdowns and with_zero_buckets:
        ever = store.select(sql, [(0, max(window.ends_at for window in windows))], parameters)
        buckets = [tuple(names) for _, *names, _ in ever]
    rows = store.select(sql, [(window.starts_at, window.ends_at) for window in windows], parameters)
    by_end: dict[int, dict[tuple[Any, ...], float]] = {}
    for ends_at, *names, value in rows:
        by_end.setdefault(ends_at, {})[tuple(names)] = value
    if not breakdowns:
        return [_plain_figure(window, by_end.get(window.ends_at)) for window in windows]
    return [
        figure
        for window in windows
        for figure in _split_figures(window, by_end.get(window.ends_at, {}), breakdowns, buckets)
    ]


def _plain_figure(window: Window, found: dict[tuple[Any, ...], float] | None) -> Figure:
    value = next(iter(found.values())) if found else 0
    return Figure(end_time=window.end_time, value=value, breakdowns={}, is_empty=not found)


def _split_figures(
    window: Window,
    found: dict[tuple[Any, ...], float],
    breakdowns: Sequence[str],
    buckets: Sequence[tuple[Any, ...]],
) -> list[Figure]:
    """Return a figure for each combination that is not zero, and for each of the buckets."""
    named = {names for names, value in found.items() if value} | set(buckets)
    return [
        Figure(
            end_time=window.end_time,
            value=found.get(names, 0),
            breakdowns=dict(zip(breakdowns, names, strict=True)),
            is_empty=names not in found,
        )
        for names in sorted(named)
    ]


def _sql(metric: str, breakdowns: Sequence[str]) -> str:
    """Return the definition with its breakdown columns; names come from the documentation, never from a request."""
    known = [name for name in METRICS[metric].breakdowns if name in breakdowns]
    if len(known) != len(breakdowns):
        raise ValueError(f"{metric} has no breakdown by {sorted(set(breakdowns) - set(known))}.")
    return DEFINITIONS[metric].format(
        breakdowns="".join(f"COALESCE(marked.{name}, '{UNNAMED}') AS {name}, " for name in breakdowns),
        columns="".join(f"{name}, " for name in breakdowns),
        groups="".join(f", {position}" for position in range(2, len(breakdowns) + 2)),
    )
