"""Secrets -> ``***``, in whatever spelling a reply, a header or a log may have put them.

A text is compared in its canonical form, in which every escape of a printable ASCII character (JSON, percent-encoding,
HTML, Python, any of them several times over) stands for the character itself.
"""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

HIDDEN = "***"

_MOST_ROUNDS = 8
"""How many times over a text may be escaped; one that still changes after that is hidden whole."""

_LEAST_LENGTH = 8
"""Shorter secrets are not looked for in hexadecimal and base64: they would be found where they are not."""

_NAMED = {"amp": "&", "quot": '"', "apos": "'", "lt": "<", "gt": ">"}


def _of_hex(match: re.Match[str]) -> str:
    return chr(int(match[1], 16))


def _of_entity(match: re.Match[str]) -> str:
    code = int(match[1]) if match[1] else int(match[2], 16)
    return chr(code) if ord(" ") <= code <= ord("~") else match[0]


# Each begins with a character as it is, and heeds case: otherwise a search would take longer than reading the JSON.
_ESCAPES: tuple[tuple[str, re.Pattern[str], Callable[[re.Match[str]], str]], ...] = (
    ("\\", re.compile(r"\\\\*(?:[uU]00|[uU]\{0*|[xX])([2-7][0-9a-fA-F])\}?"), _of_hex),
    ("\\", re.compile(r"\\\\*([\\/\"'])"), lambda match: match[1]),
    ("%", re.compile(r"%(?:25)*([2-7][0-9a-fA-F])"), _of_hex),
    ("&#", re.compile(r"&#0*(?:([0-9]{2,3})|[xX]0*([0-9a-fA-F]{2}));?"), _of_entity),
    ("&", re.compile(r"&(amp|AMP|quot|QUOT|apos|lt|LT|gt|GT);"), lambda match: _NAMED[match[1].lower()]),
)

_SIGNS = ("\\", "%", "&")
_NAMES = ("access_token", "input_token", "client_secret", "fb_exchange_token", "appsecret_proof", "app_secret")
_PATTERNS = (
    # name=value in a URL or form, plain or percent-encoded; "name": "value" in JSON, plain or nested in a string
    re.compile(
        rf"((?:{'|'.join(_NAMES)})(?:=|%3D|%253D|\\*\"\s*:\s*\\*\"))(?!\*\*\*)[^&\"'\s\\]+?(?=%26|%2526|[&\"'\s\\]|$)",
        re.IGNORECASE,
    ),
    re.compile(r"((?:Bearer|OAuth)\s+)(?!\*\*\*)[A-Za-z0-9|._~+/=-]{8,}"),
    re.compile(r"()\bEA[A-Za-z0-9]{20,}"),
    re.compile(r"()\b\d{5,20}(?:\||%7C)[A-Za-z0-9_-]{20,}"),
)


def canonical(text: str) -> str | None:
    """Return the text with its escapes undone; ``None`` where they are too deep to be undone."""
    for _ in range(_MOST_ROUNDS):
        before = text
        for sign, pattern, put in _ESCAPES:
            if sign in text:
                text = pattern.sub(put, text)
        if text == before:
            return text
    return None


def escaped_part(text: str, margin: int) -> str:
    """Return the part of a text that holds its escapes, with so many characters around it; nothing where it has none.

    In a long reply that is its links: the rows before them need not be searched for escapes again and again.
    """
    signs = [sign for sign in _SIGNS if sign in text]
    if not signs:
        return ""
    first, last = min(map(text.find, signs)), max(map(text.rfind, signs))
    return text[max(0, first - margin) : last + margin]


def looks_secret(text: str) -> bool:
    """Return whether a canonical text holds something that looks like a token, an app secret or a proof."""
    return any(pattern.search(text) for pattern in _PATTERNS)


def redact(text: str) -> str:
    """Return the text without anything that looks like a token, an app secret or a proof."""
    text = _without_patterns(text)
    plain = canonical(text)
    if plain is None:
        return HIDDEN
    return _without_patterns(plain) if plain != text and looks_secret(plain) else text


def _without_patterns(text: str) -> str:
    for pattern in _PATTERNS:
        text = pattern.sub(rf"\g<1>{HIDDEN}", text)
    return text


class Spellings(NamedTuple):
    """How a secret may be spelled.

    :param raw: as it is, and as addresses and forms write it: replaced where it stands.
    :param plain: in a text that is canonical and in lower case.
    :param coded: there too, in hexadecimal and base64.
    """

    raw: frozenset[str]
    plain: str
    coded: frozenset[str]

    @classmethod
    def of(cls, secret: str) -> Spellings:
        """Return those of a secret."""
        percent, form = (spell(secret, safe="", errors="surrogatepass") for spell in (quote, quote_plus))
        plain = (canonical(secret) or secret).lower()
        coded = {plain.replace(" ", "+")}
        if len(secret) >= _LEAST_LENGTH:
            coded |= set(_coded(secret.encode("utf-8", "surrogatepass")))
        return cls(frozenset((secret, percent, form)), plain, frozenset(coded - {plain}))


def _coded(raw: bytes) -> Iterator[str]:
    yield raw.hex()
    for shift in range(3):
        # Inside a longer text base64 depends on where it starts; the characters shared with neighbours are cut.
        whole = base64.b64encode(b"\0" * shift + raw).decode()
        inner = whole[(4 if shift else 0) : len(whole) - 4].lower()
        if len(inner) >= _LEAST_LENGTH:
            yield inner
            yield inner.replace("+", "-").replace("/", "_")


def holds(plain: str, looked_for: Iterable[str]) -> bool:
    """Return whether a canonical text holds one of these needles, in upper or lower case."""
    lowered = plain.lower()
    return any(needle in lowered for needle in looked_for)


def hide(text: str, secrets: Collection[Spellings]) -> str:
    """Return the text without these secrets.

    What is spelled plainly is replaced where it stands. Where more is found the text is given in its canonical form.
    """
    text = replaced(text, (form for one in secrets for form in one.raw))
    plain = canonical(text)
    if plain is None:
        return HIDDEN
    looked_for = [needle for one in secrets for needle in (one.plain, *one.coded)]
    if not holds(plain, looked_for):
        return text
    by_length = sorted(looked_for, key=len, reverse=True)
    cleaned = re.sub("|".join(map(re.escape, by_length)), HIDDEN, plain, flags=re.IGNORECASE)
    return HIDDEN if holds(cleaned, looked_for) else cleaned


def replaced(text: str, forms: Iterable[str]) -> str:
    """Return the text without these forms of secrets."""
    # The longest first: a shorter one may be a part of it, and would leave the rest of it standing.
    for form in sorted(forms, key=len, reverse=True):
        text = text.replace(form, HIDDEN)
    return text


def scrubbed(document: object, clean: Callable[[str], str]) -> object:
    """Return a JSON document with every text in it cleaned, names of members included."""
    if isinstance(document, str):
        return clean(document)
    if isinstance(document, list):
        return [scrubbed(one, clean) for one in document]
    if isinstance(document, dict):
        return {
            clean(name): HIDDEN if name in _NAMES and isinstance(value, str) else scrubbed(value, clean)
            for name, value in document.items()
        }
    return document
