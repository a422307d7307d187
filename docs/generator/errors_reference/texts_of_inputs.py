"""What the errors reference says of ids of the storage, the command line and parameters."""

from __future__ import annotations

from errors_reference.texts import AT_ONCE, BEFORE, COMMAND, GOES_ON, Text

STORAGE = {
    "MSGI-storage-denied": Text(
        "The storage refuses: a right is missing, which the message names with the storage's words.",
        AT_ONCE,
        "Grant the right to what the storage's connection names.",
    ),
    "MSGI-storage-missing": Text(
        "There is no such bucket or container.", AT_ONCE, "Create it, or choose another `output_path`."
    ),
    "MSGI-storage-refused": Text(
        "The storage refuses for good, such as for another region or a name that it cannot have.",
        AT_ONCE,
        "Choose another `output_path`, or correct the connection of the storage.",
    ),
    "MSGI-storage-unconditional": Text(
        "The installed client of the storage sends no conditions, so that rows of another task could be lost.",
        AT_ONCE,
        "Upgrade it as the message says.",
    ),
    "MSGI-dataset-none": Text(
        "The path holds no dataset.", COMMAND, "Name the `output_path` of a load; a dataset begins with its first load."
    ),
    "MSGI-dataset-mixed": Text(
        "What lies at `output_path` is of another load: one directory holds one period, set of breakdowns, format and "
        "version of the schema.",
        BEFORE,
        "Use the `output_path` that the message proposes.",
    ),
    "MSGI-dataset-label": Text(
        "`_dataset.json` is damaged, or a newer version of this package wrote it.",
        BEFORE,
        "Upgrade, or restore the file from a copy.",
    ),
    "MSGI-dataset-file": Text(
        "A file in the dataset is damaged. Nothing is merged into it, and nothing of it removed.",
        AT_ONCE,
        "Restore the file from a copy; or remove it and load its day again.",
    ),
    "MSGI-dataset-page": Text(
        "A Page that the dataset does not hold, or holds no more, was named; or a day that cannot end its time.",
        COMMAND,
        "Use the ids that `msginsights coverage` names. A Page that was erased stays out of the dataset: take it out "
        "of "
        "`page_ids`.",
    ),
    "MSGI-dataset-busy": Text(
        "A load goes on storing rows of what is being erased or moved.",
        "The command ends with exit code 3; what it did so far holds.",
        "Wait until the load has ended, and run the command again.",
    ),
    "MSGI-ledger": Text(
        "The ledger of a part in `_coverage/` is damaged, or a newer version wrote it.",
        f"{GOES_ON} Fills and gates cannot work without it.",
        "`msginsights coverage PATH --rebuild` builds it anew from rows and manifests; upgrade where a newer version "
        "wrote it.",
    ),
    "MSGI-pages-file": Text(
        "`_coverage/pages.json` was edited wrongly.", GOES_ON, "The message names file, line and what to write there."
    ),
    "MSGI-acknowledgements": Text(
        "`_coverage/acknowledged.json` was edited wrongly, or `msginsights coverage ack` got too little.",
        GOES_ON,
        "The message names file, line and what to write there.",
    ),
}

COMMAND_LINE = {
    "MSGI-cli-usage": Text(
        "The command line is not understood.", COMMAND, "`msginsights COMMAND --help` lists what is."
    ),
    "MSGI-cli-input": Text(
        "An answer or a secret that `msginsights token` was given is missing, or is not one.",
        COMMAND,
        "The message says what was expected; secrets go to standard input or a file, one a line.",
    ),
    "MSGI-cli-save": Text(
        "A token could not be saved where an option says.",
        "The command ends with exit code 2; the message says where the token was saved before.",
        "Correct what the message names, and run the command again.",
    ),
    "MSGI-cli-file": Text(
        "The system refused a file, a folder or the disk.",
        "The command ends with exit code 1.",
        "Correct what the message names.",
    ),
    "MSGI-cli-output": Text(
        "Standard output cannot be written.",
        "The command ends with exit code 74.",
        "Look at the disk or the pipe behind it.",
    ),
    "MSGI-defect": Text(
        "This package did something that it should not: a defect.",
        "The command ends with exit code 70.",
        "Report it. `MSGINSIGHTS_DEBUG=1` shows the traceback; look through it for secrets first.",
    ),
}

