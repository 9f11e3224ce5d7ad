"""SynologyClient: albums, items and picture bytes. Blocks: worker threads only, any number of them.

It follows Synology Photos as DSM 7 serves it (`/webapi/entry.cgi`); there is no public reference.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from typing import Any

from .brake import LoginBrake
from .calls import Calls
from .errors import NasBadAnswer, NasCallRefused, PhotoNotFound
from .listing import Listing, album_from_row, rows_of
from .models import Album, Photo
from .session import DsmSession, WayIn
from .wire import Answer, Room, Wire

log = logging.getLogger(__name__)

_PAGE_ROWS = 1000
_ALBUM_PAGE_ROWS = 500
_MAX_PAGES = 2000
_ALBUM = "SYNO.Foto.Browse.Album"
_SHARING = "SYNO.Foto.Sharing.Misc"
_ALBUM_DETAILS: Sequence[str] = ["thumbnail"]
_LINKED_ALBUM_DETAILS: Sequence[str] = ["thumbnail", "sharing_info"]
_ITEM_DETAILS: Sequence[str] = ["thumbnail", "resolution", "address", "description"]


class SynologyClient:
    """What one account or one share link sees on a NAS.

    `hide` is told the secrets that albums carry, `clock`, `brake` and `calls` are as in `DsmSession`.
    """

    def __init__(
        self,
        wire: Wire,
        way_in: WayIn,
        *,
        hide: Callable[[str], None],
        max_photo_bytes: int,
        photo_size: str = "xl",
        clock: Callable[[], float] = time.monotonic,
        brake: LoginBrake | None = None,
        calls: Calls | None = None,
    ) -> None:
        self._session = DsmSession(wire, way_in, clock, brake, calls)
        self.calls = self._session.calls
        self._way_in = way_in
        self._thumbnail_path = way_in.thumbnail_paths[0]  # where the last thumbnail was found
        self._hide = hide
        self._max_photo_bytes = max_photo_bytes
        self._photo_size = photo_size
        self._told_without_files = False

    def discover(self) -> None:
        self._session.discover()

    def login(self) -> None:
        self._session.login()

    def logout(self) -> None:
        self._session.logout()

    def close(self) -> None:
        """Logs out for good."""
        self._session.close()

    def list_albums(self) -> list[Album]:
        """Every album the account can see, its own first, then those shared with it; or the share link's album."""
        if self._way_in.passphrase:
            return [self._get_album({"passphrase": self._way_in.passphrase}, shared_with_me=True)]
        self._session.login()
        if not self._session.offers(_SHARING):
            return self._own_albums()
        thread = ThreadPoolExecutor(1, thread_name_prefix="nas-albums")  # one list need not wait for the other
        try:
            shared = thread.submit(self._album_pages, _SHARING, "list_shared_with_me_album", shared_with_me=True)
            return self._own_albums() + shared.result()
        finally:
            thread.shutdown(wait=False)  # Ctrl-C ends a command, however long the NAS takes

    def album_state(self, album: Album) -> Album:
        """The album as it is now, by one small call. NasCallRefused if it is gone, AlbumProblem if it was a link's."""
        return self._get_album(album.selector(plural=True), shared_with_me=album.shared_with_me)

    def list_photos(self, album: Album) -> Listing:
        """The whole album, to its last page. NasBadAnswer("incomplete") unless it has as many items as the
        NAS says; a smart album, whose count lags behind, may instead give the same items twice.
        """
        before: set[int] | None = None
        listing = self._listing(album)
        while len(listing.seen) != album.item_count:
            if before is not None:
                if album.smart and before == listing.seen:
                    break
                raise _incomplete(album, listing)
            before = listing.seen
            album = self.album_state(album)
            listing = self._listing(album)
        return listing

    def fetch(self, photo: Photo, room: Room | None = None) -> bytes:
        """The photo's JPEG, complete and checked. PhotoNotFound if the NAS has none, otherwise NasError."""
        answer = self._download(photo, room) if photo.size == "original" else self._thumbnail(photo, room)
        if not answer.found:
            raise PhotoNotFound(f"The NAS has no picture for photo {photo.id}.", "It is asked again later.")
        return _checked_jpeg(photo, answer)

    def _download(self, photo: Photo, room: Room | None) -> Answer:
        api, fields = self._door_to(photo, "Download")
        fields |= {"unit_id": [photo.unit_id], "download_type": "source", "force_download": True}
        return self._session.fetch(api, "download", fields, self._max_photo_bytes, room)

    def _thumbnail(self, photo: Photo, room: Room | None) -> Answer:
        """Asked for where the last one was found, and where there is none, in the other places too."""
        api, fields = self._door_to(photo, "Thumbnail")
        fields |= {"id": photo.unit_id, "cache_key": photo.version, "type": "unit", "size": photo.size}
        known = self._thumbnail_path
        for path in sorted(self._way_in.thumbnail_paths, key=lambda path: path != known):
            answer = self._session.fetch(api, "get", fields, self._max_photo_bytes, room, path)
            if answer.found:
                self._thumbnail_path = path
                break
        return answer

    def _door_to(self, photo: Photo, kind: str) -> tuple[str, dict[str, Any]]:
        """The API for a photo's bytes, and the fields that give the right to them."""
        team = photo.access == "team"
        fields: dict[str, Any] = {} if team or not photo.access else {"passphrase": photo.access}
        if self._way_in.passphrase:
            fields["_sharing_id"] = self._way_in.passphrase
        return f"SYNO.FotoTeam.{kind}" if team else f"SYNO.Foto.{kind}", fields

    def _listing(self, album: Album) -> Listing:
        """Some albums with a passphrase are listed as empty by the one name that ought to be theirs."""
        listing = self._listing_by(album, album.selector())
        if not listing.seen and album.item_count and album.passphrase and not self._way_in.passphrase:
            by_id = album.shared_with_me
            with suppress(NasCallRefused):
                return self._listing_by(album, {"album_id": album.id} if by_id else {"passphrase": album.passphrase})
        return listing

    def _listing_by(self, album: Album, selector: dict[str, object]) -> Listing:
        listing = Listing(album, self._size_for(album))
        for page in range(_MAX_PAGES):
            fields = selector | {
                "offset": page * _PAGE_ROWS,
                "limit": _PAGE_ROWS,
                "sort_by": "takentime",
                "sort_direction": "asc",
                "additional": _ITEM_DETAILS,
            }
            rows = rows_of(self._session.call("SYNO.Foto.Browse.Item", "list", fields))
            progress = listing.add(rows)
            if len(rows) < _PAGE_ROWS:
                return listing
            if not progress:
                break
        raise NasBadAnswer(
            "endless", f"The NAS lists the album '{album.name}' without end.", "It is listed again at the next look."
        )

    def _size_for(self, album: Album) -> str:
        without_files = album.view_only and self._photo_size == "original"
        if without_files and not self._told_without_files:
            log.info("The share link allows no downloads, so photos come in size xl instead of original.")
        self._told_without_files = without_files
        return "xl" if without_files else self._photo_size

    def _get_album(self, selector: dict[str, object], *, shared_with_me: bool) -> Album:
        details = _LINKED_ALBUM_DETAILS if self._way_in.passphrase else _ALBUM_DETAILS
        rows = rows_of(self._session.call(_ALBUM, "get", selector | {"additional": details}))
        if not rows:
            raise self._way_in.call_error(_ALBUM, 642)
        return self._album(rows[0], shared_with_me=shared_with_me)

    def _own_albums(self) -> list[Album]:
        return self._album_pages(_ALBUM, "list", shared_with_me=False)

    def _album_pages(self, api: str, method: str, *, shared_with_me: bool) -> list[Album]:
        albums: dict[int, Album] = {}
        for page in range(_MAX_PAGES):
            fields = {"offset": page * _ALBUM_PAGE_ROWS, "limit": _ALBUM_PAGE_ROWS, "additional": _ALBUM_DETAILS}
            rows = rows_of(self._session.call(api, method, fields))
            known = len(albums)
            for row in rows:
                album = self._album(row, shared_with_me=shared_with_me)
                albums.setdefault(album.id, album)
            if len(rows) < _ALBUM_PAGE_ROWS or len(albums) == known:
                break
        return list(albums.values())

    def _album(self, row: dict[str, Any], *, shared_with_me: bool) -> Album:
        album = album_from_row(row, shared_with_me=shared_with_me)
        self._hide(album.passphrase)
        return replace(album, passphrase=self._way_in.passphrase or album.passphrase)


def _incomplete(album: Album, listing: Listing) -> NasBadAnswer:
    return NasBadAnswer(
        "incomplete",
        f"The NAS says that the album '{album.name}' has {album.item_count} items, but listed {len(listing.seen)}.",
        "The last good listing stays in use; it is listed again at the next look.",
    )


def _checked_jpeg(photo: Photo, answer: Answer) -> bytes:
    """Only a whole JPEG is a photo: an image type, the magic at its start and the end marker at its end."""
    data = answer.body
    typed = answer.content_type.startswith("image/")
    ended = data.rstrip(b"\0").endswith(b"\xff\xd9")
    if photo.size == "original":
        # Originals may come without a type, and cameras append data of their own: the length that held vouches.
        typed = typed or answer.content_type.startswith("application/octet-stream")
        ended = ended or (answer.announced and b"\xff\xd9" in data)
    if typed and ended and data.startswith(b"\xff\xd8\xff"):
        return data
    raise NasBadAnswer(
        "not_jpeg",
        f"What the NAS sent for photo {photo.id} is not a whole JPEG picture.",
        "It is left out for a while and asked for again later.",
    )
