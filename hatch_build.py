"""What the package's metadata says of itself: README.md, with links that lead somewhere from a package index too.

In the repository the README's links and pictures are relative. An index shows the README alone, so that each becomes an
address in the repository, which is named in one place: ``Repository`` below ``[project.urls]``.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

LINK = re.compile(
    r"""(?P<before> \]\( | ^\[[^\]]+\]:[ ]+ | (?:src|srcset|href)=")  # [text](path), [name]: path, <img src="path">
        (?! [a-z]+: | \# | / )  # neither an address nor a place on the same page
        (?P<path>[^)"\s]+)""",
    re.VERBOSE | re.MULTILINE,
)
PICTURES = {".gif", ".jpg", ".png", ".svg", ".webp"}
BRANCH = "main"


def with_addresses(text: str, repository: str) -> str:
    """Return Markdown whose relative links are addresses of pages, and those to pictures addresses of files.

    :param repository: the repository's address.
    """

    def absolute(found: re.Match[str]) -> str:
        kind = "raw" if Path(found["path"]).suffix in PICTURES else "blob"
        return f"{found['before']}{repository}/{kind}/{BRANCH}/{found['path']}"

    return LINK.sub(absolute, text)


class ReadmeHook(MetadataHookInterface):
    """Give the metadata its long description."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Set ``readme`` of the metadata, which ``pyproject.toml`` leaves to this hook by ``dynamic``."""
        text = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        described = with_addresses(text, metadata["urls"]["Repository"].rstrip("/"))
        metadata["readme"] = {"content-type": "text/markdown", "text": described}
