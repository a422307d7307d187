"""Pages that came or went since the last load of a part: what ``page_ids="all"`` means can change overnight."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_msginsights.outputs.manifest import latest_manifest

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from airflow_provider_msginsights.outputs.dataset import Dataset

_MOST_NAMED = 20


def page_changes(dataset: Dataset[Any], page_ids: Collection[str]) -> Iterator[str]:
    """Say which Pages the token may analyse that the last load of this part did not ask for, and the other way round.

    :raises ConfigurationError: when the file of the last manifest is none.
    """
    last = latest_manifest(dataset.root, part=dataset.part) or {}
    if (earlier := last.get("page_ids")) is None:
        return
    when = f"the last load of part {dataset.part!r} ({last.get('run_id')})"
    if gained := sorted(set(page_ids) - set(earlier)):
        yield f"page_ids='all' means {_named(gained)} that {when} did not ask for: their earlier days are not loaded."
    if lost := sorted(set(earlier) - set(page_ids)):
        yield (
            f"page_ids='all' does not mean {_named(lost)} any more, which {when} asked for: the token's person lost "
            "the ANALYZE task there, or the Page is gone. Stored rows are left as they are."
        )


def _named(page_ids: list[str]) -> str:
    more = f" and {len(page_ids) - _MOST_NAMED} more" if len(page_ids) > _MOST_NAMED else ""
    plural = "s" if len(page_ids) > 1 else ""
    return f"{len(page_ids)} Page{plural} ({', '.join(page_ids[:_MOST_NAMED])}{more})"