CONFIG = {
    "since": "Pacific dates (`2026-03-08`), moments with an offset, or unix seconds. `until` is exclusive and later "
    "than "
    "`since`; `date_preset` stands alone; Meta keeps two years. `msginsights plan` shows what they mean.",
    "until": "As `since`; it is exclusive: the day after the last one.",
    "date_preset": "A preset stands alone, in place of `since` and `until`.",
    "days": "Use what `asked_days(since=…, until=…)` returns.",
    "schedule": "In Airflow 3 runs of `@daily`, plain cron and `timedelta` have no interval to take days from: use "
    "`lookback_days`, `CronDataIntervalTimetable`, or `since` and `until`.",
    "partition_key": "A key must mean whole Pacific days that have ended: a date, a schedule's key in "
    '`timezone="America/Los_Angeles"`, or a start-of mapper of Airflow; or give `since` and `until`.',
    "lookback_days": "How many days before those of the run are loaded too.",
    "metrics": "The message names what is allowed and the nearest spelling; `msginsights metrics` lists them.",
    "breakdowns": "Every metric must have each of them; the message names those that do.",
    "period": "Totals over a range hold 90 days at most and are not added up; fills, gates and coverage are of "
    "datasets "
    "of `day`, `week` and `days_28`, where something can be missing.",
    "page_ids": 'Digits, 1 to 32 of them; none was named, or for `"all"` the token lists none: use a user or '
    "system-user "
    "token with `pages_show_list` and the ANALYZE task. Take out Pages that were erased.",
    "login": "Default Page ids, separated by commas, or nothing. The token belongs into the password.",
    "password": "The access token, whole and nothing beside it.",
    "app_id": "The app's dashboard shows both: App settings, Basic. They must be those of the token's app.",
    "app_secret": "The app's dashboard shows both: App settings, Basic. They must be those of the token's app.",
    "extra": "A JSON object with the fields that the message lists.",
    "port": "1 to 65535, and once: in the host or in its own field.",
    "host": "A base URL; https, unless `allow_plain_http` is set for a test server.",
    "ca_bundle": "An absolute path to certificates that can be read on every worker and triggerer.",
    "msginsights_conn_id": "Add the connection where Airflow looks for it, of the type `msginsights`.",
    "output_path": "An absolute path, or a URL with bucket and path; credentials belong into an Airflow connection.",
    "output_conn_id": "The connection of the storage must exist, be readable, and be named once.",
    "part": "Up to 100 letters, digits and `_ . = + -`. A Page belongs to one part; tasks that run at once need one "
    "each "
    "where the storage replaces without a condition.",
    "extra_columns": "Names of letters, digits and underscores that no other column has; values are text.",
    "compression": "One that goes with `output_format`, or nothing.",
    "outlets": "An `AssetAlias` needs a dataset to stand for: name an `Asset`.",
    "first_day": "A Pacific date, without a time.",
    "conn_id": "The id of an Airflow connection.",
    "timeout": "Seconds.",
    "poke_interval": "Seconds.",
    "exponential_backoff": "True or false.",
    **dict.fromkeys(
        ("failed_polls", "missing", "ranges", "not_before", "deadline", "execution_deadline"),
        "An argument of a waiting trigger: clear the task, which another version deferred.",
    ),
    "poll_interval_seconds": "Seconds between two polls.",
    "max_wait_seconds": "Seconds.",
}
"""What to do about a wrong parameter or field, where its docstring or the connection form does not say it all."""
