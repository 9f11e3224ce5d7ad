"""make openapi: schemathesis asks the service whatever docs/openapi.yaml allows and forbids; the same each time."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

from conftest import canary_nas
from outside import ROOT, Process

EXAMPLES = 100


def main() -> int:
    with (
        tempfile.TemporaryDirectory() as name,
        canary_nas() as nas,
        Process(nas.url, Path(name), "--log-level", "debug") as process,
    ):
        process.wait_ready()
        status = _schemathesis(process.port, Path(name))
        process.signal()
        process.wait(20)
        unforeseen = [line for line in process.log if " ERROR " in line]
    print(*unforeseen, sep="\n")
    return status or bool(unforeseen)


def _schemathesis(port: int, folder: Path) -> int:
    program = Path(sys.executable).with_name("st")
    where = [str(ROOT / "docs" / "openapi.yaml"), "--url", f"http://127.0.0.1:{port}"]
    options = ["--checks", "all", "--max-examples", str(EXAMPLES), "--generation-deterministic", "--no-color"]
    told = subprocess.run([program, "run", *where, *options], cwd=folder, capture_output=True, text=True, check=False)
    generated = re.search(r"^ +([0-9]+) generated", told.stdout, re.MULTILINE)
    if told.returncode or generated is None:
        print(told.stdout, told.stderr, sep="\n")
        return told.returncode or 1
    print(f"schemathesis: {generated[1]} requests, each answered as docs/openapi.yaml says.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
