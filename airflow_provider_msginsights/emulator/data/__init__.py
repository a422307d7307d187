"""Events between Pages and people, and the metrics counted from them.

In reading order:

- ``events``: the kinds of events;
- ``pages``: Pages and how lively they are;
- ``generator``: the seeded traffic of a Page, day by day;
- ``event_store``: one SQLite file with all events;
- ``metric_sql``: each metric as SQL over the store.

Free to change: the store and the SQL, where the figures stay the same. The generator draws numbers in a fixed order:
whoever changes it changes every figure of a seed, and with them tests and examples of users.
"""
