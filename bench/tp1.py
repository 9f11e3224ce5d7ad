"""Served photos per second, against the shortest Tornado handler that writes the same bytes. Needs wrk (Debian).

python bench/throughput.py [SECONDS [RUNS]]
"""

from __future__ import annotations

import statistics
import sys
from typing import NamedTuple

import requests
from processes import BARE, free_port, processor_seconds, service_command, started, wrk

from photosync.fakenas import FakeNas, Library


class Target(NamedTuple):
    pid: int
    url: str
    headers: tuple[str, ...] = ()


SECONDS = int(sys.argv[1]) if len(sys.argv) > 1 else 2
RUNS = int(sys.argv[2]) if len(sys.argv) > 2 else 5


def compare(name: str, ours: Target, bare: Target) -> None:
    """Runs both in turn, so that a change of the machine's speed meets both."""
    pairs = [(one(ours), one(bare)) for _ in range(RUNS)]
    rates = sorted(first[0] / second[0] for first, second in pairs)
    costs = sorted(second[1] / first[1] for first, second in pairs)
    print(
        f"{name:8} {statistics.median(first[0] for first, _ in pairs):7.0f} /s"
        f"  bare {statistics.median(second[0] for _, second in pairs):7.0f} /s"
        f"  ratio {statistics.median(rates):5.2f} ({rates[0]:.2f} to {rates[-1]:.2f})"
        f"  processor {statistics.median(first[1] for first, _ in pairs):6.0f} us"
        f"  bare {statistics.median(second[1] for _, second in pairs):6.0f} us"
        f"  ratio {statistics.median(costs):5.2f} ({costs[0]:.2f} to {costs[-1]:.2f})",
        flush=True,
    )


def one(target: Target) -> tuple[float, float]:
    """Requests per second, and microseconds of processor time for each."""
    before = processor_seconds(target.pid)
    rate = wrk(target.url, 8, SECONDS, *target.headers)
    return rate, (processor_seconds(target.pid) - before) / (rate * SECONDS) * 1e6


def measure(size: int) -> None:
    port, bare_port = free_port(), free_port()
    with FakeNas(library=Library.synthetic(4, photo_bytes=size)) as nas:
        base = f"http://127.0.0.1:{port}"
        command = service_command(nas, port, "--photo-size", "xl")
        bare = [sys.executable, str(BARE), str(bare_port), str(size)]
        bare_base = f"http://127.0.0.1:{bare_port}"
        with started(command, f"{base}/readyz") as service, started(bare, f"{bare_base}/photo") as rival:
            photo = requests.get(f"{base}/files/list?details=1", timeout=5).json()[0]["url"]
            answer = requests.get(base + photo, timeout=5)
            assert abs(len(answer.content) - size) < 1000, len(answer.content)
            plain = Target(rival.pid, f"{bare_base}/photo")
            compare(f"{size // 1000} KB", Target(service.pid, base + photo), plain)
            if size == 300_000:
                compare("/files", Target(service.pid, f"{base}/files"), plain)
                matching = (f"If-None-Match: {answer.headers['ETag']}",)
                tagged = Target(rival.pid, f"{bare_base}/tagged", ('If-None-Match: "bare"',))
                compare("304", Target(service.pid, base + photo, matching), tagged)


for photo_bytes in (300_000,):
    measure(photo_bytes)
