"""The settings of the emulator, with the documented or recorded behaviour as default."""

from dataclasses import dataclass, fields
from datetime import date
from enum import StrEnum

from airflow_provider_msginsights.emulator import documentation
from airflow_provider_msginsights.emulator.data.pages import DEFAULT_FIRST_DAY
from airflow_provider_msginsights.emulator.validation import check_range, check_types


class Style(StrEnum):
    """How rows are spelled."""

    REAL = "real"
    """As recordings show: ISO `end_time`, numbers, titles, ids and paging links."""
    DOCUMENTATION = "documentation"
    """As the page's samples show: numbers as text (whole ranges excepted), unix seconds as text, nothing else."""


class Unready(StrEnum):
    """What is answered for a day that is not final yet. Both have been seen."""

    ABSENT = "absent"
    PROVISIONAL = "provisional"


_BOUNDS = (
    ("pages", 0, 100_000),
    ("history_years", 1, 50),
    ("latency_ms", 0, 3_600_000),
    ("latency_jitter_ms", 0, 3_600_000),
    ("batch_part_ms", 0, 3_600_000),
    ("batch_part_jitter_ms", 0, 3_600_000),
    ("readiness_lag_hours", 0, 100_000),
    ("usage_headers_from_percent", 0, 1_000_000),
    ("app_calls_per_hour", 0, 1_000_000_000_000),
)
_CHOICES = (
    ("small_page", ("empty", "error")),
    ("earnings", ("number", "object")),
    ("empty_ratio", ("zero", "absent")),
    ("zero_buckets", ("absent", "zero")),
    ("default_version", tuple(documentation.VERSIONS_USABLE_UNTIL)),
    ("app_mode", ("development", "live")),
    ("login_dialog", ("ask", "allow", "deny")),
)
_LISTS = (("offered_periods", documentation.PERIODS), ("legacy_features", documentation.LEGACY_FEATURES))


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that is chosen when the emulator starts, and can be changed until the next reset.

    Where the public documentation leaves a point open, the point is a setting.

    :param pages: how many Pages, with ids from `101`.
    :param seed: the same seed gives the same numbers for a calendar day, whenever the emulator starts.
    :param first_day: the first Pacific day with seeded events.
    :param history_years: for how many years back insights are kept.
    :param latency_ms: added to every request.
    :param latency_jitter_ms: up to so much more, by chance.
    :param batch_part_ms: added to a batch for each of its parts.
    :param batch_part_jitter_ms: up to so much more, by chance.
    :param readiness_lag_hours: a day is final so long after its end; events younger than that are not known yet.
    :param unready: what is answered for a day that is not final: "absent" or "provisional". Both have been seen.
    :param style: "real" spells rows as recordings show them; "documentation" as Meta's samples do, with text for
        numbers and times.
    :param small_page: a Page with fewer than 100 followers is answered "empty", or with the "error" 2874008.
    :param earnings: a "number", or an "object" of currency and micro amount.
    :param empty_ratio: the ratio of a day without messages is "zero", or its row is "absent".
    :param zero_buckets: values of a breakdown that occurred on other days only are "absent", or sent as "zero".
    :param offered_periods: those that every metric has; another documented one is refused as incompatible.
    :param legacy_features: those the app may use, of "date_format", "field_aliases", "ids", "jsonp" and
        "method_override": none in an app made since v27.0.
    :param app_mode: "development", where the login dialog redirects to any address of localhost, or "live": to https
        only.
    :param redirect_uris: where the login dialog may redirect to.
    :param login_dialog: it "ask"s, or answers at once with "allow" or "deny".
    :param require_appsecret_proof: whether calls without a proof of the app's secret are refused.
    :param advanced_access: whether the app may read Pages of others.
    :param default_version: what answers a path without a version.
    :param usage_headers_from_percent: replies say how much of an allowance is used from this share on.
    :param app_calls_per_hour: the app's allowance.
    """

    pages: int = 1
    seed: int = 1
    first_day: date = DEFAULT_FIRST_DAY
    history_years: int = 2
    latency_ms: float = 0.0
    latency_jitter_ms: float = 0.0
    batch_part_ms: float = 0.0
    batch_part_jitter_ms: float = 0.0
    readiness_lag_hours: float = 0.0
    unready: Unready = Unready.ABSENT
    style: Style = Style.REAL
    small_page: str = "empty"
    earnings: str = "number"
    empty_ratio: str = "zero"
    zero_buckets: str = "absent"
    offered_periods: tuple[str, ...] = documentation.PERIODS
    legacy_features: tuple[str, ...] = documentation.LEGACY_FEATURES
    app_mode: str = "development"
    redirect_uris: tuple[str, ...] = ()
    login_dialog: str = "ask"
    require_appsecret_proof: bool = False
    advanced_access: bool = False
    default_version: str = documentation.DASHBOARD_VERSION
    usage_headers_from_percent: int = 1
    app_calls_per_hour: int = 200_000

    def __post_init__(self) -> None:
        """Refuse values that mean nothing.

        Raises ValueError naming the setting.
        """
        object.__setattr__(self, "style", Style(self.style))
        object.__setattr__(self, "unready", Unready(self.unready))
        for name in (*dict(_LISTS), "redirect_uris"):
            value = getattr(self, name)
            # A list is how JSON spells it.
            object.__setattr__(self, name, tuple(value) if isinstance(value, list) else value)
        check_types(self)
        for name, allowed in _CHOICES:
            if getattr(self, name) not in allowed:
                raise ValueError(f"Settings: '{name}' must be one of {', '.join(allowed)}.")
        for name, allowed in _LISTS:
            if not set(getattr(self, name)) <= set(allowed):
                raise ValueError(f"Settings: '{name}' may hold {', '.join(allowed)}.")
        for name, least, most in _BOUNDS:
            check_range(self, name, least, most)


SETTING_NAMES = tuple(field.name for field in fields(Settings))
CHANGEABLE_SETTINGS = tuple(
    name for name in SETTING_NAMES if name not in {"pages", "seed", "first_day", "app_calls_per_hour"}
)
