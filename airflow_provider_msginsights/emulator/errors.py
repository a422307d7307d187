"""The error answer of the Graph API, and the exception that carries one through the emulator.

Graph API guide "Error handling": the envelope, its optional keys, and the header on failures. HTTP statuses are
documented for none of the codes; those used here are what public recordings show.
"""

from dataclasses import dataclass, field
from typing import Any

OAUTH = "OAuthException"
GRAPH_METHOD = "GraphMethodException"
BATCH = "GraphBatchException"

_TOKEN_CODES = frozenset({102, 104, 190})
_PERMISSION_CODES = frozenset({3, 10, *range(200, 300)})


@dataclass(slots=True, kw_only=True)
class GraphError(Exception):
    """One error answer; raised anywhere while a call is answered, caught in one place.

    `kind` is the envelope's `type`; None leaves the key out, as some code-1 answers do.
    """

    code: int
    message: str
    subcode: int | None = None
    kind: str | None = OAUTH
    http_status: int = 400
    is_transient: bool | None = None
    user_title: str | None = None
    user_message: str | None = None
    error_data: dict[str, Any] | str | None = None
    headers: dict[str, str] = field(default_factory=dict)

    def envelope(self, fbtrace_id: str) -> dict[str, Any]:
        """`{"error": {...}}` with the keys that apply."""
        error: dict[str, Any] = {"message": self.message}
        optional = (
            ("type", self.kind),
            ("code", self.code),
            ("error_subcode", self.subcode),
            ("is_transient", self.is_transient),
            ("error_user_title", self.user_title),
            ("error_user_msg", self.user_message),
            ("error_data", self.error_data),
            ("fbtrace_id", fbtrace_id if self.kind else None),
        )
        error.update({key: value for key, value in optional if value is not None})
        return {"error": error}

    def www_authenticate(self) -> str:
        """Return the value of the `WWW-Authenticate` header that goes with a failure."""
        if self.code in _TOKEN_CODES:
            reason = "invalid_token"
        elif self.code in _PERMISSION_CODES:
            reason = "access_denied"
        else:
            reason = "invalid_request"
        message = self.message.encode("ascii", "replace").decode().replace('"', "'")
        printable = "".join(letter if letter.isprintable() else " " for letter in message)
        return f'OAuth "Facebook Platform" "{reason}" "{printable}"'


def invalid_parameter(message: str) -> GraphError:
    """Code 100 with its usual prefix."""
    return GraphError(code=100, message=f"(#100) {message}")


def unknown_object(object_id: str, verb: str = "get") -> GraphError:
    """Code 100, subcode 33: the object does not exist or the token may not see it."""
    return GraphError(
        code=100,
        subcode=33,
        kind=GRAPH_METHOD,
        message=f"Unsupported {verb} request. Object with ID '{object_id}' does not exist, cannot be loaded due to "
        "missing permissions, or does not support this operation. Please read the Graph API documentation at "
        "https://developers.facebook.com/docs/graph-api",
    )


def not_shared() -> GraphError:
    """Code 100 for a Page that the token's person does not have; the sentence is recorded."""
    return invalid_parameter(
        "Object does not exist, cannot be loaded due to missing permission or reviewable feature, or does not support "
        "this operation. This endpoint requires the 'pages_read_engagement' permission or the 'Page Public Content "
        "Access' feature or the 'Page Public Metadata Access' feature."
    )


def unknown_path(path: str) -> GraphError:
    """Code 2500: a version or a path that the API does not have."""
    return GraphError(code=2500, message=f"Unknown path components: {path}")


def not_a_page_token() -> GraphError:
    """Code 190, and yet the token is good: it is merely of the wrong kind."""
    return GraphError(
        code=190,
        subcode=2069032,
        message="(#190) This method must be called with a Page Access Token",
    )
