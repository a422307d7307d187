"""The seeded generator: believable messaging between a Page and people, day after day.

A Page's history is made in order from its first day with one random stream of its own, so a calendar day has the
same events whenever and in whatever order Pages are asked for. What a person does later (a late read receipt, an
unsubscription, a block) is made on the day it has its cause in and lies in the future of that day.
"""

from __future__ import annotations

import math
import random
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Final, NamedTuple

from airflow_provider_msginsights.emulator.data.events import INSTAGRAM, KIND_NUMBERS, MESSENGER, EventKind
from airflow_provider_msginsights.emulator.data.pages import Liveliness, Page
from airflow_provider_msginsights.emulator.pacific_days import ONE_DAY, midnight

if TYPE_CHECKING:
    from collections.abc import Iterator

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
    """Return the season that a month, 1 to 12, lies in."""
    return _SEASONS[month % 12 // 3]


_MINUTE: Final = 60
_HOUR: Final = 3_600
_DAY: Final = 86_400
_PEOPLE_A_DAY: Final = 10_000
_STRANGERS: Final = 1_000_000_000
_BEFORE_OUR_DATA: Final = int(datetime(2015, 1, 1, tzinfo=UTC).timestamp())


class Attributes(NamedTuple):
    """The breakdown values of an event, in the order of `events.ATTRIBUTES`."""

    campaign_id: str | None = None
    engagement_source: str | None = None
    message_type: str | None = None
    messaging_channel: str | None = MESSENGER
    recurring_notifications_entry_point: str | None = None
    recurring_notifications_frequency: str | None = None
    recurring_notifications_topic: str | None = None
    currency: str | None = None


class SeededEvent(NamedTuple):
    """An event as the store keeps it; `subject` is a conversation, message or order, `cents` an amount.

    Seeded ids are integers, which the store keeps small; users' ids are text.
    """

    kind: int
    at: int
    person: int | str
    subject: int | str | None
    attributes: Attributes
    cents: int | None = None


_KIND = {kind: KIND_NUMBERS[kind] for kind in EventKind}


class PageHistory:
    """One Page's stream of days. `next_day` is called in order; it never looks at a clock."""

    def __init__(self, page: Page, *, seed: int) -> None:
        self.page = page
        self.day: date = page.first_day
        self._rng = random.Random(f"{seed}/{page.page_id}/events")
        self._growth_a_year = self._rng.uniform(0.95, 1.5)
        self._weekend = self._rng.uniform(0.45, 1.3)
        self._topics = self._rng.sample(TOPICS, k=self._rng.randint(2, 3))
        self._audience: list[tuple[int, Attributes, int | None]] = []
        self._messages = 0
        self._orders = 0

    def is_of(self, page: Page) -> bool:
        """Return True when this Page would have the very same history."""
        made, asked = (
            (one.page_id, one.liveliness, one.scale, one.first_day, one.currency) for one in (self.page, page)
        )
        return made == asked

    def before_first_day(self) -> list[SeededEvent]:
        """People known from earlier years, some from before October 2016; the first subscribers are among them."""
        if self.page.liveliness is Liveliness.SILENT:
            return []
        rng, events = self._rng, list[SeededEvent]()
        until = midnight(self.page.first_day)
        for person in range(1, int(150 * self.page.scale) + 20):
            met_at = rng.randrange(min(_BEFORE_OUR_DATA, until - _DAY), until)
            acted = Attributes(messaging_channel=self._channel())
            events.append(SeededEvent(_KIND[EventKind.CONVERSATION_STARTED], met_at, person, person, acted))
            events.append(
                SeededEvent(_KIND[EventKind.PERSON_ACTED], met_at + rng.randrange(_HOUR), person, person, acted)
            )
            if rng.random() < CHANCE_BLOCKED_EARLY:
                events.append(
                    SeededEvent(
                        _KIND[EventKind.BLOCKED], rng.randrange(met_at + _HOUR, until + _HOUR), person, person, acted
                    )
                )
            elif person % 3 == 0:
                events.extend(self._subscribe(person, rng.randrange(until - 90 * _DAY, until), acted.messaging_channel))
        return [event for event in events if event.at < until]

    def next_day(self) -> list[SeededEvent]:
        """Return the events caused on the next day, some of them later than that day."""
        day, self.day = self.day, self.day + ONE_DAY
        if self.page.liveliness is Liveliness.SILENT:
            return []
        events = [
            event
            for number in range(self._poisson(self._mean(day, NEWCOMERS_A_DAY)))
            for event in self._newcomer(day, number)
        ]
        if self.page.liveliness is Liveliness.SHOP:
            events.extend(self._messages_of(day))
            events.extend(self._orders_elsewhere(day))
        elif day.day == 1:
            events.extend(self._send(day, NEWSLETTER_MESSAGES, f"News {day:%Y-%m}"))
        return events

    # People

    def _newcomer(self, day: date, number: int) -> Iterator[SeededEvent]:
        rng = self._rng
        person = (day - self.page.first_day).days * _PEOPLE_A_DAY + number + _PEOPLE_A_DAY
        started_at = self._moment(day)
        acted = Attributes(messaging_channel=self._channel())
        yield SeededEvent(_KIND[EventKind.CONVERSATION_STARTED], started_at, person, person, acted)
        if rng.random() < CHANCE_NEVER_ACTS:
            return  # the person never acts: nobody but the person sees this conversation
        at = started_at + int(rng.expovariate(1 / (40 * _MINUTE)))
        first_act_at = at
        yield SeededEvent(_KIND[EventKind.PERSON_ACTED], at, person, person, acted)
        while rng.random() < CHANCE_ACTS_AGAIN:
            at += int(rng.expovariate(1 / (20 * _HOUR)))
            yield SeededEvent(_KIND[EventKind.PERSON_ACTED], at, person, person, acted)
        if rng.random() < CHANCE_SUBSCRIBES:
            yield from self._subscribe(person, first_act_at + rng.randrange(_HOUR), acted.messaging_channel)
        if self.page.liveliness is Liveliness.SHOP and rng.random() < CHANCE_ORDERS:
            yield from self._order(
                person, first_act_at + int(rng.expovariate(1 / (6 * _HOUR))), acted.messaging_channel
            )
        yield from self._refusal(person, first_act_at, acted)

    def _refusal(self, person: int, after: int, acted: Attributes) -> Iterator[SeededEvent]:
        rng = self._rng
        luck = rng.random()
        at = after + int(rng.expovariate(1 / (12 * _DAY)))
        if luck < CHANCE_BLOCKS:
            yield SeededEvent(_KIND[EventKind.BLOCKED], at, person, person, acted)
            if rng.random() < CHANCE_UNBLOCKS:
                again_at = at + _HOUR + int(rng.expovariate(1 / (9 * _DAY)))
                yield SeededEvent(_KIND[EventKind.UNBLOCKED], again_at, person, person, acted)
        elif luck < CHANCE_BLOCKS + CHANCE_REPORTS:
            yield SeededEvent(_KIND[EventKind.REPORTED], at, person, person, acted)

    def _subscribe(self, person: int, at: int, channel: str | None) -> Iterator[SeededEvent]:
        rng = self._rng
        entry_point = rng.choice(ENTRY_POINTS)
        for topic in rng.sample(self._topics, k=2 if rng.random() < CHANCE_SECOND_TOPIC else 1):
            opted = Attributes(
                messaging_channel=channel,
                recurring_notifications_entry_point=entry_point,
                recurring_notifications_frequency=rng.choices(FREQUENCIES, FREQUENCY_WEIGHTS)[0],
                recurring_notifications_topic=topic,
            )
            yield SeededEvent(_KIND[EventKind.OPTED_IN], at, person, None, opted)
            leaves_at = at + int(rng.expovariate(1 / (45 * _DAY))) if rng.random() < CHANCE_UNSUBSCRIBES else None
            self._audience.append((person, opted, leaves_at))
            if leaves_at is not None:
                yield SeededEvent(_KIND[EventKind.OPTED_OUT], leaves_at, person, None, opted)
        if len(self._audience) > AUDIENCE_LIMIT:
            del self._audience[0]

    # Marketing messages

    def _messages_of(self, day: date) -> Iterator[SeededEvent]:
        yield from self._send(day, 1 + self._poisson(self._mean(day, ALWAYS_ON_A_DAY)), ALWAYS_ON_CAMPAIGN)
        if day.day in CAMPAIGN_DAYS or (day.month, day.day) in BLACK_FRIDAY_DAYS:
            name = f"{season(day.month)} sale {1 + day.day // 16}"
            yield from self._send(day, 8 + self._poisson(self._mean(day, CAMPAIGN_MESSAGES)), name)

    def _send(self, day: date, count: int, campaign_id: str) -> Iterator[SeededEvent]:
        rng = self._rng
        today = midnight(day)
        self._audience = [member for member in self._audience if member[2] is None or member[2] > today]
        for person, opted, _ in rng.sample(self._audience, k=min(count, len(self._audience))):
            self._messages += 1
            sent_at = self._moment(day)
            sent = Attributes(
                campaign_id=campaign_id,
                message_type=MESSAGE_TYPE,
                messaging_channel=opted.messaging_channel,
                recurring_notifications_topic=opted.recurring_notifications_topic,
            )
            yield SeededEvent(_KIND[EventKind.MARKETING_MESSAGE_SENT], sent_at, person, self._messages, sent)
            if rng.random() > CHANCE_READ:
                continue
            mean_seconds = 30 * _HOUR if rng.random() < CHANCE_READ_LATE else 3 * _HOUR
            read_at = sent_at + 5 + int(rng.expovariate(1 / mean_seconds))
            yield SeededEvent(_KIND[EventKind.MARKETING_MESSAGE_READ], read_at, person, self._messages, Attributes())
            if rng.random() < CHANCE_TAPS:
                tapped = sent._replace(engagement_source=rng.choice(CALLS_TO_ACTION))
                tapped_at = read_at + rng.randrange(2, 20 * _MINUTE)
                yield SeededEvent(_KIND[EventKind.MARKETING_MESSAGE_TAPPED], tapped_at, person, self._messages, tapped)

    # Orders

    def _orders_elsewhere(self, day: date) -> Iterator[SeededEvent]:
        """Orders of people who never wrote: made in third-party apps."""
        for number in range(self._poisson(ORDERS_ELSEWHERE_A_DAY * self.page.scale)):
            person = _STRANGERS + (day - self.page.first_day).days * 100 + number
            yield from self._order(person, self._moment(day), None)

    def _order(self, person: int, at: int, channel: str | None) -> Iterator[SeededEvent]:
        rng = self._rng
        self._orders += 1
        order = self._orders
        attributes = Attributes(messaging_channel=channel, currency=self.page.currency)
        yield SeededEvent(_KIND[EventKind.ORDER_CREATED], at, person, order, attributes)
        if rng.random() < CHANCE_PAID:
            paid_at = at + int(rng.expovariate(1 / (5 * _HOUR)))
            cents = int(min(50_000, max(300, rng.lognormvariate(8, 0.7))))
            yield SeededEvent(_KIND[EventKind.ORDER_PAID], paid_at, person, order, attributes, cents)

    # Chance

    def _channel(self) -> str:
        return INSTAGRAM if self._rng.random() < CHANCE_INSTAGRAM else MESSENGER

    def _mean(self, day: date, base: float) -> float:
        """Return the day's expected traffic: the Page's size, its growth, weekends, and the weeks before Christmas."""
        years = (day - self.page.first_day).days / 365.25
        weekend = self._weekend if day.weekday() >= SATURDAY else 1.0
        season = BUSY_FACTOR if day.month in BUSY_MONTHS else 1.0
        growth = math.pow(self._growth_a_year, min(years, 4.0))
        return base * self.page.scale * growth * weekend * season

    def _moment(self, day: date) -> int:
        """Return a second of the day; few at night, most in the afternoon and the evening."""
        start, end = midnight(day), midnight(day + ONE_DAY)
        hours = (self._rng.random() + self._rng.random() * 2 + 0.3) / 3.3
        return start + int(hours * (end - start))

    def _poisson(self, mean: float) -> int:
        limit, count, product = math.exp(-min(mean, 500)), 0, self._rng.random()
        while product > limit:
            count += 1
            product *= self._rng.random()
        return count
