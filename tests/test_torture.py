"""A sample of `make torture`, the same every time, in a process of its own: the clock there is one that skips ahead."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

TORTURE = Path(__file__).with_name("torture")


def torture(*arguments: str) -> str:
    """What it printed; it has to end well."""
    done = subprocess.run([sys.executable, str(TORTURE), *arguments], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_service_gets_over_each_kind_of_fault_at_some_call() -> None:
    assert "runs, none failed" in torture("--sample", "1", "--kills", "0")


def test_a_killed_process_leaves_nothing_torn_and_the_next_one_shows_photos_at_once() -> None:
    assert "nothing torn was shown, nothing was lost" in torture("--kills-only", "--kills", "8")
