"""What the errors reference says of Meta's codes, beside what the error table says: what happened, what to do.

Ids without a text of their own say what the table says.
"""

from __future__ import annotations

_PERSON = "That person must act, or use another person's token."
_SMALLER = "If it stays, ask for fewer metrics or days."
_WAIT = "Wait; ask less often: `msginsights plan` counts the calls."
_SPREAD = "Fewer Pages at a time, a lower `concurrency`, spread schedules."
_LOG_IN = "`msginsights token create --login`."
_PROOF = "Set `app_id` and `app_secret` in the connection's extra to those of the token's app."
_LEAVE_OUT = "Leave the Page out."

CODES = {
    "MSGI-190-463": "A Page token made from a long-lived user token does not expire by itself.",
    **dict.fromkeys(("MSGI-190", "MSGI-190-467", "MSGI-102"), "Copy it whole."),
    **dict.fromkeys(("MSGI-190-458", "MSGI-190-459", "MSGI-190-464", "MSGI-190-492"), _PERSON),
    "MSGI-190-2069032": "Give the token's person the ANALYZE task, and the token `pages_show_list`.",
    **dict.fromkeys(("MSGI-100-36007", "MSGI-100-36008", "MSGI-100-36009", "MSGI-100-login-code"), _LOG_IN),
    **dict.fromkeys(("MSGI-104", "MSGI-100-proof"), _PROOF),
    **dict.fromkeys(
        ("MSGI-10", "MSGI-100-permission"), "`msginsights token create --handover` says who must give what."
    ),
    "MSGI-1-2853006": "Or use another token.",
    "MSGI-3": "App Review says what it needs.",
    **dict.fromkeys(
        ("MSGI-100", "MSGI-100-metric"),
        'Take the metric out, or use `"stable"` or `"all"`, which report such metrics and go on.',
    ),
    **dict.fromkeys(("MSGI-1-99", "MSGI-100-1504018", "MSGI-too-much-data"), _SMALLER),
    **dict.fromkeys(("MSGI-3001", "MSGI-3001-1504028", "MSGI-506"), "Report it."),
    **dict.fromkeys(("MSGI-200-2069030", "MSGI-200-2069031", "MSGI-200-2069033", "MSGI-2874008"), _LEAVE_OUT),
    "MSGI-200-blocked": "No permission helps.",
    **dict.fromkeys(("MSGI-80001", "MSGI-80006", "MSGI-32"), _WAIT),
    **dict.fromkeys(("MSGI-4", "MSGI-17", "MSGI-341", "MSGI-613"), _SPREAD),
    "MSGI-368": "See the app's dashboard and the person's support inbox.",
    **dict.fromkeys(("MSGI-1", "MSGI-2", "MSGI-960"), "If it stays, look at a proxy in between."),
}
"""What to do about what the API says, beyond the advice in the message."""

_CODE_OF_LOGIN = "A login's code was used twice, too late, or with another redirect address."
_WRONG_APP = "The app's id or secret is wrong, or of another app."
_NO_INSIGHTS = "This kind of Page has no insights, or not these."
_APP_OR_PERSON = "The app's or the person's calls are used up."
_OF_THE_PAGE = "The Page's calls are used up."
_HEAVY = "The request was too heavy for the API."
_MISREAD = "The API misread a request of this package."
_PERMISSION = "A permission is missing, which the message names where Meta does."
_NOT_A_PAGE = "The id is that of a video, a person or an Instagram account."

HAPPENED = {
    "MSGI-1": "Meta is down, or the Page id does not exist.",
    "MSGI-1-99": _HEAVY,
    "MSGI-1-2853006": "The token's person has no role on the Page, or not the ANALYZE task.",
    "MSGI-2": "Meta is down.",
    "MSGI-3": "The app lacks a capability.",
    "MSGI-4": "The app's calls are used up.",
    "MSGI-10": _PERMISSION,
    "MSGI-17": "The calls of the token's person are used up.",
    "MSGI-32": "The Page's calls are used up, as a user token has them.",
    "MSGI-100": "Meta retired a metric, does not offer it, or does not take another parameter.",
    "MSGI-100-33": "The Page id is wrong, or the token's person cannot see the Page.",
    "MSGI-100-1504016": "The range is wider than the API takes.",
    "MSGI-100-1504018": _HEAVY,
    **dict.fromkeys(("MSGI-100-36007", "MSGI-100-36008", "MSGI-100-36009", "MSGI-100-login-code"), _CODE_OF_LOGIN),
    "MSGI-101": _WRONG_APP,
    "MSGI-102": "The token's session is over.",
    "MSGI-104": "No token arrived, or the proof of the app's secret does not fit.",
    "MSGI-190": "The token is not valid: revoked, malformed, or of another app.",
    "MSGI-190-458": "The token's person removed the app.",
    "MSGI-190-459": "The token's person must log in at facebook.com and pass a check.",
    "MSGI-190-460": "The password of the token's person was changed.",
    "MSGI-190-463": "The token has expired.",
    "MSGI-190-464": "The token's person must confirm the account at facebook.com.",
    "MSGI-190-467": "The token was revoked.",
    "MSGI-190-492": "The person behind the Page token lost the role on the Page.",
    "MSGI-190-2069032": "The API wants the Page's own token, and none could be had.",
    "MSGI-190-app-deleted": "The app is gone, and with it every token it gave out.",
    "MSGI-191": "The redirect address is not one of the app's.",
    **dict.fromkeys(("MSGI-200-2069030", "MSGI-200-2069031", "MSGI-200-2069033"), _NO_INSIGHTS),
    "MSGI-200-app-id": "The app that the token was made with is not valid.",
    "MSGI-200-blocked": "Meta blocks the app or the account behind the token.",
    **dict.fromkeys(("MSGI-341", "MSGI-613"), _APP_OR_PERSON),
    "MSGI-368": "Meta blocked the app or the person for a breach of policy.",
    **dict.fromkeys(("MSGI-506", "MSGI-3001", "MSGI-3001-1504028"), _MISREAD),
    "MSGI-803": "The Page id or alias is unknown.",
    "MSGI-960": "The API did not finish a batch in time.",
    "MSGI-2500": "The API could not parse the address: the version or the host is wrong.",
    "MSGI-2500-token": "The token is an app's own: it belongs to no person and no Page.",
    "MSGI-2635": "The connection's version of the API has ended for the app.",
    **dict.fromkeys(("MSGI-80001", "MSGI-80006"), _OF_THE_PAGE),
    "MSGI-2874008": "The Page has fewer than 100 followers, and so no insights.",
    "MSGI-too-much-data": _HEAVY,
    "MSGI-range-too-wide": "The range is wider than the API takes.",
    "MSGI-client-secret": _WRONG_APP,
    "MSGI-100-proof": "The app demands a proof of its secret, which is missing or wrong.",
    "MSGI-100-metric": "Meta retired a metric or does not offer it, and does not say which.",
    "MSGI-100-permission": _PERMISSION,
    "MSGI-100-not-a-page": _NOT_A_PAGE,
    "MSGI-100-period": "The API does not offer the period for the metric.",
}
"""What happened, in the words of somebody who reads the log."""
