"""Commands that ask the API: what a connection's token may do, and which metrics it gives.

In reading order:

- ``check``: ``msginsights check``, the report on the token, and samples of real replies;
- ``samples``: which requests a sample makes and what of their replies it keeps, by way of ``anonymize``;
- ``anonymize``: a reply's shape without anyone's data; ``allowed_words``: the public words that it keeps;
- ``metrics``: ``msginsights metrics``, the catalogue or what the API gives of it;
- ``metric_survey``: what became of each metric on each Page.

Free to change: tables and wording. Stable: the options, the exit codes and the ``--json`` documents. A word joins
``allowed_words`` only if Meta publishes it: samples are made to be shown to others.
"""
