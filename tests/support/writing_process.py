"""Writes rows, or manifests, of one part again and again: a process of several that do so at once.

    python -m support.writing_process '{"root": …, "options": {…}, "what": "rows", "page_id": "101", "times": 10}'

Every turn has rows of another metric of the Page. ``"what": "manifests"`` writes manifests instead, of one run; with
``"stall"`` it stops for good in the middle of the first merge, after a line on standard output.
"""

from __future__ import annotations

import json
import sys
import time
from datetime import UTC, datetime
from typing import Any

from upath import UPath

from airflow_provider_msginsights.outputs.dataset import Dataset
from airflow_provider_msginsights.outputs.formats.by_name import format_named
from airflow_provider_msginsights.outputs.formats.text import JsonLines
from airflow_provider_msginsights.outputs.manifest import write_manifest
from support.made_records import record, store_rows, values_of

FINAL_IF_ENDED_BY = datetime(2026, 3, 20, tzinfo=UTC)


class StallingJsonLines(JsonLines):
    """Stops when half of the file is written."""

    def write(self, rows: Any, columns: Any, file: Any) -> int:
        super().write(rows, columns, file)
        file.flush()
        print("stalled", flush=True)  # noqa: T201 - told to the test
        time.sleep(600)
        return 0


def main(told: dict[str, Any]) -> None:
    root = UPath(told["root"], **told.get("options", {}))
    file_format = StallingJsonLines() if told.get("stall") else format_named("jsonl")
    dataset = Dataset(root=root, file_format=file_format, period="day").claim()
    for number in range(told["times"]):
        if told["what"] == "manifests":
            write_manifest(root, "run", {"writer": told["page_id"], "number": number})
        else:
            one = record(page_id=told["page_id"], metric=f"metric_{number:03}")
            store_rows(dataset, values_of([one], final_if_ended_by=FINAL_IF_ENDED_BY))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
