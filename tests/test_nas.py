"""SynologyClient on a simulated NAS: albums, pages and picture bytes, healthy and not."""

from __future__ import annotations

import io
import json
import threading
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from conftest import CANARY_SESSION, PATIENCE_SECONDS, leaks, wait_until
from guest import (
    ALBUM,
    AUTH,
    GARDEN_PASSPHRASE,
    ITEM,
    MISC,
    TEAM_THUMBNAIL,
    THUMBNAIL,
    Guest,
    guest_of,
    own,
    shared_space,
)
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from photosync import fakenas
from photosync.albums import AlbumView, look
from photosync.catalog import Catalog
from photosync.errors import (
    NasBadAnswer,
    NasCallRefused,
    NasError,
    NasUnreachable,
    PhotoNotFound,
)
from photosync.fakenas import FakeNas, Fault, Library
from photosync.listing import Listing, album_from_row
from photosync.models import Album


@pytest.fixture
def guest(nas: FakeNas) -> Guest:
    return Guest(nas)


# Albums


def test_all_albums_are_listed_with_their_kinds(guest: Guest) -> None:
    albums = guest.client.list_albums()
    assert [album.name for album in albums] == ["kitchen-dash", "Grandparents", "Summer days", "", "Anna's garden"]
    assert [album.name for album in albums if album.smart] == ["Summer days"]
    assert [album.name for album in albums if album.shared_with_me] == ["Anna's garden"]
    assert all(album.item_count > 0 for album in albums)


@pytest.mark.parametrize("waits_for", [(ALBUM, "list"), (MISC, "list_shared_with_me_album")])
def test_neither_list_of_albums_waits_for_the_other(guest: Guest, nas: FakeNas, waits_for: tuple[str, str]) -> None:
    api, method = waits_for
    both = threading.Event()
    nas.fault(fakenas.hold(both), api=api, method=method, times=1)
    with ThreadPoolExecutor(1) as pool:
        listed = pool.submit(guest.client.list_albums)
        wait_until(lambda: nas.count(ALBUM, "list") == nas.count(MISC, "list_shared_with_me_album") == 1)
        both.set()
        assert len(listed.result(PATIENCE_SECONDS)) == 5


@pytest.mark.parametrize("api", [ALBUM, MISC])
def test_a_list_of_albums_that_fails_is_no_list(guest: Guest, nas: FakeNas, api: str) -> None:
    nas.fault(fakenas.error(803), api=api)
    with pytest.raises(NasCallRefused):
        guest.client.list_albums()


def test_a_thousand_albums_are_listed_to_the_last() -> None:
    library = Library()
    for number in range(1000):
        library.new_album(f"album {number}")
    with guest_of(library) as guest:
        assert len(guest.client.list_albums()) == 1000
        assert guest.nas.count(ALBUM, "list") == 3


def test_an_own_album_is_addressed_by_its_id_even_when_it_is_shared(guest: Guest, nas: FakeNas) -> None:
    nas.library.album("Grandparents").passphrase = "0wnP4ssph"
    album = guest.album("Grandparents")
    assert len(guest.client.list_photos(album).photos) == 8
    guest.client.album_state(album)
    calls = [call for call in nas.calls if (call.api, call.method) in ((ITEM, "list"), (ALBUM, "get"))]
    assert len(calls) == 2
    assert all("passphrase" not in call.params for call in calls)


def empty_by_passphrase() -> Fault:
    return replace(fakenas.edit_rows(lambda rows: []), applies=lambda exchange: "passphrase" in exchange.call.params)


def test_an_own_album_that_looks_empty_by_its_id_is_listed_by_its_passphrase(guest: Guest, nas: FakeNas) -> None:
    lent = nas.library.album("Grandparents")
    lent.passphrase, lent.only_by_passphrase = "0wnP4ssph", True
    photos = guest.photos("Grandparents")
    assert len(photos) == 8
    assert guest.client.fetch(photos[0]) == guest.item(photos[0]).data("xl")


