"""From the albums that were asked for to a catalog; blocks, runs on a worker thread."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from functools import cache
from typing import NamedTuple, Protocol

from .catalog import Catalog, Photos, left_out
from .errors import (
    AlbumProblem,
    LoginRefused,
    NasCallRefused,
    NasError,
    NasTimeout,
    NasUnreachable,
    NothingSynced,
    PhotosSyncError,
)
from .listing import Listing
from .models import Album, Photo

RELIST_SECONDS = 6 * 3600.0
_GONE = frozenset({"album_not_found", "album_ambiguous"})
_LOOKS_UNTIL_BELIEVED = 2


class AlbumSource(Protocol):
    """What is asked of a NAS client: the listing calls of `SynologyClient`."""

    def list_albums(self) -> list[Album]: ...
    def album_state(self, album: Album) -> Album: ...
    def list_photos(self, album: Album) -> Listing: ...


@dataclass(frozen=True, slots=True)
class AlbumView:
    """One of the albums that were asked for, as far as the looks up to now know it; replaced, never edited.

    `name` is what was asked for, "" for the only album of a share link; `album` what the NAS said of it when it was
    listed, with `state` () if it has to be listed again. `photos` and `skipped` are the last good listing, `listed_at`
    its time by a monotonic clock.
    `catalog` holds those photos as the catalog of all albums does: one in several albums belongs to the first.
    `problem` is what the last look met with; `doubts` counts the looks in a row that found the album gone or empty.
    """

    name: str
    album: Album | None = None
    photos: Sequence[Photo] = ()
    skipped: Mapping[str, int] = field(default_factory=dict)
    listed_at: float | None = None
    catalog: Catalog = field(default_factory=Catalog)
    problem: PhotosSyncError | None = None
    doubts: int = 0

    @property
    def title(self) -> str:
        return self.name or (self.album.name if self.album else "")


class Look(NamedTuple):
    """What one look at the albums found. `catalog`, of all of them together, is None if none was listed again.

    `fresh` are the photos that are new or changed.
    """

    views: tuple[AlbumView, ...]
    catalog: Catalog | None = None
    fresh: Sequence[Photo] = ()


def look(
    source: AlbumSource, views: Sequence[AlbumView], previous: Catalog, *, now: float, resting: Collection[str] = ()
) -> Look:
    """One small call for each album that does not rest, and its listing if it has changed or is six hours old.

    An album's own problem is told by its view and keeps no other from being looked at. Raises NasError if the NAS
    is away or refuses the account, and what the first met with if none could be read for other reasons than its name.
    """
    list_albums = cache(source.list_albums)
    seen: list[AlbumView] = []
    for view in views:
        seen.append(view if view.name in resting else _look_at(source, list_albums, view, now))
        if len(seen) > 1 and all(isinstance(one.problem, NasUnreachable) for one in seen):
            break  # the others would time out, too
    problems = [view.problem for view in seen if view.name not in resting]
    unread = [one for one in problems if isinstance(one, NasError) and not isinstance(one, AlbumProblem)]
    if unread and len(unread) == len(problems):
        raise unread[0]
    seen = _without_gone(seen)
    if all(_is_same_listing(after, before) for after, before in zip(seen, views, strict=True)):
        return Look(tuple(seen))
    return _merge(seen, previous)


def find_album(albums: Sequence[Album], wanted: str) -> Album:
    """Exactly the album of that name (or `id:NUMBER`); the only one if no name is given, as with a share link.

    AlbumProblem if it is missing or ambiguous.
    """
    if not wanted and len(albums) == 1:
        return albums[0]
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


def describe(album: Album) -> str:
    """One line for a list of albums."""
    kind = "shared with me" if album.shared_with_me else "smart" if album.smart else "own"
    return f"id:{album.id}  {album.name or '(no name)'}  ({album.item_count} items, {kind})"


def _look_at(source: AlbumSource, list_albums: Callable[[], Sequence[Album]], view: AlbumView, now: float) -> AlbumView:
    try:
        album = _state(source, list_albums, view)
        due = view.listed_at is None or now - view.listed_at >= RELIST_SECONDS
        if not due and view.album is not None and album.state == view.album.state:
            return replace(view, problem=None, doubts=0)
        return _listed(view, album, source.list_photos(album), now)
    except NasError as error:
        if _is_of_the_nas(error):
            raise
        problem = error.with_traceback(None)  # whose frames would keep a listing in memory
    if problem.kind not in _GONE:
        return replace(view, problem=problem)
    return replace(view, album=_unlisted(view.album), problem=problem, doubts=view.doubts + 1)


def _state(source: AlbumSource, list_albums: Callable[[], Sequence[Album]], view: AlbumView) -> Album:
    """The album as it is now; looked up anew if it was not known, is gone or was renamed."""
    if view.album is not None:
        try:
            album = source.album_state(view.album)
        except NasCallRefused:
            return find_album(list_albums(), view.name)
        if album.name == view.album.name:
            return album
    return find_album(list_albums(), view.name)


def _listed(view: AlbumView, album: Album, listing: Listing, now: float) -> AlbumView:
    """The view with a new listing. An empty one replaces a full one only when a second look finds it empty, too."""
    if not listing.photos:
        if _is_passing(listing, view):
            raise _nothing_to_show(album, listing)
        if view.photos and view.doubts + 1 < _LOOKS_UNTIL_BELIEVED:
            return replace(view, album=_unlisted(album), problem=_perhaps_empty(album), doubts=view.doubts + 1)
    return replace(
        view,
        album=album,
        photos=listing.photos,
        skipped=listing.skipped,
        listed_at=now,
        problem=None,
        doubts=0,
    )


def _unlisted(album: Album | None) -> Album | None:
    """The album, to be listed at the next look whatever its state is then."""
    return album and replace(album, state=())


def _is_of_the_nas(error: NasError) -> bool:
    """Whether the other albums would meet with it, too. A status 5xx or a time-out may be one album's own trouble."""
    if isinstance(error, NasUnreachable):
        return not isinstance(error, NasTimeout) and not error.kind.startswith("http_")
    return isinstance(error, LoginRefused) or error.kind == "truncated"


