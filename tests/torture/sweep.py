"""Every kind of fault at every call, one run after the other; a line for each kind, and a table at the end."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import scenario
from kinds import KINDS

from photosync.fakenas import Call


@dataclass
class Row:
    """What came of one kind, the longest times by the service's clock.

    `missed` are runs in which no call met the fault: downloads side by side now and then save one.
    """

    kind: str
    runs: int = 0
    missed: int = 0
    dark_seconds: float = 0.0
    ill_seconds: float = 0.0
    real_seconds: float = 0.0
    failures: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        verdict = f"{len(self.failures)} FAILED" if self.failures else "ok"
        return (
            f"{self.kind:<22}{self.runs:>5}{self.missed:>8}{self.dark_seconds:>9.0f} s{self.ill_seconds:>9.0f} s"
            f"{self.real_seconds:>8.1f} s  {verdict}"
        )


_CLEAN_RUNS = 3
_HEAD = f"{'fault':<22}{'runs':>5}{'missed':>8}{'no photo':>11}{'not well':>11}{'took':>10}"


def sweep(only_kind: str | None, only_call: int | None, sampled: int | None, seed: int) -> list[str]:
    """Runs the scenario for each kind at each call that it fits, or at `sampled` of them, and prints what came of it.

    Gives the arguments that repeat each failure.
    """
    calls = _clean_calls()
    places = scenario.places(calls)
    print(f"The scenario makes {len(calls)} calls to the NAS. Seed {seed}.", flush=True)
    chooser = random.Random(seed)
    rows = []
    for name in [only_kind] if only_kind else KINDS:
        numbers = _fitting(name, calls, only_call)
        if sampled is not None:
            numbers = sorted(chooser.sample(numbers, min(sampled, len(numbers))))
        rows.append(row := Row(name))
        began_at = time.perf_counter()
        for number in numbers:
            _note(row, number, scenario.run(KINDS[name], places[number - 1]))
        row.real_seconds = time.perf_counter() - began_at
        print(f"{name}: {row.runs} runs, {len(row.failures) or 'none'} failed.", flush=True)
    failures = [failure for row in rows for failure in row.failures]
    print("", _HEAD, *rows, sep="\n")
    print(f"{sum(row.runs for row in rows)} runs, {len(failures) or 'none'} failed. Seed {seed}.", flush=True)
    return failures


def _clean_calls() -> list[Call]:
    """The calls of a run without faults, that of several which makes the fewest: downloads side by side now and then
    save or cost one. The first run loads and keeps what no later one does.
    """
    scenario.run()
    clean = min((scenario.run() for _ in range(_CLEAN_RUNS)), key=lambda outcome: len(outcome.calls))
    if clean.problems:
        raise SystemExit(f"The scenario fails without any fault: {clean.problems}")
    return clean.calls


def _fitting(name: str, calls: Sequence[Call], only_call: int | None) -> list[int]:
    numbers = [number for number, call in enumerate(calls, 1) if KINDS[name].on(call)]
    return [number for number in numbers if only_call in (None, number)]


def _note(row: Row, number: int, outcome: scenario.Outcome) -> None:
    row.runs += 1
    row.missed += not outcome.is_met
    row.dark_seconds = max(row.dark_seconds, outcome.dark_seconds)
    row.ill_seconds = max(row.ill_seconds, outcome.ill_seconds)
    if outcome.problems:
        row.failures.append(f"--kind {row.kind} --call {number}")
        print(f"FAILED --kind {row.kind} --call {number}:", *outcome.problems, sep="\n    ", flush=True)
