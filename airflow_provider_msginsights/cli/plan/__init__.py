"""``msginsights plan``: which days runs load and what that costs, without a request.

In reading order:

- ``command``: the options, and the plan as tables or JSON;
- ``schedules``: the runs that Airflow's timetables make of a schedule;
- ``fills``: what a fill of a dataset would request;
- ``plans``: the days, calls and rows of each run, and a Page's allowance of calls.

Free to change: tables and wording. Stable: the options, the exit codes and the ``--json`` document. Days and calls are
computed by the modules that a load uses; a plan must not have rules of its own about them.
"""
