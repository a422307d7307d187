"""The README's code blocks, as the tests that run them read them.

A block may have a name, in a comment of its own right before the fence:

    <!-- block: duckdb -->
    ```sql
    select …

A test runs that very text by ``named_block("duckdb").code``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from support.paths import README

_NAME = re.compile(r"<!-- block: ([a-z0-9-]+) -->")
_FENCE = re.compile(r"( *)(`{3,}|~{3,})(\S*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One fenced block: its language, the heading of level 2 above it, its line, and its name if it has one."""

    language: str
    section: str
    line: int
    name: str
    code: str

    def __str__(self) -> str:
        return f"README line {self.line} ({self.section}, {self.language or 'no language'})"


def blocks(text: str | None = None) -> tuple[Block, ...]:
    """Every fenced block, in order; of the README unless another text is given."""
    found: list[Block] = []
    section = name = ""
    lines = enumerate((README.read_text() if text is None else text).splitlines(), start=1)
    for number, line in lines:
        if fence := _FENCE.fullmatch(line.rstrip()):
            indent, marks, language = fence.groups()
            code: list[str] = []
            for _, inner in lines:
                if inner.strip() == marks:
                    break
                code.append(inner.removeprefix(indent))
            else:
                raise ValueError(f"README line {number}: the block has no end.")
            text_of_block = "\n".join(code) + "\n"
            found.append(Block(language=language, section=section, line=number, name=name, code=text_of_block))
        elif line.startswith("## "):
            section = line[3:].strip()
        named = _NAME.fullmatch(line.strip())
        name = named.group(1) if named else name if not line.strip() else ""
    return tuple(found)


def named_block(name: str) -> Block:
    """Give the one block of that name."""
    (block,) = (block for block in blocks() if block.name == name)
    return block
