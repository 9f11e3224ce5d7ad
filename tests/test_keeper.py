"""Keeper and the whole service over restarts: the album is known, photos come, and decks go on without the NAS."""

from __future__ import annotations

import logging
import os
import stat
import threading
from pathlib import Path

import pytest
from conftest import PATIENCE_SECONDS, Running, canary_nas, leaks, settings_for

from photosync import keeper, screens, service
from photosync.disk import PhotoDisk
from photosync.fakenas import FakeNas, Library, error
from photosync.settings import Settings


def settings_in(nas: FakeNas, folder: Path, **changes: object) -> Settings:
    return settings_for(nas, state_dir=folder, **changes)


def everything_kept(running: Running) -> None:
    running.wait_for("/cache/stats", lambda answer: answer.json()["disk"]["entries"] == answer.json()["photos"] > 0)


def shown(running: Running, count: int, client: str = "kitchen") -> list[str]:
    answers = [running.get(f"/files?client={client}") for _ in range(count)]
    assert {answer.status_code for answer in answers} == {200}
    return [answer.headers["Content-Location"] for answer in answers]


def files(folder: Path) -> dict[str, tuple[int, int]]:
    return {str(path): (path.stat().st_mtime_ns, path.stat().st_ino) for path in folder.rglob("*") if path.is_file()}


def test_after_a_restart_without_the_nas_every_photo_is_shown(nas: FakeNas, tmp_path: Path) -> None:
    with Running(settings_in(nas, tmp_path)) as running:
        everything_kept(running)
        names = running.get("/files/list").json()
    nas.stop()
    with Running(settings_in(nas, tmp_path)) as running:
        running.wait_ready()
        ready = running.get("/readyz").json()
        assert ready["status"] == "stale"
        assert running.get("/files/list").json() == names
        pictures = set(shown(running, 28))
        assert len(pictures) == 28
        for path in pictures:
            number = int(path.removeprefix("/files/").removesuffix(".jpg"))
            answer = running.get(path)
            assert answer.content == nas.library.items[number].data("xl")
            assert answer.headers["Cache-Status"] == "photos-sync; hit; detail=stale"
        assert running.stats()["status"] == "stale"


def test_decks_go_on_over_a_restart(nas: FakeNas, tmp_path: Path) -> None:
    with Running(settings_in(nas, tmp_path)) as running:
        everything_kept(running)
        first = shown(running, 11)
        shown(running, 5, "hall")
    with Running(settings_in(nas, tmp_path)) as running:
        running.wait_ready()
        second = shown(running, 17)
        assert len({*first, *second}) == 28
        assert len(set(shown(running, 23, "hall"))) == 23


def test_decks_of_an_album_go_on_too(nas: FakeNas, tmp_path: Path) -> None:
    settings = settings_in(nas, tmp_path, albums=("kitchen-dash", "Grandparents"))
    rounds: list[str] = []
    for count in (3, 5):
        with Running(settings) as running:
            everything_kept(running)
            answers = [running.get("/files?album=Grandparents&client=hall") for _ in range(count)]
            rounds += [answer.headers["Content-Location"] for answer in answers]
    assert len(set(rounds)) == 8


def test_when_the_nas_is_back_its_album_counts(nas: FakeNas, tmp_path: Path) -> None:
    with Running(settings_in(nas, tmp_path)) as running:
        everything_kept(running)
    album = nas.library.album("kitchen-dash")
    gone = album.items[0]
    nas.library.remove(album, gone)
    added = nas.library.add(album, filename="added.jpg")
    with Running(settings_in(nas, tmp_path)) as running:
        running.wait_for("/readyz", lambda answer: answer.json()["status"] == "ok")
        everything_kept(running)
        assert running.get(f"/files/{gone.id}.jpg").status_code == 404
        assert running.get(f"/files/{added.id}.jpg").status_code == 200
        assert not list((tmp_path / "photos").glob(f"{gone.id}-*"))


def test_no_photo_is_asked_for_before_the_album_is_listed(nas: FakeNas, tmp_path: Path) -> None:
    settings = settings_in(nas, tmp_path, max_disk_bytes=0)
    with Running(settings) as running:
        running.wait_ready()
        running.wait_filled()
    nas.calls.clear()
    nas.fault(error(117), api="SYNO.Foto.Browse.Album")  # the NAS is busy
    with Running(settings) as running:
        running.wait_for("/cache/stats", lambda answer: answer.json()["last_error"] is not None)
        running.call(running.service.store.health.breaker.success)
        answer = running.get("/files")
        assert answer.status_code == 503
        assert "has not been listed since the start" in answer.text
    assert nas.count("SYNO.Foto.Thumbnail") == 0


def test_decks_go_on_over_restarts_while_the_nas_is_dark(nas: FakeNas, tmp_path: Path) -> None:
    seen: list[str] = []
    for count in (4, 9, 15):
        with Running(settings_in(nas, tmp_path)) as running:
            running.wait_ready()
            if not seen:
                everything_kept(running)
                nas.stop()
            seen += shown(running, count)
    assert len(set(seen)) == 28


