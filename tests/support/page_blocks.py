"""The code blocks of the README and of each page below ``docs/``, as the tests that run them read them.

A block may have a name, in a comment of its own right before the fence:

    <!-- block: duckdb -->
    ```sql
    select …

A test runs that very text by ``named_block("duckdb").code``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from support.paths import DOCS, README, ROOT

if TYPE_CHECKING:
    from pathlib import Path

_NAME = re.compile(r"<!-- block: ([a-z0-9-]+) -->")
_HEADING = re.compile(r"#{1,2} (.+)")
_FENCE = re.compile(r"( *)(`{3,}|~{3,})(\S*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One fenced block: its page, its language, the title or heading of level 2 above it, its line, its name if any."""

    page: str
    language: str
    section: str
    line: int
    name: str
    code: str

    def __str__(self) -> str:
        return f"{self.page} line {self.line} ({self.section}, {self.language or 'no language'})"


def pages() -> list[Path]:
    """The README, then every page."""
    return [README, *sorted(DOCS.rglob("*.md"))]


@cache
def blocks() -> tuple[Block, ...]:
    """Every fenced block, in order: the README's first, then those of each page."""
    return tuple(block for page in pages() for block in blocks_of(page.read_text(), page.relative_to(ROOT).as_posix()))


def blocks_of(text: str, page: str) -> list[Block]:
    """Every fenced block of a text, in order."""
    found: list[Block] = []
    section = name = ""
    lines = enumerate(text.splitlines(), start=1)
    for number, line in lines:
        if fence := _FENCE.fullmatch(line.rstrip()):
            indent, marks, language = fence.groups()
            code: list[str] = []
            for _, inner in lines:
                if inner.strip() == marks:
                    break
                code.append(inner.removeprefix(indent))
            else:
                raise ValueError(f"{page} line {number}: the block has no end.")
            code_text = "\n".join(code) + "\n"
            found.append(Block(page=page, language=language, section=section, line=number, name=name, code=code_text))
        elif heading := _HEADING.fullmatch(line.strip()):
            section = heading[1]
        named = _NAME.fullmatch(line.strip())
        name = named.group(1) if named else name if not line.strip() else ""
    return found


def named_block(name: str) -> Block:
    """Give the one block of that name."""
    (block,) = (block for block in blocks() if block.name == name)
    return block
