"""Rights of an account that is no administrator, from NAS to screen: what works, and how a missing one is told."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import CANARY_PASSWORD, Running, canary_nas, leaks, settings_for
from test_check import Command

from photosync.fakenas import FakeNas, Library
from photosync.fakenas.library import OTHER, TEAM

APPLICATIONS = "under Applications allow Synology Photos"


@pytest.fixture
def nas() -> Iterator[FakeNas]:
    """An own album with photos of the account, of the shared space and of somebody else, and one of somebody else."""
    library = Library()
    mixed = library.new_album("mixed", passphrase="mIxEd1234")
    for owner in (library.user_id, TEAM, OTHER) * 4:
        library.add(mixed, owner_user_id=owner)
    garden = library.new_album("garden", shared_with_me=True, passphrase="gArd3nP4s")
    for owner in (OTHER, TEAM) * 2:
        library.add(garden, owner_user_id=owner)
    with canary_nas(library=library) as nas:
        yield nas


@pytest.fixture
def command(
    nas: FakeNas, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    for name in [name for name in os.environ if name.startswith("PHOTOS_SYNC_")]:
        monkeypatch.delenv(name)
    secret = tmp_path / "secret"
    secret.write_text(CANARY_PASSWORD, "utf-8")
    secret.chmod(0o600)
    return Command(nas, secret, capsys)


def addresses(running: Running, nas: FakeNas, owner: int, album: str = "mixed") -> list[str]:
    return [f"/files/{item.id}.jpg" for item in nas.library.album(album).items if item.owner_user_id == owner]


def test_an_account_with_the_right_to_photos_alone_sees_photos_of_every_kind(nas: FakeNas) -> None:
    nas.library.album("garden").downloadable = False
    with Running(settings_for(nas, albums=("mixed", "garden"))) as running:
        running.wait_ready()
        photos = running.get("/files/list?details=1").json()
        assert len(photos) == 16
        for photo in photos:
            assert running.get(photo["url"]).content.startswith(b"\xff\xd8\xff")
        assert running.stats()["last_error"] is None


@pytest.mark.parametrize("code", [402, 105, 160])
def test_without_the_right_to_photos_the_service_names_it(nas: FakeNas, code: int) -> None:
    nas.photos_denied = code
    with Running(settings_for(nas, albums=("mixed",))) as running:
        running.wait_for("/readyz", lambda response: b"may not use Synology Photos" in response.content)
        answer = running.get("/files")
        assert answer.status_code == 502
        assert answer.json()["error"] == "The account may not use Synology Photos."
        assert APPLICATIONS in answer.json()["next_step"]


@pytest.mark.parametrize("code", [801, 803])
def test_without_access_to_the_shared_space_its_photos_alone_are_missing_and_the_right_is_named_once(
    nas: FakeNas, caplog: pytest.LogCaptureFixture, code: int
) -> None:
    nas.team_denied = code
    with caplog.at_level(logging.INFO), Running(settings_for(nas, albums=("mixed",))) as running:
        running.wait_ready()
        for address in addresses(running, nas, TEAM):
            answer = running.get(address)
            assert answer.status_code == 502
            assert answer.json()["error"] == "The account may not open the shared space."
            assert "Shared Space > Set Access Permissions" in answer.json()["next_step"]
            for own in addresses(running, nas, nas.library.user_id) + addresses(running, nas, OTHER):
                assert running.get(own).status_code == 200
        assert {running.get("/files").status_code for _ in range(12)} == {200}
    told = [line for record in caplog.records if (line := record.getMessage()).startswith("Some photos cannot be had")]
    assert len(told) == 1
    assert told[0].startswith("Some photos cannot be had: The account may not open the shared space. In Synology Ph")
    assert not leaks("\n".join(told))


def test_an_album_that_is_shared_no_more_is_named_and_its_photos_stay(nas: FakeNas) -> None:
    with Running(settings_for(nas, albums=("garden",))) as running:
        running.wait_filled()
        nas.library.unshare(nas.library.album("garden"))
        running.look()
        told = running.stats()["last_error"]
        assert told.startswith("The account sees no album named 'garden' among 1 albums.")
        assert "share the album with the account" in told
        assert running.get("/files").status_code == 200


def test_originals_of_an_album_to_look_at_are_refused_with_the_way_out(nas: FakeNas) -> None:
    nas.library.album("garden").downloadable = False
    with Running(settings_for(nas, albums=("garden",), photo_size="original")) as running:
        running.wait_for("/files/list", lambda response: response.status_code == 200)
        answer = running.get(addresses(running, nas, OTHER, "garden")[0])
        assert answer.status_code == 502
        assert answer.json() == {
            "error": "The album may be looked at but not downloaded from.",
            "next_step": "Use --photo-size xl, or let the album's owner allow downloads: Share in Synology Photos.",
        }


class TestCheck:
    """The same by `photos-sync --check`."""

    def test_it_fetches_a_picture_of_each_kind(self, command: Command) -> None:
        assert command.check("-a", "mixed", "-a", "garden") == 0
        kinds = [line.partition(":")[0] for line in command.text.splitlines() if "first picture" in line]
        assert kinds == [
            "ok      first picture",
            "ok      first picture of the shared space",
            "ok      first picture of another owner",
            "ok      first picture of another owner",
        ]

    @pytest.mark.parametrize("code", [801, 803])
    def test_it_names_the_shared_space_though_own_photos_can_be_had(
        self,
        command: Command,
        code: int,
    ) -> None:
        command.nas.team_denied = code
        assert command.check("-a", "mixed") == 1
        assert "ok      first picture: " in command.text
        assert "FAILED  The account may not open the shared space.\n        In Synology Photos," in command.text

    @pytest.mark.parametrize("code", [402, 105, 160])
    def test_it_names_the_right_to_photos(self, command: Command, code: int) -> None:
        command.nas.photos_denied = code
        assert command.check("-a", "mixed") == 1
        assert "FAILED  The account may not use Synology Photos.\n" in command.text
        assert APPLICATIONS in command.text

    def test_it_names_an_album_that_is_not_shared(self, command: Command) -> None:
        command.nas.library.unshare(command.nas.library.album("garden"))
        assert command.check("-a", "garden") == 1
        assert "FAILED  The account sees no album named 'garden' among 1 albums." in command.text
        assert "or share the album with the account" in command.text

    def test_it_names_the_right_to_download(self, command: Command) -> None:
        command.nas.library.album("garden").downloadable = False
        assert command.check("-a", "garden") == 0
        assert command.check("-a", "garden", "--photo-size", "original") == 1
        assert "FAILED  The album may be looked at but not downloaded from." in command.text

    def test_it_names_a_second_factor_that_is_enforced(self, command: Command) -> None:
        command.nas.otp_enforced = True
        assert command.check("-a", "mixed") == 1
        assert "FAILED  The NAS demands a second factor (2FA) of this account, which has none set up." in command.text
