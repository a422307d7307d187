"""Whole files on any kind of storage: read one past every cache, replace one only if it is still the version read.

In reading order:

- ``locations``: the text of a path, taken apart once;
- ``opening``: which class stores at which kind of path; ``providers``: what to install for it;
- ``store``: what every store can do, and how a file is merged and put again until nobody was in between;
- ``local_store`` (with ``directory_lock``), ``s3_store``, ``gcs_store``, ``azure_store``: how each makes a put
  conditional;
- ``patience``: for how long a writer tries again;
- ``errors``: whatever a store raises as one of our errors, with the file's name and the right that is missing.

A new kind of storage is a class beside these and a line in ``opening``; the tests marked ``stores`` show what it keeps.
"""
