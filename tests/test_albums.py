"""Which albums are meant, and what one look at them costs and finds, on a simulated NAS."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from conftest import canary_nas
from guest import client_of
from hypothesis import given, settings
from hypothesis import strategies as st

from photosync import fakenas
from photosync.albums import RELIST_SECONDS, AlbumView, Look, describe, find_album, look
from photosync.catalog import Catalog
from photosync.errors import (
    AlbumProblem,
    LoginRefused,
    NasBadAnswer,
    NasCallRefused,
    NasError,
    NasTimeout,
    NothingSynced,
)
from photosync.fakenas import FakeNas, Library
from photosync.fakenas.items import BROKEN
from photosync.models import Album
from photosync.nas import SynologyClient

ALBUM = "SYNO.Foto.Browse.Album"
ITEM = "SYNO.Foto.Browse.Item"


@pytest.fixture
def client(nas: FakeNas) -> SynologyClient:
    return client_of(nas)


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
        error = problem(client_of(nas), "kitchen-dash")
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
    assert not again.fresh


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
    assert not catalog_of(found).photos
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


# Several albums

KINDS = ("Grandparents", "Summer days", "Anna's garden", "with the shared space")


@pytest.fixture(params=["1.3", "1.9"])
def family(request: pytest.FixtureRequest) -> Iterator[FakeNas]:
    """A NAS of either era with albums of every kind: own, smart, shared with the account, with shared-space photos."""
    with canary_nas(era=request.param) as nas:
        mixed = nas.library.new_album("with the shared space")
        for item in nas.library.space(0):
            nas.library.add(mixed, item)
        nas.library.add(mixed)
        yield nas


def look_again(client: SynologyClient, found: Look, previous: Catalog | None = None, *, now: float = 1.0) -> Look:
    """The look after `found`, whatever that one listed."""
    return look(client, found.views, previous or found.catalog or union(found), now=now)


def union(found: Look) -> Catalog:
    return Catalog.build({photo.id: photo for view in found.views for photo in view.catalog.photos}.values(), {})


def shown(nas: FakeNas, name: str) -> set[int]:
    """The truth at the NAS: the ids of the album's items that can be shown."""
    return {item.id for item in nas.library.album(name).items if item.thumbnails.get("xl") == "ready"}


def in_view(found: Look, place: int) -> set[int]:
    return {photo.id for photo in found.views[place].catalog.photos}


def test_several_albums_are_merged_and_a_photo_in_both_is_there_once(nas: FakeNas, client: SynologyClient) -> None:
    both = first_look(client, "kitchen-dash", "Grandparents", "Anna's garden")
    ids = [photo.id for photo in catalog_of(both).photos]
    assert len(ids) == len(set(ids))
    assert set(ids) == shown(nas, "kitchen-dash") | shown(nas, "Anna's garden")
    album_of = {photo.id: photo.album for photo in catalog_of(both).photos}
    assert {album_of[number] for number in shown(nas, "Grandparents")} == {"kitchen-dash"}


def test_each_album_has_a_view_made_of_the_photos_of_the_whole(family: FakeNas) -> None:
    found = first_look(client_of(family), "kitchen-dash", *KINDS)
    whole = catalog_of(found)
    for place, name in enumerate(("kitchen-dash", *KINDS)):
        view = found.views[place]
        assert in_view(found, place) == shown(family, name) != set()
        assert all(whole.by_id[photo.id] == photo for photo in view.catalog.photos)
        assert view.problem is None
    assert set(whole.by_id) == set().union(*(in_view(found, place) for place in range(5)))


def test_every_photo_of_every_kind_of_album_can_be_fetched(family: FakeNas) -> None:
    client = client_of(family)
    for photo in catalog_of(first_look(client, *KINDS)).photos:
        assert client.fetch(photo) == family.library.items[photo.id].data("xl")


def test_one_album_alone_has_the_whole_catalog_as_its_view(client: SynologyClient) -> None:
    found = first_look(client)
    assert found.views[0].catalog is found.catalog
    assert found.views[0].photos is catalog_of(found).photos


def test_a_photo_in_two_albums_stays_in_the_listing_of_each(client: SynologyClient) -> None:
    found = first_look(client, "kitchen-dash", "Grandparents")
    for photo in found.views[1].photos:
        assert (photo.album, catalog_of(found).by_id[photo.id].album) == ("Grandparents", "kitchen-dash")


