"""Photos in columns, found by id and name, and catalogs that follow from what the NAS says."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import FrozenInstanceError, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from photosync.catalog import Catalog, Photos, PhotosById
from photosync.models import Photo

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
NUMBERS = st.integers(-(2**63), 2**63 - 1)
TEXTS = st.text(max_size=6)
FEW_TEXTS = st.sampled_from(["", "a", "\ud800", "\0", "a\0b", "IMG_1.JPG"]) | TEXTS


def photo(number: int, **fields: object) -> Photo:
    return replace(PHOTO, id=number, unit_id=number + 1000, filename=f"IMG_{number}.JPG", **fields)  # type: ignore[arg-type]


@st.composite
def photos(draw: st.DrawFn) -> list[Photo]:
    numbers = draw(st.lists(st.integers(0, 40) | NUMBERS, max_size=20, unique=True))
    return [
        Photo(
            id=number,
            unit_id=draw(NUMBERS),
            version=draw(FEW_TEXTS),
            size=draw(st.sampled_from(["m", "xl"])),
            filename=draw(FEW_TEXTS),
            taken_seconds=draw(st.integers(-3, 3)),
            width=draw(st.integers(0, 2)),
            height=draw(st.integers(0, 2**40)),
            album=draw(FEW_TEXTS),
            access=draw(FEW_TEXTS),
            place=draw(st.none() | FEW_TEXTS),
            description=draw(FEW_TEXTS) or None,
            renditions=draw(st.sampled_from([(), ("m",), ("sm", "xl", "original")])),
        )
        for number in numbers
    ]


class CountingIds:
    """The ids, and how often one was looked at."""

    def __init__(self, ids: Sequence[int]) -> None:
        self._ids = ids
        self.count = 0

    def __getitem__(self, place: int) -> int:
        self.count += 1
        return self._ids[place]


class TestPhotos:
    @given(photos())
    @settings(max_examples=60)
    def test_they_come_out_as_they_went_in(self, given: list[Photo]) -> None:
        packed = Photos(given)
        assert list(packed) == given
        assert [packed[-place - 1] for place in range(len(given))] == given[::-1]
        assert list(packed[2:7]) == given[2:7]
        with pytest.raises(IndexError):
            packed[len(given)]

    @given(photos(), FEW_TEXTS)
    @settings(max_examples=60)
    def test_a_name_finds_the_photo_of_exactly_that_name_with_the_lowest_id(
        self, given: list[Photo], other: str
    ) -> None:
        packed = Photos(given)
        for name in [other, *(one.filename for one in given)]:
            namesakes = [one for one in given if one.filename == name]
            assert packed.named(name) == min(namesakes, key=lambda one: one.id, default=None)

    @given(photos())
    @settings(max_examples=60)
    def test_an_id_finds_its_photo_and_no_other(self, given: list[Photo]) -> None:
        by_id = PhotosById(Photos(given))
        assert dict(by_id) == {one.id: one for one in given}
        assert len(by_id) == len(given)
        for number in {*range(-1, 50)} - {one.id for one in given}:
            assert number not in by_id and by_id.get(number) is None

    @pytest.mark.parametrize("rounds", [1, 2, 7])
    def test_ids_that_come_in_runs_do_not_pile_up(self, rounds: int) -> None:
        size = 1500
        away = rounds * (2 * 2 * size + 1)  # as many slots as a table of so many photos has, and again
        ids = [*range(1, size + 1), *range(away + 1, away + size + 1)]
        by_id = PhotosById(Photos(map(photo, ids)))
        counted = CountingIds(ids)
        by_id._photos.ids = counted  # type: ignore[assignment]
        assert all(number in by_id for number in ids)
        assert counted.count < 4 * len(ids)

    @given(photos())
    @settings(max_examples=60)
    def test_they_are_put_in_the_order_they_were_taken_then_of_their_ids(self, given: list[Photo]) -> None:
        ordered = Photos(given).in_order()
        assert list(ordered) == sorted(given, key=lambda one: (one.taken_seconds, one.id))
        assert ordered.in_order() is ordered

    def test_a_number_of_more_than_64_bits_is_refused(self) -> None:
        with pytest.raises(OverflowError):
            Photos([photo(2**63)])


class TestCatalog:
    def test_photos_stand_in_the_order_they_were_taken_then_of_their_ids(self) -> None:
        photos = [
            photo(1, taken_seconds=9),
            photo(3, taken_seconds=5),
            photo(2, taken_seconds=5),
            photo(4, taken_seconds=-9),
        ]
        assert [one.id for one in Catalog.build(photos, {}).photos] == [4, 2, 3, 1]

    def test_photos_are_found_by_id(self) -> None:
        catalog = Catalog.build([photo(1), photo(2)], {"video": 3})
        assert dict(catalog.by_id) == {1: photo(1), 2: photo(2)}
        assert catalog.skipped == {"video": 3}

    @given(numbers=st.sets(st.integers(1, 1000), max_size=30), seed=st.integers())
    @settings(max_examples=60)
    def test_two_servers_make_the_same_of_it_in_whatever_order_it_was_listed(
        self, numbers: set[int], seed: int
    ) -> None:
        photos = [photo(number, taken_seconds=number % 5) for number in numbers]
        shuffled = random.Random(seed).sample(photos, len(photos))
        one, other = Catalog.build(photos, {}), Catalog.build(shuffled, {})
        assert one.tag == other.tag
        assert list(one.photos) == list(other.photos)

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


def test_current_is_what_is_listed_and_what_was_made_of_it() -> None:
    catalog = Catalog.build([photo(1), photo(2)], {})
    version = PHOTO.version
    for size in ("xl", "sm-80x60-contain-85-1", "original-0x9-cover-1-1"):
        assert catalog.is_current((1, version, size))
        assert not catalog.is_current((1, "another", size))
        assert not catalog.is_current((3, version, size))
    for size in ("sm", "m", "original"):
        assert not catalog.is_current((1, version, size))
