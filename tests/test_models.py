"""Photos and catalogs: immutable values that follow from what the NAS says."""

from __future__ import annotations

import random
from dataclasses import FrozenInstanceError, replace
from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from photosync.models import Album, Catalog, Photo

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


def photo(number: int, **fields: object) -> Photo:
    return replace(PHOTO, id=number, unit_id=number + 1000, filename=f"IMG_{number}.JPG", **fields)  # type: ignore[arg-type]


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


class TestCatalog:
    def test_photos_stand_in_the_order_they_were_taken_then_of_their_ids(self) -> None:
        photos = [
            photo(1, taken_seconds=9),
            photo(3, taken_seconds=5),
            photo(2, taken_seconds=5),
            photo(4, taken_seconds=-9),
        ]
        assert [one.id for one in Catalog.build(photos, {}).photos] == [4, 2, 3, 1]

    def test_of_several_with_one_name_the_lowest_id_has_it(self) -> None:
        photos = [replace(photo(number), filename="same.jpg", taken_seconds=-number) for number in (5, 2, 9)]
        assert Catalog.build(photos, {}).by_filename["same.jpg"].id == 2

    def test_file_names_are_left_out_where_nobody_asks_for_them(self) -> None:
        catalog = Catalog.build([photo(1), photo(2)], {}, by_name=False)
        assert catalog.by_filename == {}
        assert catalog.tag == Catalog.build([photo(1), photo(2)], {}).tag

    def test_photos_are_found_by_id(self) -> None:
        catalog = Catalog.build([photo(1), photo(2)], {"video": 3})
        assert catalog.by_id == {1: photo(1), 2: photo(2)}
        assert catalog.skipped == {"video": 3}

    @given(numbers=st.sets(st.integers(1, 1000), max_size=30), seed=st.integers())
    @settings(max_examples=60)
    def test_two_servers_make_the_same_of_it_in_whatever_order_it_was_listed(
        self, numbers: set[int], seed: int
    ) -> None:
        photos = [photo(number, taken_seconds=number % 5) for number in numbers]
        shuffled = random.Random(seed).sample(photos, len(photos))
        one, other = Catalog.build(photos, {}), Catalog.build(shuffled, {})
        assert (one.tag, one.photos, one.by_id, one.by_filename) == (
            other.tag,
            other.photos,
            other.by_id,
            other.by_filename,
        )

    @pytest.mark.parametrize(
        "change",
        [
            {"id": 99},
            {"version": "new"},
            {"size": "m"},
            {"filename": "new.jpg"},
            {"taken_seconds": 5},
            {"width": 1},
            {"height": 1},
            {"album": "other"},
            {"place": "Porto"},
            {"place": None},
            {"description": None},
        ],
    )
    def test_the_tag_changes_with_everything_that_is_told(self, change: dict[str, object]) -> None:
        before = Catalog.build([photo(1), PHOTO], {}).tag
        assert Catalog.build([photo(1), replace(PHOTO, **change)], {}).tag != before  # type: ignore[arg-type]

    def test_the_tag_can_stand_in_a_header(self) -> None:
        tag = Catalog.build([replace(PHOTO, filename='é"\n\ud800', place="\x00")], {}).tag
        assert tag.isascii() and tag.isalnum()

    def test_it_is_frozen(self) -> None:
        with pytest.raises(FrozenInstanceError):
            Catalog().tag = "x"  # type: ignore[misc]


class TestSlots:
    def test_a_photo_keeps_its_slot_for_as_long_as_it_stays(self) -> None:
        first = Catalog.build([photo(number) for number in (1, 2, 3)], {})
        second = Catalog.build([photo(number) for number in (2, 3, 4)], {}, first)
        assert first.slots.tolist() == [1, 2, 3]
        assert second.slots.tolist() == [0, 2, 3, 4]
        assert second.generation == first.generation

    def test_one_that_returns_gets_a_new_slot(self) -> None:
        first = Catalog.build([photo(1), photo(2)], {})
        second = Catalog.build([photo(2)], {}, first)
        assert Catalog.build([photo(1), photo(2)], {}, second).slots.tolist() == [0, 2, 1]

    def test_slots_are_dealt_anew_once_most_are_empty(self) -> None:
        first = Catalog.build([photo(number) for number in range(1, 1500)], {})
        second = Catalog.build([photo(1), photo(2)], {}, first)
        assert second.slots.tolist() == [1, 2]
        assert second.generation == first.generation + 1

    @given(steps=st.lists(st.sets(st.integers(1, 30), max_size=20), max_size=8))
    @settings(max_examples=100)
    def test_every_photo_has_exactly_one_slot_whatever_comes_and_goes(self, steps: list[set[int]]) -> None:
        catalog = Catalog()
        for numbers in steps:
            before = catalog
            catalog = Catalog.build([photo(number) for number in numbers], {}, before)
            assert sorted(filter(None, catalog.slots)) == sorted(numbers)
            for place, number in enumerate(before.slots):
                assert catalog.slots[place] == (number if number in numbers else 0)
