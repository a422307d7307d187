"""The operators: load Messaging Insights, fill and check what a dataset lacks, and check a connection's token.

Files, in reading order:

- `msginsights`: `MessagingInsightsOperator`, the only class that defers, raises Airflow's exceptions and reads its own
  attributes on behalf of a load.
- `load/`: what it does with them.
- `fill`: `MessagingInsightsFillOperator`; `coverage_check`: `MessagingInsightsCoverageCheckOperator`, the gate before
  reports; `filling/`: what both do.
- `token_check`: `MessagingInsightsTokenCheckOperator`.
- `links`: the button beside a task.

Module paths, class names, constructor parameters and ``template_fields`` stand in serialized DAGs: they only grow.
"""
