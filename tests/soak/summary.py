"""What a soak saw, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from .rules import slope_of, warm
from .run import Result


def latencies(result: Result) -> list[float]:
    """Seconds to the first byte of each photo, sorted."""
    showings = [one for kiosk in result.kiosks for one in kiosk.showings if one.photo is not None]
    return sorted(one.answered - one.began for one in showings)


def summary(result: Result) -> str:
    waits = latencies(result) or [0.0]
    shown = {kiosk.name: sum(one.photo is not None for one in kiosk.showings) for kiosk in result.kiosks}
    stale = sum(one.stale for kiosk in result.kiosks for one in kiosk.showings)
    tagged = sum((kiosk.tagged for kiosk in result.kiosks), Counter[int]())
    levels = Counter(line.split(" ", 3)[2] for line in result.log if line.count(" ") > 2)
    dark = sum(end - begin for begin, end in result.dark)
    trouble = sum(end - begin for begin, end in result.troubles.stretches)
    steps = "skipped, faketime is not installed" if result.clock_steps is None else f"{result.clock_steps}"
    return "\n".join(
        (
            f"photos shown       {sum(shown.values())} ({stale} while the NAS was away): {_counts(shown)}",
            f"photos asked again {_counts(tagged)}",
            f"latency            p50 {_ms(waits, 0.5)}, p99 {_ms(waits, 0.99)}, max {_ms(waits, 1)}",
            f"NAS                {result.nas_calls} calls, {result.logins} logins, at most "
            f"{result.nas_concurrency_peak} calls at a time, dark for {dark:.0f} s in {len(result.dark)} spells, "
            f"in trouble for {trouble:.0f} of {result.seconds:.0f} s",
            f"faults             {sum(result.faults.values())}: {_counts(result.faults)}",
            f"albums             {_counts(result.changes)}; {result.retired_judged} of {result.retired} "
            "pictures that went were judged",
            f"sessions ended     {result.sessions_ended}",
            f"clock steps        {steps}",
            f"log                {len(result.log)} lines: {_counts(levels)}",
            *_process(result),
            "cache              " + ", ".join(f"{name} {result.stats.get(name)}" for name in _STATS),
        )
    )


_STATS = ("photos", "entries", "bytes", "hits", "misses", "evictions")


def _process(result: Result) -> list[str]:
    samples = warm(result.samples)
    if not samples:
        return []
    memory = slope_of([(one.at, one.resident_bytes) for one in samples])
    base, peak = result.samples[0].resident_bytes, max(one.resident_bytes for one in result.samples)
    descriptors, threads = [one.descriptors for one in samples], [one.threads for one in samples]
    return [
        f"memory             base {base / 1e6:.1f} MB, peak {peak / 1e6:.1f} MB, after the warm-up "
        f"{memory.per_hour / 1e6:+.2f} MB an hour ({memory.growth / 1e6:+.2f} MB in all)",
        f"descriptors        {min(descriptors)} to {max(descriptors)}, threads {min(threads)} to {max(threads)}",
    ]


def _counts(counted: Mapping[object, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counted.items(), key=lambda one: -one[1])) or "none"


def _ms(waits: list[float], share: float) -> str:
    return f"{waits[min(int(len(waits) * share), len(waits) - 1)] * 1000:.1f} ms"
