"""make slow: slowhttptest's four kinds of slow clients, 100 each; /healthz and /files have to go on answering."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import requests
from conftest import canary_nas
from outside import Process

SECONDS = 25
LONGEST_WAIT_SECONDS = 3.0
ATTACKS: Mapping[str, Sequence[str]] = {
    "slow headers": ("-H", "-i", "3"),
    "slow body": ("-B", "-i", "3", "-s", "8192"),
    "ranges": ("-R", "-a", "1", "-b", "3000"),
    "slow read": ("-X", "-k", "10", "-w", "10", "-y", "20", "-n", "5", "-z", "32"),
}


def main() -> int:
    if shutil.which("slowhttptest") is None:
        print("slowhttptest is missing: apt install slowhttptest", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as name, canary_nas() as nas, Process(nas.url, Path(name)) as process:
        process.wait_ready()
        bad = sum(_attack(process, attack) for attack in ATTACKS)
        process.signal()
        bad += process.wait(20) != 0
        bad += sum(" ERROR " in line for line in process.log)
        print(*process.log, sep="\n")
    return bool(bad)


def _attack(process: Process, attack: str) -> int:
    """Prints a line; gives the number of answers that were late or no answers."""
    url = f"http://127.0.0.1:{process.port}"
    command = ["slowhttptest", "-u", f"{url}/files", "-c", "100", "-r", "50", "-l", str(SECONDS), "-p", "3", "-v", "1"]
    attackers = subprocess.Popen([*command, *ATTACKS[attack]], stdout=subprocess.PIPE, text=True)
    waits, bad, most = [], 0, 0
    while attackers.poll() is None:
        for path in ("/healthz", "/files"):
            waited = _ask(url + path)
            waits.append(waited)
            bad += waited > LONGEST_WAIT_SECONDS
        most = max(most, _descriptors(process.pid))
        time.sleep(0.2)
    told = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", attackers.communicate()[0])
    if attackers.returncode or not re.search(r"service available: *YES", told) or re.search("available: *NO", told):
        bad += 1
        print(told)
    ended = re.search(r"Exit status: *(.*)", told)
    waits.sort()
    print(
        f"{attack:12} {len(waits):4} answers, {bad} bad; waited {waits[len(waits) // 2] * 1e3:.1f} ms in the median, "
        f"{waits[-1] * 1e3:.1f} ms at most; at most {most} descriptors; {ended[1] if ended else '?'}",
        flush=True,
    )
    return bad


def _ask(url: str) -> float:
    """Seconds until the whole answer was there, on a connection of its own; more than is allowed if none came."""
    started = time.monotonic()
    try:
        fine = requests.get(url, timeout=10, headers={"Connection": "close"}).status_code == 200
    except requests.RequestException:
        fine = False
    return time.monotonic() - started + (0 if fine else 2 * LONGEST_WAIT_SECONDS)


def _descriptors(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


if __name__ == "__main__":
    sys.exit(main())
