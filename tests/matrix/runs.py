"""One combination's tests, run in its own environment against the installed wheel, and what they say by subject."""

from __future__ import annotations

import json
import os
import subprocess
from collections import Counter, defaultdict
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from matrix.combinations import ROOT, Combination, make_environment

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

TESTS = ROOT / "tests"
SUBJECTS = {
    "discovery and form": ("integration.test_provider_info",),
    "hook": ("integration.test_hook",),
    "operator": ("integration.test_operator", "integration.test_intervals", "integration.test_loaded_numbers"),
    "sensor": ("integration.test_sensor",),
    "triggers": ("integration.test_trigger",),
    "limits": ("integration.test_waiting_for_limits",),
    "DAG runs": ("integration.test_dag_runs", "integration.test_schedules", "integration.test_mapping"),
    "asset events": ("integration.test_events",),
    "examples": ("contract.test_example",),
    "scheduler and triggerer": ("system.test_scheduled_runs", "system.test_triggerer"),
}
"""What a user would ask about, and the test modules that answer, by the beginning of their names."""

THE_SAME_EVERYWHERE = ("integration/test_killed_loads.py", "integration/test_histories.py")
"""Slow, and about nothing that differs between releases: files, and what is left of them."""

OTHER = "other"
RESULTS = ROOT / ".matrix"


def run(combination: Combination, wheel: Path, folder: Path) -> dict[str, str]:
    """Make the environment, run the tests, and note per subject ``passed`` or what failed."""
    python = make_environment(combination, wheel, folder / "environment")
    report = folder / "report.xml"
    chosen = [TESTS / "integration", *TESTS.glob("contract/test_example*.py")]
    if combination.is_lowest_or_highest:
        chosen += [TESTS / "system" / "test_scheduled_runs.py", *TESTS.glob("system/test_triggerer*.py")]
    # Their own deprecations are the releases' business; ours shows as a failure of the release that removes the name.
    options = ["-q", "-m", "not slow", "-p", "no:cacheprovider", "-o", "filterwarnings=default", f"--junitxml={report}"]
    options += ["--continue-on-collection-errors", *(f"--ignore={TESTS / path}" for path in THE_SAME_EVERYWHERE)]
    done = subprocess.run(  # noqa: S603 - our own tests
        [str(python), "-P", "-m", "pytest", *options, *map(str, chosen)],
        cwd=folder,
        env={name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "PYTEST"))},
        capture_output=True,
        text=True,
        check=False,
    )
    (folder / "output.txt").write_text(done.stdout + done.stderr)
    assert report.exists(), done.stdout + done.stderr
    outcome = outcome_of(ET.parse(report).iter("testcase"))  # noqa: S314 - written by our own pytest
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{combination}.json").write_text(json.dumps(outcome, indent=2) + "\n")
    if done.returncode:
        outcome.setdefault(OTHER, done.stdout[-3000:])
    return outcome


def outcome_of(cases: Iterable[ET.Element]) -> dict[str, str]:
    """Sum the test cases up by subject; a subject without any that ran is left out."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    failed: dict[str, list[str]] = defaultdict(list)
    for case in cases:
        module = case.get("classname", "").removeprefix("tests.") or case.get("name", "")
        subject = next((name for name, starts in SUBJECTS.items() if module.startswith(starts)), OTHER)
        if case.find("skipped") is not None:
            continue
        bad = case.find("failure") is not None or case.find("error") is not None
        counts[subject]["bad" if bad else "good"] += 1
        if bad:
            failed[subject].append(case.get("name", ""))
    return {subject: f"failed: {', '.join(failed[subject])}" if failed[subject] else "passed" for subject in counts}
