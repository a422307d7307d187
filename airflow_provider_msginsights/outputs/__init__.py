"""Where records go: rows, files, partitions.

The way of a row, a module a step:

- ``schema`` says what columns there are, ``rows`` makes a record a row;
- ``dataset``: the directory is claimed for one kind of rows, and gives a writer;
- ``writer``: takes rows in any order (`add`) and begins a partition's file once its day is settled (`settle`);
- ``spool``: keeps them on the local disk until then, and gives a partition's rows back, sorted;
- ``part_file``: reads the partition's file as stored, has the rows merged in, replaces it;
- ``merging``: stored rows and answered rows, both sorted, become one stream, and what changed is counted;
- ``formats``: the stream becomes bytes;
- ``stores``: the bytes become the file, in one step;
- ``write_result``: what the load left in the dataset, in numbers;
- ``manifest``: what the run did is noted beside the data.

``values`` are rows as bare tuples, ``series_rows`` those that stay columns from the reply to the bytes;
``checked_rows`` refuses stored rows that somebody damaged.

Free to change: how rows are spooled, merged and written. Stable: columns, layout and manifests, for datasets of every
earlier version must stay readable.
"""
