"""Runs every benchmark, one after another, and writes docs/performance.md and docs/performance.svg.

python bench [NAME ...]: only these, and nothing is written but what is printed
"""

from __future__ import annotations

import importlib
import os
import platform
import shutil
import sys
import time
from pathlib import Path

from picture import draw
from processes import HERE, end_in_order
from report import Table

NAMES = ("throughput", "latency", "start", "memory", "interval", "lag")
DOCUMENT = HERE.parent / "docs" / "performance.md"
PICTURE = DOCUMENT.with_suffix(".svg")
FIGURES = HERE.parent / "reports" / "bench.jsonl"
BEGIN = "<!-- written by make bench -->\n"
END = "<!-- until here -->\n"


def machine() -> str:
    info = Path("/proc/cpuinfo").read_text()
    models = [line.partition(":")[2].strip() for line in info.splitlines() if line.startswith("model name")]
    return (
        f"{os.cpu_count()} cores, {models[0] if models else platform.machine()}, Python {platform.python_version()}, "
        f"Linux {platform.release()}; load when it began: {os.getloadavg()[0]:.1f}"
    )


def measure(name: str) -> list[Table]:
    began = time.monotonic()
    tables: list[Table] = importlib.import_module(name).run()
    for table in tables:
        print(table.markdown(), flush=True)
    print(f"({name}: {time.monotonic() - began:.0f} seconds)\n", flush=True)
    return tables


def write(tables: list[Table], where: str) -> None:
    FIGURES.parent.mkdir(exist_ok=True)
    FIGURES.write_text("".join(f"{line}\n" for table in tables for line in table.json_lines()))
    PICTURE.write_text(draw({table.name: table for table in tables}))
    text = DOCUMENT.read_text()
    before, _, rest = text.partition(BEGIN)
    after = rest.partition(END)[2]
    block = "\n".join([f"Measured on: {where}.\n", *(table.markdown() for table in tables)])
    DOCUMENT.write_text(f"{before}{BEGIN}\n{block}\n{END}{after}")


def main(names: list[str]) -> int:
    end_in_order()
    if unknown := set(names) - set(NAMES):
        print(f"No such benchmark: {', '.join(sorted(unknown))}. There are: {', '.join(NAMES)}.", file=sys.stderr)
        return 2
    where = machine()
    print(f"{where}\n", flush=True)
    tables: list[Table] = []
    for name in names or NAMES:
        if name == "throughput" and shutil.which("wrk") is None:
            print("throughput: left out, wrk is not installed (apt install wrk)\n")
            continue
        tables += measure(name)
    if not names:
        write(tables, where)
    missed = [f"{table.name}: {target.text}" for table in tables for target in table.targets if not target.is_met]
    print("Missed: " + ("; ".join(missed) or "nothing"))
    return 0


if __name__ == "__main__":
    try:
        status = main(sys.argv[1:])
    except KeyboardInterrupt:
        status = 130
    sys.exit(status)
