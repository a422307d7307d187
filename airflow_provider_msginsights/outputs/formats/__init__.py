"""File formats: rows to bytes and back.

- ``by_name``: the format of a name, for a dataset;
- ``protocol``: what a dataset needs of a format;
- ``text``: JSON Lines and CSV, plain or gzipped; ``parquet``: Parquet, by pyarrow;
- ``json_values``: single values as JSON.

Equal rows give equal bytes: whoever changes what is written changes the files of every user, and the samples of
released layouts among the tests say so.
"""
