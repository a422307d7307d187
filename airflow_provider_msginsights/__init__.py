"""Apache Airflow provider for Meta's Messaging Insights API."""

__version__ = "0.1.0"
