"""make soak MINUTES=10 SEED=1: prints a summary, draws a picture and exits with 1 if a rule was broken."""

from __future__ import annotations

import argparse
import random
import signal
import sys
import tempfile
from pathlib import Path

from .picture import draw
from .run import soak
from .summary import summary

_REPORTS = Path(__file__).resolve().parents[2] / "reports"
_MOST_MINUTES = 24 * 60.0
_PROBLEMS_SHOWN = 30


def main() -> int:
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=None)
    arguments = parser.parse_args()
    seed = random.randrange(1_000_000) if arguments.seed is None else arguments.seed
    minutes = min(arguments.minutes, _MOST_MINUTES)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    print(f"Soaking for {minutes:g} minutes. The same again: make soak MINUTES={minutes:g} SEED={seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        result = soak(seed, minutes * 60, Path(folder))
    _REPORTS.mkdir(exist_ok=True)
    (_REPORTS / f"soak-{seed}.log").write_text("\n".join(result.log) + "\n")
    print(summary(result))
    picture = _REPORTS / f"soak-{seed}.png"
    print(f"The picture: {picture}" if draw(result, picture) else "No picture: Pillow is not installed.")
    for problem in result.problems[:_PROBLEMS_SHOWN]:
        print(f"FAILED: {problem:.600}")
    if len(result.problems) > _PROBLEMS_SHOWN:
        print(f"and {len(result.problems) - _PROBLEMS_SHOWN} more")
    print("failed" if result.problems else "passed")
    return 1 if result.problems else 0


if __name__ == "__main__":
    sys.exit(main())
