"""``msginsights dataset``: end the time of Pages in a dataset, erase them from it, or move them to another part.

In reading order:

- ``command``: the options, and what each of the three does first: say what it will do;
- ``receipts``: what was done, in words.

Every one of them can be run again after it was killed. Free to change: the words. Stable: options, exit codes, the
``--json`` documents and the files that they write.
"""
