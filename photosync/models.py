"""Photo and Album: immutable values, used on every thread."""

from __future__ import annotations

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
        """The entity tag (RFC 9110, section 8.8.3), which follows from the NAS's own data: strong, but weak for what is
        made here, whose bytes differ with the versions of Pillow and of its libraries.
        """
        return f'{"" if self.size in RENDITIONS else "W/"}"{self.id}-{self.version}-{self.size}"'

    @property
    def url(self) -> str:
        return f"/files/{self.id}.jpg"

    @property
    def taken(self) -> str:
        """ISO 8601 without a zone: the NAS does not know where the camera's clock stood."""
        return (_EPOCH + timedelta(seconds=self.taken_seconds)).isoformat()

    def to_dict(self, base_path: str = "") -> dict[str, object]:
        """The photo object of the HTTP interface."""
        details: dict[str, object] = {
            "id": self.id,
            "filename": self.filename,
            "url": base_path + self.url,
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
