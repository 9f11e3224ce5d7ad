"""The NAS's rows become photos and albums; rows of every hostile kind are in test_nas.py."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

import pytest

from photosync.errors import NasBadAnswer
from photosync.listing import Listing, album_from_row, rows_of
from photosync.models import Album

ALBUM = Album(
    id=3,
    name="kitchen-dash",
    item_count=5,
    owner_user_id=2,
    passphrase="",
    shared_with_me=False,
    smart=False,
    state=("1",),
)


def row(number: int = 12, **changes: Any) -> dict[str, Any]:
    """A row as a NAS sends it; keys with a dot change its parts."""
    thumbnail = {"m": "ready", "preview": "broken", "sm": "ready", "xl": "ready", "cache_key": "34_17", "unit_id": 34}
    address = {"city": "Lisbon", "country": "Portugal", "state": "Lisbon District"}
    found: dict[str, Any] = {
        "id": number,
        "filename": f"IMG_{number}.JPG",
        "time": 1_687_686_880,
        "owner_user_id": 2,
        "type": "photo",
        "additional": {
            "thumbnail": thumbnail,
            "resolution": {"width": 6000, "height": 4000},
            "address": address,
            "description": "Tram 28",
        },
    }
    for name, value in changes.items():
        if name in thumbnail:
            thumbnail[name] = value
        elif name in ("address", "resolution", "description"):
            found["additional"][name] = value
        else:
            found[name] = value
    return found


def listing(*rows: dict[str, Any], album: Album = ALBUM, size: str = "xl") -> Listing:
    made = Listing(album, size)
    made.add(rows)
    return made


def test_a_row_becomes_a_photo_with_its_unit_id_and_all_that_is_told() -> None:
    (photo,) = listing(row()).photos
    assert (photo.id, photo.unit_id, photo.version, photo.size) == (12, 34, "34_17", "xl")
    assert (photo.filename, photo.taken, photo.width, photo.height) == ("IMG_12.JPG", "2023-06-25T09:54:40", 6000, 4000)
    assert (photo.album, photo.place, photo.description) == ("kitchen-dash", "Lisbon, Portugal", "Tram 28")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"type": "video"}, "video"),
        ({"xl": "broken", "m": "broken", "sm": "broken"}, "no_rendition"),
        ({"cache_key": None}, "no_rendition"),
        ({"unit_id": None}, "no_rendition"),
        ({"additional": {}}, "no_rendition"),
        ({"additional": None}, "no_rendition"),
        ({"filename": None}, "unreadable"),
        ({"time": "yesterday"}, "unreadable"),
        ({"id": "12"}, "unreadable"),
        ({"id": True}, "unreadable"),
    ],
)
def test_what_cannot_be_shown_is_counted_by_its_reason(changes: dict[str, Any], reason: str) -> None:
    made = listing(row(**changes))
    assert list(made.photos) == []
    assert made.skipped == {reason: 1}


def test_the_still_of_a_live_photo_is_shown() -> None:
    assert len(listing(row(type="live", live_type="photo")).photos) == 1


@pytest.mark.parametrize(
    ("wanted", "ready", "size"),
    [
        ("xl", {"sm", "m", "xl"}, "xl"),
        ("m", {"sm", "m", "xl"}, "m"),
        ("sm", {"sm", "m", "xl"}, "sm"),
        ("m", {"sm", "xl"}, "xl"),
        ("xl", {"sm", "m"}, "m"),
        ("m", {"sm"}, "sm"),
        ("original", {"sm", "m", "xl"}, "original"),
    ],
)
def test_a_size_that_is_not_ready_gives_way_to_the_next_larger_else_smaller_one(
    wanted: str, ready: set[str], size: str
) -> None:
    states = {name: "ready" if name in ready else "broken" for name in ("sm", "m", "xl")}
    (photo,) = listing(row(**states), size=wanted).photos
    assert photo.size == size


@pytest.mark.parametrize(("filename", "size"), [("a.jpg", "original"), ("a.JPEG", "original"), ("a.HEIC", "xl")])
def test_originals_are_taken_only_of_jpegs(filename: str, size: str) -> None:
    (photo,) = listing(row(filename=filename), size="original").photos
    assert photo.size == size


@pytest.mark.parametrize(
    ("changes", "view_only", "renditions"),
    [
        ({}, False, ("sm", "m", "xl", "original")),
        ({"m": "broken"}, False, ("sm", "xl", "original")),
        ({}, True, ("sm", "m", "xl")),
        ({"filename": "a.HEIC"}, False, ("sm", "m", "xl")),
    ],
)
def test_a_photo_knows_which_renditions_there_are(
    changes: dict[str, Any], view_only: bool, renditions: tuple[str, ...]
) -> None:
    made = Listing(replace(ALBUM, view_only=view_only), "xl")
    made.add([row(**changes)])
    assert made.photos[0].renditions == renditions


def test_rows_seen_before_are_left_out() -> None:
    made = Listing(ALBUM, "xl")
    assert made.add([row(1), row(2)])
    assert made.add([row(2), row(3), row(3)])
    assert not made.add([row(1), row(2)])
    assert [photo.id for photo in made.photos] == [1, 2, 3]
    assert made.seen == {1, 2, 3}


def test_items_that_are_skipped_are_seen_once_as_well() -> None:
    made = listing(row(1, type="video"), row(1, type="video"))
    assert made.seen == {1} and made.skipped == {"video": 1}


@pytest.mark.parametrize("key", ["a b", "ö", "a\r\nX: y", '"', "", "x" * 100])
def test_a_cache_key_that_could_not_stand_in_a_header_is_digested(key: str) -> None:
    (photo,) = listing(row(cache_key=key)).photos
    (same,) = listing(row(cache_key=key)).photos
    (other,) = listing(row(cache_key=key + "!")).photos
    assert photo.etag.isascii() and photo.etag.isprintable() and " " not in photo.etag
    assert photo.etag == same.etag != other.etag


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ({"village": "Óbidos", "country": "Portugal"}, "Óbidos, Portugal"),
        ({"country": "Portugal"}, "Portugal"),
        ({"city": "", "town": "", "country": ""}, None),
        ({}, None),
        (None, None),
    ],
)
def test_the_place_is_settlement_and_country(address: object, place: str | None) -> None:
    (photo,) = listing(row(address=address)).photos
    assert photo.place == place


def test_the_way_to_the_bytes_depends_on_the_owner() -> None:
    shared = Album(4, "Anna's", 5, 7, "gArd3n", shared_with_me=True, smart=False, state=())
    public = Album(5, "mine", 5, 2, "pAss", shared_with_me=False, smart=False, state=())
    assert listing(row(owner_user_id=2)).photos[0].access == ""
    assert listing(row(owner_user_id=0)).photos[0].access == "team"
    assert listing(row(owner_user_id=7), album=shared).photos[0].access == "gArd3n"
    assert listing(row(owner_user_id=9), album=public).photos[0].access == "pAss"


class TestRowsOfAnAnswer:
    def test_they_are_its_list(self) -> None:
        assert rows_of({"list": [{"id": 1}]}) == [{"id": 1}]
        assert rows_of({"list": []}) == []

    @pytest.mark.parametrize("data", [None, [], "text", {}, {"list": None}, {"list": {}}, {"list": [1]}])
    def test_anything_else_is_a_bad_answer(self, data: object) -> None:
        with pytest.raises(NasBadAnswer):
            rows_of(data)


class TestAlbumRows:
    ROW: ClassVar[dict[str, Any]] = {
        "id": 3,
        "name": "Garden",
        "item_count": 5,
        "owner_user_id": 2,
        "version": 7,
        "type": "normal",
    }

    def test_a_row_becomes_an_album(self) -> None:
        album = album_from_row(self.ROW, shared_with_me=False)
        assert (album.id, album.name, album.item_count, album.owner_user_id, album.smart) == (3, "Garden", 5, 2, False)
        assert album_from_row(self.ROW | {"type": "condition"}, shared_with_me=False).smart

    @pytest.mark.parametrize("change", [{"version": 8}, {"item_count": 6}, {"start_time": 1}, {"end_time": 2}])
    def test_its_state_differs_whenever_it_was_changed(self, change: dict[str, int]) -> None:
        before = album_from_row(self.ROW, shared_with_me=False).state
        assert album_from_row(self.ROW | change, shared_with_me=False).state != before
        assert album_from_row(dict(self.ROW), shared_with_me=False).state == before

    def test_another_cover_is_another_state(self) -> None:
        covers = [{"additional": {"thumbnail": {"cache_key": key, "unit_id": 1}}} for key in ("1_1", "2_2")]
        one, other = (album_from_row(self.ROW | cover, shared_with_me=False).state for cover in covers)
        assert one != other

    @pytest.mark.parametrize("change", [{"id": None}, {"id": "3"}, {"item_count": None}, {"item_count": -1}])
    def test_one_that_cannot_be_read_is_a_bad_answer(self, change: dict[str, object]) -> None:
        with pytest.raises(NasBadAnswer):
            album_from_row(self.ROW | change, shared_with_me=False)
