"""What photos in other sizes cost: time from an original and from `xl`, peak memory, bytes, and the pause of the loop.

python bench/sizes.py [PHOTOS]                                                                       (needs Pillow)
"""

from __future__ import annotations

import io
import statistics
import sys
import threading
import time
from functools import cache
from pathlib import Path

import requests
from PIL import Image
from processes import free_port, resident_bytes, service_command, started

from photosync.fakenas import FakeNas, Library

COUNT = int(sys.argv[1]) if len(sys.argv) > 1 else 8
TWELVE, FIFTY = (4000, 3000), (8660, 5773)
SHORT_SIDES = {"sm": 240, "m": 320, "xl": 1280}


@cache
def photo(size: tuple[int, int]) -> Image.Image:
    """Soft shapes with a little grain, which compress about as photos do."""
    shapes = [Image.effect_noise((12, 9), 120).resize(size, Image.Resampling.BICUBIC) for _ in range(3)]
    grain = Image.effect_noise((size[0] // 2, size[1] // 2), 14).resize(size)
    return Image.merge("RGB", [Image.blend(shape, grain, 0.35) for shape in shapes])


@cache
def rendition(size: tuple[int, int], name: str, progressive: bool = False) -> bytes:
    scale = min(1.0, SHORT_SIDES.get(name, min(size)) / min(size))
    picture = photo(size)
    memory = io.BytesIO()
    picture.resize((round(size[0] * scale), round(size[1] * scale))).save(
        memory, "JPEG", quality=90, progressive=progressive
    )
    return memory.getvalue()


def library() -> Library:
    library = Library()
    album = library.new_album("kitchen-dash")
    for number, size in enumerate([TWELVE] * COUNT + [FIFTY] * 3):
        library.add(
            album,
            filename=f"{number}.jpg",
            width=size[0],
            height=size[1],
            picture=lambda name, size=size, number=number: rendition(size, name, number == COUNT + 2),
        )
    return library


def peak_bytes(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


class Pauses:
    """The longest time that /healthz took meanwhile."""

    def __init__(self, base: str) -> None:
        self._base, self._going, self.longest = base, True, 0.0
        self._thread = threading.Thread(target=self._ask)

    def __enter__(self) -> Pauses:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._going = False
        self._thread.join()

    def _ask(self) -> None:
        with requests.Session() as session:
            session.get(f"{self._base}/healthz")
            while self._going:
                begun = time.perf_counter()
                session.get(f"{self._base}/healthz")
                self.longest = max(self.longest, time.perf_counter() - begun)
                time.sleep(0.002)


def timed(base: str, query: str) -> None:
    """The median over the photos of twelve megapixels, each asked for the first and then a second time."""
    times: list[list[float]] = [[], []]
    sizes = []
    with Pauses(base) as pauses, requests.Session() as session:
        for number in range(COUNT):
            for again in times:
                begun = time.perf_counter()
                answer = session.get(f"{base}/files/{number}.jpg?{query}")
                again.append(time.perf_counter() - begun)
                assert answer.status_code == 200, answer.text
            sizes.append(len(answer.content))
    first, second = (statistics.median(found) * 1000 for found in times)
    shape = "x".join(map(str, Image.open(io.BytesIO(answer.content)).size))
    print(
        f"{query:36} {shape:>9} from {answer.headers['ETag'].split('-')[2]:8} {first:6.0f} ms, again {second:4.1f} ms,"
        f" {statistics.median(sizes) / 1000:6.1f} kB, /healthz meanwhile within {pauses.longest * 1000:.0f} ms"
    )


def measured(base: str, pid: int, number: int, query: str) -> None:
    """Peak of the resident memory above what it was before, for one picture."""
    before = resident_bytes(pid)
    Path(f"/proc/{pid}/clear_refs").write_text("5")
    answer = requests.get(f"{base}/files/{number}.jpg?{query}", timeout=60)
    shape = "x".join(map(str, Image.open(io.BytesIO(answer.content)).size))
    kind = "progressive" if number == COUNT + 2 else "baseline"
    print(
        f"50 megapixels ({kind}), {query:30} {shape:>9} peak {(peak_bytes(pid) - before) / 1e6:6.1f} MB above"
        f" {before / 1e6:.1f} MB, and {(resident_bytes(pid) - before) / 1e6:.1f} MB stay"
    )


def main() -> None:
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    with FakeNas(library=library()) as nas:
        for size in (TWELVE, FIFTY):
            megabytes = (f"{name} {len(rendition(size, name)) / 1e6:.2f} MB" for name in ("xl", "original"))
            print(f"{size[0]}x{size[1]}: {', '.join(megabytes)}")
        command = service_command(nas, port, "--max-cache", "100")
        with started(command, f"{base}/readyz") as process:
            while requests.get(f"{base}/cache/stats", timeout=5).json()["entries"] < COUNT + 3:
                time.sleep(0.05)
            before = resident_bytes(process.pid)
            requests.get(f"{base}/files/0.jpg?w=9", timeout=30)
            print(f"Pillow, once it is loaded: {(resident_bytes(process.pid) - before) / 1e6:.1f} MB")
            for query in (
                "w=1920&h=1080",
                "w=1920&h=1080&fit=cover",
                "w=800&h=480",
                "w=800&h=480&fit=cover",
                "w=3840&h=2160",
            ):
                timed(base, query)
            for place, query in enumerate(("w=1920&h=1080&fit=cover", "w=1921&h=1300", "w=3840&h=2160&fit=cover")):
                measured(base, process.pid, COUNT + place % 2, query)
            measured(base, process.pid, COUNT + 2, "w=3840&h=2160")


main()
