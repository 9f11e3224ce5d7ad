"""From the albums that were asked for to a catalog; blocks, runs on a worker thread."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Protocol

from .errors import AlbumProblem, NasCallRefused
from .listing import Listing
from .models import Album, Catalog, Photo, left_out


class AlbumSource(Protocol):
    """What is asked of a NAS client: the listing calls of `SynologyClient`."""

    def list_albums(self) -> list[Album]: ...
    def album_state(self, album: Album) -> Album: ...
    def list_photos(self, album: Album) -> Listing: ...


@dataclass(frozen=True, slots=True)
class Look:
    """What one look at the albums found. `catalog` is None if nothing has changed since the last listing.

    `fresh` are the photos that are new or changed. `empty` says that the NAS called every album empty.
    """

    albums: tuple[Album, ...]
    catalog: Catalog | None = None
    fresh: tuple[Photo, ...] = ()
    empty: bool = False


def look(
    source: AlbumSource, wanted: Sequence[str], known: Sequence[Album], previous: Catalog, *, relist: bool
) -> Look:
    """One small call for each known album; their whole listing if one has changed, or if `relist`.

    `known` are the albums of the last look, none at the first. Raises NasError: AlbumProblem if an album can't
    be found or shows nothing.
    """
    albums = _states(source, wanted, known) if known else find_albums(source.list_albums(), wanted)
    if not relist and known and [album.state for album in albums] == [album.state for album in known]:
        return Look(albums)
    listings = [source.list_photos(album) for album in albums]
    photos: dict[int, Photo] = {}
    skipped: Counter[str] = Counter()
    for listing in listings:
        skipped += listing.skipped
        for photo in listing.photos:
            photos.setdefault(photo.id, photo)
    if not photos and _is_passing(listings, previous):
        raise _nothing_to_show(albums, skipped)
    catalog = Catalog.build(photos.values(), skipped, previous)
    fresh = tuple(photo for photo in catalog.photos if _is_fresh(photo, previous))
    return Look(albums, catalog, fresh, empty=not photos)


def find_albums(albums: Sequence[Album], wanted: Sequence[str]) -> tuple[Album, ...]:
    """Exactly the albums of those names (or `id:NUMBER`), or all if none is named, as with a share link.
    AlbumProblem if one is missing or ambiguous.
    """
    return tuple(_find(albums, name) for name in wanted) if wanted else tuple(albums)


def describe(album: Album) -> str:
    """One line for a list of albums."""
    kind = "shared with me" if album.shared_with_me else "smart" if album.smart else "own"
    return f"id:{album.id}  {album.name or '(no name)'}  ({album.item_count} items, {kind})"


def _states(source: AlbumSource, wanted: Sequence[str], known: Sequence[Album]) -> tuple[Album, ...]:
    """The known albums as they are now; looked up anew by name where one is gone or was renamed."""
    try:
        albums = tuple(source.album_state(album) for album in known)
    except NasCallRefused:
        return find_albums(source.list_albums(), wanted)
    if [album.name for album in albums] != [album.name for album in known]:
        return find_albums(source.list_albums(), wanted)
    return albums


def _find(albums: Sequence[Album], wanted: str) -> Album:
    if wanted.startswith("id:"):
        matches = [album for album in albums if f"id:{album.id}" == wanted]
    else:
        matches = [album for album in albums if album.name == wanted]
    if len(matches) == 1:
        return matches[0]
    if matches:
        raise AlbumProblem(
            "album_ambiguous",
            f"There are {len(matches)} albums named '{wanted}': " + "; ".join(map(describe, matches)) + ".",
            "Give --album the id of the one you mean.",
        )
    if wanted.startswith("id:"):
        raise AlbumProblem(
            "album_not_found",
            f"The account sees no album with {wanted} among {len(albums)} albums.",
            "photos-sync --list-albums shows the ids of all it sees.",
        )
    names = [album.name for album in albums if album.name]
    nearest = get_close_matches(wanted, names, n=3, cutoff=0.5) or sorted(names)[:3]
    near = " The nearest names are: " + ", ".join(f"'{name}'" for name in nearest) + "." if nearest else ""
    raise AlbumProblem(
        "album_not_found",
        f"The account sees no album named '{wanted}' among {len(albums)} albums.{near}",
        "Correct --album, or share the album with the account; photos-sync --list-albums shows all it sees.",
    )


def _is_passing(listings: Sequence[Listing], previous: Catalog) -> bool:
    """Whether items without a picture are no reason to forget the photos that were there before."""
    seen = set().union(*(listing.seen for listing in listings))
    return bool(seen) and (not previous.photos or any(number in seen for number in previous.by_id))


def _nothing_to_show(albums: Sequence[Album], skipped: Counter[str]) -> AlbumProblem:
    names = ", ".join(f"'{album.name}'" for album in albums)
    return AlbumProblem(
        "no_photos",
        f"No item of the album {names} can be shown ({left_out(skipped)}).",
        "Videos are not shown, and other items only once the NAS has made its thumbnails of them.",
    )


def _is_fresh(photo: Photo, previous: Catalog) -> bool:
    before = previous.by_id.get(photo.id)
    return before is None or before.key != photo.key
