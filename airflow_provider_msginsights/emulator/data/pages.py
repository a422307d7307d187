"""Pages of the emulator, and how lively each one is."""

import random
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import lru_cache

from airflow_provider_msginsights.emulator import documentation
from airflow_provider_msginsights.emulator.validation import check_range, check_types

DEFAULT_FIRST_DAY = date(2024, 1, 1)
"""Events begin here whenever the emulator starts, so that a calendar day has the same numbers in every run."""

_EARLIEST_FIRST_DAY = date(2005, 1, 1)
_BOUNDS = (
    ("scale", 0, 20),
    ("likes", 0, 10_000_000_000),
    ("engaged_users", 0, 10_000_000_000),
    ("readiness_lag_hours", 0, 100_000),
)
_SILENT_EVERY = 10
_SERVICE_EVERY = 4
_NAMES = ("Bakery", "Bicycles", "Books", "Ceramics", "Coffee", "Flowers", "Gardens", "Guitars", "Records", "Toys")
_TOWNS = ("Astoria", "Bergen", "Cusco", "Dakar", "Evora", "Fresno", "Galway", "Hobart", "Izmir", "Kyoto", "Lyon")


class Liveliness(StrEnum):
    """What kind of traffic a Page sees."""

    SHOP = "shop"
    """Conversations, marketing messages every day, campaigns, orders."""
    SERVICE = "service"
    """Conversations and few marketing messages."""
    SILENT = "silent"
    """No seeded events at all: zeros everywhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One Page and what decides who may read its insights.

    :param page_id: its id.
    :param name: its name.
    :param liveliness: what kind of traffic it sees: "shop", "service" or "silent".
    :param scale: multiplies its traffic.
    :param first_day: the first Pacific day with seeded events.
    :param likes: how many follow it; with fewer than 100 it has no insights.
    :param owned: False for a Page of somebody else, which needs Advanced Access.
    :param listed: False leaves it out of `/me/accounts` while it can be read all the same, as a Page that is held
        through a business portfolio may be.
    :param published: False shortens its history to five days.
    :param tasks: those of the person behind the tokens.
    :param engaged_users: set its allowance of calls.
    :param currency: of its orders.
    :param category: as Meta shows it.
    :param seeded: whether it has events of its own.
    :param readiness_lag_hours: its own, where it is slower or faster than the others.
    :param unreadable_metrics: set by `hide_metric`.
    """

    page_id: str
    name: str
    liveliness: Liveliness = Liveliness.SHOP
    scale: float = 1.0
    first_day: date = DEFAULT_FIRST_DAY
    likes: int = 5_000
    owned: bool = True
    listed: bool = True
    published: bool = True
    tasks: tuple[str, ...] = documentation.TASKS
    engaged_users: int = 1_000
    currency: str = "USD"
    category: str = "Shopping & Retail"
    seeded: bool = True
    readiness_lag_hours: float | None = None
    unreadable_metrics: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        """Refuse attributes that mean nothing.

        Raises ValueError naming the attribute.
        """
        object.__setattr__(self, "liveliness", Liveliness(self.liveliness))
        check_types(self)
        for name, least, most in _BOUNDS:
            check_range(self, name, least, most)
        if not self.page_id or "/" in self.page_id:
            raise ValueError("Page: 'page_id' must be text without a slash.")
        if self.first_day < _EARLIEST_FIRST_DAY:
            raise ValueError(f"Page: 'first_day' must not lie before {_EARLIEST_FIRST_DAY}.")


@lru_cache(maxsize=1_000)
def seeded_page(page_id: str, *, seed: int, first_day: date) -> Page:
    """Return the Page that this seed makes of this id. Every tenth Page is silent; Page 101 is always a lively shop."""
    rng = random.Random(f"{seed}/{page_id}/profile")
    number = int(page_id) - documentation.FIRST_PAGE_ID if page_id.isdigit() else 0
    if number % _SILENT_EVERY == _SILENT_EVERY - 1:
        liveliness = Liveliness.SILENT
    elif number % _SERVICE_EVERY == _SERVICE_EVERY - 1:
        liveliness = Liveliness.SERVICE
    else:
        liveliness = Liveliness.SHOP
    return Page(
        page_id=page_id,
        name=f"{rng.choice(_TOWNS)} {rng.choice(_NAMES)}",
        liveliness=liveliness,
        scale=1.2 if number == 0 else min(2.5, max(0.3, rng.lognormvariate(-0.4, 0.5))),
        first_day=first_day,
        likes=rng.randrange(500, 80_000),
        engaged_users=rng.randrange(50, 5_000),
        currency="USD" if number == 0 else rng.choice(("USD", "USD", "EUR", "GBP")),
    )
