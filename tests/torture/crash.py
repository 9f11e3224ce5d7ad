"""The real process, killed at random points while its state is written, and what the next one makes of that."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests
from conftest import canary_nas
from outside import Process

from photosync.fakenas import FakeNas, Item, Library

_ALBUM_PHOTOS = 16
_PHOTO_BYTES = 150_000
_NEW_EACH_TIME = 1
_LONGEST_LIFE_SECONDS = 0.5  # after its first photo: what there is to write is written by then
_STARTING_SECONDS = (0.1, 0.6)
_FILE = re.compile(r"(\d+)-(.+)-xl\.[0-9a-f]{8}\.jpg")
# A torn file is told, and a photo of the last listing may be gone from the NAS by the time it is asked for.
_FORESEEN = r"The album cannot be read: |The NAS gives no pictures: The NAS has no |The file .+ is not a whole photo"
_TROUBLE = re.compile(rf" (ERROR|WARNING) (?!{_FORESEEN})|Traceback")

Version = tuple[int, str]
"""(photo id, version): the picture of one photo, which an edit changes."""


class Frame:
    """A service and its NAS over many lives of the process, with one state directory."""

    def __init__(self, nas: FakeNas, folder: Path, rng: random.Random) -> None:
        self.kills = 0
        self.unfinished = 0  # kills in the middle of a write
        self.torn = 0  # photos that were torn
        self._nas = nas
        self._album = nas.library.album("kitchen-dash")
        self._folder = folder
        self._state = folder / "state"
        self._rng = rng
        self._pictures: dict[Version, bytes] = {}
        self._remember(self._album.items)

    def first_life(self) -> None:
        """Everything is kept before the first kill."""
        with self._process() as process:
            process.wait_for("/cache/stats", lambda answer: answer.json()["disk"]["entries"] == _ALBUM_PHOTOS)
            process.wait_for("/healthz", lambda _: (self._state / "decks").exists())
            self._kill(process)

    def life_without_the_nas(self) -> None:
        """What was written before the last kill is all there, at once; what a power cut tore is not shown."""
        torn = self._tear() if self._rng.random() < 0.5 else set()
        catalog, files = self._catalog(), self._files() - torn
        self._nas.stop()
        with self._process() as process:
            if catalog & files:
                self._check_photo(process.get("/files"))
            listed = {photo["id"] for photo in process.get("/files/list?details=1").json()}
            _require(listed == {number for number, _ in catalog}, "the listing is not the one that was written last")
            for number, _ in catalog & files:
                self._check_photo(process.get(f"/files/{number}.jpg"))
            for number, _ in catalog & torn:
                _require(process.get(f"/files/{number}.jpg").status_code == 503, f"photo {number} is torn, but shown")
            _require(not self._unfinished(), f"files left behind: {self._unfinished()}")
            self._kill(process)
            self._check_log(process)
        self._nas.start()

    def life_with_the_nas(self) -> None:
        """Photos at once, and a kill while those of a changed album are being written."""
        self._change_album()
        catalog, files = self._catalog(), self._files()
        known = {self._version(item) for item in self._album.items}
        with self._process() as process:
            if catalog & files & known:
                self._check_photo(process.get("/files"))
            self._live(process)
            kept = self._catalog(), self._files()
            self._kill(process)
            self._check_log(process)
        _require(self._catalog() in ((kept[0], known) if kept[0] in (catalog, known) else ()), "a listing nobody had")
        _require(self._files() >= (files | kept[1]) & known, "a photo that was kept is gone")
        self.unfinished += bool(self._unfinished())

    def _live(self, process: Process) -> None:
        """For any time, or until a file is being written."""
        if self._rng.random() < 0.25:
            until = time.monotonic() + _LONGEST_LIFE_SECONDS * self._rng.random()
            while time.monotonic() < until:
                self._check_photo(process.wait_for("/files", lambda answer: answer.status_code == 200))
        else:
            until = time.monotonic() + _LONGEST_LIFE_SECONDS
            while time.monotonic() < until and not self._unfinished():
                pass

    def life_cut_short(self) -> None:
        """A kill before it can have said anything, somewhere between the interpreter's start and the first look."""
        with self._process() as process:
            time.sleep(self._rng.uniform(*_STARTING_SECONDS))
            self._kill(process)

    def last_life(self) -> None:
        """Nothing that happened keeps the service from showing the album as it is."""
        with self._process() as process:
            names = sorted(item.filename for item in self._album.items)
            process.wait_for("/readyz", lambda answer: answer.json()["status"] == "ok")
            process.wait_for("/files/list", lambda answer: sorted(answer.json()) == names)
            process.wait_for("/cache/stats", lambda answer: answer.json()["disk"]["entries"] == len(names))
            for item in self._album.items:
                self._check_photo(process.get(f"/files/{item.id}.jpg"), self._version(item))
            process.signal()
            _require(process.wait(10) == 0, "it does not end well")

    def _tear(self) -> set[Version]:
        """One file as a power cut may leave it, which a kill does not: the system writes on what it was given."""
        version = self._rng.choice(sorted(self._catalog() & self._files()))
        (path,) = (self._state / "photos").glob(f"{version[0]}-{version[1]}-*.jpg")
        os.truncate(path, self._rng.randrange(path.stat().st_size))
        self.torn += 1
        return {version}

    @contextmanager
    def _process(self) -> Iterator[Process]:
        with Process(self._nas.url, self._folder, "--state-dir", str(self._state), "--log-level", "debug") as process:
            yield process

    def _kill(self, process: Process) -> None:
        process.signal(signal.SIGKILL)
        process.wait(10)
        self.kills += 1

    def _change_album(self) -> None:
        library = self._nas.library
        for item in self._rng.sample(self._album.items, _NEW_EACH_TIME):
            library.delete(item)
        library.edit(self._rng.choice(self._album.items))
        for _ in range(_NEW_EACH_TIME):
            library.add(self._album, size_bytes=_PHOTO_BYTES)
        self._remember(self._album.items)

    def _remember(self, items: list[Item]) -> None:
        self._pictures.update({self._version(item): item.data("xl") for item in items})

    def _check_photo(self, answer: requests.Response, version: Version | None = None) -> None:
        """A whole picture, as the NAS had it at some time, or of that version.

        A listing from before an edit comes with the picture from after it: a NAS gives the one it has.
        """
        _require(answer.status_code == 200, f"{answer.request.path_url} answers {answer.status_code}: {answer.text}")
        number = int(answer.headers.get("Content-Location", answer.request.path_url)[7:-4])
        possible = [version] if version else [known for known in self._pictures if known[0] == number]
        _require(answer.content in [self._pictures[one] for one in possible], f"photo {number} is torn")

    def _check_log(self, process: Process) -> None:
        aside = len(list((self._state / "photos").glob("aside/*")))
        _require(aside <= self.torn, f"{aside} files were not whole, {self.torn} of them torn here")
        _require(not (wrong := list(filter(_TROUBLE.search, process.log))), f"not foreseen: {wrong}")

    @staticmethod
    def _version(item: Item) -> Version:
        return (item.id, item.cache_key)

    def _catalog(self) -> set[Version]:
        """The photos of the listing that was written last."""
        rows = map(json.loads, (self._state / "catalog").read_text("utf-8").splitlines())
        return {(row[0], row[2]) for row in rows if isinstance(row, list) and len(row) > 4 and isinstance(row[2], str)}

    def _files(self) -> set[Version]:
        found = map(_FILE.fullmatch, (path.name for path in (self._state / "photos").iterdir()))
        return {(int(name[1]), name[2]) for name in found if name}

    def _unfinished(self) -> list[str]:
        paths = [*self._state.iterdir(), *(self._state / "photos").iterdir()]
        known = {"catalog", "decks", "photos", "aside", "logins", ".logins.lock"}
        return [path.name for path in paths if path.name not in known and not _FILE.fullmatch(path.name)]


