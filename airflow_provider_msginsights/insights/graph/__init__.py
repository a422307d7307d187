"""The Graph API as it answers: replies, errors, lists and headers, whatever edge is read.

In reading order:

- ``json_text``: text to a document, strictly;
- ``replies``: a reply to its document, or to the problem in its place, ``row_columns`` for the usual reply of insights;
- ``error_table``: every known error, what it means and what helps, by the sentence and by ``error_codes``;
- ``batch``: many requests in one POST, and its parts;
- ``usage_headers``: how close a limit is; ``paging``: lists that come page by page;
- ``record_parser``: a reply to records, with ``row_values`` for the value of a row and ``row_times`` for its days.

A new error is a line in ``error_codes`` or a sentence in ``error_table``, with its source; the errors reference is
made from them. May be changed without asking: advices, and shapes of replies that are read in addition. Ids of errors
are public and stay. The days in ``row_times`` are a part of a row's key: a change there stores the same fact twice.
"""
