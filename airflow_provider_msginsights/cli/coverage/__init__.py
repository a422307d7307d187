"""``msginsights coverage``: what a dataset holds and lacks, and who must act.

In reading order:

- ``command``: the options, and which action they ask for;
- ``screen``: the report for people; machines get the report's own JSON;
- ``ledgers``: ``--rebuild`` and ``--verify``; ``changes``: ``--changes``; ``acknowledging``: ``coverage ack``.

``--html`` belongs into ``command.run``, beside ``--cells``: it takes the report that is at hand there. Free to change:
the screen. Stable: options, exit codes, the ``--json`` documents, the columns of ``--cells``.
"""
