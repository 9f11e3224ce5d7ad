"""What a soak saw, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from .rules import memory_slope, warm
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
    rows = {
        "photos shown": f"{sum(shown.values())} ({stale} marked as old): {_counts(shown)}",
        "photos asked again": _counts(tagged),
        "judged": _counts(result.judged),
        "latency": f"p50 {_ms(waits, 0.5)}, p99 {_ms(waits, 0.99)}, max {_ms(waits, 1)}",
        "NAS": f"{result.nas_calls} calls, at most {result.nas_concurrency_peak} at a time, {result.logins} logins, "
        f"{result.sessions_ended} sessions ended",
        "dark": f"{dark:.0f} s in {len(result.dark)} spells; in trouble {trouble:.0f} of {result.seconds:.0f} s",
        "faults": f"{sum(result.faults.values())}: {_counts(result.faults)}",
        "albums": f"{_counts(result.changes)}",
        "clock steps": steps,
        "log": f"{len(result.log)} lines: {_counts(levels)}",
        **_process(result),
        "cache": ", ".join(f"{name} {result.stats.get(name)}" for name in _STATS),
    }
    return "\n".join(f"{name:<19}{text}" for name, text in rows.items())


_STATS = ("photos", "entries", "bytes", "hits", "misses", "evictions")


def _process(result: Result) -> dict[str, str]:
    samples = warm(result.samples)
    if not samples:
        return {}
    per_second, seconds = memory_slope(samples), samples[-1].at - samples[0].at
    base, peak = result.samples[0].resident_bytes, max(one.resident_bytes for one in result.samples)
    slope = f"{per_second * 3600 / 1e6:+.2f} MB an hour ({per_second * seconds / 1e6:+.2f} MB in all)"
    return {
        "memory": f"base {base / 1e6:.1f} MB, peak {peak / 1e6:.1f} MB, {slope} after the warm-up",
        "descriptors": _range([one.descriptors for one in samples]),
        "threads": _range([one.threads for one in samples]),
    }


def _range(values: list[int]) -> str:
    return f"{min(values)} to {max(values)}"


def _counts(counted: Mapping[object, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counted.items(), key=lambda one: -one[1])) or "none"


def _ms(waits: list[float], share: float) -> str:
    return f"{waits[min(int(len(waits) * share), len(waits) - 1)] * 1000:.1f} ms"
