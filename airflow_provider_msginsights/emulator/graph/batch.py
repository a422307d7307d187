"""Batch calls: up to 50 parts in one POST, each with its own token, headers and status.

Graph API guide "Batch requests".
"""

import json
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from airflow_provider_msginsights.emulator.call import Call, Mishap, Reply, TokenPlace, flag_parameter, well_formed
from airflow_provider_msginsights.emulator.errors import BATCH, GraphError, invalid_parameter
from airflow_provider_msginsights.emulator.graph.dispatch import Graph
from airflow_provider_msginsights.emulator.graph.versions import names_version, split_version
from airflow_provider_msginsights.emulator.pacific_days import pacific_date
from airflow_provider_msginsights.emulator.state.faults import FaultKind
from airflow_provider_msginsights.emulator.state.state import State
from airflow_provider_msginsights.emulator.state.tokens import check_proof

_MAX_PARTS = 50
_REFERENCE = re.compile(r"\{result=([^:{}]+):(\$[^{}]*)\}")
_STEP = re.compile(r"\.(\w+|\*)|\[(\d+|\*)\]")
_PROOF_NAMES = ("appsecret_proof", "appsecret_time")


def is_batch(call: Call) -> bool:
    """Return True for a POST of a batch: to the root or to `me`, with or without a version."""
    components = [component for component in call.path.split("/") if component]
    node = components[1:] if names_version(call.path) else components
    return call.method == "POST" and "batch" in call.params and node in ([], ["me"])


def answer_batch(state: State, graph: Graph, call: Call) -> Reply:
    """Return the reply to the whole POST: an array with one answer for each part, in the order of the parts.

    A batch without a good token of its own fails as a whole, with a single error.
    """
    number = state.journal.next_batch()
    version = state.settings.default_version
    fault = state.faults.strike(call, on="batch", page_id=None, metrics=())
    try:
        if fault is not None and fault.kind is FaultKind.ERROR:
            raise fault.as_error()
        reply = fault.replacement() if fault is not None else None
        if reply is None:
            version, _ = split_version(call.path, default_version=version, today=pacific_date(state.clock.now()))
            _check_token(state, call)
            reply = _Batch(state, graph, call, number=number, version=version).answer()
    except GraphError as error:
        reply = graph.refuse(call, error, version=version, fault=fault)
    reply.headers.setdefault("facebook-api-version", version)
    return fault.touch(reply) if fault is not None else reply


def _check_token(state: State, call: Call) -> None:
    value = call.params.get("access_token")
    if not value:
        raise GraphError(code=104, message="An access token is required to request this resource.")
    now = state.clock.now()
    token = state.usable_token(value)
    check_proof(call.params, token, required=state.settings.require_appsecret_proof, now_seconds=now)


