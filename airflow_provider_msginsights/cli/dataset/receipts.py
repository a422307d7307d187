"""What `msginsights dataset` will do, and has done, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_msginsights.insights.wording import pages_in_words, plural, some_of
from airflow_provider_msginsights.outputs.stores.opening import open_store

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_msginsights.outputs.dataset import Dataset
    from airflow_provider_msginsights.outputs.maintenance.erasing import ErasePlan
    from airflow_provider_msginsights.outputs.maintenance.moving import MovePlan

ELSEWHERE = (
    "Not reached from here: Airflow's own database and logs (XCom, asset events, task logs), tables that the files "
    "were loaded into, versions and backups that the storage keeps."
)
_PROVEN = (
    "Every file was read again: nothing of them is left. _coverage/pages.json keeps that they were erased, so that no "
    "load brings them back."
)


def erasure_plan_in_words(plan: ErasePlan, dataset: Dataset[Any]) -> list[str]:
    """Say what goes."""
    if plan.is_done:
        return [f"Nothing of {pages_in_words(plan.page_ids)} is left in {dataset.root}."]
    lines = [f"To be erased from {dataset.root}: {pages_in_words(plan.page_ids)}. {_counts(plan.as_dict())}"]
    store = open_store(dataset.root, conditional=dataset.conditional_writes)
    if plan.emptied and not store.removes_conditionally:
        lines.append(
            "This storage removes a file even if another task has changed it meanwhile: pause the DAGs that load this "
            f"dataset before {some_of(plan.emptied)} are removed."
        )
    return lines


def erasure_in_words(receipt: Mapping[str, Any]) -> list[str]:
    """Say what went."""
    if receipt["erased_at"] is None:
        return []
    when = f"decided at {receipt['erased_at']}, completed at {receipt['completed_at']}"
    return [
        f"Erased: {pages_in_words(receipt['page_ids'])}, {when}. {_counts(receipt)}",
        _PROVEN,
        ELSEWHERE,
    ]


def move_in_words(plan: MovePlan, dataset: Dataset[Any]) -> list[str]:
    """Say what moves."""
    whose = f"{pages_in_words(plan.page_ids)} of {dataset.root}"
    if plan.is_done:
        return [f"{whose}: part {plan.part!r} holds all of it."]
    rows, files = plural(sum(plan.files.values()), "row"), plural(len(plan.files), "file")
    sources = " and ".join(map(repr, plan.sources))
    what = f"{whose}: {rows} in {files} of part {sources} move to part {plan.part!r}, file by file."
    return [what, "For the moment in which a file is moved its rows can be seen twice; they are never missing."]


def _counts(found: Mapping[str, Any]) -> str:
    mentions = "".join(f", {count} in {kind}" for kind, count in sorted(found["mentions"].items()))
    return (
        f"{plural(found['rows'], 'row')} ({plural(found['files_rewritten'], 'file')} rewritten, "
        f"{found['files_removed']} removed), {plural(found['cells'], 'cell')} of ledgers{mentions}."
    )
