"""What people have done to a dataset as a whole: Pages erased and moved, ledgers built anew and checked.

In reading order:

- ``data_files``: the files of every part, which Pages have rows in them, and rows taken out of them;
- ``mentions``: what else names Pages: manifests, changes, findings, acknowledgements;
- ``erasing``: Pages taken out of all of it, with a receipt;
- ``moving``: Pages given to another part;
- ``rebuilding``: ledgers built anew from rows and manifests, and compared with them;
- ``known_coverage``: all that the small files say, for reports, gates and plans; ``exports``: the same for other tools.

Everything here can be repeated after it was killed at any put; the order of the steps, which each module states, may
be changed only together with the tests that kill it after every one.
"""
