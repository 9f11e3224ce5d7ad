"""Ten kiosks, each a thread with habits of its own, that note every answer."""

from __future__ import annotations

import json
import random
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPResponse
from urllib.parse import quote

from conftest import leaks
from outside import connect

from .house import SMALL_ALBUM

LONGEST_WAIT_SECONDS = 20.0
_LABEL = re.compile(rb"unit (\d{9}) +\w+ edit (\d{6})")
_URL = re.compile(r"/files/([1-9]\d*)\.jpg")
_SMALL = f"album={quote(SMALL_ALBUM)}"


@dataclass(frozen=True)
class Habits:
    """`address` is the last number of 127.0.0.x; about `pause_seconds` lie between two photos."""

    name: str
    address: int
    query: str = ""
    pause_seconds: float = 0.2
    reconnects: bool = False
    slow: bool = False
    as_json: bool = False

    @property
    def album(self) -> str:
        return SMALL_ALBUM if _SMALL in self.query else ""


HABITS = (
    Habits("plain", 11),
    Habits("calm", 12, pause_seconds=1.0),
    Habits("hall", 13, "client=hall"),
    Habits("kitchen", 13, "client=kitchen"),
    Habits("small", 14, _SMALL),
    Habits("small-hall", 13, f"client=hall&{_SMALL}"),
    Habits("reconnects", 15, reconnects=True),
    Habits("slow", 16, "client=slow", slow=True),
    Habits("json", 17, "format=json", pause_seconds=0.3, as_json=True),
    Habits("browser", 18, f"format=json&client=browser&{_SMALL}", pause_seconds=0.3, as_json=True),
)


@dataclass(frozen=True)
class Showing:
    """One answer to GET /files. `photo` is None if it brought no photo, and `problem` says what it brought instead.

    `edit` is the number in the picture itself, None where only its address was asked for.
    """

    began: float
    answered: float
    photo: int | None = None
    edit: int | None = None
    stale: bool = False
    problem: str = ""


class _Connection(HTTPConnection):
    """From an address of its own; with a small buffer it takes little before it is read."""

    def __init__(self, port: int, habits: Habits) -> None:
        super().__init__("127.0.0.1", port, timeout=LONGEST_WAIT_SECONDS)
        self._habits = habits

    def connect(self) -> None:
        assert self.port is not None
        buffer = 4096 if self._habits.slow else 0
        self.sock = connect(self.port, receive_buffer=buffer, source=f"127.0.0.{self._habits.address}")
        self.sock.settimeout(LONGEST_WAIT_SECONDS)


class Visitor:
    """Asks over a kept-alive connection; every answer is searched for the canaries."""

    def __init__(self, port: int, habits: Habits) -> None:
        self.leaked: list[str] = []
        self._habits = habits
        self._connection = _Connection(port, habits)

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> tuple[HTTPResponse, bytes, float]:
        """The answer, its body, and the monotonic time of its first byte; asked once more if the connection was old."""
        old = self._connection.sock is not None
        try:
            return self._get(path, headers or {})
        except (HTTPException, OSError) as error:
            self.close()
            if not old or isinstance(error, TimeoutError):
                raise
        return self._get(path, headers or {})

    def close(self) -> None:
        self._connection.close()

    def _get(self, path: str, headers: Mapping[str, str]) -> tuple[HTTPResponse, bytes, float]:
        self._connection.request("GET", path, headers=dict(headers))
        response = self._connection.getresponse()
        answered = time.monotonic()
        body = self._read_slowly(response) if self._habits.slow else response.read()
        told = repr(response.getheaders()).encode()
        self.leaked += leaks(told if response.getheader("Content-Type") == "image/jpeg" else told + body)
        if self._habits.reconnects:
            self.close()
        return response, body, answered

    def _read_slowly(self, response: HTTPResponse) -> bytes:
        pieces = []
        while piece := response.read(32768):
            pieces.append(piece)
            time.sleep(0.1)
        return b"".join(pieces)


