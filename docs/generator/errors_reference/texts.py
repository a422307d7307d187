"""What the errors reference says of ids beyond what the code itself says: why it happens, and what to do.

Ids that the API's codes decide take their meaning, remedy and source from the error table; what stands here is added.
Ids of parameters take theirs from docstrings and the connection form.
"""

from __future__ import annotations

from typing import NamedTuple


class Text(NamedTuple):
    """What the page says of an id.

    :param happened: what went wrong.
    :param load: what it means for the load.
    :param do: what to do.
    """

    happened: str
    load: str
    do: str


AT_ONCE = "The task fails at once, without a retry: the same would happen again."
BEFORE = "Nothing was requested and nothing stored: the task fails at once, without a retry."
RETRIED = "The task fails and is retried, as its `retries` say."
_PAGE = "The Page is not loaded; the others are. With more such Pages than `max_failed_pages` allows, the task fails"
PAGE = f"{_PAGE}, without a retry."
PAGE_RETRIED = f"{_PAGE} and is retried."
COMMAND = "The command ends with exit code 2, and has changed nothing."
GOES_ON = "Loads go on, and the message stands in log and manifest; commands that need the file end with exit code 2."
CHECKED = "Loads may fail or return no rows; `msginsights check` and the Test button say so before they do."
MEANS_TO = "The message says which; `msginsights token create` gets a new one."
ROWS = (
    "Wait with a `MessagingInsightsSensor`, or check the token: `read_insights` may have been lost silently, and Pages "
    "with fewer than 100 followers have no insights. `on_empty` and `on_silent_page` say what such answers mean."
)

KINDS = {
    "MSGI-error": Text(
        "An error of this package of which nothing more is known. It is never raised as such; catch "
        "`MessagingInsightsError` in tasks of your own to catch every one.",
        RETRIED,
        "Read the message.",
    ),
    "MSGI-again": Text(
        "Never raised as such: `RetriableGraphAPIError` is what those errors of the API have in common that asking "
        "again may resolve.",
        RETRIED,
        "Read the message.",
    ),
    "MSGI-config": Text("A parameter or the connection is wrong.", BEFORE, "The message names it and what is allowed."),
    "MSGI-refused": Text("The API refused, and asking again cannot help.", AT_ONCE, "Read what the API said."),
    "MSGI-token": Text("The API does not take the token.", AT_ONCE, MEANS_TO),
    "MSGI-permission": Text(
        "A permission, a task on the Page or an access level is missing.", AT_ONCE, "`msginsights check` names it."
    ),
    "MSGI-request": Text("The API refused the metric, the period or the range.", AT_ONCE, "Read what the API said."),
    "MSGI-unavailable": Text("The API could not answer for now.", RETRIED, "Wait; if it stays, look at Meta's status."),
    "MSGI-no-rows": Text("The API answered without any row.", f"{RETRIED} Stored rows are left alone.", ROWS),
    "MSGI-limit": Text(
        "Meta's limit on calls is reached, and the wait is longer than `wait_bound_seconds`.",
        "Everything else is loaded. With `deferrable=True` the task waits in the triggerer and goes on by itself; "
        "otherwise it fails and is retried.",
        "`deferrable=True`, or a longer `retry_delay`; ask less often: `msginsights plan` counts the calls.",
    ),
    "MSGI-no-reply": Text(
        "No reply: network, proxy, certificates or a time-out.",
        f"Asked again within the bounds of the connection. If that does not help: {PAGE_RETRIED}",
        "Look at `host`, `proxy`, `ca_bundle` and `read_timeout_seconds` of the connection.",
    ),
    "MSGI-reply-format": Text(
        "The API sent a shape that this package does not know. Nothing was guessed, and nothing of that reply stored.",
        PAGE,
        "Report the path in the message (it holds no secret) and the file of `msginsights check --sample`.",
    ),
    "MSGI-storage": Text(
        "The storage failed in passing, or lists a file that it then does not find. Nothing was replaced.",
        RETRIED,
        "If it stays, look at the storage.",
    ),
    "MSGI-write-conflict": Text(
        "Other tasks wrote the same file for two minutes on end. Nothing of theirs is lost.",
        RETRIED,
        "Give tasks that run at once a `part` each, and the DAG `max_active_runs=1`.",
    ),
    "MSGI-finding": Text(
        'Everything is stored, and with `on_finding="fail"` the data shows something new about final days.',
        AT_ONCE,
        "Do what the message says, or acknowledge it: `msginsights coverage ack`.",
    ),
}
"""The ids of kinds: what an error ends with where the place that raises it says nothing more."""

