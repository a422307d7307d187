"""What the Messaging Insights API is: pure knowledge. No I/O, no clock, no logging, no Airflow.

A piece of work here is a flow: a generator that yields steps and is driven by a transport.

In reading order:

- ``catalog``: the metrics, their breakdowns and the periods; ``dates``: Pacific days and ranges of them; ``history``:
  how far back the API goes;
- ``records``: what a load is about; ``query``: what is requested, cut into slices;
- ``protocol``: the steps of a flow and what a transport answers to them;
- ``parameters``: what people and templates write, read once;
- ``graph``: the Graph API's replies, errors, lists and headers;
- ``fetch``: one run over the slices of a query;
- ``availability``: waiting for days to have rows; ``token``: what a token is and may do;
- ``coverage``: what a dataset holds and lacks;
- ``flows``: the front door: the flows that read insights and list Pages;
- ``wording``: many Pages in few words, for messages.

May be changed without asking: how a flow comes to its result, and the words of a message (with the table of errors).
Ask first about: the names in ``catalog``, the text of dates, and the fields of what is kept as JSON, since stored data
and deferred tasks of earlier versions hold them.
"""