class Kiosk(threading.Thread):
    """`units` names the photo of each unit of the NAS, by which a picture is known to be the right one."""

    def __init__(
        self, habits: Habits, port: int, seed: int, units: Mapping[int, int], begun_at: float, stopping: threading.Event
    ) -> None:
        super().__init__(name=habits.name, daemon=True)
        self.habits = habits
        self.showings: list[Showing] = []
        self.tagged: Counter[int] = Counter()
        self.wrong: list[str] = []
        self.visitor = Visitor(port, habits)
        self._rng = random.Random(f"{seed} {habits.name}")
        self._units = units
        self._begun_at = begun_at
        self._stopping = stopping
        self._tags: dict[str, str] = {}

    def run(self) -> None:
        path = f"/files?{self.habits.query}" if self.habits.query else "/files"
        while not self._stopping.wait(self._rng.uniform(0.5, 1.5) * self.habits.pause_seconds):
            showing = self._show(path)
            self.showings.append(showing)
            if self.habits.as_json and showing.photo is not None:
                self._show_tagged(f"/files/{showing.photo}.jpg")
        self.visitor.close()

    def _show(self, path: str) -> Showing:
        began = time.monotonic() - self._begun_at
        photo = edit = None
        stale, answered, problem = False, began, ""
        try:
            response, body, at = self.visitor.get(path)
            answered, stale = at - self._begun_at, response.getheader("Cache-Status") is not None
            photo, edit = self._photo(response, body)
        except (HTTPException, OSError, ValueError) as error:
            problem = f"{type(error).__name__}: {error}"
        return Showing(began, answered, photo, edit, stale, problem)

    def _photo(self, response: HTTPResponse, body: bytes) -> tuple[int, int | None]:
        """Which photo this is. ValueError if it is none, or not whole, or another than it claims."""
        if response.status != 200:
            raise ValueError(
                f"status {response.status}, {body[:300] if body[:1] == b'{' else 'a picture with words'!r}"
            )
        if self.habits.as_json:
            return _number(json.loads(body)["url"]), None
        return self._picture(body, response.getheader("Content-Location", ""))

    def _picture(self, body: bytes, url: str) -> tuple[int, int]:
        number, label = _number(url), _LABEL.search(body, 0, 100)
        if label is None or not body.endswith(b"\xff\xd9"):
            raise ValueError(f"not a whole photo: {body[:100]!r}")
        if self._units.get(int(label[1])) != number:
            raise ValueError(f"{url} brought unit {int(label[1])}")
        return number, int(label[2])

    def _show_tagged(self, url: str) -> None:
        """As a browser: asks whether the copy from before still holds. 200, 304 and errors with a cause are right."""
        tag = self._tags.get(url)
        try:
            response, body, _ = self.visitor.get(url, {"If-None-Match": tag} if tag else {})
            self.tagged[response.status] += 1
            if response.status == 200:
                self._picture(body, url)
                self._tags[url] = response.getheader("ETag", "")
            elif response.status == 304 and (tag is None or response.getheader("ETag") != tag):
                raise ValueError(f"304 for {tag}")
            elif response.status not in (304, 404, 502, 503, 504):
                raise ValueError(f"status {response.status}")
        except (HTTPException, OSError, ValueError) as error:
            self.wrong.append(f"{url}: {type(error).__name__}: {error}")


def _number(url: object) -> int:
    found = _URL.fullmatch(str(url))
    if found is None:
        raise ValueError(f"no photo's address: {url!r}")
    return int(found[1])


class Observer:
    """Looks at the listing now and then. `gone` says since when a photo is no longer in it, `sizes` how many photos
    each album ("" is all) had when.
    """

    def __init__(self, port: int, clock: Callable[[], float]) -> None:
        self.gone: dict[int, float] = {}
        self.sizes: dict[str, list[tuple[float, int]]] = {"": [], SMALL_ALBUM: []}
        self.visitor = Visitor(port, Habits("observer", 19))
        self._clock = clock
        self._listed: set[int] = set()

    def look(self) -> None:
        for album, sizes in self.sizes.items():
            asked = self._clock()
            response, body, _ = self.visitor.get(f"/files/list?details=1{f'&{_SMALL}' if album else ''}")
            if response.status != 200:
                continue
            listed = {photo["id"] for photo in json.loads(body)}
            sizes.append((asked, len(listed)))
            if not album:
                self.gone.update(dict.fromkeys(self._listed - listed, self._clock()))
                self._listed |= listed

    def ask(self, path: str) -> dict[str, object]:
        _, body, _ = self.visitor.get(path)
        found: dict[str, object] = json.loads(body)
        return found
