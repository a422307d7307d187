"""A load: parameters in; files or rows, a manifest, and what Airflow shows of it out.

``LoadConfig.from_operator(operator)`` parses the parameters, ``LoadTask(config, hook, context, log=…)`` does the work:
``run(pending)`` returns a `LoadResult`, or a `Deferral` when a rate limit requires a long wait.

Files, in reading order:

- `config`: rendered parameters -> `LoadConfig`.
- `storage`: the dataset that parameters name, and its directory.
- `task`: `LoadTask`: from what is pending to a result, a deferral or an error.
- `pending`: `PendingLoad`, what remains to be read, and `LoadCheckpoint`, which saves it for a retry.
- `reader`: `LoadReader`: records of the hook -> rows, stored as they arrive.
- `coverage`: the ledger of the part, and the Pages of the dataset.
- `outcome_policy`: `OutcomePolicy`: outcomes -> warnings, a skip or an error.
- `manifest`: what the load did, in full for its manifest and in short for XCom.
- `warnings`: days that will go stale; Pages gained or lost.
- `progress`: lines in the log while it runs, and its summary.
- `airflow_ui`: asset events, metrics and the label of a mapped task.
- `stoppable`: what the operators that store rows have in common at the edge.
- `lineage`: what was read and written, for hook lineage and OpenLineage.

Everything may be changed but the JSON that ``PendingLoad.to_dict`` returns, the key and fields of `LoadCheckpoint`, and
the fields of a manifest: tasks that wait, and datasets, of earlier versions have them.
"""
