"""From settings to a client."""

from __future__ import annotations

import os
import tempfile
import threading
import weakref
from pathlib import Path

import pytest
from conftest import (
    CANARY_PASSPHRASE,
    CANARY_PASSWORD,
    PATIENCE_SECONDS,
    Running,
    link_settings,
    settings_for,
    share,
    wait_until,
)

from photosync import fakenas
from photosync.connect import build_client, log_in_early, look_early
from photosync.errors import LoginRefused
from photosync.fakenas import FakeNas
from photosync.log import Redactor
from photosync.settings import Secret, Settings


def test_building_a_client_sends_nothing(nas: FakeNas) -> None:
    build_client(settings_for(nas), Redactor())
    assert nas.calls == []


def test_the_password_is_hidden_before_anything_is_sent(nas: FakeNas) -> None:
    redactor = Redactor()
    build_client(settings_for(nas), redactor)
    assert CANARY_PASSWORD not in redactor(f"login with {CANARY_PASSWORD}")


def test_a_share_link_opens_the_nas_in_place_of_an_account_and_is_hidden(nas: FakeNas) -> None:
    share(nas)
    redactor = Redactor()
    client = build_client(link_settings(nas), redactor)
    assert CANARY_PASSPHRASE not in redactor(f"GET /mo/sharing/{CANARY_PASSPHRASE}")
    assert [album.name for album in client.list_albums()] == ["kitchen-dash"]
    assert nas.count("SYNO.API.Auth") == 0


def test_no_photo_may_be_larger_than_the_whole_cache(nas: FakeNas) -> None:
    with Running(settings_for(nas, max_cache_bytes=20_000, max_photo_bytes=32_000_000)) as running:
        running.wait_for("/files/list", lambda answer: answer.status_code == 200)
        number = max(running.service.sync.catalog.photos, key=lambda photo: photo.width).id
        assert running.get(f"/files/{number}.jpg").status_code == 502


def test_an_early_login_is_the_one_that_the_first_call_uses(nas: FakeNas) -> None:
    arrived = threading.Event()
    nas.fault(fakenas.hold(arrived), api="SYNO.API.Auth", method="login", times=1)
    client = build_client(settings_for(nas), Redactor())
    log_in_early(client)
    arrived.set()
    assert client.list_albums()
    assert nas.count("SYNO.API.Auth", "login") == 1
    client.logout()


def test_an_early_login_that_is_refused_is_not_repeated(nas: FakeNas) -> None:
    nas.password = "another one"
    settings = settings_for(nas)
    nas.password = "changed since"
    client = build_client(settings, Redactor())
    log_in_early(client)
    for thread in threading.enumerate():
        if thread.name == "nas-login":
            thread.join(PATIENCE_SECONDS)
    with Running(settings) as running:
        running.wait_for("/readyz", lambda answer: "password" in answer.text)
    assert nas.count("SYNO.API.Auth", "login") == 2  # the early one, and the other client's own


def test_a_look_that_began_early_is_the_first_one_of_the_service(nas: FakeNas) -> None:
    settings = settings_for(nas)
    early = look_early(build_client(settings, Redactor()), settings.albums)
    with Running(settings, first_look=early) as running:
        assert running.wait_filled()["photos"] == 28
        assert nas.count("SYNO.Foto.Browse.Album", "list") == nas.count("SYNO.Foto.Browse.Item", "list") == 1
        assert nas.count("SYNO.Foto.Browse.Album", "get") == 0
        running.look()
        assert nas.count("SYNO.Foto.Browse.Album", "get") == 1


def test_a_look_that_began_early_and_failed_is_told_and_made_again(nas: FakeNas) -> None:
    nas.fault(fakenas.error(117), api="SYNO.Foto.Browse.Album", times=1)
    settings = settings_for(nas)
    early = look_early(build_client(settings, Redactor()), settings.albums)
    with Running(settings, first_look=early) as running:
        running.wait_for("/cache/stats", lambda answer: "busy" in (answer.json()["last_error"] or ""))
        running.look_again()
        running.wait_ready()
        assert nas.count("SYNO.Foto.Browse.Item", "list") == 1


