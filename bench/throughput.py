"""Photos served per second and what each costs the processor, against what one would use instead. Needs wrk (Debian).

python bench/throughput.py
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from processes import processor_seconds, wrk
from report import Figure, Table, Target, ratio, show
from rivals import (
    BARE,
    FLASK,
    NGINX,
    OURS,
    SERVERS,
    THUMBOR,
    VARNISH,
    WAITRESS,
    Server,
    all_servers,
    missing,
    scene_of,
)

SIZES = {"30 KB": 30_000, "300 KB": 300_000, "3 MB": 3_000_000}
RUNS = {8: 5, 1: 2, 64: 2}
"""By the number of connections; the targets are for 8."""
SECONDS = 1
AGAIN = f"{BARE}, again"
"""The same process once more in each round: how far two equal things are apart on this machine."""


def one(server: Server, url: str, connections: int, *headers: str) -> tuple[float, float]:
    """Answers per second, and microseconds of processor time for each."""
    before = processor_seconds(server.pid)
    rate = wrk(url, connections, SECONDS, *headers)
    return rate, (processor_seconds(server.pid) - before) / (rate * SECONDS) * 1e6


def measure(tables: tuple[Table, Table], load: str, servers: dict[str, Server], connections: int, url: str) -> None:
    """All that have that url, in turn, round by round, so that a change of the machine's speed meets all."""
    found: dict[str, list[tuple[float, float]]] = {name: [] for name, server in servers.items() if getattr(server, url)}
    for _ in range(RUNS[connections]):
        for name in found:
            server = servers[name]
            headers = (f"If-None-Match: {server.tag}",) if url == "tagged_url" else ()
            found[name].append(one(server, getattr(server, url), connections, *headers))
    for name, runs in found.items():
        tables[0].put(load, name, (rate for rate, _ in runs))
        tables[1].put(load, name, (cost for _, cost in runs))


def measure_size(tables: tuple[Table, Table], name: str, folder: Path) -> None:
    with scene_of(SIZES[name], folder) as scene, all_servers(scene) as servers:
        # These take so long that one size and one number of connections says what there is to say.
        few = {server: there for server, there in servers.items() if server not in (THUMBOR, WAITRESS)}
        twice = {AGAIN: servers[BARE]} if name == "300 KB" else {}
        for connections in RUNS:
            chosen = servers | twice if (name, connections) == ("300 KB", 8) else few
            measure(tables, f"{name}, {connections} connections", chosen, connections, "url")
        if name == "300 KB":
            measure(tables, "GET /files, 300 KB, 8 connections", servers, 8, "next_url")
            measure(tables, "304, 8 connections", servers, 8, "tagged_url")


def against(table: Table, size: str, name: str) -> Figure | None:
    row = table.rows[f"{size}, 8 connections"]
    return ratio(row[OURS], row[name]) if name in row else None


WANTED = (
    ("300 KB", FLASK, 3.0),
    ("300 KB", BARE, 1.1),
    ("300 KB", VARNISH, 0.5),
    ("3 MB", NGINX, 1.0),
    ("3 MB", VARNISH, 1.0),
    ("304", BARE, 1.5),
)


def run() -> list[Table]:
    columns = [*SERVERS, AGAIN]
    rates = Table("Answers per second", columns)
    costs = Table("Processor time for each answer, microseconds", columns)
    for name in SIZES:
        with tempfile.TemporaryDirectory() as folder:
            Path(folder).chmod(0o755)  # some servers let go of their rights
            measure_size((rates, costs), name, Path(folder))
    for size, name, limit in WANTED:
        found = against(rates, size, name)
        if found is not None:
            rates.targets.append(Target(f"{size}: times {name}", found, limit, at_least=True))
    noise = against(rates, "300 KB", AGAIN), against(rates, "300 KB", BARE)
    assert noise[0] and noise[1]
    rates.notes.append(f"Noise: the same Tornado handler against itself, {ratio(*noise)}.")
    rates.notes.append(f"{WAITRESS} and {THUMBOR} are measured at 300 KB and 8 connections alone.")
    left_out = [f"{name} ({how})" for name in SERVERS if (how := missing(name))]
    if left_out:
        rates.notes.append(f"Not installed: {', '.join(left_out)}.")
    return [rates, costs]


if __name__ == "__main__":
    show(run)