def test_an_album_of_others_that_looks_empty_by_its_passphrase_is_listed_by_its_id(guest: Guest, nas: FakeNas) -> None:
    album = guest.album("Anna's garden")
    nas.library.album("Anna's garden").owner_user_id = 2
    nas.fault(empty_by_passphrase(), api=ITEM)
    photos = guest.client.list_photos(album).photos
    assert len(photos) == 5
    nas.clear_faults()
    assert guest.client.fetch(photos[0]) == guest.item(photos[0]).data("xl")


def test_where_neither_name_lists_the_album_it_is_incomplete(guest: Guest, nas: FakeNas) -> None:
    album = guest.album("Anna's garden")
    nas.fault(empty_by_passphrase(), api=ITEM)
    with pytest.raises(NasBadAnswer, match="has 5 items, but listed 0"):
        guest.client.list_photos(album)


def test_an_album_that_is_empty_is_asked_for_once(guest: Guest, nas: FakeNas) -> None:
    nas.library.album("Anna's garden").items.clear()
    album = guest.album("Anna's garden")
    assert not guest.client.list_photos(album).photos
    assert nas.count(ITEM, "list") == 1


def test_an_album_shared_with_the_account_is_addressed_by_its_passphrase_alone(guest: Guest, nas: FakeNas) -> None:
    album = guest.album("Anna's garden")
    photos = guest.client.list_photos(album).photos
    assert len(photos) == 5
    guest.client.album_state(album)
    for photo in photos:
        assert guest.client.fetch(photo) == guest.item(photo).data("xl")
    calls = [call for call in nas.calls if call.api in (ITEM, THUMBNAIL) or call.method == "get"]
    assert len(calls) == 7
    assert {call.params["passphrase"] for call in calls} == {json.dumps(GARDEN_PASSPHRASE)}
    assert all("album_id" not in call.params for call in calls)
    assert all(call.params.get("id") == str(photo.unit_id) for call, photo in zip(calls[2:], photos, strict=True))


def test_a_passphrase_of_digits_stays_a_text() -> None:
    library = Library.samples()
    album = library.new_album("digits", shared_with_me=True, passphrase="123456789")
    library.add(album)
    with guest_of(library) as guest:
        (photo,) = guest.photos("digits")
        assert guest.client.fetch(photo)


def test_photos_of_others_in_an_own_album_come_by_its_passphrase() -> None:
    library = Library.samples()
    album = library.new_album("together", passphrase="t0gether1")
    theirs = library.add(album, owner_user_id=7)
    mine = library.add(album)
    with guest_of(library) as guest:
        for item in (theirs, mine):
            photo = guest.photo(lambda it, item=item: it is item, "together")  # type: ignore[misc]
            assert guest.client.fetch(photo) == item.data("xl")
        assert ["passphrase" in call.params for call in guest.nas.calls if call.api == THUMBNAIL] == [True, False]


def test_a_smart_album_tells_no_times_and_is_listed_all_the_same(guest: Guest) -> None:
    album = guest.album("Summer days")
    assert album.smart
    assert len(guest.client.list_photos(album).photos) == album.item_count == 6


@pytest.mark.parametrize("claimed", [0, 5, 7, 9999])
def test_a_smart_album_whose_count_lags_behind_is_taken_after_two_equal_listings(guest: Guest, claimed: int) -> None:
    guest.nas.library.album("Summer days").claimed_count = claimed
    assert len(guest.photos("Summer days")) == 6
    assert guest.nas.count(ITEM) == 2


@pytest.mark.parametrize("claimed", [0, 1, 25, 9999])
def test_an_album_that_lists_another_number_than_it_claims_is_incomplete(guest: Guest, claimed: int) -> None:
    guest.nas.library.album("kitchen-dash").claimed_count = claimed
    with pytest.raises(NasBadAnswer) as caught:
        guest.photos()
    assert caught.value.kind == "incomplete"
    assert str(claimed) in str(caught.value)


def test_a_count_that_is_right_at_the_second_look_is_complete(guest: Guest, nas: FakeNas) -> None:
    nas.fault(fakenas.edit_rows(lambda rows: rows[1:]), api=ITEM, times=1)
    assert len({photo.id for photo in guest.photos()}) == len(guest.photos())
    assert nas.count(ITEM) == 3