def test_nothing_keeps_what_an_early_look_found_but_who_was_given_it(nas: FakeNas) -> None:
    settings = settings_for(nas)
    early = look_early(build_client(settings, Redactor()), settings.albums)
    catalog = early().catalog
    assert catalog is not None
    part = weakref.ref(catalog.slots)
    del catalog
    wait_until(lambda: part() is None)  # the thread that looked may still be ending
    with pytest.raises(IndexError):
        early()


def test_what_was_kept_of_the_albums_goes_before_a_look_that_began_early(nas: FakeNas, tmp_path: Path) -> None:
    settings = settings_for(nas, state_dir=tmp_path)
    with Running(settings) as running:
        running.wait_filled()
    early = look_early(build_client(settings, Redactor()), settings.albums)
    assert early().catalog
    with Running(settings, first_look=early) as running:
        wait_until(lambda: running.stats()["last_success_at"])
        assert nas.count("SYNO.Foto.Browse.Album", "list") == 3


def logins_with_a_wrong_password(nas: FakeNas, settings: Settings) -> int:
    """How many arrive, of five programs that are started one after the other."""
    nas.failed_logins = 0
    nas.password = "changed since"
    for _ in range(5):
        with pytest.raises(LoginRefused):
            build_client(settings, Redactor()).login()
    return nas.failed_logins


def test_refused_logins_are_remembered_in_the_state_directory(nas: FakeNas, tmp_path: Path) -> None:
    state = tmp_path / "state"
    assert logins_with_a_wrong_password(nas, settings_for(nas, state_dir=state)) == 2
    assert os.listdir(tmp_path) == ["state"]
    assert sorted(os.listdir(state)) == [".logins.lock", "logins"]


def test_without_one_they_are_remembered_in_a_folder_of_the_users_own(nas: FakeNas, tmp_path: Path) -> None:
    assert logins_with_a_wrong_password(nas, settings_for(nas)) == 2
    folder = tmp_path / f"photos-sync-{os.geteuid()}"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "logins").stat().st_mode & 0o777 == 0o600


def test_where_the_state_directory_cannot_be_used_they_are_remembered_there_too(nas: FakeNas, tmp_path: Path) -> None:
    assert logins_with_a_wrong_password(nas, settings_for(nas, state_dir=Path("/dev/null"))) == 2
    assert (tmp_path / f"photos-sync-{os.geteuid()}" / "logins").exists()


def test_where_that_one_is_not_the_users_own_they_are_remembered_in_the_runtime_directory(
    nas: FakeNas, tmp_path: Path
) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / f"photos-sync-{os.geteuid()}").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "run").mkdir(mode=0o700)
    assert logins_with_a_wrong_password(nas, settings_for(nas, runtime_dir=tmp_path / "run")) == 2
    assert (tmp_path / "run" / "photos-sync" / "logins").exists()
    assert os.listdir(tmp_path / "elsewhere") == []


def test_share_links_do_not_brake_each_other(nas: FakeNas) -> None:
    share(nas)
    gone = link_settings(nas, share_link=Secret("canaryLINK0"))
    for _ in range(3):
        with pytest.raises(LoginRefused):
            build_client(gone, Redactor()).login()
    assert nas.count("SYNO.Core.Sharing.Login", "login") == 2
    build_client(link_settings(nas), Redactor()).login()


def test_a_nas_that_has_blocked_this_machine_is_left_alone_by_every_account(nas: FakeNas) -> None:
    share(nas)
    nas.login_error = 407
    with pytest.raises(LoginRefused, match="blocked"):
        build_client(settings_for(nas), Redactor()).login()
    for settings in (settings_for(nas, username="another"), link_settings(nas)):
        with pytest.raises(LoginRefused) as caught:
            build_client(settings, Redactor()).login()
        assert caught.value.kind == "refused_often"
    assert nas.count("SYNO.API.Auth", "login") == 1
    assert nas.count("SYNO.Core.Sharing.Login", "login") == 0


def test_where_no_file_can_be_written_each_program_remembers_its_own(
    nas: FakeNas, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(tempfile, "_candidate_tempdir_list", lambda: ["/proc/nothing"])
    assert logins_with_a_wrong_password(nas, settings_for(nas)) == 5
    nas.password = CANARY_PASSWORD
    build_client(settings_for(nas), Redactor()).login()
