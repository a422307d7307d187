"""Everything that the emulator remembers between calls.

In reading order:

- ``state``: all of it together, under one lock;
- ``settings``: what a test configures; ``clock``: what time it is;
- ``tokens`` and ``login``: access tokens, and the codes that become tokens;
- ``permissions``: permissions that are lost for a while; ``switches``: what holds for all Pages, or for some;
- ``rate_limits``: calls counted, and usage headers; ``faults``: errors that a test requests;
- ``journal``: what was requested, without secrets.

Free to change: what ``emulator/__init__`` does not export. Stable: the settings, the kinds of faults and tokens, the
journal's entries. Whoever reads or changes the state holds its lock.
"""
