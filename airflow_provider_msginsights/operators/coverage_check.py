"""The operator that checks how complete a dataset is before reports are made of it.

What only a running task needs is imported where it is used: DAG files import this module at every parse.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from airflow.sdk import BaseOperator

from airflow_provider_msginsights.airflow_names import AirflowFailException
from airflow_provider_msginsights.documentation import ending_with
from airflow_provider_msginsights.failures import failing_without_retry, wrapped

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from os import PathLike

    from airflow.sdk import Context, ObjectStoragePath

    from airflow_provider_msginsights.operators.filling.gate import CheckedPages
    from airflow_provider_msginsights.run_days.requested import When


class MessagingInsightsCoverageCheckOperator(BaseOperator):
    """Check how complete a dataset is, and return the Pages that are complete and those that are not.

    The API is asked nothing, and no file is written: what loads and fills keep in ``_coverage/`` is read, of all parts.
    Map a report over ``complete_page_ids``, so that one client's trouble never holds up the others.

    A Page is complete when each of its days in what is checked is stored, or has a reason why it is empty, and nothing
    else is the matter with it that a person should look at. Days count from a day after they became final: until then
    the next load still brings them. Of the others, Pages that a fill works on, and those that people acknowledged, are
    named as incomplete but do not count against ``max_incomplete_pages``. The task fails without retries: what counts
    needs a person. Pages of a part without a complete ledger are named as unchecked, and never fail it.

    :param output_path: the dataset: the load's ``output_path`` (templated)
    :param check_since: the first Pacific day that is checked; instead of ``last_days`` (templated)
    :param last_days: how many Pacific days that have ended are checked, where ``check_since`` is left out (templated)
    :param page_ids: the Pages that are checked; all of the dataset when left out (templated)
    :param metrics: the metrics that each Page must have; when left out, those that scheduled loads request of it, or
        that it has where none does (templated)
    :param max_incomplete_pages: how many Pages may be incomplete before the task fails: a count, a fraction below 1,
        or ``None`` for any number (templated)
    :param final_after_hours: as for the load (templated)
    :param output_conn_id: as for the load (templated)
    :param publish: as for the load: a gate with an asset in ``outlets`` publishes what it read of all parts (templated)
    :return: a dictionary, stored also when the task then fails: ``output_path``, ``since``, ``complete_page_ids``,
        ``incomplete_page_ids``, ``unchecked_page_ids``, ``needs_person_count``, ``filling_count``,
        ``acknowledged_count``, ``not_managed_count``, and ``reasons`` of the first incomplete Pages.
    :raises AirflowFailException: when more Pages are incomplete, and count, than ``max_incomplete_pages``; for a
        parameter that is wrong, a path without a dataset, a damaged file.
    :raises StorageError: when the storage does not answer; a retry may help.
    """

    template_fields: Sequence[str] = (
        "output_path",
        "check_since",
        "last_days",
        "page_ids",
        "metrics",
        "max_incomplete_pages",
        "final_after_hours",
        "output_conn_id",
        "publish",
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {"page_ids": "json", "metrics": "json"}
    ui_color = "#f6ecd2"

    def __init__(  # noqa: PLR0913 - an operator's parameters are its documentation
        self,
        *,
        output_path: str | PathLike[str] | ObjectStoragePath,
        check_since: When = None,
        last_days: int | str = 35,
        page_ids: str | int | Sequence[str | int] | None = None,
        metrics: str | Sequence[str] | None = None,
        max_incomplete_pages: float | str | None = 0,
        final_after_hours: float | str = 48,
        output_conn_id: str | None = None,
        publish: str = "days",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.output_path = output_path
        self.check_since = check_since
        self.last_days = last_days
        self.page_ids = page_ids
        self.metrics = metrics
        self.max_incomplete_pages = max_incomplete_pages
        self.final_after_hours = final_after_hours
        self.output_conn_id = output_conn_id
        self.publish = publish

    def execute(self, context: Context) -> dict[str, Any]:
        """Read the ledgers; fail when too many Pages are incomplete; return which are complete."""
        from airflow_provider_msginsights.operators.filling.gate import check_pages, parse_gate
        from airflow_provider_msginsights.operators.load.publishing import CoveragePublisher

        with failing_without_retry(msginsights_conn_id=None, log=self.log):
            config = parse_gate(self)
            checked = check_pages(config, CoveragePublisher.of(context, publish=config.publish, log=self.log))
        result = {"output_path": config.output_path, "since": str(config.since), **checked.as_dict()}
        for problem in checked.problems:
            self.log.warning("%s", problem)
        self._say(checked, config.since)
        if checked.fails(config.max_incomplete_pages):
            self._fail(context, checked, result)
        return result

    def _say(self, checked: CheckedPages, since: date) -> None:
        self.log.info(
            "Since %s: %s complete, %s incomplete (%s being filled, %s acknowledged), %s unchecked.",
            since,
            len(checked.complete),
            len(checked.incomplete),
            checked.filling_count,
            checked.acknowledged_count,
            len(checked.unchecked),
        )

    def _fail(self, context: Context, checked: CheckedPages, result: dict[str, Any]) -> None:
        if (ti := context.get("ti")) is not None and hasattr(ti, "xcom_push"):
            ti.xcom_push(key="return_value", value=result)  # a task that fails returns nothing
        for line in checked.lines():
            for part in wrapped(line):
                self.log.error("%s", part)
        raise AirflowFailException(ending_with(checked.in_words(), "MSGI-incomplete"))
