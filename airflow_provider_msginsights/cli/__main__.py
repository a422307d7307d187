"""``python -m airflow_provider_msginsights.cli``: the same as ``msginsights``."""

import sys

from airflow_provider_msginsights.cli import main

sys.exit(main())
