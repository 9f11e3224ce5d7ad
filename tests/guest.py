"""A client of the simulated NAS whose clock and password a test can change."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from conftest import CANARY_PASSPHRASE, canary_nas

from photosync.account import Account
from photosync.address import LINK_OPTION, URL_OPTION
from photosync.fakenas import Call, FakeNas, Item, Library
from photosync.log import Redactor
from photosync.models import Album, Photo
from photosync.nas import SynologyClient
from photosync.session import WayIn
from photosync.settings import Secret
from photosync.share_link import ShareLink
from photosync.wire import Wire

AUTH = "SYNO.API.Auth"
SHARE_LOGIN = "SYNO.Core.Sharing.Login"
ALBUM = "SYNO.Foto.Browse.Album"
ITEM = "SYNO.Foto.Browse.Item"
MISC = "SYNO.Foto.Sharing.Misc"
THUMBNAIL = "SYNO.Foto.Thumbnail"
TEAM_THUMBNAIL = "SYNO.FotoTeam.Thumbnail"
GARDEN_PASSPHRASE = "gArd3nP4s"
MINUTE = 60.0


class Clock:
    """A monotonic clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def client_of(
    nas: FakeNas, way_in: WayIn | None = None, *, url: str = "", timeout_seconds: float = 20.0, **options: Any
) -> SynologyClient:
    """A client of this NAS, by its own account and address if no others are given."""
    hide = options.setdefault("hide", lambda text: None)
    option = LINK_OPTION if way_in is not None and way_in.passphrase else URL_OPTION
    return SynologyClient(
        Wire(url or nas.url, timeout_seconds, None, False, option=option),
        way_in or Account(nas.username, lambda: Secret(nas.password), hide),
        **{"max_photo_bytes": 8_000_000} | options,
    )


class Guest:
    """A client with a clock and a password that tests can change."""

    def __init__(self, nas: FakeNas, clock: Clock | None = None, **options: Any) -> None:
        self.nas = nas
        self.clock = clock or Clock()
        self.password = nas.password
        self.hidden: list[str] = []
        self.redactor = Redactor()
        self.client = client_of(nas, self._way_in(), hide=self._hide, clock=self.clock, **options)

    def _way_in(self) -> WayIn:
        return Account(self.nas.username, lambda: Secret(self.password), self._hide)

    def _hide(self, secret: str) -> None:
        self.hidden.append(secret)
        self.redactor.hide(secret)

    @property
    def logins(self) -> int:
        return self.nas.count(AUTH, "login")

    def album(self, name: str = "kitchen-dash") -> Album:
        return next(album for album in self.client.list_albums() if album.name == name)

    def photos(self, name: str = "kitchen-dash") -> list[Photo]:
        return self.client.list_photos(self.album(name)).photos

    def photo(self, fits: Callable[[Item], bool], album: str = "kitchen-dash") -> Photo:
        """The first photo of the album whose item at the NAS fits."""
        items = self.nas.library.items
        return next(photo for photo in self.photos(album) if fits(items[photo.id]))

    def item(self, photo: Photo) -> Item:
        return self.nas.library.items[photo.id]


class Visitor(Guest):
    """A client that comes by the share link that `conftest.share` made; its password is the link's."""

    def __init__(self, nas: FakeNas, **options: Any) -> None:
        self.link_password = ""
        super().__init__(nas, **options)

    def _way_in(self) -> WayIn:
        return ShareLink(Secret(CANARY_PASSPHRASE), lambda: Secret(self.link_password), self._hide)

    @property
    def logins(self) -> int:
        return self.nas.count(SHARE_LOGIN, "login")

    def thumbnail_calls(self) -> Sequence[Call]:
        return [call for call in self.nas.calls if call.api.endswith(".Thumbnail")]


@contextmanager
def guest_of(library: Library, **options: Any) -> Iterator[Guest]:
    with canary_nas(library=library) as nas:
        yield Guest(nas, **options)


def own(item: Item) -> bool:
    return item.owner_user_id == 2 and item.type == "photo"


def shared_space(item: Item) -> bool:
    return item.owner_user_id == 0