def test_a_start_in_vain_forgets_nothing(nas: FakeNas, tmp_path: Path) -> None:
    with Running(settings_in(nas, tmp_path)) as running:
        everything_kept(running)
    nas.stop()
    before = files(tmp_path)
    with Running(settings_in(nas, tmp_path, username="somebody")) as running:
        running.wait_for("/cache/stats", lambda answer: answer.json()["last_error"] is not None)
    assert files(tmp_path) == before


def test_nothing_is_served_of_another_account_or_nas(nas: FakeNas, tmp_path: Path) -> None:
    with Running(settings_in(nas, tmp_path)) as running:
        everything_kept(running)
    with canary_nas(library=Library.synthetic(3)) as other:
        other.login_error = 499
        with Running(settings_in(other, tmp_path)) as running:
            running.wait_for("/cache/stats", lambda answer: answer.json()["last_error"] is not None)
            assert running.get("/files").status_code == 503
            assert running.stats()["photos"] == 0


@pytest.mark.usefixtures("no_collection")
@pytest.mark.parametrize("name", ["catalog", "decks"])
@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"[1,", b"[" * 100_000])
def test_a_broken_file_costs_what_was_in_it_and_no_more(
    nas: FakeNas, tmp_path: Path, name: str, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    with Running(settings_in(nas, tmp_path)) as running:
        everything_kept(running)
        shown(running, 5)
    (tmp_path / name).write_bytes(content)
    with Running(settings_in(nas, tmp_path)) as running:
        running.wait_for("/readyz", lambda answer: answer.json()["status"] == "ok")
        assert len(set(shown(running, 28))) == 28
    assert (name == "catalog") == ("is not whole" in caplog.text)
    with Running(settings_in(nas, tmp_path)) as running:  # which has been written anew
        nas.stop()
        running.wait_ready()
        assert len(running.get("/files/list").json()) == 28


def test_what_a_kill_left_unfinished_is_cleared_away(nas: FakeNas, tmp_path: Path) -> None:
    for name in (".catalog-x1y2z3w4", ".decks-a_b_c_d_"):
        (tmp_path / name).write_text("half of")
    (tmp_path / ".decksharing").write_text("not ours")
    with Running(settings_in(nas, tmp_path)) as running:
        running.wait_ready()
    kept = {"catalog", "decks", "photos", ".decksharing", ".logins.lock"}
    assert {path.name for path in tmp_path.iterdir()} == kept


def test_an_unchanged_album_is_not_written_again(nas: FakeNas, tmp_path: Path) -> None:
    with Running(settings_in(nas, tmp_path)) as running:
        everything_kept(running)
        before = files(tmp_path)
        assert tmp_path / "catalog" in map(Path, before)
        for _ in range(3):
            running.look()
            shown(running, 10)
        assert files(tmp_path) == before
    after = files(tmp_path)
    assert {path for path in before if before[path] != after[path]} == {str(tmp_path / "decks")}


def test_a_change_is_written_after_a_while_by_itself(
    nas: FakeNas, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper, "_SPACING_SECONDS", 0.3)
    album = nas.library.album("kitchen-dash")
    with Running(settings_in(nas, tmp_path)) as running:
        everything_kept(running)
        for name in ("one.jpg", "two.jpg"):
            nas.library.add(album, filename=name)
            running.look()
        for name in ("one.jpg", "two.jpg"):
            running.wait_for("/healthz", lambda _, name=name: name in (tmp_path / "catalog").read_text())  # type: ignore[misc]


def test_an_album_that_is_being_filled_is_not_written_at_every_look(nas: FakeNas, tmp_path: Path) -> None:
    album = nas.library.album("kitchen-dash")
    with Running(settings_in(nas, tmp_path)) as running:
        everything_kept(running)
        running.wait_for("/healthz", lambda _: (tmp_path / "decks").exists())
        before = files(tmp_path)
        for number in range(3):
            nas.library.add(album, filename=f"added {number}.jpg")
            running.look()
        assert {path: found for path, found in files(tmp_path).items() if path in before} == before
    assert "added 2.jpg" in (tmp_path / "catalog").read_text()


def test_everything_is_for_its_owner_alone_and_without_secrets(nas: FakeNas, tmp_path: Path) -> None:
    with Running(settings_in(nas, tmp_path, albums=("kitchen-dash", "Anna's garden"))) as running:
        everything_kept(running)
        shown(running, 3)
    for path in tmp_path.rglob("*"):
        if path.parent == tmp_path:
            assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path
        if path.is_file():
            assert not leaks(path.read_bytes())
            assert b"gArd3nP4s" not in path.read_bytes()


def test_a_directory_that_cannot_be_written_is_told_in_one_line(
    nas: FakeNas, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "state"
    folder.write_text("in the way")
    with Running(settings_in(nas, folder)) as running:
        running.wait_ready()
        running.wait_filled()
        assert running.stats()["disk"]["entries"] == 0
        assert len(set(shown(running, 28))) == 28
    told = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(told) == 1
    assert "Nothing can be kept in" in told[0].getMessage()


def test_without_a_state_directory_nothing_stays_but_the_login_brakes_lock(nas: FakeNas, tmp_path: Path) -> None:
    before = os.getcwd()
    os.chdir(tmp_path)
    try:
        with Running(settings_for(nas)) as running:
            running.wait_ready()
            shown(running, 3)
            assert running.stats()["disk"] is None
    finally:
        os.chdir(before)
    (lock,) = (path for path in tmp_path.rglob("*") if path.is_file())
    assert (lock.name, lock.stat().st_size) == (".logins.lock", 0)


# What can go wrong with the disk while the NAS is dark


def only_some_in_memory(running: Running, count: int) -> None:
    cache = running.service.store.cache

    def discard() -> None:
        for key in list(cache)[count:]:
            cache.discard(key)

    running.call(discard)
    assert running.stats()["entries"] == count


def test_while_any_photo_is_in_memory_a_disk_that_lost_its_files_costs_no_screen_its_picture(
    nas: FakeNas, tmp_path: Path
) -> None:
    with Running(settings_in(nas, tmp_path)) as running:
        everything_kept(running)
        nas.stop()
        running.look()
        only_some_in_memory(running, 2)
        for path in (tmp_path / "photos").glob("*.jpg"):
            path.unlink()
        assert len(set(shown(running, 20))) == 2


def test_a_disk_that_hangs_holds_no_screen_up_for_long(
    nas: FakeNas, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(screens, "_PATIENCE_SECONDS", 0.1)
    go = threading.Event()
    with Running(settings_in(nas, tmp_path)) as running:
        everything_kept(running)
        nas.stop()
        running.look()
        only_some_in_memory(running, 2)
        read = PhotoDisk.read
        monkeypatch.setattr(PhotoDisk, "read", lambda self, key: go.wait(PATIENCE_SECONDS) and read(self, key))
        try:
            assert len(set(shown(running, 12))) == 2
        finally:
            go.set()


def test_a_directory_that_can_only_be_read_is_read(
    nas: FakeNas, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with Running(settings_in(nas, tmp_path)) as running:
        everything_kept(running)
    nas.stop()
    with Running(settings_in(nas, tmp_path, state_writable=False)) as running:
        running.wait_ready()
        assert len(set(shown(running, 28))) == 28
    assert "Nothing can be kept" not in caplog.text  # which the program has said at its start


def test_a_disk_that_hangs_at_the_start_costs_what_is_on_it_and_no_more(
    nas: FakeNas, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "_RECALL_SECONDS", 0.1)
    go = threading.Event()
    monkeypatch.setattr(PhotoDisk, "open", lambda self: go.wait(PATIENCE_SECONDS))
    try:
        with Running(settings_in(nas, tmp_path)) as running:
            running.wait_for("/readyz", lambda answer: answer.json()["status"] == "ok")
            assert len(set(shown(running, 28))) == 28
    finally:
        go.set()


def test_a_second_service_leaves_the_directory_of_the_first_alone(
    nas: FakeNas, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with Running(settings_in(nas, tmp_path)) as first:
        everything_kept(first)
        with Running(settings_in(nas, tmp_path, albums=("Grandparents",))) as second:
            second.wait_ready()
            assert second.stats()["disk"] is None
        assert "Another photos-sync uses the state directory" in caplog.text
        assert len(list((tmp_path / "photos").glob("*.jpg"))) == 28
    with Running(settings_in(nas, tmp_path)) as again:
        assert again.stats()["disk"] is not None


def test_after_a_restart_nothing_is_downloaded_that_is_on_disk(nas: FakeNas, tmp_path: Path) -> None:
    with Running(settings_in(nas, tmp_path)) as running:
        everything_kept(running)
    nas.calls.clear()
    with Running(settings_in(nas, tmp_path)) as running:
        running.wait_for("/readyz", lambda answer: answer.json()["status"] == "ok")
        assert len(set(shown(running, 28))) == 28
    assert nas.count("SYNO.Foto.Thumbnail") + nas.count("SYNO.FotoTeam.Thumbnail") == 0


def test_what_could_not_be_kept_is_kept_once_there_is_room(
    nas: FakeNas, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = PhotoDisk.write
    monkeypatch.setattr(PhotoDisk, "write", lambda self, key, data: None)
    with Running(settings_in(nas, tmp_path)) as running:
        running.wait_filled()
        monkeypatch.setattr(PhotoDisk, "write", write)
        nas.library.add(nas.library.album("kitchen-dash"), filename="added.jpg")
        running.look()
        everything_kept(running)
