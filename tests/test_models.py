"""Photo and Album: immutable values that follow from what the NAS says."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace
from datetime import datetime

import pytest

from photosync.models import Album, Photo

PHOTO = Photo(
    id=12,
    unit_id=34,
    version="34_1687686880",
    size="xl",
    filename="IMG_12.JPG",
    taken_seconds=1_687_686_880,
    width=6000,
    height=4000,
    album="kitchen-dash",
    access="passphrase99",
    place="Lisbon, Portugal",
    description="Tram 28",
)
ALBUM = Album(
    id=3,
    name="Garden",
    item_count=5,
    owner_user_id=2,
    passphrase="passphrase99",
    shared_with_me=False,
    smart=False,
    state=("1",),
)


class TestPhoto:
    def test_it_is_told_as_an_object(self) -> None:
        assert PHOTO.to_dict() == {
            "id": 12,
            "filename": "IMG_12.JPG",
            "url": "/files/12.jpg",
            "taken": "2023-06-25T09:54:40",
            "width": 6000,
            "height": 4000,
            "album": "kitchen-dash",
            "place": "Lisbon, Portugal",
            "description": "Tram 28",
        }

    def test_what_the_nas_does_not_know_is_left_out(self) -> None:
        told = replace(PHOTO, place=None, description=None).to_dict()
        assert "place" not in told and "description" not in told

    @pytest.mark.parametrize(
        ("seconds", "taken"),
        [
            (0, "1970-01-01T00:00:00"),
            (-1, "1969-12-31T23:59:59"),
            (-62_135_596_800, "0001-01-01T00:00:00"),
            (253_402_300_799, "9999-12-31T23:59:59"),
        ],
    )
    def test_the_time_taken_is_the_camera_clock_without_a_zone(self, seconds: int, taken: str) -> None:
        told = replace(PHOTO, taken_seconds=seconds).taken
        assert told == taken
        assert datetime.fromisoformat(told).tzinfo is None

    def test_the_entity_tag_follows_from_id_version_and_size_alone(self) -> None:
        assert PHOTO.etag == '"12-34_1687686880-xl"'
        assert replace(PHOTO, filename="other", taken_seconds=1, access="").etag == PHOTO.etag
        changes = ({"id": 13}, {"version": "34_1687686881"}, {"size": "m"})
        assert len({PHOTO.etag, *(replace(PHOTO, **change).etag for change in changes)}) == 4  # type: ignore[arg-type]

    def test_that_of_what_is_made_here_is_weak_for_its_bytes_follow_from_the_library_that_made_them_too(self) -> None:
        assert replace(PHOTO, size="xl-800x480-cover-85-1").etag == 'W/"12-34_1687686880-xl-800x480-cover-85-1"'

    def test_a_changed_picture_has_another_key(self) -> None:
        assert PHOTO.key == (12, "34_1687686880", "xl")
        assert replace(PHOTO, version="new").key != PHOTO.key

    def test_the_way_to_the_bytes_is_never_shown(self) -> None:
        assert "passphrase99" not in f"{PHOTO!r}{PHOTO.to_dict()}{ALBUM!r}"

    def test_it_is_frozen(self) -> None:
        with pytest.raises(FrozenInstanceError):
            PHOTO.id = 1  # type: ignore[misc]


class TestAlbum:
    def test_ones_own_answers_to_its_id(self) -> None:
        assert ALBUM.selector() == {"album_id": 3}
        assert ALBUM.selector(plural=True) == {"id": [3]}

    def test_one_of_somebody_else_answers_to_its_passphrase_alone(self) -> None:
        shared = replace(ALBUM, shared_with_me=True)
        assert shared.selector() == shared.selector(plural=True) == {"passphrase": "passphrase99"}
