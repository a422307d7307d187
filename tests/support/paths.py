"""Where things lie in the repository."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
DOCS = ROOT / "docs"
EXAMPLES = ROOT / "example_dags"
TESTS = ROOT / "tests"
SAMPLES = TESTS / "samples"
SUPPORT = TESTS / "support"
