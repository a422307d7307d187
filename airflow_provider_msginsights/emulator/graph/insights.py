"""`/{page-id}/insights`: from parameters to rows.

Messaging Insights API page ("Read insights metrics", "Insights parameters", "Response properties"), insights edge
reference and Page Insights guide.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from urllib.parse import urlencode

from airflow_provider_msginsights.emulator import documentation
from airflow_provider_msginsights.emulator.call import Call, flag_parameter, list_parameter
from airflow_provider_msginsights.emulator.data.metric_sql import Figure, measure
from airflow_provider_msginsights.emulator.data.pages import Page
from airflow_provider_msginsights.emulator.documentation import METRICS
from airflow_provider_msginsights.emulator.error_table import table_error
from airflow_provider_msginsights.emulator.errors import invalid_parameter, not_a_page_token
from airflow_provider_msginsights.emulator.graph.field_expansion import parse_fields
from airflow_provider_msginsights.emulator.graph.legacy_features import php_date
from airflow_provider_msginsights.emulator.pacific_days import ONE_DAY, iso_utc, pacific_date
from airflow_provider_msginsights.emulator.state.settings import Style, Unready
from airflow_provider_msginsights.emulator.state.state import State
from airflow_provider_msginsights.emulator.state.tokens import Token, TokenKind
from airflow_provider_msginsights.emulator.time_ranges import AskedRange, Window, resolve_range, windows, windows_since

_MIN_LIKES = 100
_EARNINGS = "page_messages_paid_order_earnings"
_RATIO = "page_messages_read_ratio"
_ENTRY_FIELDS = ("name", "period", "values", "title", "description", "description_from_api_doc", "id")
_LINK_LEAVES_OUT = frozenset({"access_token", "appsecret_proof", "appsecret_time", "since", "until", "date_preset"})


def read_insights(
    state: State, page: Page, token: Token, params: Mapping[str, str], call: Call, *, version: str
) -> dict[str, Any]:
    """Return the answer of the edge. Raises GraphError for a call that is refused whole."""
    _check_token(page, token)
    _check_permissions(state, page, token)
    metrics = _asked_metrics(state, page, params)
    periods = _asked_periods(state, metrics, params)
    breakdowns = _asked_breakdowns(metrics, params)
    asked = _asked_range(state, page, periods, params)
    if page.likes < _MIN_LIKES and state.settings.small_page == "error":
        raise table_error(2874008)
    if not _may_read(state, page, token):
        return {"data": []}
    state.store.ensure_history(page, now_seconds=state.clock.now())
    describe = flag_parameter(params.get("show_description_from_api_doc"), default=False)
    wanted = _asked_fields(params)
    first_end, last_end = state.history_starts(page) + ONE_DAY, _last_end(state, page)
    entries = [
        _chosen(_entry(state, page, metric, period, rows, describe=describe), wanted)
        for period in periods
        for spans in [windows(period, asked, first_end=first_end, last_end=last_end)]
        for metric in metrics
        if (rows := _rows(state, page, metric, period, breakdowns, spans, date_format=call.params.get("date_format")))
    ]
    if state.settings.style is Style.DOCUMENTATION:
        return {"data": entries}
    return {"data": entries, "paging": _paging(state, page, token, params, call, asked, version)}


def _check_token(page: Page, token: Token) -> None:
    if token.kind is not TokenKind.PAGE:
        raise not_a_page_token()
    if token.page_id != page.page_id:
        raise table_error(10)


def _check_permissions(state: State, page: Page, token: Token) -> None:
    """Check the four permissions and the ANALYZE task; a missing `read_insights` is answered with no data instead."""
    scopes = state.scopes_of(token, page)
    for scope in ("pages_read_engagement", "pages_messaging", "pages_show_list"):
        if scope not in scopes:
            error = table_error(200)
            error.message = f"(#200) Requires {scope} permission to manage the object"
            raise error
    if "ANALYZE" not in page.tasks:
        raise table_error(1, 2853006)


def _may_read(state: State, page: Page, token: Token) -> bool:
    """Without `read_insights`, Advanced Access to somebody else's Page, or 100 followers there is nothing to see."""
    may_access = page.owned or state.settings.advanced_access
    return "read_insights" in state.scopes_of(token, page) and may_access and page.likes >= _MIN_LIKES


def _asked_metrics(state: State, page: Page, params: Mapping[str, str]) -> list[str]:
    metrics = list_parameter(params.get("metric"))
    if not metrics:
        raise table_error(3001, 1504028)
    if any(metric not in METRICS or state.retired.get(metric, page.page_id, default=False) for metric in metrics):
        raise invalid_parameter("The value must be a valid insights metric")
    return metrics


def _asked_periods(state: State, metrics: Sequence[str], params: Mapping[str, str]) -> Sequence[str]:
    """Return the periods to answer in.

    The sentence for an unknown one is recorded on this edge, the other on a sister's.
    """
    period, offered = params.get("period"), state.settings.offered_periods
    if not period:
        unasked = documentation.UNASKED_PERIODS if state.settings.style is Style.REAL else ("day",)
        return tuple(period for period in unasked if period in offered)
    if period not in documentation.PERIODS:
        raise invalid_parameter(f"For field 'insights': Param period must be one of {{{', '.join(offered)}}}")
    if period not in offered:
        raise invalid_parameter(f"The following periods ({period}) are incompatible with the metric ({metrics[0]})")
    return (period,)