def _is_passing(listing: Listing, view: AlbumView) -> bool:
    """Whether items without a picture are no reason to forget the photos that were there before."""
    return bool(listing.seen) and (not view.photos or any(photo.id in listing.seen for photo in view.photos))


def _nothing_to_show(album: Album, listing: Listing) -> AlbumProblem:
    return AlbumProblem(
        "no_photos",
        f"No item of the album '{album.name}' can be shown ({left_out(listing.skipped)}).",
        "Videos are not shown, and other items only once the NAS has made its thumbnails of them.",
    )


def _perhaps_empty(album: Album) -> NothingSynced:
    return NothingSynced(
        f"The NAS says that the album '{album.name}' is empty.",
        "The last good listing stays in use until it says so again.",
    )


def _without_gone(views: Sequence[AlbumView]) -> list[AlbumView]:
    """Photos of albums that two looks found gone leave, unless nothing would be left to show."""
    gone = [isinstance(view.problem, AlbumProblem) and view.doubts >= _LOOKS_UNTIL_BELIEVED for view in views]
    if not any(view.photos for view, is_gone in zip(views, gone, strict=True) if not is_gone):
        return list(views)
    return [
        replace(view, photos=(), skipped={}) if is_gone and view.photos else view
        for view, is_gone in zip(views, gone, strict=True)
    ]


def _is_same_listing(view: AlbumView, before: AlbumView) -> bool:
    return view.photos is before.photos and view.listed_at == before.listed_at


def each_once(views: Iterable[AlbumView]) -> Iterator[Photo]:
    """The photos of all the albums. One in several belongs to the first."""
    seen: set[int] = set()
    for view in views:
        for photo in view.photos:
            if photo.id not in seen:
                seen.add(photo.id)
                yield photo


def _merge(views: Sequence[AlbumView], previous: Catalog) -> Look:
    """One catalog of all albums, in which each photo is once, and one for each album, made of the same photos."""
    skipped: Counter[str] = Counter()
    for view in views:
        skipped.update(view.skipped)
    catalog = Catalog.build(views[0].photos if len(views) == 1 else each_once(views), skipped, previous)
    if len(views) == 1:
        views = (replace(views[0], photos=catalog.photos, catalog=catalog),)
    else:
        views = tuple(_narrowed(view, catalog) for view in views)
    return Look(views, catalog, _fresh(catalog, previous))


def _narrowed(view: AlbumView, whole: Catalog) -> AlbumView:
    """The view with its part of all photos."""
    own = (whole.by_id[photo.id] for photo in view.photos)
    return replace(view, catalog=Catalog.build(own, view.skipped, view.catalog))


def _fresh(catalog: Catalog, previous: Catalog) -> Photos:
    """The photos that are new or changed."""
    if not previous.photos:
        return catalog.photos
    keys = {photo.id: photo.key for photo in previous.photos}
    return Photos(photo for photo in catalog.photos if photo.key != keys.get(photo.id))