@pytest.mark.parametrize("missing", [0, 1, 2])
def test_one_missing_album_keeps_no_other_from_being_listed(nas: FakeNas, client: SynologyClient, missing: int) -> None:
    wanted = ["Grandparents", "Anna's garden"]
    wanted.insert(missing, "Kitchen-dash")
    found = first_look(client, *wanted)
    error = problem_of(found, missing)
    assert error.kind == "album_not_found" and "'kitchen-dash'" in str(error)
    assert not found.views[missing].catalog.photos
    assert ids_of(found) == shown(nas, "Grandparents") | shown(nas, "Anna's garden")
    assert [view.problem for view in found.views if view.name in ("Grandparents", "Anna's garden")] == [None, None]


def test_an_ambiguous_album_keeps_no_other_from_being_listed(nas: FakeNas, client: SynologyClient) -> None:
    nas.library.new_album("Grandparents")
    found = first_look(client, "Grandparents", "Anna's garden")
    assert problem_of(found, 0).kind == "album_ambiguous"
    assert ids_of(found) == shown(nas, "Anna's garden")


def test_an_album_of_videos_alone_keeps_no_other_from_being_listed(nas: FakeNas, client: SynologyClient) -> None:
    nas.library.add(nas.library.new_album("films"), type="video")
    found = first_look(client, "films", "Anna's garden")
    assert problem_of(found, 0).kind == "no_photos"
    assert ids_of(found) == shown(nas, "Anna's garden")


def test_unchanged_albums_cost_one_small_call_each(family: FakeNas) -> None:
    client = client_of(family)
    before = first_look(client, "kitchen-dash", *KINDS)
    family.calls.clear()
    after = look_again(client, before)
    assert after.catalog is None
    assert [(call.api, call.method) for call in family.calls] == [(ALBUM, "get")] * 5


@pytest.mark.parametrize("changed", KINDS)
def test_only_the_album_that_changed_is_listed_again(family: FakeNas, changed: str) -> None:
    client = client_of(family)
    before = first_look(client, *KINDS)
    new = family.library.add(family.library.album(changed))
    family.calls.clear()
    after = look_again(client, before)
    assert (family.count(ALBUM, "get"), family.count(ITEM, "list"), len(family.calls)) == (4, 1, 5)
    assert ids_of(after) == ids_of(before) | {new.id}
    assert [photo.id for photo in after.fresh] == [new.id]
    for place, name in enumerate(KINDS):
        assert in_view(after, place) == shown(family, name)
        unchanged = after.views[place].catalog.tag == before.views[place].catalog.tag
        # The smart album's first photos are listed under "Grandparents", which has them anew.
        assert unchanged or name in (changed, "Summer days")


def test_albums_are_listed_again_six_hours_after_their_own_last_listing(nas: FakeNas, client: SynologyClient) -> None:
    before = first_look(client, "Grandparents", "Anna's garden")
    nas.library.bump(nas.library.album("Anna's garden"))
    between = look_again(client, before, now=RELIST_SECONDS - 1)
    nas.calls.clear()
    after = look_again(client, between, now=RELIST_SECONDS)
    assert nas.count(ITEM, "list") == 1
    assert [view.listed_at for view in after.views] == [RELIST_SECONDS, RELIST_SECONDS - 1]


def test_a_photo_that_leaves_the_first_of_its_albums_belongs_to_the_next_without_a_call(
    nas: FakeNas, client: SynologyClient
) -> None:
    kitchen, garden = nas.library.album("kitchen-dash"), nas.library.album("Anna's garden")
    item = kitchen.items[2]
    nas.library.add(garden, item)
    before = first_look(client, "kitchen-dash", "Anna's garden")
    assert (catalog_of(before).by_id[item.id].album, catalog_of(before).by_id[item.id].access) == ("kitchen-dash", "")
    nas.library.remove(kitchen, item)
    nas.calls.clear()
    after = look_again(client, before)
    assert nas.count(ITEM, "list") == 1
    photo = catalog_of(after).by_id[item.id]
    assert (photo.album, photo.access) == ("Anna's garden", garden.passphrase)
    assert after.views[1].catalog.by_id[item.id] == photo
    assert item.id not in in_view(after, 0)
    assert client.fetch(photo) == item.data("xl")