def test_a_photo_that_joins_during_the_listing_is_in_it(guest: Guest, nas: FakeNas) -> None:
    kitchen = nas.library.album("kitchen-dash")
    album = guest.album()

    async def upload(exchange: Any) -> None:
        nas.library.add(kitchen, filename="new.jpg")

    nas.fault(Fault(upload), api=ITEM, times=1)
    listing = guest.client.list_photos(album)
    assert listing.seen == {item.id for item in kitchen.items}
    assert "new.jpg" in [photo.filename for photo in listing.photos]


# Pages


@pytest.mark.parametrize(("count", "pages"), [(0, 1), (1, 1), (999, 1), (1000, 2), (2001, 3)])
def test_an_album_is_listed_to_its_last_page(count: int, pages: int) -> None:
    with guest_of(Library.synthetic(count)) as guest:
        listing = guest.client.list_photos(guest.album())
        assert len(listing.photos) == len(listing.seen) == count
        assert guest.nas.count(ITEM) == pages


def test_rows_that_come_twice_count_once() -> None:
    with guest_of(Library.synthetic(1500)) as guest:
        guest.nas.fault(fakenas.edit_rows(lambda rows: rows + rows[-400:]), api=ITEM, skip=1)
        photos = guest.photos()
        assert len(photos) == len({photo.id for photo in photos}) == 1500


def test_a_nas_that_repeats_a_page_for_ever_is_left() -> None:
    with guest_of(Library.synthetic(1000)) as guest:
        first: list[Any] = []

        def repeat(rows: list[Any]) -> list[Any]:
            first.extend([] if first else rows)
            return first

        guest.nas.fault(fakenas.edit_rows(repeat), api=ITEM)
        with pytest.raises(NasBadAnswer) as caught:
            guest.photos()
        assert caught.value.kind == "endless"
        assert guest.nas.count(ITEM) == 2


def test_a_failing_page_fails_the_whole_listing() -> None:
    with guest_of(Library.synthetic(2500)) as guest:
        guest.nas.fault(fakenas.error(117), api=ITEM, skip=2)
        with pytest.raises(NasUnreachable):
            guest.photos()


def test_photos_of_the_same_second_that_change_places_are_never_listed_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("photosync.nas._PAGE_ROWS", 5)
    library = Library()
    album = library.new_album("kitchen-dash", unstable=True)
    for _ in range(12):
        library.add(album, time=1_700_000_000)
    with guest_of(library) as guest:
        incomplete: list[str] = []
        for _ in range(20):
            try:
                photos = guest.photos()
            except NasBadAnswer as error:
                incomplete.append(error.kind)
            else:
                assert sorted(photo.id for photo in photos) == sorted(item.id for item in album.items)
        assert incomplete and set(incomplete) <= {"incomplete", "endless"}


