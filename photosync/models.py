"""Photos and catalogs: immutable values, used on every thread."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

UNKNOWN_ACCESS = "?"
"""The `access` of a photo that an earlier run has left: it is on disk or not to be had before the album is listed."""

RENDITIONS = ("sm", "m", "xl", "original")
"""What the NAS gives of a photo, smallest first; every other size is made here."""

PhotoKey = tuple[int, str, str]
"""(photo id, version, size): a photo that changes on the NAS is another key."""

_EPOCH = datetime(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Photo:
    """One photo as the NAS lists it, reduced to what is served.

    `unit_id` is what the NAS wants for the picture's bytes and usually differs from `id`.
    `version` changes whenever the NAS's picture does (its `cache_key`).
    `size` is the rendition to ask for, one of `RENDITIONS`; of a picture that is made here it is `Fit.size_of`.
    `taken_seconds` is the camera's wall clock written as if it were UTC; negative before 1970.
    `access` says how the NAS gives the bytes: "" as one's own, "team" from the shared space,
    anything else is the passphrase of an album shared with the account.
    `renditions` are those that the NAS has, smallest first; empty where only `size` is known.
    """

    id: int
    unit_id: int
    version: str
    size: str
    filename: str
    taken_seconds: int
    width: int
    height: int
    album: str
    access: str = field(default="", repr=False)
    place: str | None = None
    description: str | None = None
    renditions: tuple[str, ...] = ()

    @property
    def key(self) -> PhotoKey:
        return (self.id, self.version, self.size)

    @property
    def etag(self) -> str:
        """A strong entity tag that follows from the NAS's own data alone (RFC 9110, section 8.8.3)."""
        return f'"{self.id}-{self.version}-{self.size}"'

    @property
    def url(self) -> str:
        return f"/files/{self.id}.jpg"

    @property
    def taken(self) -> str:
        """ISO 8601 without a zone: the NAS does not know where the camera's clock stood."""
        return (_EPOCH + timedelta(seconds=self.taken_seconds)).isoformat()

    def to_dict(self) -> dict[str, object]:
        """The photo object of the HTTP interface."""
        details: dict[str, object] = {
            "id": self.id,
            "filename": self.filename,
            "url": self.url,
            "taken": self.taken,
            "width": self.width,
            "height": self.height,
            "album": self.album,
        }
        if self.place:
            details["place"] = self.place
        if self.description:
            details["description"] = self.description
        return details


@dataclass(frozen=True, slots=True)
class Album:
    """An album as the NAS describes it. `smart` albums are made by conditions and counted lazily. `view_only` ones
    give no originals to those who come by their share link.

    `state` differs whenever the album was changed: version, item count, start and end time, cover,
    and what a share link allows.
    """

    id: int
    name: str
    item_count: int
    owner_user_id: int
    passphrase: str = field(repr=False)
    shared_with_me: bool
    smart: bool
    state: tuple[str, ...]
    view_only: bool = False

    def selector(self, plural: bool = False) -> dict[str, object]:
        """The parameter that names it: albums of others answer to their passphrase only, never to both."""
        if self.shared_with_me:
            return {"passphrase": self.passphrase}
        return {"id": [self.id]} if plural else {"album_id": self.id}


@dataclass(frozen=True, slots=True)
class Catalog:
    """A complete listing of one or all albums, in order of the time taken, then id; replaced, never edited.

    `tag` is a digest of everything that is told about the photos: equal on every server of one NAS.
    `skipped` counts the items that are not served, by reason.
    `slots` holds the ids in the order in which they joined, 0 where one has left: a photo keeps its slot for as
    long as it stays, so that decks can deal by slot. A new `generation` means that the slots were dealt anew.
    """

    photos: tuple[Photo, ...] = ()
    by_id: Mapping[int, Photo] = field(default_factory=dict, repr=False)
    by_filename: Mapping[str, Photo] = field(default_factory=dict, repr=False)
    skipped: Mapping[str, int] = field(default_factory=dict)
    tag: str = ""
    slots: array[int] = field(default_factory=lambda: array("q"), repr=False)
    generation: int = 0

    @classmethod
    def build(
        cls,
        photos: Iterable[Photo],
        skipped: Mapping[str, int],
        previous: Catalog | None = None,
        *,
        by_name: bool = True,
    ) -> Catalog:
        """Sorts, indexes (by file name, too, if `by_name`) and digests.

        Takes a while for a large album: call it on a worker thread.
        """
        ordered = tuple(sorted(photos, key=_place))
        by_filename: dict[str, Photo] = {}
        digest = hashlib.sha256()
        for photo in ordered:
            namesake = by_filename.get(photo.filename)
            if by_name and (namesake is None or photo.id < namesake.id):
                by_filename[photo.filename] = photo
            digest.update(
                f"{photo.key}{photo.filename!r}{photo.taken_seconds} {photo.width}x{photo.height}"
                f"{photo.album!r}{photo.place!r}{photo.description!r}\n".encode()
            )
        by_id = {photo.id: photo for photo in ordered}
        slots, generation = _slots(by_id, previous or cls())
        return cls(ordered, by_id, by_filename, dict(skipped), digest.hexdigest()[:32], slots, generation)

    def is_current(self, key: PhotoKey) -> bool:
        """Whether that is a photo of this listing, or was made of one."""
        photo = self.by_id.get(key[0])
        if photo is None or photo.version != key[1]:
            return False
        return key[2] == photo.size or key[2] not in RENDITIONS


def _place(photo: Photo) -> tuple[int, int]:
    # An attrgetter would keep the interpreter's lock from the loop until the last of 100,000 photos has its key.
    return photo.taken_seconds, photo.id


def left_out(skipped: Mapping[str, int]) -> str:
    """The items that are not served, in words."""
    words = {"video": "video", "no_rendition": "without a preview"}
    counted = sorted((words.get(reason, reason), count) for reason, count in skipped.items())
    return ", ".join(f"{count} {word}{'s' if word == 'video' and count > 1 else ''}" for word, count in counted)


def _slots(by_id: Mapping[int, Photo], previous: Catalog) -> tuple[array[int], int]:
    """Kept slots first, then one for each new photo; dealt anew once three quarters of them are empty."""
    kept = array("q", (number if number in by_id else 0 for number in previous.slots))
    if len(kept) > 4 * len(by_id) + 1000:
        return array("q", by_id), previous.generation + 1
    kept.extend(number for number in by_id if number not in previous.by_id)
    return kept, previous.generation
