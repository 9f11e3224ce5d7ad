"""The catalog's file: all of it comes back, or nothing; and nothing secret is in it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import canary_nas
from guest import GARDEN_PASSPHRASE, client_of
from test_albums import catalog_of

from photosync.albums import AlbumView, Look, look
from photosync.catalog import Catalog
from photosync.models import UNKNOWN_ACCESS, Photo
from photosync.saved import Saved, Unreadable, load, save

SOURCE = "http://nas:5000 frame"
NAMES = ["kitchen-dash", "Anna's garden", "Summer days"]


@pytest.fixture(scope="module")
def found() -> Iterator[Look]:
    """Own photos, the shared space's and somebody else's, some of them in two albums."""
    with canary_nas() as nas:
        client = client_of(nas)
        first = look(client, [AlbumView(name) for name in NAMES], Catalog(), now=0.0)
        kitchen = nas.library.album("kitchen-dash")
        nas.library.remove(kitchen, kitchen.items[3])
        nas.library.add(kitchen, filename="added.jpg")
        second = look(client, first.views, catalog_of(first), now=1.0)
        assert 0 in catalog_of(second).slots
        yield second


def kept(found: Look, folder: Path) -> Path:
    path = folder / "catalog"
    save(path, SOURCE, found.views, catalog_of(found))
    return path


def reopened(path: Path, names: list[str] = NAMES, source: str = SOURCE) -> Saved:
    loaded = load(path, source, names)
    assert loaded is not None
    return loaded


def closed(photo: Photo) -> Photo:
    """As a file tells it: what gives access is left out."""
    return replace(photo, access=UNKNOWN_ACCESS)


def test_everything_comes_back_but_what_gives_access(found: Look, tmp_path: Path) -> None:
    before, after = catalog_of(found), reopened(kept(found, tmp_path))
    assert list(after.catalog.photos) == list(map(closed, before.photos))
    assert (after.catalog.slots, after.catalog.generation) == (before.slots, before.generation)
    assert (after.catalog.tag, after.catalog.skipped) == (before.tag, before.skipped)
    assert {photo.access for photo in before.photos} == {"", "team", GARDEN_PASSPHRASE}
    for view, other in zip(after.views, found.views, strict=True):
        assert (view.name, view.listed_at, view.album) == (other.name, None, None)
        assert [photo.id for photo in view.catalog.photos] == [photo.id for photo in other.catalog.photos]
        assert (view.catalog.slots, view.catalog.tag) == (other.catalog.slots, other.catalog.tag)


def test_the_next_look_goes_on_in_the_same_slots(tmp_path: Path) -> None:
    with canary_nas() as nas:
        client = client_of(nas)
        first = look(client, [AlbumView(name) for name in NAMES], Catalog(), now=0.0)
        saved = reopened(kept(first, tmp_path))
        second = look(client, saved.views, saved.catalog, now=0.0)
    assert not second.fresh
    assert list(catalog_of(second).photos) == list(catalog_of(first).photos)
    assert catalog_of(second).slots == catalog_of(first).slots
    assert [view.catalog.slots for view in second.views] == [view.catalog.slots for view in first.views]


def test_one_album_is_the_whole_catalog(tmp_path: Path) -> None:
    with canary_nas() as nas:
        first = look(client_of(nas), [AlbumView("kitchen-dash")], Catalog(), now=0.0)
    saved = reopened(kept(first, tmp_path), ["kitchen-dash"])
    assert saved.views[0].catalog is saved.catalog
    assert saved.views[0].photos is saved.catalog.photos
    assert saved.catalog.tag == catalog_of(first).tag


def test_photos_of_albums_that_are_not_asked_for_any_more_stay_away(found: Look, tmp_path: Path) -> None:
    path = kept(found, tmp_path)
    saved = reopened(path, ["Anna's garden", "new one"])
    garden = found.views[1].catalog
    assert [photo.id for photo in saved.catalog.photos] == [photo.id for photo in garden.photos]
    assert [len(view.photos) for view in saved.views] == [5, 0]
    assert not reopened(path, ["new one"]).catalog.photos


def test_the_file_is_for_its_owner_alone_and_holds_no_passphrase(found: Look, tmp_path: Path) -> None:
    path = kept(found, tmp_path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert GARDEN_PASSPHRASE not in path.read_text()
    assert any(photo.access == GARDEN_PASSPHRASE for photo in catalog_of(found).photos)


def test_without_a_file_or_with_that_of_another_source_there_is_nothing(found: Look, tmp_path: Path) -> None:
    assert load(tmp_path / "catalog", SOURCE, NAMES) is None
    assert load(kept(found, tmp_path), "http://nas:5000 somebody", NAMES) is None


def test_a_torn_file_is_told(found: Look, tmp_path: Path) -> None:
    path = kept(found, tmp_path)
    whole = path.read_bytes()
    for length in range(0, len(whole) - 1, 397):
        path.write_bytes(whole[:length])
        with pytest.raises(Unreadable):
            load(path, SOURCE, NAMES)


def test_a_file_with_any_byte_changed_is_told(found: Look, tmp_path: Path) -> None:
    path = kept(found, tmp_path)
    whole = path.read_bytes()
    for place in range(0, len(whole) - 1, 397):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(Unreadable):
            load(path, SOURCE, NAMES)


@pytest.mark.usefixtures("no_collection")
@pytest.mark.parametrize(
    "text", ["", "\n", "hello\n", "[]\n", '{"format":1}\n', "[" * 50_000, "null\nnull\n", b"\xff\xfe".decode("latin-1")]
)
def test_a_file_of_something_else_is_told(tmp_path: Path, text: str) -> None:
    path = tmp_path / "catalog"
    path.write_text(text, "utf-8")
    with pytest.raises(Unreadable):
        load(path, SOURCE, NAMES)


def test_a_signed_file_of_another_version_or_shape_is_told(found: Look, tmp_path: Path) -> None:
    import hashlib

    lines = kept(found, tmp_path).read_text().splitlines()[:-1]
    head, photo = json.loads(lines[0]), json.loads(lines[1])
    wrong: list[list[object]] = [
        [head | {"format": 1}, *lines[1:]],
        [head | {"photos": 10**6}, *lines[1:]],
        [head, [*photo[:-1]], *lines[2:]],
        [head, ["20001", *photo[1:]], *lines[2:]],
        [head, [*photo[:4], None, *photo[5:]], *lines[2:]],
        [head, [*photo[:-1], "sm huge"], *lines[2:]],
        [*lines, [1]],
        [head | {"albums": 0}, *lines[1:]],
    ]
    for rows in wrong:
        text = "".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows)
        digest = hashlib.sha256(text.encode()).hexdigest()
        (tmp_path / "catalog").write_text(text + json.dumps({"sha256": digest}) + "\n")
        with pytest.raises(Unreadable):
            load(tmp_path / "catalog", SOURCE, NAMES)
