"""Mapped tasks that share a part, on storage where of two writers of a file the later one would win."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_msginsights.exceptions import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_msginsights.outputs.dataset import Dataset

_DEFAULT_PART = "0"


def shares_its_part(context: Mapping[str, Any], part: str) -> bool:
    """Tell whether the other tasks of the same mapping write the same part.

    A template is taken to give each task its own, and so is a part that is mapped over.

    :param part: as rendered for this task.
    """
    ti, dag = context.get("ti"), context.get("dag")
    if getattr(ti, "map_index", -1) < 0:
        return False
    written = getattr(dag, "task_dict", {}).get(getattr(ti, "task_id", None))
    if written is None:
        return part == _DEFAULT_PART
    mapped_over = getattr(getattr(written, "expand_input", None), "value", None)
    if mapped_over is None:  # not mapped itself, but in a mapped group of tasks
        as_written = written.part
    elif isinstance(mapped_over, dict) and "part" in mapped_over:
        return False
    else:
        as_written = written.partial_kwargs.get("part", _DEFAULT_PART if part == _DEFAULT_PART else None)
    return isinstance(as_written, str | int) and "{{" not in str(as_written)


def refuse_shared_part(dataset: Dataset[Any]) -> None:
    """Refuse a load whose rows another task of the mapping could lose.

    :param dataset: as claimed, so that it tells what its storage can do.
    :raises ConfigurationError: when the storage replaces files without looking who else did.
    """
    if not dataset.conditional_writes:
        raise ConfigurationError(
            f"The storage of {dataset.root} replaces a file whatever another task stored there meanwhile, and mapped "
            f"tasks share part={dataset.part!r}: one could lose the rows of another. Give each mapped task a part of "
            "its own, for example part='{{ ti.map_index }}', or with page_ids or a connection in it."
        )
