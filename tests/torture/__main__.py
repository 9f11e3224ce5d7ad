"""Makes every call to the NAS fail in every way, one at a time, and kills the process at random points."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import clock


def main() -> int:
    options = _options()
    clock.install(options.seed)
    sys.path.append(str(Path(__file__).resolve().parent.parent))
    import watch
    from crash import crash
    from sweep import sweep

    watch.set_up()
    failures = [] if options.kills_only else sweep(options.kind, options.call, options.sample, options.seed)
    if options.kills and not (options.kind or options.call):
        failures += crash(options.kills, options.seed)
    for failure in failures:
        print(f'Again: make torture ARGS="{failure} --seed {options.seed}"')
    return 1 if failures else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make torture", description=__doc__)
    parser.add_argument("--kind", help="one kind of fault alone")
    parser.add_argument("--call", type=int, help="at this call alone")
    parser.add_argument("--sample", type=int, help="so many calls for each kind, chosen by the seed, in place of all")
    parser.add_argument("--kills", type=int, default=200, help="how often the process is killed (200)")
    parser.add_argument("--kills-only", action="store_true", help="no faults of the NAS")
    parser.add_argument("--seed", type=int, default=1, help="of sample, decks and kills (1)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
