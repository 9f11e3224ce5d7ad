"""Group A: logging in, and what can become of a session."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from conftest import Running, canary_nas, settings_for
from guest import ALBUM, AUTH, MINUTE, THUMBNAIL, Guest
from outside import Process
from proxy import Proxy, Toxics

from photosync import fakenas
from photosync.errors import LoginRefused
from photosync.fakenas import FakeNas, Library


def test_a1_a_wrong_password_costs_few_logins_in_an_hour_however_often_photos_are_asked_for(nas: FakeNas) -> None:
    guest = Guest(nas)
    guest.password = "not it"
    at: list[float] = []
    for _ in range(3600):
        before = guest.logins
        with pytest.raises(LoginRefused):
            guest.client.list_albums()
        at += [guest.clock.now] * (guest.logins - before)
        guest.clock.now += 1
    assert 1 <= len(at) <= 3
    assert all(after - before >= 15 * MINUTE for before, after in pairwise(at))


@pytest.mark.parametrize("code", [105, 160])
def test_a5_an_account_that_may_not_see_the_album_is_told_so_and_does_not_log_in_again_and_again(code: int) -> None:
    with canary_nas(library=Library.synthetic(3)) as nas, Running(settings_for(nas)) as running:
        running.wait_filled()
        logins = nas.count(AUTH, "login")
        forbidden = nas.fault(fakenas.error(code), api=ALBUM)
        for _ in range(5):
            running.look()
        assert "may not use Synology Photos" in running.stats()["last_error"]
        assert nas.count(AUTH, "login") <= logins + 1
        assert running.get("/files").status_code == 200
        forbidden.remove()
        running.look()
        assert running.stats()["last_error"] is None


@pytest.mark.parametrize("code", [105, 160])
def test_a5_a_photo_that_the_account_may_not_see_is_a_502_of_its_own(code: int) -> None:
    with canary_nas(library=Library.synthetic(3)) as nas:
        forbidden = nas.library.album("kitchen-dash").items[0]
        nas.fault(fakenas.error(code), api=THUMBNAIL, item=forbidden.unit_id)
        with Running(settings_for(nas)) as running:
            running.wait_for("/cache/stats", lambda response: response.json()["entries"] == 2)
            for _ in range(5):
                answer = running.get(f"/files/{forbidden.id}.jpg")
                assert answer.status_code == 502
                assert "may not use Synology Photos" in answer.json()["error"]
                assert running.get("/files").status_code == 200
        assert nas.count(AUTH, "login") <= 2


@pytest.mark.parametrize("body", ["<html>Sign in to the hotel</html>", "{", '{"success":true}', "[]", "null"])
def test_a6_a_login_answered_by_a_page_or_by_nonsense_is_told_and_tried_again(nas: FakeNas, body: str) -> None:
    failing = nas.fault(fakenas.json_body(body), api=AUTH, method="login")
    with Running(settings_for(nas)) as running:
        answer = running.wait_for("/files", lambda response: "first time" not in response.text)
        assert answer.status_code == 502
        told = answer.json()["error"]
        assert any(words in told for words in ("not a Synology NAS", "cannot be read", "no usable session")), told
        assert failing.hits <= 2
        failing.remove()
        running.look()
        running.wait_ready()


@pytest.mark.parametrize("toxics", [Toxics(timeout=True), Toxics(slicer=1, latency=0.02)], ids=["hangs", "drips"])
def test_a8_a_login_that_does_not_end_does_not_hold_up_the_start(nas: FakeNas, toxics: Toxics) -> None:
    with Proxy(nas.port) as line:
        line.toxics = toxics
        with Running(settings_for(nas, url=line.url, timeout_seconds=0.4)) as running:
            for path in ("/healthz", "/", "/cache/stats"):
                assert running.get(path).status_code == 200
            assert running.get("/readyz").status_code == 503
            running.wait_for("/files", lambda response: response.status_code == 504)
            line.toxics = Toxics()
            running.look_again()
            running.wait_ready()


def test_a10_a_logout_that_hangs_does_not_hold_up_the_end(nas: FakeNas, tmp_path: Path) -> None:
    hanging = nas.fault(fakenas.hang(), api=AUTH, method="logout")
    with Process(nas.url, tmp_path) as process:
        process.wait_ready()
        process.signal()
        assert process.wait() == 0
    assert hanging.hits == 1
