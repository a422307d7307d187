"""What operators that store rows have in common: they stop at once, and name what they read and wrote."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_msginsights.operators.load.lineage import LoadLineage


class StoppableLoad:
    """A mixin for an operator: a ``with self._storing()`` block ends in its middle when Airflow kills the task."""

    _is_loading = False
    _lineage: LoadLineage | None = None

    @contextmanager
    def _storing(self) -> Iterator[None]:
        self._is_loading = True
        try:
            yield
        finally:
            self._is_loading = False

    def on_kill(self) -> None:
        """Stop the load at once; Airflow calls this in the middle of it, from a signal handler."""
        if self._is_loading:
            from airflow_provider_msginsights.operators.load.reader import LoadStoppedError

            self._is_loading = False
            raise LoadStoppedError(
                "Airflow ended the task. Every stored file is complete, in its old or its new version."
            )

    def get_openlineage_facets_on_complete(self, task_instance: Any) -> Any:
        """Return what was read and written, for OpenLineage; ``None`` where nothing is complete."""
        del task_instance
        return self._lineage.facets() if self._lineage is not None else None
