"""One run over the slices of a query: what to send, when, and what an answer means for the slices that are left.

In reading order:

- ``reading``: the flows that callers start, and ``outcome``: what they return;
- ``run``: takes every slice to its end: answered, empty, paused or unanswered;
- ``pending_slices``: those without an end yet;
- ``scheduler``: requests to outcomes; back-off and batches, by ``retry_policy`` and ``throttle``;
- ``metric_isolation``: which metric a refused request was refused for;
- ``request_size``: how much one request asks for;
- ``page_tokens``: the exchange of tokens, and ``token_owner``: whether the token is another Page's.

May be changed without asking: the order of requests, and how many calls a run makes as long as it makes no more of
them. A run ends, whatever the API answers: the tests feed it replies at random to show it.
"""
