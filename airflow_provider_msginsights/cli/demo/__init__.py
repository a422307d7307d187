"""``msginsights demo``: the daily load from nothing to a file, on the emulator and an Airflow of its own.

In reading order:

- ``command``: the options, the temporary home of an Airflow, the steps and the report;
- ``run``: what runs inside that Airflow, in a process of its own;
- ``ui``: ``--ui``, all of Airflow in a browser until it is stopped;
- ``child``: processes that end with the demo, however it ends.

Free to change: the steps, the wording, the time limits. Stable: the options, the exit codes, and that nothing is left
behind, neither files nor processes.
"""
