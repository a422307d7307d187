"""What Airflow itself costs for a load: ``dag.test()`` of one of our tasks, or of a mapped task for each Page.

    python -m peers.task_cost ours|http|nothing '{"base_url": ..., "pages": 20, ...}'

The tasks run one after the other in one process, with the database, rendering, XCom and logs of every DAG run; a
deployment starts a process for each besides.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from peers.jobs import METRICS, VERSION, Job

if TYPE_CHECKING:
    from airflow.sdk import DAG

DAG_FILE = Path(os.environ.get("AIRFLOW_HOME", "")) / "dags" / "load.py"
NOTHING = """
from airflow.sdk import DAG
from airflow.providers.standard.operators.empty import EmptyOperator
with DAG("load", schedule=None) as dag:
    EmptyOperator(task_id="nothing")
"""
OURS = """
from airflow.sdk import DAG
from airflow_provider_msginsights.operators.msginsights import MessagingInsightsOperator
with DAG("load", schedule=None) as dag:
    MessagingInsightsOperator(task_id="load", page_ids={page_ids}, metrics={metrics}, since={since!r}, until={until!r},
                              output_path="file://{output}")
"""
HTTP = """
import json
from airflow.sdk import DAG, task
from airflow.providers.http.operators.http import HttpOperator
from peers.jobs import write_answer

def keep(response):
    page_id = response.json()["data"][0]["id"].partition("/")[0]
    with open("{output}/" + page_id + ".jsonl", "w") as file:
        write_answer(file, page_id, response.json())

with DAG("load", schedule=None) as dag:
    accounts = HttpOperator(task_id="accounts", http_conn_id="graph", method="GET", endpoint="/{version}/me/accounts",
                            data={{"fields": "id,access_token", "limit": "100"}},
                            headers={{"Authorization": "Bearer {{{{ conn.graph.password }}}}"}},
                            response_filter=lambda response: response.json()["data"])
    @task
    def asks(pages):
        return [{{"endpoint": "/{version}/" + one["id"] + "/insights",
                  "headers": {{"Authorization": "Bearer " + one["access_token"]}}}}
                 for one in pages if one["id"] in {page_ids}]

    HttpOperator.partial(task_id="insights", http_conn_id="graph", method="GET", response_filter=keep,
                         data={{"metric": {metrics!r}, "period": "day", "since": {since!r}, "until": {until!r}}}
                         ).expand_kwargs(asks(accounts.output))
"""


def dag_of(name: str, job: Job) -> DAG:
    days = {"since": job.first_day.isoformat(), "until": job.end_day.isoformat(), "output": job.output}
    if name == "nothing":
        text = NOTHING
    elif name == "ours":
        text = OURS.format(page_ids=job.page_ids, metrics=METRICS, **days)
    else:
        text = HTTP.format(version=VERSION, page_ids=job.page_ids, metrics=",".join(METRICS), **days)
    DAG_FILE.parent.mkdir(parents=True, exist_ok=True)
    DAG_FILE.write_text(text)
    scope: dict[str, object] = {"__file__": str(DAG_FILE), "__name__": "load"}
    exec(compile(text, DAG_FILE, "exec"), scope)  # noqa: S102 - Airflow, too, executes DAG files
    return scope["dag"]  # type: ignore[return-value]


def main() -> None:
    name, job = sys.argv[1], Job.from_json(json.loads(sys.argv[2]))
    job.output.mkdir(parents=True, exist_ok=True)
    for conn_id, kind in (("MSGINSIGHTS_DEFAULT", "msginsights"), ("GRAPH", "http")):
        os.environ[f"AIRFLOW_CONN_{conn_id}"] = json.dumps(
            {"conn_type": kind, "host": job.base_url, "password": job.token}
        )
    os.environ["AIRFLOW__CORE__DAGS_FOLDER"] = str(DAG_FILE.parent)
    subprocess.run([sys.executable, "-m", "airflow", "db", "migrate"], check=True, stdout=sys.stderr)
    dag = dag_of(name, job)
    wall, cpu = time.perf_counter(), time.process_time()
    run = dag.test()
    figures = {"wall_seconds": time.perf_counter() - wall, "cpu_seconds": time.process_time() - cpu}
    states = {"state": str(run.state), "tasks": len(run.get_task_instances())}
    database = b"".join(file.read_bytes() for file in DAG_FILE.parents[1].glob("airflow.db*"))
    print("\n" + json.dumps({"what": name, **figures, **states, "token_in_database": b"page-token-" in database}))


if __name__ == "__main__":
    main()
