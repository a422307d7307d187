"""Every error a fault can ask for by its code: text, subcode, HTTP status, transience.

Graph API guides "Error handling" and "Rate limiting", the insights edge reference and the "Pages API error codes"
page name the codes; texts and HTTP statuses are those of public recordings, where there are any.
"""

from typing import Final

from airflow_provider_msginsights.emulator.errors import GRAPH_METHOD, OAUTH, GraphError

_UNKNOWN = "An unknown error has occurred."
_EXPIRED = "Error validating access token: "
_BUSINESS_LIMIT = (
    "(#{code}) There have been too many calls {whom}. Wait a bit and try again. For more info, please refer to "
)
_LIMIT_DOCS = "https://developers.facebook.com/docs/graph-api/overview/rate-limiting."

# (code, subcode): (message, HTTP status, is_transient)
_TABLE: Final[dict[tuple[int, int | None], tuple[str, int, bool | None]]] = {
    (1, None): (_UNKNOWN, 500, True),
    (1, 99): ("Please reduce the amount of data you're asking for, then retry your request", 500, True),
    (1, 2853006): ("(#1) The person does not have the Page task that this needs", 403, False),
    (2, None): ("An unexpected error has occurred. Please retry your request later.", 500, True),
    (3, None): ("(#3) Application does not have the capability to make this API call.", 400, None),
    (4, None): ("(#4) Application request limit reached", 400, True),
    (4, 1504022): ("(#4) Application request limit reached", 400, True),
    (4, 1504039): ("(#4) Application request limit reached", 400, True),
    (10, None): ("(#10) Application does not have permission for this action", 400, None),
    (17, None): ("(#17) User request limit reached", 400, True),
    (17, 2446079): ("(#17) User request limit reached", 400, True),
    (32, None): ("(#32) Page request limit reached", 400, True),
    (100, None): ("(#100) Invalid parameter", 400, None),
    (100, 33): ("Unsupported get request.", 400, None),
    (100, 1504016): ("Invalid parameter", 400, False),
    (100, 1504018): ("Invalid parameter", 400, False),
    (102, None): ("(#102) Session key invalid or no longer valid", 400, None),
    (104, None): ("Incorrect signature", 400, None),
    (190, None): ("Invalid OAuth access token - Cannot parse access token", 400, None),
    (190, 458): (_EXPIRED + "The user has not authorized application 1.", 400, None),
    (190, 459): (_EXPIRED + "The session has been invalidated: the user is in a checkpoint.", 400, None),
    (190, 460): (
        _EXPIRED + "The session has been invalidated because the user changed their password or Facebook has "
        "changed the session for security reasons.",
        400,
        None,
    ),
    (190, 463): (_EXPIRED + "Session has expired.", 400, None),
    (190, 464): (
        _EXPIRED + "Sessions for the user are not allowed because the user is not a confirmed user.",
        400,
        None,
    ),
    (190, 467): (_EXPIRED + "This session is invalid.", 400, None),
    (190, 492): (_EXPIRED + "The user must be an administrator, editor, or moderator of the Page.", 400, None),
    (190, 2069032): ("(#190) This method must be called with a Page Access Token", 400, None),
    (200, None): ("(#200) Permissions error", 403, None),
    (200, 2069030): ("(#200) This endpoint is not supported.", 403, None),
    (200, 2069031): ("(#200) This field is not supported.", 403, None),
    (200, 2069033): ("(#200) This feature is not supported.", 403, None),
    (341, None): ("(#341) Feed action request limit reached", 400, True),
    (368, None): ("(#368) The action attempted has been deemed abusive or is otherwise disallowed", 400, True),
    (506, None): ("(#506) Duplicate status message", 400, None),
    (613, None): ("(#613) Calls to this api have exceeded the rate limit.", 400, True),
    (613, 1996): ("(#613) Calls to this api have exceeded the rate limit.", 400, True),
    (803, None): ("(#803) Some of the aliases you requested do not exist", 404, None),
    (960, None): ("(#960) Request aborted. The batch timed out.", 400, True),
    (2500, None): ("An active access token must be used to query information about the current user.", 400, None),
    (2635, None): (
        "(#2635) You are calling a deprecated version of the Ads API. Please update to the latest version: v26.0.",
        400,
        None,
    ),
    (3001, None): ("(#3001) Invalid query", 400, None),
    (3001, 1504028): (
        "No metric was specified to be fetched. Please specify one or more metrics to be fetched and try again.",
        400,
        None,
    ),
    (2874008, None): ("(#2874008) Insights need a Page with at least 100 followers.", 400, None),
}
_BUSINESS: Final = {
    80000: "from this ad-account",
    80001: "to this Page account",
    80002: "to this Instagram account",
    80003: "to this ad-account's custom audience",
    80004: "to this ad-account",
    80005: "to the leads of this Page account",
    80006: "to this Messenger account",
    80008: "to this WhatsApp Business account",
    80009: "to this catalog",
    80014: "to this catalog batch",
}


def known_errors() -> tuple[tuple[int, int | None], ...]:
    """Every (code, subcode) that has a text of its own."""
    return (*_TABLE, *((code, None) for code in _BUSINESS))


def table_error(code: int, subcode: int | None = None) -> GraphError:
    """Return the error of the table; a subcode without a text of its own takes its code's text."""
    if code in _BUSINESS:
        message = _BUSINESS_LIMIT.format(code=code, whom=_BUSINESS[code]) + _LIMIT_DOCS
        return GraphError(code=code, subcode=subcode, message=message, is_transient=True)
    fallback = _TABLE.get((code, None), (f"(#{code}) {_UNKNOWN}", 400, None))
    message, http_status, is_transient = _TABLE.get((code, subcode), fallback)
    kind = GRAPH_METHOD if (code, subcode) == (100, 33) else OAUTH
    return GraphError(
        code=code, subcode=subcode, message=message, http_status=http_status, is_transient=is_transient, kind=kind
    )