def crash(kills: int, seed: int) -> list[str]:
    """Kills the process so many times, and half of the next lives have no NAS. Prints what came of it.

    Gives the arguments that repeat it if anything was wrong.
    """
    rng = random.Random(seed)
    verdict = "nothing torn was shown, nothing was lost"
    library = Library.synthetic(_ALBUM_PHOTOS, photo_bytes=_PHOTO_BYTES)
    with canary_nas(library=library) as nas, tempfile.TemporaryDirectory() as folder:
        frame = Frame(nas, Path(folder), rng)
        try:
            frame.first_life()
            while frame.kills < kills:
                if rng.random() < 0.25:
                    frame.life_cut_short()
                (frame.life_without_the_nas if rng.random() < 0.5 else frame.life_with_the_nas)()
            frame.last_life()
        except Exception as error:
            verdict = f"FAILED {type(error).__name__}: {error}"
    counts = (
        f"{frame.kills} times, {frame.unfinished} of them in the middle of a write; {frame.torn} files torn besides"
    )
    print(f"kill -9: {counts}: {verdict}. Seed {seed}.")
    return [f"--kills-only --kills {kills}"] if verdict.startswith("FAILED") else []


def _require(fact: bool, otherwise: str) -> None:
    if not fact:
        raise AssertionError(otherwise)