def _asked_breakdowns(metrics: Sequence[str], params: Mapping[str, str]) -> list[str]:
    """Return the breakdowns to split by. Both sentences are recorded on sister edges."""
    breakdowns = list_parameter(params.get("breakdown"))
    for position, name in enumerate(breakdowns):
        if name not in documentation.BREAKDOWNS:
            known = ", ".join(documentation.BREAKDOWNS)
            raise invalid_parameter(f"breakdown[{position}] must be one of the following values: {known}")
    for metric in metrics:
        foreign = [name for name in breakdowns if name not in METRICS[metric].breakdowns]
        if foreign:
            raise invalid_parameter(f"Incompatible breakdowns ({', '.join(foreign)}) for metric ({metric})")
    return breakdowns


def _asked_fields(params: Mapping[str, str]) -> dict[str, str]:
    """Names in `fields`, and what each is called in the answer; none asked for means all."""
    asked = parse_fields(params.get("fields", ""))
    for field in asked:
        if field.name not in _ENTRY_FIELDS:
            raise invalid_parameter(f"Tried accessing nonexisting field ({field.name}) on node type (InsightsResult)")
    return {field.name: field.answer_name for field in asked}


def _chosen(entry: dict[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """Return the entry with the fields asked for; the id always comes along."""
    if not names:
        return entry
    return {names.get(name, name): value for name, value in entry.items() if name in names or name == "id"}


def _asked_range(state: State, page: Page, periods: Sequence[str], params: Mapping[str, str]) -> AskedRange:
    asked = resolve_range(params, now_seconds=state.clock.now(), history_starts=state.history_starts(page))
    if "total_over_range" in periods and not asked.named:
        raise invalid_parameter("period total_over_range needs since and until, or date_preset")
    return asked


def _rows(
    state: State,
    page: Page,
    metric: str,
    period: str,
    breakdowns: Sequence[str],
    spans: Sequence[Window],
    *,
    date_format: str | None,
) -> list[dict[str, Any]]:
    if metric in page.unreadable_metrics:
        return []
    first_day = state.metric_first_days.get(metric, page.page_id, default=None)
    if first_day is not None:
        spans = windows_since(first_day, spans)
    figures = measure(
        state.store,
        page_id=page.page_id,
        metric=metric,
        windows=spans,
        known_until=state.known_until(page),
        breakdowns=breakdowns,
        with_zero_buckets=state.settings.zero_buckets == "zero",
    )
    rows = (_row(state, page, metric, period, figure, date_format=date_format) for figure in figures)
    return [row for row in rows if row is not None]


def _last_end(state: State, page: Page) -> date:
    """Return the last day end that has a row: of days that are final, or, provisionally, of those that have begun."""
    if state.settings.unready is Unready.PROVISIONAL:
        return pacific_date(state.clock.now()) + ONE_DAY
    return pacific_date(state.known_until(page))


def _row(
    state: State, page: Page, metric: str, period: str, figure: Figure, *, date_format: str | None
) -> dict[str, Any] | None:
    value: Any = figure.value
    if metric == _RATIO and figure.is_empty and state.settings.empty_ratio == "absent":
        return None
    if metric == _EARNINGS:
        value = round(value, 2)
        if state.settings.earnings == "object":
            value = {"currency": page.currency, "microAmount": round(value * 1_000_000)}
    if state.settings.style is Style.REAL:
        end_time = php_date(figure.end_time, date_format) if date_format else iso_utc(figure.end_time)
        return {"value": value, "end_time": end_time, **figure.breakdowns}
    if period != "total_over_range" and not isinstance(value, dict):
        value = str(value)
    return {"value": value, "end_time": str(figure.end_time), **figure.breakdowns}


def _entry(
    state: State, page: Page, metric: str, period: str, rows: list[dict[str, Any]], *, describe: bool
) -> dict[str, Any]:
    entry: dict[str, Any] = {"name": metric, "period": period, "values": rows}
    known = METRICS[metric]
    if state.settings.style is Style.REAL:
        entry |= {
            "title": known.title,
            "description": known.sentence,
            "id": f"{page.page_id}/insights/{metric}/{period}",
        }
    if describe:
        entry["description_from_api_doc"] = known.sentence
    return entry


def _paging(
    state: State,
    page: Page,
    token: Token,
    params: Mapping[str, str],
    call: Call,
    asked: AskedRange,
    version: str,
) -> dict[str, str]:
    """Links to the neighbouring ranges, token and all; they slide for ever, but never into the future."""
    kept = {name: value for name, value in params.items() if name not in _LINK_LEAVES_OUT}
    base = f"{call.public_url}/{version}/{page.page_id}/insights?"

    def link(neighbour: AskedRange) -> str:
        query = {"access_token": token.value, **kept, "since": neighbour.since, "until": neighbour.until}
        return base + urlencode(query)

    links = {"previous": link(asked.shifted(-1))}
    following = asked.shifted(1)
    if following.since <= state.clock.now():
        links["next"] = link(following)
    return links