def test_a_photo_that_joins_an_earlier_album_belongs_to_that_one(nas: FakeNas, client: SynologyClient) -> None:
    kitchen, garden = nas.library.album("kitchen-dash"), nas.library.album("Anna's garden")
    before = first_look(client, "kitchen-dash", "Anna's garden")
    item = garden.items[0]
    nas.library.add(kitchen, item)
    after = look_again(client, before)
    assert catalog_of(after).by_id[item.id].album == "kitchen-dash"
    assert after.views[1].catalog.by_id[item.id] == catalog_of(after).by_id[item.id]


# Albums that go


def rename(nas: FakeNas) -> None:
    nas.library.album("Grandparents").name = "Grandma"


def delete(nas: FakeNas) -> None:
    nas.library.delete_album(nas.library.album("Grandparents"))


def double(nas: FakeNas) -> None:
    rename(nas)
    for _ in range(2):
        nas.library.new_album("Grandparents")


LEAVINGS: dict[str, tuple[Callable[[FakeNas], None], str]] = {
    "renamed": (rename, "album_not_found"),
    "deleted": (delete, "album_not_found"),
    "ambiguous": (double, "album_ambiguous"),
}


@pytest.mark.parametrize("leaving", LEAVINGS)
def test_the_photos_of_an_album_that_is_gone_leave_at_the_second_look(
    nas: FakeNas, client: SynologyClient, leaving: str
) -> None:
    go, kind = LEAVINGS[leaving]
    before = first_look(client, "Grandparents", "Anna's garden")
    go(nas)
    doubtful = look_again(client, before)
    assert problem_of(doubtful, 0).kind == kind
    assert doubtful.catalog is None
    assert in_view(doubtful, 0) == in_view(before, 0)
    believed = look_again(client, doubtful, before.catalog)
    assert problem_of(believed, 0).kind == kind
    assert in_view(believed, 0) == set()
    assert ids_of(believed) == shown(nas, "Anna's garden")
    assert look_again(client, believed).catalog is None


def test_an_album_that_is_no_longer_shared_leaves_and_comes_back(nas: FakeNas, client: SynologyClient) -> None:
    garden = nas.library.album("Anna's garden")
    before = first_look(client, "Grandparents", "Anna's garden")
    nas.library.delete_album(garden)
    doubtful = look_again(client, before)
    gone = look_again(client, doubtful, before.catalog)
    assert ids_of(gone) == shown(nas, "Grandparents")
    nas.library.albums.append(garden)
    back = look_again(client, gone)
    assert back.views[1].problem is None
    assert ids_of(back) == ids_of(before)
    assert {photo.id for photo in back.fresh} == shown(nas, "Anna's garden")


def test_an_album_that_was_gone_only_once_keeps_its_photos(nas: FakeNas, client: SynologyClient) -> None:
    found = before = first_look(client, "Grandparents", "Anna's garden")
    album = nas.library.album("Grandparents")
    for _ in range(3):
        nas.library.delete_album(album)
        found = look_again(client, found, before.catalog)
        assert found.views[0].doubts == 1
        nas.library.albums.append(album)
        found = look_again(client, found, before.catalog)
        assert found.views[0].problem is None
        assert in_view(found, 0) == in_view(before, 0)


def test_the_photos_that_a_gone_album_shared_with_another_stay(nas: FakeNas, client: SynologyClient) -> None:
    before = first_look(client, "Grandparents", "Summer days")
    common = shown(nas, "Grandparents") & shown(nas, "Summer days")
    nas.library.delete_album(nas.library.album("Grandparents"))
    gone = look_again(client, look_again(client, before), before.catalog)
    assert ids_of(gone) == shown(nas, "Summer days") > common != set()
    assert {photo.album for photo in catalog_of(gone).photos} == {"Summer days"}


def test_if_all_albums_are_gone_the_last_good_photos_stay(nas: FakeNas, client: SynologyClient) -> None:
    found = before = first_look(client, "Grandparents", "Anna's garden")
    albums = [nas.library.album(name) for name in ("Grandparents", "Anna's garden")]
    for album in albums:
        nas.library.delete_album(album)
    for _ in range(4):
        found = look_again(client, found, before.catalog)
        assert found.catalog is None
        assert [view.problem is not None for view in found.views] == [True, True]
        assert in_view(found, 0) | in_view(found, 1) == ids_of(before)
    nas.library.albums.append(albums[1])  # the first is gone for good, and that can be believed now
    found = look_again(client, found, before.catalog)
    assert ids_of(found) == shown(nas, "Anna's garden")