REPLIES = {
    "MSGI-200": Text(
        "A permission is missing: a code from 200 to 299 that is not known by itself.",
        PAGE,
        "Grant `pages_messaging`, `pages_read_engagement`, `pages_show_list` and `read_insights`, and the ANALYZE "
        "task; "
        "Pages of others need Advanced Access.",
    ),
    "MSGI-80000": Text(
        "A limit on calls: a code from 80000 to 80014 that is not known by itself.",
        "The load waits as long as the server says, goes on, or defers.",
        "Fewer Pages at a time, a lower `concurrency`, spread schedules.",
    ),
    "MSGI-unknown": Text(
        "A code that this package does not know.", PAGE, "Look it up in Meta's documentation, and report it."
    ),
    "MSGI-transient": Text(
        "An error with a code that this package does not know, of which the API says that it passes.",
        f"Asked again after a back-off, within the bounds of the connection. If that does not help: {PAGE_RETRIED}",
        "If it stays, look the code up in Meta's documentation, and report it.",
    ),
    "MSGI-http-limit": Text(
        "HTTP 429 without an error of the Graph API: something in between, such as a proxy, has a limit of its own.",
        "The load waits as long as the server says, goes on, or defers.",
        "Wait; spread schedules.",
    ),
    "MSGI-http-unavailable": Text(
        "Meta is down, or a proxy answered with a page of its own.",
        f"Asked again after a back-off, within the bounds of the connection. If that does not help: {PAGE_RETRIED}",
        "If it stays, look at the proxy.",
    ),
    "MSGI-http-redirect": Text(
        "Something other than the Graph API answers at `host`. Redirects are not followed: they would carry the "
        "token away.",
        f"The run stops. {AT_ONCE}",
        "Check the connection's `host`.",
    ),
    "MSGI-http-not-graph": Text(
        "A proxy or another server answered.", f"The run stops. {AT_ONCE}", "Check `host` and `proxy`."
    ),
    "MSGI-page-list": Text(
        "The list of the token's Pages has an entry without a Page id, says that more follows and not where, goes in a "
        "circle, or has no end.",
        AT_ONCE,
        'Name the Pages instead of `"all"` and load each by itself, which takes no list; report the message.',
    ),
    "MSGI-metric-refused": Text(
        "Meta retired the metric or does not offer it. Meta's refusal does not name it: it was found by asking "
        "metric by "
        "metric.",
        'A metric that was named fails the task, after the others are stored; one that came by `"stable"` or `"all"` '
        "is "
        "left out and reported.",
        'Take it out, or use `"stable"` or `"all"`.',
    ),
    "MSGI-page-refused": Text(
        "The API refuses the Page for every metric, so it is the Page that is refused, and Meta does not say why.",
        PAGE,
        "Check that the id is a Page's and what the token may do there.",
    ),
    "MSGI-no-page-token": Text(
        "The API gave no token of the Page: the token's person has no role on it, or the token lacks "
        "`pages_show_list`.",
        PAGE,
        "An admin of the Page gives the ANALYZE task; or use another token.",
    ),
    "MSGI-other-page": Text(
        "The token is a Page's own, and reads no other Page.",
        PAGE,
        "Use a token of a person with the task on all Pages.",
    ),
}
"""What replies bring, besides known codes and sentences."""

