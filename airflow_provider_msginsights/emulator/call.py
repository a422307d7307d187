"""One Graph call and its reply, apart from how they travel: by themselves, or as parts of a batch."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

SECRET_PARAMETERS: Final = frozenset(
    {"access_token", "appsecret_proof", "client_secret", "code", "fb_exchange_token", "input_token", "revoke_token"}
)
REDACTED: Final = "<redacted>"


class TokenPlace(StrEnum):
    """Where a call carried its token."""

    NOWHERE = "nowhere"
    QUERY = "query"
    BODY = "body"
    HEADER = "header"
    PART = "part"
    """In the `relative_url` or the `body` of a batch part."""
    BATCH = "batch"
    """Nowhere in the part: the token of the batch around it counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call: what was asked, whichever way it came.

    `path` starts with a slash and may carry a version. `params` are those of the query and of a form body, the last
    of a repeated key. `headers` have lower-case names. `public_url` is what links in the answer start with.
    `secrets_in_url` names the secret parameters that the URL of the HTTP request had; for a batch part, that of the
    batch, whose own token stood in `batch_token_place`. `overrides_method` is True for a POST that names another
    method in its parameters.
    """

    method: str
    path: str
    params: Mapping[str, str]
    headers: Mapping[str, str] = field(default_factory=dict)
    token_place: TokenPlace = TokenPlace.NOWHERE
    public_url: str = ""
    secrets_in_url: tuple[str, ...] = ()
    batch_token_place: TokenPlace | None = None
    batch_number: int | None = None
    part_number: int | None = None
    overrides_method: bool = False

    def redacted_params(self) -> dict[str, str]:
        """Return the parameters with every secret's value taken out; a batch holds the tokens of its parts."""
        hidden = SECRET_PARAMETERS | {"batch"}
        return {name: REDACTED if name in hidden else value for name, value in self.params.items()}


class Mishap(StrEnum):
    """What happens to a reply on its way out."""

    NONE = "none"
    RESET = "reset"
    HANG = "hang"
    CUT = "cut"
    SLOW = "slow"


@dataclass(slots=True, kw_only=True)
class Reply:
    """The answer to one call. `payload` is JSON unless `raw_body` stands in for it; `callback` makes it JSONP."""

    status: int = 200
    payload: Any = None
    raw_body: bytes | None = None
    content_type: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    mishap: Mishap = Mishap.NONE
    delay_seconds: float = 0.0
    is_null_part: bool = False
    callback: str | None = None

    def body(self) -> bytes:
        """Return the bytes to send; JSON is always compact, whatever `pretty` asked for."""
        if self.raw_body is not None:
            return self.raw_body
        text = json.dumps(self.payload, separators=(",", ":"))
        return (text if self.callback is None else f"/**/ {self.callback}({text});").encode()


def well_formed(text: str) -> str:
    """Return the text without half characters, which JSON can spell and nothing else can carry."""
    return text.encode("utf-8", "replace").decode()


def list_parameter(text: str | None) -> list[str]:
    """Return a list as clients write it, `a,b` or `["a","b"]`; order kept, repetitions and blanks dropped."""
    if not text:
        return []
    if text.lstrip().startswith("["):
        try:
            items = json.loads(text)
        except ValueError:
            items = text
        if isinstance(items, list):
            return list(dict.fromkeys(str(item).strip() for item in items if str(item).strip()))
    return list(dict.fromkeys(item.strip() for item in text.split(",") if item.strip()))


def flag_parameter(text: str | None, *, default: bool) -> bool:
    """Return a boolean as clients write it: `true`, `1`, `false`, `0`."""
    if text is None:
        return default
    return text.strip().lower() not in {"", "0", "false", "no"}
