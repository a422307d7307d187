"""What a connection's token is and may do, for people, alerts and the command line.

In reading order:

- ``report``: the facts, as one frozen object and as JSON;
- ``inspection``: the flow that collects them, with ``debug_token`` for what the API says of a token and ``read_probe``
  for what reading a few rows proves;
- ``findings``: what a person should know and do;
- ``render``: the report as lines of text;
- ``login``: the address of Facebook's dialog, and what its answer means;
- ``exchange``: from a login's code to a token, and from a token to one that lasts longer;
- ``durability``: whether an exchange makes a token last longer, and what ends it.

May be changed without asking: the words of findings and of the rendered lines. The fields of a report and the topics
of findings may be used in alerts: add to them, and rename none.
"""
