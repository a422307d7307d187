"""``python -m airflow_provider_msginsights.cli``: the same as ``msginsights``."""

from airflow_provider_msginsights.cli.process import run

run()
