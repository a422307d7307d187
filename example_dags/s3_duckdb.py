"""Load to S3 as Parquet, then query the dataset with DuckDB.

Both tasks reach the store through the Airflow connection ``aws_default``; DuckDB reads through the same file system as
Airflow and holds no credentials. A local path (``file:///…``) works as well: leave the connection empty then.

Needs ``airflow-provider-msginsights[parquet,s3]`` and ``duckdb``.
"""

from __future__ import annotations

import pendulum
from airflow.sdk import DAG, ObjectStoragePath, Param, task
from airflow.timetables.interval import CronDataIntervalTimetable

from airflow_provider_msginsights.operators.msginsights import MessagingInsightsOperator

SENT_BY_WEEK = """
    select page_id, date_trunc('week', pacific_date)::date::text as week, sum(value)::bigint as sent
    from read_parquet($files, hive_partitioning = false)  -- pacific_date says what dt= says
    where metric = 'page_messages_sent'
    group by all
    order by all
"""

with DAG(
    dag_id="msginsights_s3_duckdb",
    schedule=CronDataIntervalTimetable("0 0 * * *", timezone="America/Los_Angeles"),
    start_date=pendulum.datetime(2026, 1, 1, tz="America/Los_Angeles"),
    catchup=False,
    max_active_runs=1,
    params={
        "page_id": Param("101", type="string", description="The Facebook Page to load."),
        "output_path": Param("s3://my-bucket/messaging_insights", type="string", description="Where the dataset is."),
        "output_conn_id": Param("aws_default", type="string", description="Its connection; empty for a local path."),
    },
    default_args={"retries": 2},
    tags=["messaging-insights"],
    doc_md=__doc__,
) as dag:
    load_day = MessagingInsightsOperator(
        task_id="load_day",
        page_ids="{{ params.page_id }}",
        metrics="all",
        lookback_days=2,  # a day that Meta has not computed yet is loaded by the next run
        output_path="{{ params.output_path }}",
        output_format="parquet",
        output_conn_id="{{ params.output_conn_id }}",
    )

    @task
    def sent_by_week(output_path: str, output_conn_id: str) -> list[list[str | int]]:
        """Sum the marketing messages sent, by Page and week: a count, so days may be added up."""
        import duckdb  # here and not above, so that parsing the DAG does not load it

        file_system = ObjectStoragePath(output_path, conn_id=output_conn_id or None).fs
        with duckdb.connect() as database:
            database.register_filesystem(file_system)
            found = database.execute(SENT_BY_WEEK, {"files": f"{output_path}/dt=*/*.parquet"})
            return [list(row) for row in found.fetchall()]

    load_day >> sent_by_week("{{ params.output_path }}", "{{ params.output_conn_id }}")
