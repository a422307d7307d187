"""Sensors: wait until Pacific days are available.

- ``msginsights``: `MessagingInsightsSensor`, an adapter of `insights.availability.check`; start here
- ``checkpoint``: what it keeps from one poke to the next

Serialized DAGs hold the path and parameters of ``msginsights``, and task state stores the key and JSON of
``checkpoint``: these stay readable. Everything else here may be changed.
"""
