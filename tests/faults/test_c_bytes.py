"""Group C: what the NAS sends in place of a picture."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from conftest import Running, canary_nas, settings_for
from guest import THUMBNAIL, Guest
from proxy import Proxy, Toxics

from photosync import fakenas
from photosync.cache import PhotoCache
from photosync.errors import NasError
from photosync.fakenas import Library

LONGEST_REPLY = 2000


@contextmanager
def small_picture_behind_a_proxy() -> Iterator[tuple[Guest, Proxy]]:
    """One photo, whose reply has about a thousand bytes."""
    with canary_nas(library=Library.synthetic(1, photo_bytes=500)) as nas, Proxy(nas.port) as line:
        yield Guest(nas, url=line.url), line


def outcomes(guest: Guest, line: Proxy, step: int, *, reset_peer: bool = False) -> dict[int, str]:
    """What becomes of the reply when it ends after so many bytes, up to the first that is whole."""
    (photo,) = guest.photos()
    picture = guest.item(photo).data("xl")
    found: dict[int, str] = {}
    for offset in range(0, LONGEST_REPLY, step):
        line.toxics = Toxics(limit_data=offset, reset_peer=reset_peer)
        try:
            assert guest.client.fetch(photo) == picture
        except NasError as error:
            found[offset] = error.kind
            continue
        found[offset] = "whole"
        break
    assert max(found) > len(picture)
    return found


def test_c1_a_reply_cut_at_any_byte_is_the_whole_picture_or_an_error() -> None:
    """Any seventh; test_wire.py has every byte, of a NAS that cuts its replies itself."""
    with small_picture_behind_a_proxy() as (guest, line):
        found = outcomes(guest, line, 7)
    assert found.popitem()[1] == "whole"
    assert {kind for offset, kind in found.items() if offset > len("HTTP/1.1 200")} == {"truncated"}
    assert set(found.values()) <= {"truncated", "reset", "protocol"}


def test_c1_a_reply_reset_at_any_byte_is_the_whole_picture_or_an_error() -> None:
    with small_picture_behind_a_proxy() as (guest, line):
        found = outcomes(guest, line, 29, reset_peer=True)
    assert set(found.values()) <= {"whole", "truncated", "reset"}


def test_c2_a_picture_without_a_length_counts_only_with_its_end_marker() -> None:
    with small_picture_behind_a_proxy() as (guest, line):
        guest.nas.fault(fakenas.close_delimited(), api=THUMBNAIL)
        found = outcomes(guest, line, 5)
    assert found.popitem()[1] == "whole"
    assert {kind for offset, kind in found.items() if offset > max(found) - 480} == {"not_jpeg"}
    assert set(found.values()) <= {"not_jpeg", "truncated", "reset", "protocol"}


@pytest.mark.parametrize(("asked", "longest"), [("120", 120), ("99999999", 300)])
def test_c10_a_busy_nas_is_left_alone_for_as_long_as_it_asks_within_reason(asked: str, longest: int) -> None:
    with canary_nas(library=Library.synthetic(8)) as nas:
        busy = nas.fault(fakenas.status(503, headers={"Retry-After": asked}), api=THUMBNAIL)
        with Running(settings_for(nas)) as running:
            running.wait_for("/readyz", lambda response: b"HTTP status 503" in response.content)
            running.wait_quiet()
            hits = busy.hits
            for photo in running.get("/files/list?details=1").json():
                answer = running.get(photo["url"])
                assert answer.status_code == 503
                assert longest - 20 < int(answer.headers["Retry-After"]) <= longest
            assert busy.hits == hits <= 5


@pytest.mark.parametrize("budget", range(23))
def test_c15_a_photo_larger_than_the_memory_evicts_nothing_at_any_budget(budget: int) -> None:
    size = 7
    cache = PhotoCache(budget)
    kept = [cache.put((number, "1", "xl"), bytes(size)) is not None for number in range(4)]
    assert all(kept) if size <= budget else not any(kept)
    assert len(cache) == min(budget // size, 4)
    before = list(cache)
    assert cache.put((9, "1", "xl"), bytes(budget + 1)) is None
    assert list(cache) == before
    assert cache.bytes == len(cache) * size <= budget
    assert cache.reserved_bytes == 0


SCRIPTS = {
    "html": b"<html><script>alert(1)</script></html>",
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
    "gif and script": b"GIF89a/*" + bytes(50) + b"*/=alert(1)//\xff\xd9",
    "pdf with a picture": b"%PDF-1.4 \xff\xd8\xff\xff\xd9",
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_c16_what_is_served_as_a_picture_is_one_and_no_browser_may_think_otherwise(name: str) -> None:
    with canary_nas(library=Library.synthetic(2)) as nas:
        good, bad = nas.library.album("kitchen-dash").items
        nas.fault(fakenas.bytes_body(SCRIPTS[name], "image/jpeg"), api=THUMBNAIL, item=bad.unit_id)
        with Running(settings_for(nas)) as running:
            running.wait_ready()
            picture = running.get(f"/files/{good.id}.jpg")
            assert picture.content.startswith(b"\xff\xd8\xff")
            assert picture.headers["Content-Type"] == "image/jpeg"
            assert picture.headers["X-Content-Type-Options"] == "nosniff"
            refused = running.get(f"/files/{bad.id}.jpg")
            assert refused.status_code == 502
            assert SCRIPTS[name] not in refused.content
            assert refused.headers["Content-Type"] == "application/json"
