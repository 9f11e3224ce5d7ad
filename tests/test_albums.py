"""Which albums are meant, and what one look at them costs and finds, on a simulated NAS."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from conftest import canary_nas

from photosync import fakenas
from photosync.albums import RELIST_SECONDS, AlbumView, Look, describe, find_album, look
from photosync.errors import AlbumProblem, NasBadAnswer
from photosync.fakenas import FakeNas, Library
from photosync.models import Album, Catalog
from photosync.nas import SynologyClient
from photosync.settings import Secret
from photosync.wire import Wire

ALBUM = "SYNO.Foto.Browse.Album"
ITEM = "SYNO.Foto.Browse.Item"


def client_to(nas: FakeNas) -> SynologyClient:
    wire = Wire(nas.url, 5.0, None, False)
    return SynologyClient(
        wire, nas.username, lambda: Secret(nas.password), hide=lambda text: None, max_photo_bytes=9_000_000
    )


@pytest.fixture
def client(nas: FakeNas) -> SynologyClient:
    return client_to(nas)


def first_look(client: SynologyClient, *wanted: str) -> Look:
    return look(client, [AlbumView(name) for name in wanted or ("kitchen-dash",)], Catalog(), now=0.0)


def next_look(client: SynologyClient, before: Look, *, now: float = 1.0) -> Look:
    return look(client, before.views, catalog_of(before), now=now)


def catalog_of(found: Look) -> Catalog:
    assert found.catalog is not None
    return found.catalog


def names_of(found: Look) -> list[str]:
    return [photo.filename for photo in catalog_of(found).photos]


def problem(client: SynologyClient, *wanted: str) -> AlbumProblem:
    return problem_of(first_look(client, *wanted))


def problem_of(found: Look, place: int = -1) -> AlbumProblem:
    error = found.views[place].problem
    assert isinstance(error, AlbumProblem)
    return error


def ids_of(found: Look) -> set[int]:
    return {photo.id for photo in catalog_of(found).photos}


# Which album


@pytest.mark.parametrize("name", ["kitchen-dash", "Grandparents", "Summer days", "Anna's garden"])
def test_an_album_is_found_by_its_exact_name(client: SynologyClient, name: str) -> None:
    found = first_look(client, name)
    assert [view.album and view.album.name for view in found.views] == [name]
    assert catalog_of(found).photos


@pytest.mark.parametrize("name", ["Kitchen-dash", "kitchen-dash ", "kitchen", "itchen-dash", "kitchen-das"])
def test_a_name_that_is_nearly_right_is_not_right_and_the_nearest_are_told(client: SynologyClient, name: str) -> None:
    error = problem(client, name)
    assert error.kind == "album_not_found"
    assert f"'{name}'" in str(error)
    assert str(error).partition("The nearest names are: ")[2].startswith("'kitchen-dash'")
    assert "--list-albums" in error.next_step


def test_of_no_near_names_some_are_told(client: SynologyClient) -> None:
    text = str(problem(client, "qqqqqqqq"))
    assert "'Anna's garden', 'Grandparents', 'Summer days'" in text
    assert "among 5 albums" in text


def test_an_account_without_albums_is_told_so() -> None:
    with canary_nas(library=Library()) as nas:
        error = problem(client_to(nas), "kitchen-dash")
    assert "among 0 albums." in str(error)
    assert "nearest" not in str(error)


def test_several_albums_of_one_name_are_refused_and_listed_with_their_ids(nas: FakeNas, client: SynologyClient) -> None:
    other = nas.library.new_album("kitchen-dash", shared_with_me=True)
    nas.library.add(other)
    error = problem(client, "kitchen-dash")
    assert error.kind == "album_ambiguous"
    own = nas.library.album("kitchen-dash")
    assert f"id:{own.id}  kitchen-dash  ({len(own.items)} items, own)" in str(error)
    assert f"id:{other.id}  kitchen-dash  (1 items, shared with me)" in str(error)
    assert "id" in error.next_step
    assert len(catalog_of(first_look(client, f"id:{other.id}")).photos) == 1


def test_an_album_is_found_by_its_number(nas: FakeNas, client: SynologyClient) -> None:
    nameless = nas.library.album("")
    found = first_look(client, f"id:{nameless.id}")
    assert len(catalog_of(found).photos) == len(nameless.items)
    assert problem(client, "id:999").kind == "album_not_found"
    assert problem(client, f"id:0{nameless.id}").kind == "album_not_found"


def test_an_album_whose_name_looks_like_a_number_is_not_taken_for_one(nas: FakeNas, client: SynologyClient) -> None:
    nas.library.new_album("id:1")
    assert find_album(client.list_albums(), "id:1").name == "kitchen-dash"


def test_descriptions_tell_own_shared_and_smart_albums(client: SynologyClient) -> None:
    lines = [describe(album) for album in client.list_albums()]
    assert lines[1] == "id:2  Grandparents  (8 items, own)"
    assert lines[2] == "id:3  Summer days  (6 items, smart)"
    assert lines[3] == "id:4  (no name)  (3 items, own)"
    assert lines[4] == "id:5  Anna's garden  (5 items, shared with me)"


# Several albums


def test_several_albums_are_merged_and_a_photo_in_both_is_there_once(nas: FakeNas, client: SynologyClient) -> None:
    both = first_look(client, "kitchen-dash", "Grandparents", "Anna's garden")
    ids = [photo.id for photo in catalog_of(both).photos]
    assert len(ids) == len(set(ids))
    kitchen = [photo.id for photo in catalog_of(first_look(client)).photos]
    assert set(ids) == {*kitchen, *(item.id for item in nas.library.album("Anna's garden").items)}
    album_of = {photo.id: photo.album for photo in catalog_of(both).photos}
    assert {album_of[item.id] for item in nas.library.album("Grandparents").items} == {"kitchen-dash"}


# What a look costs and finds


def test_an_unchanged_album_costs_one_small_call(nas: FakeNas, client: SynologyClient) -> None:
    before = first_look(client)
    nas.calls.clear()
    assert next_look(client, before).catalog is None
    assert [(call.api, call.method) for call in nas.calls] == [(ALBUM, "get")]


def test_an_album_that_is_unchanged_is_listed_when_that_is_asked(nas: FakeNas, client: SynologyClient) -> None:
    before = first_look(client)
    again = next_look(client, before, now=RELIST_SECONDS)
    assert catalog_of(again).tag == catalog_of(before).tag
    assert again.fresh == ()


CHANGES: dict[str, Callable[[Library], object]] = {
    "added": lambda library: library.add(library.album("kitchen-dash")),
    "removed": lambda library: library.remove(library.album("kitchen-dash"), library.album("kitchen-dash").items[3]),
    "deleted": lambda library: library.delete(library.album("kitchen-dash").items[3]),
    "edited": lambda library: library.edit(library.album("kitchen-dash").items[3]),
    "version": lambda library: library.bump(library.album("kitchen-dash")),
    "cover": lambda library: library.edit(library.album("kitchen-dash").items[0], bump=False),
}


@pytest.mark.parametrize("change", CHANGES)
def test_every_change_that_the_album_shows_lists_it_again(nas: FakeNas, client: SynologyClient, change: str) -> None:
    before = first_look(client)
    nas.calls.clear()
    CHANGES[change](nas.library)
    after = next_look(client, before)
    assert nas.count(ITEM, "list") == 1
    assert len(after.fresh) == (1 if change in ("added", "edited", "cover") else 0)
    assert next_look(client, after).catalog is None


def test_an_edited_photo_is_fresh_and_another_version(nas: FakeNas, client: SynologyClient) -> None:
    before = first_look(client)
    item = nas.library.album("kitchen-dash").items[3]
    nas.library.edit(item)
    after = next_look(client, before)
    (photo,) = after.fresh
    old = catalog_of(before).by_id[item.id]
    assert photo.id == old.id
    assert photo.etag != old.etag
    assert catalog_of(after).tag != catalog_of(before).tag


def test_an_album_that_was_renamed_is_no_longer_the_one_asked_for(nas: FakeNas, client: SynologyClient) -> None:
    before = first_look(client)
    nas.library.album("kitchen-dash").name = "other"
    assert "no album named 'kitchen-dash'" in str(problem_of(next_look(client, before)))


def test_an_album_that_was_deleted_and_made_again_is_found_again(nas: FakeNas, client: SynologyClient) -> None:
    before = first_look(client)
    old = nas.library.album("kitchen-dash")
    nas.library.delete_album(old)
    missed = next_look(client, before)
    assert problem_of(missed).kind == "album_not_found"
    new = nas.library.new_album("kitchen-dash")
    nas.library.add(new, old.items[2])
    after = look(client, missed.views, catalog_of(before), now=2.0)
    assert [view.album and view.album.id for view in after.views] == [new.id]
    assert names_of(after) == [old.items[2].filename]


def test_an_empty_album_is_an_empty_catalog(nas: FakeNas, client: SynologyClient) -> None:
    nas.library.new_album("empty")
    found = first_look(client, "empty")
    assert catalog_of(found).photos == ()
    assert found.views[0].problem is None


def test_an_album_of_videos_alone_is_told_with_the_counts(nas: FakeNas, client: SynologyClient) -> None:
    album = nas.library.new_album("films")
    for _ in range(2):
        nas.library.add(album, type="video")
    nas.library.add(album, thumbnails={"xl": "broken"})
    error = problem(client, "films")
    assert error.kind == "no_photos"
    assert "2 videos, 1 without a preview" in str(error)
    assert "'films'" in str(error)


def test_an_empty_listing_of_an_album_that_is_not_empty_is_incomplete(nas: FakeNas, client: SynologyClient) -> None:
    nas.fault(fakenas.json_body({"success": True, "data": {"list": []}}), api=ITEM)
    with pytest.raises(NasBadAnswer) as caught:
        first_look(client)
    assert caught.value.kind == "incomplete"


def test_an_album_edited_while_it_was_listed_is_listed_again_at_the_next_look(
    nas: FakeNas, client: SynologyClient
) -> None:
    kitchen = nas.library.album("kitchen-dash")

    async def swap(exchange: object) -> None:
        nas.library.remove(kitchen, kitchen.items[0])
        nas.library.add(kitchen)

    nas.fault(fakenas.Fault(swap), api=ITEM, times=1)
    before = first_look(client)
    after = next_look(client, before)
    shown = {photo.id for photo in catalog_of(after).photos}
    assert shown == {item.id for item in kitchen.items if item.thumbnails.get("xl") == "ready"}


def test_selectors_name_an_album_in_one_way_only() -> None:
    own = Album(8, "own", 1, 2, "shar3d0wn", shared_with_me=False, smart=False, state=())
    theirs = Album(9, "theirs", 1, 7, "th31rs", shared_with_me=True, smart=False, state=())
    assert (own.selector(), own.selector(plural=True)) == ({"album_id": 8}, {"id": [8]})
    assert theirs.selector() == theirs.selector(plural=True) == {"passphrase": "th31rs"}
