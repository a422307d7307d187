"""Where records go: rows, files, partitions."""
