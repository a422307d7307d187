"""One Graph call, from token to reply: authorisation, limits, faults, routing, headers, journal.

Everything a call goes through whether it comes by itself or as a part of a batch. `pretty`, `debug`, `metadata` and
`If-None-Match` are ignored without a word, since 27 October 2026 for all versions (changelog of v26.0).
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from airflow_provider_msginsights.emulator.call import Call, Reply, list_parameter
from airflow_provider_msginsights.emulator.data.pages import Page
from airflow_provider_msginsights.emulator.error_table import table_error
from airflow_provider_msginsights.emulator.errors import (
    GraphError,
    invalid_parameter,
    not_shared,
    unknown_object,
    unknown_path,
)
from airflow_provider_msginsights.emulator.graph.field_expansion import parse_fields
from airflow_provider_msginsights.emulator.graph.insights import read_insights
from airflow_provider_msginsights.emulator.graph.legacy_features import callback_of, ids_of, refuse_unusable
from airflow_provider_msginsights.emulator.graph.nodes import read_accounts, read_page, read_permissions, read_person
from airflow_provider_msginsights.emulator.graph.oauth import debug_token, exchange_token, revoke_token
from airflow_provider_msginsights.emulator.graph.versions import split_version
from airflow_provider_msginsights.emulator.pacific_days import pacific_date
from airflow_provider_msginsights.emulator.state.faults import Fault, FaultKind
from airflow_provider_msginsights.emulator.state.journal import JournalEntry
from airflow_provider_msginsights.emulator.state.state import State
from airflow_provider_msginsights.emulator.state.tokens import Token, TokenKind, check_proof

_READS = frozenset({"GET", "HEAD"})


@dataclass(slots=True)
class _Inquiry:
    """What is found out about a call while it is answered."""

    call: Call
    version: str
    components: list[str]
    page: Page | None = None
    token: Token | None = None
    fault: Fault | None = None
    error: GraphError | None = None


class Graph:
    """Answers Graph calls out of the emulator's state. `answer` never raises."""

    def __init__(self, state: State) -> None:
        self._state = state

    def answer(self, call: Call) -> Reply:
        """Return the reply to one call, journal and limits included."""
        inquiry = _Inquiry(call, self._state.settings.default_version, [])
        callback = None
        try:
            callback = callback_of(call)
            reply = self._answer(inquiry)
        except GraphError as error:
            inquiry.error = error
            reply = self.refusal(error)
        reply.callback = callback
        reply.headers |= self._headers(inquiry)
        if inquiry.fault is not None:
            reply = inquiry.fault.touch(reply)
        self._note(inquiry, reply)
        return reply

    def refuse(self, call: Call, error: GraphError, *, version: str, fault: Fault | None = None) -> Reply:
        """Return the error as a reply to a call that is refused before it is looked into; noted in the journal."""
        reply = self.refusal(error)
        self._note(_Inquiry(call, version, [], fault=fault, error=error), reply)
        return reply

    def refusal(self, error: GraphError) -> Reply:
        """Return the error as a reply."""
        return Reply(
            status=error.http_status,
            payload=error.envelope(self._state.new_trace_id()),
            headers={"WWW-Authenticate": error.www_authenticate(), **error.headers},
        )

    def _answer(self, inquiry: _Inquiry) -> Reply:
        state, call = self._state, inquiry.call
        inquiry.version, inquiry.components = split_version(
            call.path, default_version=inquiry.version, today=pacific_date(state.clock.now())
        )
        token_value = call.params.get("access_token")
        inquiry.token = state.tokens.get(token_value) if token_value else None
        inquiry.page = self._page_of(inquiry)
        replacement = self._strike(inquiry)
        if replacement is not None:
            return replacement
        refuse_unusable(call, inquiry.components, state.settings.legacy_features)
        if inquiry.components == ["oauth", "access_token"]:
            return Reply(payload=exchange_token(state, call))
        if inquiry.components == ["oauth", "revoke"]:
            return Reply(payload=revoke_token(state, call))
        token = self._authorised(inquiry)
        ids = ids_of(call, inquiry.components) if call.method in _READS else []
        if ids:
            return Reply(payload={object_id: self._read_of_several(inquiry, token, object_id) for object_id in ids})
        state.limits.count(inquiry.page, token, state.clock.now())
        return Reply(payload=self._route(inquiry, token))

    def _read_of_several(self, inquiry: _Inquiry, token: Token, object_id: str) -> Any:
        """One of the objects that `ids` names: it counts as a call, and its refusal is that of the whole call."""
        call, components = inquiry.call, [object_id, *inquiry.components]
        single = replace(
            call,
            path="/" + "/".join((inquiry.version, *components)),
            params={name: value for name, value in call.params.items() if name != "ids"},
        )
        page = self._state.pages.get(object_id)
        self._state.limits.count(page, token, self._state.clock.now())
        return self._route(_Inquiry(single, inquiry.version, components, page=page, token=token), token)

    def _strike(self, inquiry: _Inquiry) -> Reply | None:
        call = inquiry.call
        inquiry.fault = fault = self._state.faults.strike(
            call,
            on="call",
            page_id=inquiry.page.page_id if inquiry.page else None,
            metrics=_metrics_in(call, inquiry.components),
        )
        if fault is None:
            return None
        if fault.kind is FaultKind.ERROR:
            raise fault.as_error()
        if fault.kind is FaultKind.NULL_PART:
            if call.part_number is None:
                raise table_error(960)
            return Reply(is_null_part=True)
        return fault.replacement()

    def _page_of(self, inquiry: _Inquiry) -> Page | None:
        if not inquiry.components:
            return None
        name = inquiry.components[0]
        if name == "me" and inquiry.token is not None and inquiry.token.page_id:
            name = inquiry.token.page_id
        return self._state.pages.get(name)

    def _authorised(self, inquiry: _Inquiry) -> Token:
        state, call = self._state, inquiry.call
        value = call.params.get("access_token")
        if not value:
            if inquiry.components[:1] == ["me"]:
                raise table_error(2500)
            raise GraphError(code=104, message="An access token is required to request this resource.")
        now = state.clock.now()
        inquiry.token = token = state.usable_token(value)
        check_proof(call.params, token, required=state.settings.require_appsecret_proof, now_seconds=now)
        return token

    def _route(self, inquiry: _Inquiry, token: Token) -> Any:
        call = inquiry.call
        if not inquiry.components:
            raise GraphError(code=100, message="(#100) Unsupported get request without a path.")
        if call.method not in _READS:
            raise unknown_object(inquiry.components[0], call.method.lower())
        if inquiry.components == ["debug_token"]:
            return debug_token(self._state, token, call)
        node, *edges = inquiry.components
        if inquiry.page is not None:
            return self._read_page(inquiry, inquiry.page, token, edges)
        if node in {"me", token.user_id}:
            return self._read_person(inquiry, token, edges)
        if len(edges) > 1:
            raise unknown_path(call.path)
        raise unknown_object(node)

    def _read_page(self, inquiry: _Inquiry, page: Page, token: Token, edges: list[str]) -> dict[str, Any]:
        call, version = inquiry.call, inquiry.version
        if not self._state.is_shared(page, token):
            raise not_shared()
        if not edges:
            return read_page(self._state, page, token, call, version=version)
        if edges[0] != "insights":
            raise invalid_parameter(f"Tried accessing nonexisting field ({edges[0]}) on node type (Page)")
        _, *metric_in_path = edges
        if len(metric_in_path) > 1:
            raise unknown_path(call.path)
        params = dict(call.params)
        if metric_in_path:
            params["metric"] = metric_in_path[0]
        return read_insights(self._state, page, token, params, call, version=version)

    def _read_person(self, inquiry: _Inquiry, token: Token, edges: list[str]) -> dict[str, Any]:
        call = inquiry.call
        if token.kind is TokenKind.APP:
            raise table_error(2500)
        if edges == ["accounts"]:
            return read_accounts(self._state, token, call, version=inquiry.version)
        if edges == ["permissions"]:
            return read_permissions(self._state, token)
        if edges:
            raise invalid_parameter(f"Tried accessing nonexisting field ({edges[0]}) on node type (User)")
        return read_person(token, call)

    def _headers(self, inquiry: _Inquiry) -> dict[str, str]:
        state = self._state
        return {
            "facebook-api-version": inquiry.version,
            **state.limits.headers(
                inquiry.page, state.clock.now(), from_percent=state.settings.usage_headers_from_percent
            ),
        }

    def _note(self, inquiry: _Inquiry, reply: Reply) -> None:
        call, error = inquiry.call, inquiry.error
        self._state.journal.note(
            JournalEntry(
                at=datetime.fromtimestamp(self._state.clock.now(), UTC).isoformat(),
                method=call.method,
                path="/" + "/".join(inquiry.components),
                version=inquiry.version,
                params=call.redacted_params(),
                page_id=inquiry.page.page_id if inquiry.page else None,
                token=inquiry.token.label if inquiry.token else None,
                token_place=str(call.token_place),
                batch_token_place=str(call.batch_token_place) if call.batch_token_place else None,
                secrets_in_url=list(call.secrets_in_url),
                status=reply.status,
                code=error.code if error else None,
                subcode=error.subcode if error else None,
                fault=str(inquiry.fault.kind) if inquiry.fault else None,
                batch_number=call.batch_number,
                part_number=call.part_number,
                user_agent=call.headers.get("user-agent"),
            )
        )


def _metrics_in(call: Call, components: list[str]) -> list[str]:
    metrics = list_parameter(call.params.get("metric"))
    if components[1:2] == ["insights"]:
        metrics.extend(components[2:])
    fields = call.params.get("fields", "")
    if "insights" in fields:
        try:
            asked = parse_fields(fields)
        except GraphError:
            return metrics
        metrics.extend(metric for field in asked for metric in list_parameter(field.modifiers.get("metric")))
    return metrics