class _Batch:
    """The parts of one POST; a part may refer to the answers of named parts before it."""

    def __init__(self, state: State, graph: Graph, call: Call, *, number: int, version: str) -> None:
        self._state = state
        self._graph = graph
        self._call = call
        self._number = number
        self._version = version
        self._results: dict[str, Any] = {}
        self._parts = _parse(call.params.get("batch", ""))

    def answer(self) -> Reply:
        include_headers = flag_parameter(self._call.params.get("include_headers"), default=True)
        depended = {
            name for part in self._parts for name in (*_depends_on(part), *(match[1] for match in _references(part)))
        }
        whole = Reply(payload=[])
        for position, part in enumerate(self._parts):
            reply = self._answer_part(position, part)
            whole.delay_seconds = max(whole.delay_seconds, reply.delay_seconds)
            if reply.mishap is not Mishap.NONE:
                whole.mishap = reply.mishap
            name = part.get("name")
            silent = flag_parameter(_text(part.get("omit_response_on_success")), default=True)
            omitted = isinstance(name, str) and name in depended and silent and reply.status == HTTPStatus.OK
            if reply.is_null_part or omitted:
                whole.payload.append(None)
                continue
            whole.payload.append(_written(reply, include_headers=include_headers))
        return whole

    def _answer_part(self, position: int, part: Mapping[str, Any]) -> Reply:
        for cause in _depends_on(part):
            if cause not in self._results:
                return self._graph.refusal(
                    invalid_parameter(f"Batch request depends on '{cause}', which failed or does not come before it")
                )
        try:
            call = self._part_call(position, part)
        except GraphError as error:
            return self._graph.refusal(error)
        reply = self._graph.answer(call)
        name = part.get("name")
        if isinstance(name, str) and reply.status == HTTPStatus.OK and not reply.is_null_part:
            self._results[name] = reply.payload
        return reply

    def _part_call(self, position: int, part: Mapping[str, Any]) -> Call:
        relative_url = part.get("relative_url")
        method = str(part.get("method", "GET")).upper()
        if not isinstance(relative_url, str):
            raise invalid_parameter("Each batch request needs a relative_url")
        url = urlsplit("/" + self._resolved(well_formed(relative_url)).lstrip("/"))
        params = dict(parse_qsl(url.query, keep_blank_values=True))
        params.update(parse_qsl(self._resolved(_text(part.get("body")) or ""), keep_blank_values=True))
        path = unquote(url.path)
        place = TokenPlace.PART
        if "access_token" not in params:
            place = TokenPlace.BATCH
            params["access_token"] = self._call.params["access_token"]
            for name in _PROOF_NAMES:
                if name in self._call.params:
                    params.setdefault(name, self._call.params[name])
        return Call(
            method=method,
            path=path if names_version(path) else f"/{self._version}{path}",
            params=params,
            headers={**self._call.headers, **_part_headers(part)},
            token_place=place,
            public_url=self._call.public_url,
            secrets_in_url=self._call.secrets_in_url,
            batch_token_place=self._call.token_place,
            batch_number=self._number,
            part_number=position,
        )

    def _resolved(self, text: str) -> str:
        """Return the text with `{result=name:$.path}` replaced by values of earlier answers, joined with commas."""

        def value(match: re.Match[str]) -> str:
            if match[1] not in self._results:
                raise invalid_parameter(
                    f"Batch request refers to '{match[1]}', which failed or does not come before it"
                )
            return ",".join(str(found) for found in _select(self._results[match[1]], match[2]))

        return _REFERENCE.sub(value, text)


def _parse(text: str) -> list[Mapping[str, Any]]:
    try:
        parts = json.loads(text)
    except (ValueError, RecursionError):
        raise invalid_parameter("param batch must be an array.") from None
    if not isinstance(parts, list) or not all(isinstance(part, dict) for part in parts):
        raise invalid_parameter("param batch must be an array.")
    if not parts:
        raise invalid_parameter("param batch must be non-empty.")
    if len(parts) > _MAX_PARTS:
        raise GraphError(
            code=-3,
            kind=BATCH,
            message=f"Too many requests in batch message. Maximum batch size is {_MAX_PARTS}",
        )
    return parts


def _depends_on(part: Mapping[str, Any]) -> list[str]:
    name = part.get("depends_on")
    return [name] if isinstance(name, str) and name else []


def _references(part: Mapping[str, Any]) -> list[re.Match[str]]:
    return [match for key in ("relative_url", "body") for match in _REFERENCE.finditer(_text(part.get(key)) or "")]


def _select(value: Any, path: str) -> list[Any]:
    """Return the values that a path such as `$.data.*.id` or `$.data[0].id` leads to."""
    found = [value]
    for match in _STEP.finditer(path):
        step = match[1] or match[2]
        following: list[Any] = []
        for item in found:
            if isinstance(item, list):
                following.extend(item if step == "*" else item[int(step) : int(step) + 1] if step.isdecimal() else [])
            elif isinstance(item, dict):
                following.extend(item.values() if step == "*" else [item[step]] if step in item else [])
        found = following
    return found


def _part_headers(part: Mapping[str, Any]) -> dict[str, str]:
    headers = part.get("headers")
    if not isinstance(headers, list):
        return {}
    return {
        str(header["name"]).lower(): str(header["value"])
        for header in headers
        if isinstance(header, dict) and "name" in header and "value" in header
    }


def _written(reply: Reply, *, include_headers: bool) -> dict[str, Any]:
    written: dict[str, Any] = {"code": reply.status}
    if include_headers:
        headers = {"Content-Type": reply.content_type or "application/json; charset=UTF-8", **reply.headers}
        written["headers"] = [{"name": name, "value": value} for name, value in headers.items()]
    written["body"] = reply.body().decode("utf-8", "replace")
    return written


def _text(value: Any) -> str | None:
    return None if value is None else well_formed(str(value))