def test_a_gone_album_is_kept_as_long_as_the_others_have_nothing_to_show(nas: FakeNas, client: SynologyClient) -> None:
    nas.library.new_album("empty")
    found = before = first_look(client, "Grandparents", "empty")
    nas.library.delete_album(nas.library.album("Grandparents"))
    for _ in range(3):
        found = look_again(client, found, before.catalog)
        assert in_view(found, 0) == ids_of(before)


REFUSALS: dict[str, Callable[[], fakenas.Fault]] = {
    "refused": lambda: fakenas.error(120),
    "no permission": lambda: fakenas.error(803),
    "status": lambda: fakenas.status(500),
    "html": fakenas.html,
    "half": lambda: fakenas.edit_rows(lambda rows: rows[: len(rows) // 2]),
    "nothing": lambda: fakenas.edit_rows(lambda rows: []),
}


def only_garden(fault: fakenas.Fault) -> fakenas.Fault:
    async def act(exchange: Any) -> None:
        if exchange.call.params.get("passphrase"):
            await fault.act(exchange)

    return fakenas.Fault(act)


@pytest.mark.parametrize("refusal", REFUSALS)
def test_an_album_that_cannot_be_listed_keeps_its_photos_and_the_others_go_on(
    nas: FakeNas, client: SynologyClient, refusal: str
) -> None:
    found = before = first_look(client, "Anna's garden", "Grandparents")
    nas.library.add(nas.library.album("Anna's garden"))
    nas.fault(only_garden(REFUSALS[refusal]()), api=ITEM)
    for count in range(1, 4):
        new = nas.library.add(nas.library.album("Grandparents"))
        found = look_again(client, found)
        assert isinstance(found.views[0].problem, NasError)
        assert found.views[1].problem is None
        assert new.id in in_view(found, 1)
        assert len(ids_of(found)) == len(ids_of(before)) + count
    nas.clear_faults()
    found = look_again(client, found)
    assert found.views[0].problem is None
    assert in_view(found, 0) == shown(nas, "Anna's garden")


def test_an_album_whose_state_is_refused_but_that_is_still_listed_is_not_gone(
    nas: FakeNas, client: SynologyClient
) -> None:
    found = before = first_look(client, "Anna's garden", "Grandparents")
    nas.fault(only_garden(fakenas.error(803)))
    for _ in range(3):
        nas.library.bump(nas.library.album("Anna's garden"))
        found = look_again(client, found, before.catalog)
        assert isinstance(found.views[0].problem, NasCallRefused)
        assert in_view(found, 0) == in_view(before, 0)


def test_an_album_without_previews_for_a_while_keeps_its_photos(nas: FakeNas, client: SynologyClient) -> None:
    found = before = first_look(client, "Anna's garden", "Grandparents")
    garden = nas.library.album("Anna's garden")
    for item in garden.items:
        item.thumbnails = BROKEN
    nas.library.bump(garden)
    for _ in range(3):
        found = look_again(client, found, before.catalog)
        assert problem_of(found, 0).kind == "no_photos"
        assert in_view(found, 0) == in_view(before, 0)


def test_an_album_of_several_that_is_suddenly_empty_is_believed_at_the_second_look(
    nas: FakeNas, client: SynologyClient
) -> None:
    before = first_look(client, "Anna's garden", "Grandparents")
    garden = nas.library.album("Anna's garden")
    for item in list(garden.items):
        nas.library.remove(garden, item)
    doubtful = look_again(client, before)
    assert isinstance(doubtful.views[0].problem, NothingSynced)
    assert in_view(doubtful, 0) == in_view(before, 0)
    believed = look_again(client, doubtful, before.catalog)
    assert believed.views[0].problem is None
    assert ids_of(believed) == shown(nas, "Grandparents")


# What all albums meet


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (fakenas.reset, "reset"),
        (fakenas.html, "not_dsm"),
        (lambda: fakenas.error(117), "api_117"),
        (lambda: fakenas.status(502), "http_502"),
    ],
    ids=["reset", "html", "busy", "status"],
)
def test_what_all_albums_meet_fails_the_whole_look(
    nas: FakeNas, client: SynologyClient, fault: Callable[[], fakenas.Fault], kind: str
) -> None:
    before = first_look(client, "kitchen-dash", "Grandparents", "Anna's garden")
    nas.fault(fault(), api=ALBUM)
    with pytest.raises(NasError) as caught:
        look_again(client, before)
    assert caught.value.kind == kind


