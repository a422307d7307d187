"""Which Pacific days a run is about.

- ``requested``: `requested_days`, the one rule that operator and sensor share; start here
- ``partitions``: the days of a run's partition key
- ``asset_events``: the days that triggering asset events name
- ``ticks``: the moments of a schedule, as Airflow counts them

These modules read Airflow's context, timetables and events by their attributes and import nothing of Airflow. None of
them is public; which days a run loads is, and is described in
``docs/guides/schedules.md``.
"""
