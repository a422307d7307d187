"""What a test can give and take: metrics, permissions, Pages that are shared with people."""

from abc import ABC, abstractmethod
from dataclasses import replace
from datetime import date

from airflow_provider_msginsights.emulator.data.pages import Page
from airflow_provider_msginsights.emulator.documentation import METRICS
from airflow_provider_msginsights.emulator.state.permissions import LostPermission
from airflow_provider_msginsights.emulator.state.state import State


class AccessControls(ABC):
    """The part of `Controls` that decides who may read what."""

    @property
    @abstractmethod
    def _state(self) -> State:
        """All that the emulator knows; raises RuntimeError while it does not run."""

    def _page(self, page_id: str) -> Page:
        page = self._state.pages.get(str(page_id))
        if page is None:
            raise ValueError(f"Emulator: Page {page_id} does not exist.")
        return page

    # Metrics

    def retire_metric(self, metric: str, *, page_id: str | None = None) -> None:
        """Let a metric be unknown from now on, for all Pages or for one; requests that name it fail whole."""
        _check_metric(metric)
        with self._state.lock:
            self._state.retired.set(metric, self._page_id(page_id), value=True)

    def restore_metric(self, metric: str, *, page_id: str | None = None, first_day: date | None = None) -> None:
        """Let a metric be known and readable again, for all Pages or for one.

        With `first_day`, a Pacific date, it has been counted since that day only: earlier days have no row, and longer
        periods count from there.
        """
        _check_metric(metric)
        with self._state.lock:
            one = self._page_id(page_id)
            self._state.retired.set(metric, one, value=False)
            self._state.metric_first_days.set(metric, one, value=first_day)
            for page in list(self._state.pages.values()):
                if one in {None, page.page_id}:
                    readable = replace(page, unreadable_metrics=page.unreadable_metrics - {metric})
                    self._state.pages[page.page_id] = readable

    def hide_metric(self, metric: str, *, page_id: str) -> None:
        """Let a Page have no rows for a metric, which stays a valid name."""
        _check_metric(metric)
        with self._state.lock:
            page = self._page(page_id)
            self._state.pages[page.page_id] = replace(page, unreadable_metrics=page.unreadable_metrics | {metric})

    # Permissions and Pages

    def lose_permission(
        self,
        scope: str = "read_insights",
        *,
        page_id: str | None = None,
        first_day: date | None = None,
        last_day: date | None = None,
    ) -> None:
        """Let no token have a permission for requests made from `first_day` to `last_day`, for all Pages or for one.

        The days are Pacific ones of the emulator's clock, both included; an open end is at once, or until
        `restore_permission`. Without `read_insights` insights are answered with no data and no error, whatever days
        are asked for; the others are refused.
        """
        with self._state.lock:
            lost = LostPermission(scope=scope, page_id=self._page_id(page_id), first_day=first_day, last_day=last_day)
            self._state.permissions.lose(lost)

    def restore_permission(self, scope: str = "read_insights", *, page_id: str | None = None) -> None:
        """Let tokens have a permission again, for all Pages or for one."""
        with self._state.lock:
            self._state.permissions.restore(scope, self._page_id(page_id))

    def unshare_page(self, page_id: str, *, user_id: str | None = None) -> None:
        """Take a Page from a person, or from everybody.

        It is gone from `/me/accounts`, is refused to the person's tokens, and its Page token of that person ends (190,
        492).
        """
        self._share(page_id, user_id, shared=False)

    def share_page(self, page_id: str, *, user_id: str | None = None) -> None:
        """Give a Page back to a person, or to everybody."""
        self._share(page_id, user_id, shared=True)

    def _share(self, page_id: str, user_id: str | None, *, shared: bool) -> None:
        with self._state.lock:
            page = self._page(page_id)
            if user_id is not None and not self._state.tokens.has_user(user_id):
                raise ValueError(f"Emulator: there is no person {user_id}.")
            self._state.unshared.set(page.page_id, user_id, value=not shared)

    def _page_id(self, page_id: str | None) -> str | None:
        return None if page_id is None else self._page(page_id).page_id


def _check_metric(metric: str) -> None:
    if metric not in METRICS:
        raise ValueError(f"Emulator: there is no metric '{metric}'.")