TASKS = {
    "MSGI-config-execution_timeout": Text(
        "The task's `execution_timeout` is over. It bounds a try with all its deferrals, the time in the triggerer "
        "too.",
        "What was stored stays. Airflow fails the task; a retry takes up what remains where the state was saved.",
        "A longer `execution_timeout`; fewer Pages or days a task.",
    ),
    "MSGI-config-xcom_max_rows": Text(
        "The load has more rows than `xcom_max_rows`, and XCom is stored in Airflow's database.",
        AT_ONCE,
        "Set `output_path` to write files; or fewer Pages, metrics or days.",
    ),
    "MSGI-sensor-timeout": Text(
        "The sensor's `timeout` is over, and the days are not there; the message says what is missing.",
        "The task fails, or is skipped with `soft_fail=True`; no retry follows.",
        "A longer `timeout`; `min_ready_pages`, where some Pages may be late.",
    ),
    "MSGI-incomplete": Text(
        "More Pages than `max_incomplete_pages` lack days since `since`; the message names them and why.",
        "The task fails at once; tasks behind it do not run. What is stored is left alone.",
        "Use a `MessagingInsightsFillOperator`, or acknowledge what cannot be had: `msginsights coverage ack`.",
    ),
    "MSGI-token-check": Text(
        "`MessagingInsightsTokenCheckOperator` found problems; the log has each with an id of its own.",
        "The task fails at once or is skipped, as `on_problem` says. Loads are other tasks.",
        "Do what the log says of each problem.",
    ),
    "MSGI-versions": Text(
        "Workers and triggerers run different versions of the provider.",
        AT_ONCE,
        "Install one version, and clear the task.",
    ),
    "MSGI-airflow": Text(
        "Airflow itself cannot be read: its configuration, secrets backend or database.",
        BEFORE,
        "`airflow info` and `airflow connections list` tell more.",
    ),
    "MSGI-airflow-version": Text(
        "A class needs a newer Airflow than runs here.",
        "The DAG cannot be parsed.",
        "The message names what does the same on this version.",
    ),
    "MSGI-missing-package": Text(
        "A format, a storage or a command needs a package that is not installed.",
        BEFORE,
        "Install what the message names, such as `pip install 'airflow-provider-msginsights[parquet]'`.",
    ),
}
"""What ends a task, or keeps it from beginning, whatever the API says."""

TOKENS = {
    "MSGI-token-invalid": Text(
        "The API calls the token invalid and does not say why.", CHECKED, "A new token, copied whole."
    ),
    "MSGI-token-expires": Text("The token ended, or ends soon.", CHECKED, "A new token: `msginsights token create`."),
    "MSGI-token-data-access": Text(
        "The token's access to data ended, or ends soon: about 90 days after its person was last seen.",
        CHECKED,
        "The person logs in again: `msginsights token create --login`.",
    ),
    "MSGI-token-missing-permission": Text(
        "The token lacks a permission; without `read_insights` answers are empty, and no error comes.",
        CHECKED,
        "Grant it and make a new token.",
    ),
    "MSGI-token-missing-task": Text(
        "The token's person lacks the ANALYZE task on the Page.", CHECKED, "An admin of the Page gives it."
    ),
    "MSGI-token-no-page": Text(
        "The token's list of Pages shows none that it may analyze.",
        CHECKED,
        "Tick the Pages in the login dialog, or name a Page held by a business by its id.",
    ),
    "MSGI-token-no-rows": Text("A read of the Page gave no row of the last week.", CHECKED, ROWS),
    "MSGI-token-page-list": Text(
        "The list of the token's Pages cannot be read.", CHECKED, "Name the Pages by their ids."
    ),
    "MSGI-token-page-not-readable": Text(
        "Insights of the Page cannot be read.", CHECKED, "The message says what the API said."
    ),
    "MSGI-token-app-credentials": Text(
        "The app's id and secret do not go with the token.",
        CHECKED,
        "Set `app_id` and `app_secret` to the token's app.",
    ),
    "MSGI-token-version": Text(
        "Another version than requested answered: the requested one has ended.",
        CHECKED,
        "Set `api_version` to a newer one.",
    ),
    "MSGI-token-wrong-kind": Text(
        "It is an app token, which belongs to no Page and no person.",
        COMMAND,
        "Give the token of a system user, a person or a Page.",
    ),
    "MSGI-token-too-short": Text(
        "`msginsights token` found a token that does not last.", COMMAND, "Give `--app-id` and the app's secret."
    ),
    "MSGI-token-renewal": Text(
        "A token of this kind cannot be renewed, or a renewal would not make it last longer.", COMMAND, MEANS_TO
    ),
    "MSGI-token-unfit": Text(
        "`msginsights token create` found a token with which loads would fail. Nothing was saved.",
        COMMAND,
        "The message names what is missing; `msginsights token create --handover` says who must give it.",
    ),
    "MSGI-login": Text(
        "A login was denied, its answer is another login's, or the dialog refused the app's request.",
        COMMAND,
        "Log in again: `msginsights token create --login`; the app's dashboard has the redirect address (Facebook "
        "Login, "
        "Settings).",
    ),
    "MSGI-login-timeout": Text(
        "No answer of the login came in time: the browser was closed, or the dialog showed an error.",
        COMMAND,
        "Begin again, with a longer `--timeout`, or with `--paste-address`.",
    ),
}
"""What is found out about tokens: problems and warnings of reports too, which end with these ids."""