Edit = tuple[str, int]
EDITS = st.lists(
    st.lists(st.tuples(st.sampled_from(["add", "remove"]), st.integers(0, 11)), max_size=3), min_size=1, max_size=8
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(script=EDITS)
def test_an_album_that_is_edited_while_it_is_listed_gives_no_duplicates_and_is_right_at_the_next_look(
    paging_guest: Guest, script: list[list[Edit]]
) -> None:
    library = paging_guest.nas.library
    with library.lock:
        album = library.new_album(f"edited {len(library.albums)}")
        for n in range(12):
            library.add(album, time=1_000_000 + 10 * n)
    ever = {item.id for item in album.items}
    coming = iter(script)

    async def edit(exchange: Any) -> None:
        for verb, place in next(coming, []):
            if verb == "add":
                ever.add(library.add(album, time=1_000_000 + 10 * place + 5).id)
            elif album.items:
                library.remove(album, album.items[place % len(album.items)])

    paging_guest.nas.fault(Fault(edit), api=ITEM)
    views: tuple[AlbumView, ...] = (AlbumView(album.name),)
    catalog, trouble = Catalog(), ""
    try:
        found = look(paging_guest.client, views, catalog, now=0.0)
        assert found.catalog is not None
        ids = [photo.id for photo in found.catalog.photos]
        assert len(ids) == len(set(ids))
        assert set(ids) <= ever
        views = found.views
        catalog = found.catalog
    except NasBadAnswer as error:
        trouble = error.kind
    paging_guest.nas.clear_faults()
    assert trouble in ("", "incomplete", "endless")
    quiet = look(paging_guest.client, views, catalog, now=1.0)
    ids = [photo.id for photo in (quiet.catalog or catalog).photos]
    assert sorted(ids) == sorted(item.id for item in album.items)


@pytest.fixture
def paging_guest(monkeypatch: pytest.MonkeyPatch) -> Iterator[Guest]:
    """An empty NAS, listed four rows at a time."""
    monkeypatch.setattr("photosync.nas._PAGE_ROWS", 4)
    with guest_of(Library()) as guest:
        yield guest


# Nonsense


NONSENSE = {
    "nothing": "",
    "half": '{"success":true,"data":{"list":[{"id":1',
    "brackets": "[" * 200_000,
    "braces": '{"data":' * 200_000,
    "no data": '{"success":true}',
    "null data": '{"success":true,"data":null}',
    "null list": '{"success":true,"data":{"list":null}}',
    "list of numbers": '{"success":true,"data":{"list":[1,2]}}',
    "list of lists": '{"success":true,"data":{"list":[[]]}}',
    "list of nulls": '{"success":true,"data":{"list":[null]}}',
    "object for a list": '{"success":true,"data":{"list":{"id":1}}}',
    "list for data": '{"success":true,"data":[]}',
    "text for truth": '{"success":"true","data":{}}',
    "number for truth": '{"success":1,"data":{}}',
    "no success": '{"data":{"list":[]}}',
    "NaN rows": '{"success":true,"data":{"list":[{"id":NaN,"item_count":NaN}]}}',
    "endless number": '{"success":true,"data":{"list":[{"id":1e999,"item_count":-Infinity}]}}',
    "long number": '{"success":true,"data":{"list":[{"id":' + "9" * 5000 + "}]}}",
    "bool for a number": '{"success":true,"data":{"list":[{"id":true,"item_count":true}]}}',
    "error without a code": '{"success":false}',
    "null error": '{"success":false,"error":null}',
    "text for a code": '{"success":false,"error":{"code":"119"}}',
    "bool for a code": '{"success":false,"error":{"code":true}}',
    "huge code": '{"success":false,"error":{"code":1e99}}',
    "NaN": "NaN",
    "bytes": "\x00\x01\ufffe",
    "byte order mark": '\ufeff{"success":true}',
    "lone surrogate": '{"success":true,"data":{"list":[{"id":1,"item_count":1,"passphrase":"\\ud800xyz"}]}}',
    "two documents": '{"success":true}{"success":true}',
}


@pytest.mark.usefixtures("no_collection")
@pytest.mark.parametrize("text", NONSENSE.values(), ids=NONSENSE.keys())
@pytest.mark.parametrize("api", ["SYNO.API.Info", AUTH, ALBUM, MISC, ITEM])
def test_nonsense_in_json_is_an_error_of_the_nas(guest: Guest, nas: FakeNas, api: str, text: str) -> None:
    nas.fault(fakenas.json_body(text or " "), api=api)
    with pytest.raises(NasError) as caught:
        # The last one asks for the album by whatever it was told of it.
        for album in guest.client.list_albums():
            guest.client.album_state(album)
            guest.client.list_photos(album)
    # A login that fails without a word about the account is tried again.
    assert isinstance(caught.value, (NasUnreachable if api == AUTH else (NasBadAnswer, NasCallRefused), NasBadAnswer))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
texts = st.text(st.characters(codec=None), max_size=100)
oddities = json_values | texts | st.integers() | st.integers(2**62, 2**64)


def with_oddities(row: dict[str, Any], *more: str) -> Any:
    """The row with a few of its values replaced by anything."""
    return st.dictionaries(st.sampled_from([*row, *more]), oddities, max_size=2).map(lambda changes: row | changes)


rows_for_thumbnail = with_oddities({"unit_id": 7, "cache_key": "7_1", "sm": "ready", "m": "ready", "xl": "ready"})
rows_for_resolution = with_oddities({"width": 4000, "height": 3000})
rows_for_address = with_oddities({"city": "Ulm", "country": "Germany"}, "town", "state")


@st.composite
def odd_rows(draw: Any) -> dict[str, Any]:
    """A row of a listing in which something may be odd, on any level."""
    details = {
        "thumbnail": draw(rows_for_thumbnail),
        "resolution": draw(rows_for_resolution),
        "address": draw(rows_for_address),
        "description": "",
    }
    row = {"id": draw(st.integers(-1, 5)), "filename": "a.jpg", "time": 1, "type": "photo", "owner_user_id": 2}
    found: dict[str, Any] = draw(with_oddities(row | {"additional": draw(with_oddities(details))}))
    return found


plausible_rows = st.lists(odd_rows() | st.dictionaries(st.text(max_size=5), json_values, max_size=3), max_size=6)
ANY_ALBUM = Album(1, "any", 0, 2, "", shared_with_me=False, smart=False, state=())


def odd_key(cache_key: str) -> list[dict[str, Any]]:
    thumbnail = {"unit_id": 7, "cache_key": cache_key, "xl": "ready"}
    return [{"id": 1, "filename": "a.jpg", "time": 1, "type": "photo", "additional": {"thumbnail": thumbnail}}]


@settings(max_examples=80)
@example(rows=odd_key('7_1"'), size="xl")
@example(rows=odd_key("7\r\nX: y"), size="xl")
@example(rows=odd_key("\ud800é"), size="xl")
@given(rows=plausible_rows, size=st.sampled_from(["sm", "m", "xl", "original"]))
def test_any_rows_become_photos_or_are_counted(rows: list[dict[str, Any]], size: str) -> None:
    listing = Listing(ANY_ALBUM, size)
    listing.add(rows)
    ids = [photo.id for photo in listing.photos]
    assert len(ids) == len(set(ids))
    unreadable_ids = sum(1 for row in rows if not _is_whole(row.get("id")) or row["id"] <= 0)
    assert len(listing.photos) + sum(listing.skipped.values()) == len(listing.seen) + unreadable_ids
    catalog = Catalog.build(listing.photos, listing.skipped)
    for photo in catalog.photos:
        json.dumps(photo.to_dict())
        # An entity tag that any header can carry.
        assert photo.etag.isascii()
        assert photo.etag.isprintable()
        assert photo.etag.count('"') == 2


def _is_whole(value: object) -> bool:
    return type(value) is int and abs(value) < 2**63


@settings(max_examples=200)
@example(row={"id": 1, "item_count": -1})
@example(row={"id": 1, "item_count": 1, "passphrase": "\ud800"})
@given(
    row=st.fixed_dictionaries(
        {},
        optional={
            name: st.integers(-2, 2**70) | json_values
            for name in ("id", "item_count", "owner_user_id", "name", "passphrase", "version", "additional", "type")
        },
    )
)
def test_any_row_becomes_an_album_or_a_bad_answer(row: dict[str, Any]) -> None:
    try:
        album = album_from_row(row, shared_with_me=False)
    except NasBadAnswer:
        # The id or the count is no number.
        assert not (_is_whole(row.get("id")) and _is_whole(row.get("item_count")) and row["item_count"] >= 0)
        return
    assert (type(album.id), type(album.name), type(album.passphrase)) == (int, str, str)
    assert album.item_count >= 0


# Which items are photos


def test_renditions_that_are_not_ready_are_replaced_by_the_next_best() -> None:
    library = Library()
    album = library.new_album("kitchen-dash")
    ready = [{"sm", "m", "xl"}, {"sm", "m"}, {"sm"}, {"sm", "xl"}, {"m"}, set()]
    for names in ready:
        statuses = {name: "ready" if name in names else "ame_defect" for name in ("sm", "m", "xl")}
        library.add(album, thumbnails=statuses | {"preview": "broken"})
    expected = {
        "xl": ["xl", "m", "sm", "xl", "m"],
        "m": ["m", "m", "sm", "xl", "m"],
        "sm": ["sm", "sm", "sm", "sm", "m"],
    }
    with guest_of(library) as guest:
        for size, sizes in expected.items():
            client = Guest(guest.nas, photo_size=size).client
            listing = client.list_photos(guest.album())
            assert [photo.size for photo in listing.photos] == sizes
            assert listing.skipped == {"no_rendition": 1}
            for photo in listing.photos:
                assert client.fetch(photo) == library.items[photo.id].data(photo.size)


def test_videos_and_what_cannot_be_shown_are_counted_by_reason(guest: Guest) -> None:
    listing = guest.client.list_photos(guest.album())
    assert listing.skipped == {"video": 1, "no_rendition": 1}
    assert len(listing.photos) == len(listing.seen) - 2
    assert "IMG_4711.JPG" in [photo.filename for photo in listing.photos]
    assert not [photo for photo in listing.photos if photo.filename.endswith((".MOV", ".HEIC"))]


@pytest.mark.parametrize("kind", ["video", "video360", "livevideo"])
def test_no_kind_of_video_is_a_photo(kind: str) -> None:
    library = Library()
    album = library.new_album("kitchen-dash")
    library.add(album, type=kind)
    library.add(album, type="photo360")
    library.add(album, type="live", live_type="photo")
    with guest_of(library) as guest:
        listing = guest.client.list_photos(guest.album())
        assert (len(listing.photos), listing.skipped) == (2, {"video": 1})


@pytest.mark.parametrize("part", ["additional", "thumbnail", "filename", "time", "unit_id", "cache_key"])
def test_one_row_that_lacks_something_does_not_spoil_the_others(guest: Guest, nas: FakeNas, part: str) -> None:
    count = len(guest.photos())

    def spoil(rows: list[Any]) -> list[Any]:
        row = next(row for row in rows if row["type"] == "photo" and row["additional"])
        for place in (row, row["additional"], row["additional"]["thumbnail"]):
            place.pop(part, None)
        return rows

    nas.fault(fakenas.edit_rows(spoil), api=ITEM)
    assert len(guest.photos()) == count - 1


# Picture bytes


def test_a_rendition_is_asked_for_by_unit_id_and_cache_key(guest: Guest, nas: FakeNas) -> None:
    photo = guest.photo(lambda item: own(item) and item.id != item.unit_id)
    assert guest.client.fetch(photo) == guest.item(photo).data("xl")
    asked = nas.calls[-1].params
    assert asked["id"] == str(guest.item(photo).unit_id)
    assert asked["cache_key"] == json.dumps(guest.item(photo).cache_key)
    assert (asked["type"], asked["size"]) == ('"unit"', '"xl"')


def test_photos_of_the_shared_space_come_from_its_own_calls(guest: Guest, nas: FakeNas) -> None:
    photo = guest.photo(shared_space)
    assert guest.client.fetch(photo) == guest.item(photo).data("xl")
    assert nas.calls[-1].api == TEAM_THUMBNAIL
    assert "passphrase" not in nas.calls[-1].params


def test_originals_are_single_files_and_only_jpegs(nas: FakeNas) -> None:
    nas.library.add(nas.library.album("kitchen-dash"), filename="IMG_1.HEIC")
    guest = Guest(nas, photo_size="original")
    for photo in guest.photos():
        assert guest.client.fetch(photo) == guest.item(photo).data(photo.size)
    sizes = {photo.filename: photo.size for photo in guest.photos()}
    assert sizes["IMG_1.HEIC"] == "xl"
    assert sizes["IMG_4711.JPG"] == "original"
    live = next(call for call in nas.calls if call.api == "SYNO.Foto.Download")
    assert set(live.params) >= {"unit_id", "force_download", "download_type"}
    assert "item_id" not in live.params
    assert nas.count("SYNO.FotoTeam.Download") == 2


def test_originals_of_a_shared_album_come_by_its_passphrase(nas: FakeNas) -> None:
    guest = Guest(nas, photo_size="original")
    photo = guest.photos("Anna's garden")[0]
    assert guest.client.fetch(photo) == guest.item(photo).data("original")
    assert (nas.calls[-1].http_method, nas.calls[-1].query_string) == ("POST", "")


def test_an_album_that_must_not_be_downloaded_from_is_told(nas: FakeNas) -> None:
    nas.library.album("Anna's garden").downloadable = False
    guest = Guest(nas, photo_size="original")
    with pytest.raises(NasCallRefused) as caught:
        guest.client.fetch(guest.photos("Anna's garden")[0])
    assert caught.value.code == 804
    assert "--photo-size" in caught.value.next_step


def test_an_original_with_data_of_the_camera_behind_its_end_is_whole(nas: FakeNas) -> None:
    guest = Guest(nas, photo_size="original")
    photo = guest.photo(own)
    data = guest.item(photo).data("original") + b"SEFT camera data"
    nas.fault(fakenas.bytes_body(data, "application/octet-stream"), api="SYNO.Foto.Download")
    assert guest.client.fetch(photo) == data


def test_a_picture_that_is_gone_is_not_found(guest: Guest, nas: FakeNas) -> None:
    photo = guest.photo(own)
    nas.library.delete(guest.item(photo))
    with pytest.raises(PhotoNotFound):
        guest.client.fetch(photo)
    assert guest.logins == 1


@pytest.mark.parametrize("code", [100, 102, 117, 120, 150, 609, 642, 801, 804])
def test_an_error_in_place_of_a_picture_is_told_as_such(guest: Guest, nas: FakeNas, code: int) -> None:
    photo = guest.photo(own)
    nas.fault(fakenas.error(code), api=THUMBNAIL)
    with pytest.raises(NasError) as caught:
        guest.client.fetch(photo)
    assert caught.value.kind == f"api_{code}"
    assert isinstance(caught.value, NasUnreachable) == (code == 117)
    assert guest.logins == 1


def zipped() -> bytes:
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as archive:
        archive.writestr("a.jpg", b"\xff\xd8\xff\xd9")
    return memory.getvalue()


WHOLE = Library.synthetic(1).items[20_001].data("xl")
NOT_PICTURES = {
    "html": (b"<html><script>alert(1)</script></html>", "image/jpeg"),
    "svg": (b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>', "image/jpeg"),
    "png": (b"\x89PNG\r\n\x1a\n" + bytes(100), "image/png"),
    "gif": (b"GIF89a" + bytes(100), "image/gif"),
    "zip": (zipped(), "application/zip"),
    "zip that claims to be a picture": (zipped(), "image/jpeg"),
    "film": (b"\x00\x00\x00\x14ftypqt  ", "image/jpeg"),
    "magic alone": (b"\xff\xd8\xff", "image/jpeg"),
    "no end": (WHOLE[:-2], "image/jpeg"),
    "half an end": (WHOLE[:-1], "image/jpeg"),
    "something behind the end": (WHOLE + b"<script>", "image/jpeg"),
    "something before the start": (b"\n" + WHOLE, "image/jpeg"),
    "json without success": (b'{"a":1}', "image/jpeg"),
    "json that succeeded": (b'{"success":true}', "application/json"),
    "picture called html": (WHOLE, "text/html"),
    "picture called nothing": (WHOLE, ""),
    "picture called octets": (WHOLE, "application/octet-stream"),
    "zeros": (bytes(5000), "image/jpeg"),
}


@pytest.mark.parametrize(("body", "content_type"), NOT_PICTURES.values(), ids=NOT_PICTURES.keys())
def test_only_a_whole_jpeg_is_a_picture(guest: Guest, nas: FakeNas, body: bytes, content_type: str) -> None:
    photo = guest.photo(own)
    nas.fault(fakenas.bytes_body(body, content_type), api=THUMBNAIL)
    with pytest.raises(NasBadAnswer) as caught:
        guest.client.fetch(photo)
    assert caught.value.kind in ("not_jpeg", "bad_json")


def test_a_picture_over_the_limit_is_refused_while_it_is_read(nas: FakeNas) -> None:
    guest = Guest(nas, max_photo_bytes=50_000)
    photo = guest.photo(own)
    nas.fault(fakenas.endless(), api=THUMBNAIL)
    with pytest.raises(NasBadAnswer) as caught:
        guest.client.fetch(photo)
    assert caught.value.kind == "too_big"
    assert "--max-photo" in caught.value.next_step


def test_a_session_never_shows_in_a_representation(guest: Guest, nas: FakeNas) -> None:
    photo = guest.photos("Anna's garden")[0]
    session = vars(guest.client)
    assert CANARY_SESSION in nas.sessions[0]
    assert not leaks(repr([session, *[vars(part) for part in session.values() if hasattr(part, "__dict__")]]))
    assert GARDEN_PASSPHRASE not in repr([photo, guest.album("Anna's garden")])
