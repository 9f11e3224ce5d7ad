"""What is tried of another configuration before it takes effect."""

from __future__ import annotations

import pytest
from conftest import canary_nas
from guest import AUTH, THUMBNAIL, Guest, guest_of

from photosync.albums import AlbumView
from photosync.catalog import Catalog
from photosync.errors import AlbumProblem, NasError, PhotosSyncError
from photosync.fakenas import FakeNas, Library, hang, status
from photosync.trial import try_out


def names(*albums: str) -> list[AlbumView]:
    return [AlbumView(album) for album in albums]


def test_it_gives_the_albums_and_their_catalog_after_one_picture(nas: FakeNas) -> None:
    with guest_of(Library.synthetic(7)) as guest:
        views, catalog = try_out(guest.client, names("kitchen-dash"), Catalog())
        assert [len(view.photos) for view in views] == [len(catalog.photos)] == [7]
        assert guest.nas.count(THUMBNAIL) == 1
        assert len(guest.nas.sessions) == 1


def test_slots_go_on() -> None:
    with guest_of(Library.synthetic(7)) as guest:
        _, before = try_out(guest.client, names("kitchen-dash"), Catalog())
        guest.nas.library.album("kitchen-dash").items.pop(0)
        _, after = try_out(guest.client, names("kitchen-dash"), before)
        assert len(after.slots) == len(before.slots) == len(after.photos) + 1


@pytest.mark.parametrize("albums", [("nowhere",), ("kitchen-dash", "nowhere")])
def test_each_album_has_to_be_found(nas: FakeNas, albums: tuple[str, ...]) -> None:
    with pytest.raises(AlbumProblem, match="nowhere"):
        try_out(Guest(nas).client, names(*albums), Catalog())
    assert nas.sessions == []


def test_one_ill_picture_is_no_reason() -> None:
    with guest_of(Library.synthetic(3)) as guest:
        first = guest.photos()[0]
        guest.nas.fault(status(500), api=THUMBNAIL, item=first.unit_id)
        assert try_out(guest.client, names("kitchen-dash"), Catalog())[1].photos


def test_no_picture_at_all_is_one() -> None:
    with guest_of(Library.synthetic(5), timeout_seconds=1.0) as guest:
        guest.nas.fault(hang(), api=THUMBNAIL)
        with pytest.raises(PhotosSyncError):
            try_out(guest.client, names("kitchen-dash"), Catalog())
        assert guest.nas.sessions == []


def test_an_album_without_photos_needs_no_picture() -> None:
    with guest_of(Library.synthetic(0)) as guest:
        assert not try_out(guest.client, names("kitchen-dash"), Catalog())[1].photos


def test_what_failed_logs_in_no_more() -> None:
    with canary_nas() as nas:
        client = Guest(nas).client
        with pytest.raises(AlbumProblem):
            try_out(client, names("nowhere"), Catalog())
        with pytest.raises(NasError, match="Another configuration"):
            client.list_albums()
        assert nas.count(AUTH, "login") == 1