def test_a_nas_that_hangs_is_not_asked_for_one_album_after_the_other(nas: FakeNas) -> None:
    client = client_of(nas, timeout_seconds=0.2)
    before = first_look(client, "kitchen-dash", *KINDS[:3])
    nas.calls.clear()
    nas.fault(fakenas.hang())
    with pytest.raises(NasTimeout):
        look_again(client, before)
    assert len({call.params.get("id", call.params.get("passphrase")) for call in nas.calls}) == 2


def test_an_account_that_is_refused_is_asked_for_no_other_album(nas: FakeNas, client: SynologyClient) -> None:
    before = first_look(client, "kitchen-dash", "Grandparents", "Anna's garden")
    nas.expire_sessions()
    nas.login_error = 401
    nas.calls.clear()
    with pytest.raises(LoginRefused):
        look_again(client, before)
    assert nas.count(ALBUM) == 1


def test_an_account_that_is_refused_in_the_middle_of_a_look_fails_it(nas: FakeNas, client: SynologyClient) -> None:
    before = first_look(client, "kitchen-dash", "Anna's garden")
    nas.fault(only_garden(fakenas.error(119)))
    nas.login_error = 401
    with pytest.raises(LoginRefused):
        look_again(client, before)


# Whatever is edited


NAMES = ("kitchen-dash", "Grandparents", "Anna's garden")
edits = st.lists(
    st.tuples(st.sampled_from(["add", "put", "remove", "delete", "edit", "drop", "restore"]), st.integers(0, 30)),
    max_size=6,
)


@given(script=st.lists(st.tuples(edits, st.booleans()), max_size=6))
@settings(deadline=None, max_examples=25)
def test_whatever_is_edited_the_views_and_the_whole_are_what_the_nas_has(
    script: list[tuple[list[tuple[str, int]], bool]],
) -> None:
    library = Library()
    for name in NAMES:
        album = library.new_album(name, shared_with_me=name == NAMES[2])
        for _ in range(3):
            library.add(album)
    kept = {album.name: album for album in library.albums}
    with canary_nas(library=library) as nas:
        client = client_of(nas)
        found = first_look(client, *NAMES)
        catalog = catalog_of(found)
        for steps, in_order in script:
            for verb, place in steps:
                edit(library, kept, verb, place)
            for now in range(2):  # what is gone or empty is believed at the second look
                found = look(client, found.views, catalog, now=float(now) if in_order else RELIST_SECONDS)
                catalog = found.catalog or catalog
                assert set(catalog.by_id) == set().union(*(in_view(found, n) for n in range(3)))
            assert_true_to(nas, kept, found, catalog)


def edit(library: Library, kept: dict[str, fakenas.Album], verb: str, place: int) -> None:
    album, other = (kept[NAMES[(place + step) % 3]] for step in (0, 1))
    if verb == "drop" and album in library.albums:
        library.delete_album(album)
    elif verb == "restore" and album not in library.albums:
        library.albums.append(album)
    elif verb == "add":
        library.add(album)
    elif album.items:
        item = album.items[place % len(album.items)]
        if verb == "put" and item not in other.items:
            library.add(other, item)
        elif verb == "remove":
            library.remove(album, item)
        elif verb == "edit":
            library.edit(item)
        elif verb == "delete":
            for one in kept.values():
                if item in one.items:
                    library.remove(one, item)


def assert_true_to(nas: FakeNas, kept: dict[str, fakenas.Album], found: Look, catalog: Catalog) -> None:
    there = [album in nas.library.albums for album in kept.values()]
    truth = [{item.id for item in album.items} for album in kept.values()]
    assert [view.problem is None for view in found.views] == there
    for place, numbers in enumerate(truth):
        if there[place]:
            assert in_view(found, place) == numbers
    if any(numbers for numbers, is_there in zip(truth, there, strict=True) if is_there):
        assert set(catalog.by_id) == set().union(*(truth[place] for place in range(3) if there[place]))
    for photo in catalog.photos:
        assert photo.album == next(view.name for view in found.views if photo.id in view.catalog.by_id)
        assert photo.version == nas.library.items[photo.id].cache_key or not all(there)
