"""What the emulator has, and what a peer's files hold of it."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import duckdb

from peers.jobs import METRICS, Job, write_answer

if TYPE_CHECKING:
    from pathlib import Path

    from peers.emulated import Emulated

_COLUMNS = "{page_id: 'VARCHAR', metric: 'VARCHAR', end_time: 'VARCHAR', value: 'DOUBLE'}"
_VALUES = "STRUCT(value DOUBLE, end_time VARCHAR)[]"
_READERS = {
    "flat": f"SELECT page_id, metric, end_time[:10] AS ends, value FROM read_json($files, columns={_COLUMNS}, "
    "format='newline_delimited')",
    "nested": "SELECT id.split('/')[1], name, row.end_time[:10], row.value FROM "
    "(SELECT id, name, unnest(values) AS row FROM read_json($files, format='newline_delimited', "
    f"columns={{id: 'VARCHAR', name: 'VARCHAR', values: '{_VALUES}'}}))",
}
_NO_DATA = {"_manifests", "pipelines", "_dlt_loads", "_dlt_pipeline_state", "_dlt_version"}


class Truth:
    """The rows the emulator has for the largest load; smaller ones are looked up in it."""

    def __init__(self, emulated: Emulated, largest: Job) -> None:
        file = largest.output / "truth.jsonl"
        _write(emulated, largest, file)
        self._database = duckdb.connect()
        self._database.execute("CREATE TABLE truth (page_id VARCHAR, metric VARCHAR, ends VARCHAR, value DOUBLE)")
        self._database.execute(f"INSERT INTO truth {_READERS['flat']}", {"files": str(file)})
        file.unlink()

    def check(self, job: Job, kind: str) -> dict[str, int]:
        """Rows loaded; of these how many are doubled or wrong; and how many are missing."""
        files = [str(file) for file in data_files(job.output)]
        database = self._database
        database.execute(
            "CREATE OR REPLACE TEMP TABLE loaded (page_id VARCHAR, metric VARCHAR, ends VARCHAR, value DOUBLE)"
        )
        if files:
            database.execute(f"INSERT INTO loaded {_READERS[kind]}", {"files": files})
        first, last = job.first_day + timedelta(1), job.end_day
        asked = f"page_id IN ({', '.join(repr(one) for one in job.page_ids)}) AND ends BETWEEN '{first}' AND '{last}'"
        found = database.execute(
            "WITH once AS (SELECT DISTINCT ON (page_id, metric, ends) * FROM loaded), "
            f"asked AS (SELECT * FROM truth WHERE {asked}) "
            "SELECT (SELECT count(*) FROM loaded), (SELECT count(*) FROM loaded) - (SELECT count(*) FROM once), "
            "(SELECT count(*) FROM asked ANTI JOIN once USING (page_id, metric, ends)), "
            "(SELECT count(*) FROM once LEFT JOIN asked USING (page_id, metric, ends) "
            "WHERE asked.value IS NULL OR abs(asked.value - once.value) > 1e-9)"
        ).fetchone()
        assert found is not None
        return dict(zip(("rows", "doubled", "missing", "wrong"), map(int, found), strict=True))


def data_files(folder: Path) -> list[Path]:
    """The files that hold rows."""
    return [
        file
        for file in folder.rglob("*.jsonl*")
        if not _NO_DATA.intersection(file.relative_to(folder).parts) and file.stat().st_size
    ]


def _write(emulated: Emulated, job: Job, file: Path) -> None:
    """Ask for every row; this also makes the emulator count each of them once."""
    emulated.reset()
    emulated.be_quick()
    job.output.mkdir(parents=True, exist_ok=True)
    with file.open("w") as lines:
        for page_id in job.page_ids:
            for since, until in job.ranges():
                query = urlencode({"metric": ",".join(METRICS), "period": "day", "since": since, "until": until})
                url = f"{job.root}/{page_id}/insights?{query}"
                asking = Request(url, headers={"Authorization": f"Bearer page-token-{page_id}"})
                with urlopen(asking, timeout=60) as answer:
                    write_answer(lines, page_id, json.load(answer))
    emulated.reset()
