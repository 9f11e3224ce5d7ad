"""make_app() and the handler of each address. Loop thread only."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import Iterator
from functools import partial
from typing import Any

from tornado.http1connection import HTTP1Connection
from tornado.httputil import HTTPConnection, HTTPMessageDelegate, HTTPServerRequest
from tornado.ioloop import IOLoop
from tornado.web import Application, HTTPError, RequestHandler

from . import metrics
from .access import access_line
from .calls import Calls
from .catalog import Catalog
from .degree import Degree, degree_of, present_degree, staleness
from .direct import STALE_ANSWER, Direct, client_of, photo_caching
from .errors import BadParameter, NasError, NotInstalled, PhotoNotFound, PhotosSyncError
from .fit import Fit
from .gate import ToThePage, at_the_gate
from .guard import Guard
from .handler import Handler, explanation
from .models import Photo
from .notices import notice, wants_picture
from .pages import Page, Pages
from .screens import Screens
from .server import Traffic
from .sizes import Picture, Sizes, best
from .store import PhotoStore
from .sync import AlbumSync

log = logging.getLogger(__name__)

_LONGEST_CLIENT_NAME = 64
_PIECE_PHOTOS = 500
_TRIES = 8  # photos in a row that cannot be resized, before a client is told
_ID = re.compile(r"([1-9][0-9]{0,19})\.jpg", re.ASCII)


class PhotoHandler(Handler):
    """What is made from the catalog, and says so when that may be old."""

    sync: AlbumSync
    store: PhotoStore
    sizes: Sizes

    def mark_staleness(self) -> None:
        if staleness(self.sync, self.store) is not None:
            self.set_header(*STALE_ANSWER)

    async def fit_asked_for(self) -> Fit | None:
        """Raises BadParameter, and NotInstalled if there is no other size to be had."""
        fit = Fit.asked_for(lambda name: self.get_query_argument(name, None, strip=False))
        if fit is not None:
            await self.sizes.load()
        return fit


class NextPhoto(PhotoHandler):
    """GET /files: this client's next photo."""

    screens: Screens
    base_path: str
    build: str
    fit: Fit | None = None

    async def answer(self, *path: str) -> None:
        self.fit = await self.fit_asked_for()
        album = _album_asked_for(self, self.sync)
        photo, data = await self._next(album)
        url = self.base_path + _url(photo, self.fit)
        try:
            self.mark_staleness()
            if self.is_json_asked_for:
                self.set_header("Photosync-Page", self.build)
                await self.send_json(photo.to_dict() | {"url": url})
            else:
                self.set_header("Content-Location", url)
                await self.send(data, "image/jpeg")
        finally:
            self.store.release(photo)
        following = photo if self.is_json_asked_for else self.screens.upcoming(self.client, album)
        if self.fit and following is not None:
            self.sizes.make_ahead(following, self.fit)

    async def _next(self, album: str) -> Picture:
        """As it is listed, or in the size asked for. A photo that cannot be resized is left out; one that has to wait
        for others comes again.
        """
        keep = self.request.method == "HEAD"
        for tries_left in reversed(range(_TRIES)):
            photo, data = await self.screens.next(self.client, album, keep=keep)
            if self.fit is None or self.is_json_asked_for:
                break
            try:
                return await self.sizes.get(photo, self.fit)
            except NasError:
                if keep:
                    self.screens.decks.deck(self.client, album).leave_out(photo.id)
                if not tries_left:
                    raise
            except PhotosSyncError:
                if not keep:
                    self.screens.decks.deck(self.client, album).put_back(photo.id)
                raise
            finally:
                self.store.release(photo)
        return photo, data

    async def explain(self, error: PhotosSyncError) -> None:
        """A screen is shown a picture that says what is the matter, unless it is with the address."""
        if not self.is_json_asked_for and not isinstance(error, (BadParameter, NotInstalled)):
            self.add_header("Vary", "Accept")
            if wants_picture(self.request.headers.get("Accept")):
                picture = notice(degree_of(error))
                await self.send(await self.sizes.notice(picture, self.fit) if self.fit else picture, "image/jpeg")
                return
        await super().explain(error)

    @property
    def is_json_asked_for(self) -> bool:
        return self.get_query_argument("format", "") == "json"

    @property
    def client(self) -> str:
        name = self.get_query_argument("client", "")[:_LONGEST_CLIENT_NAME]
        return client_of(name, str(self.request.remote_ip))


class OnePhoto(PhotoHandler):
    """GET /files/<id>.jpg, and /files/<filename>, which gives the same photo."""

    base_path: str

    async def answer(self, *path: str) -> None:
        photo = self._photo(path[0])
        fit = await self.fit_asked_for()
        if self.base_path + photo.url != self.request.path:
            self.set_header("Content-Location", self.base_path + _url(photo, fit))
        self.mark_staleness()
        wanted = best(photo, fit) if fit else photo
        if self.is_unchanged(wanted.etag):
            await self.complete()
            return
        sent, data = await self.sizes.get(photo, fit) if fit else (photo, await self.store.get(photo))
        try:
            if sent.key != wanted.key:  # made of what could be had
                self.clear_header("ETag")
                self.set_header("Cache-Control", "no-store")
            await self.send(data, "image/jpeg")
        finally:
            self.store.release(sent)

    def _photo(self, name: str) -> Photo:
        catalog = self.sync.catalog
        number = _ID.fullmatch(name)
        photo = catalog.by_id.get(int(number[1])) if number else None
        photo = photo or catalog.photos.named(name)
        if photo is not None:
            return photo
        if not self.sync.has_synced:
            self.sync.require_photos()
        raise PhotoNotFound(
            "There is no such photo in the album.", f"{self.base_path}/files/list?details=1 lists all photos."
        )


class PhotoList(PhotoHandler):
    """GET /files/list: all file names, or with ?details=1 all photos."""

    caching = "no-cache"
    base_path: str

    async def answer(self, *path: str) -> None:
        catalog = self.sync.require_listing(_album_asked_for(self, self.sync))
        self.mark_staleness()
        details = self.get_query_argument("details", "") not in ("", "0")
        if self.is_unchanged(f'"{catalog.tag}{f"-details{self.base_path}" if details else ""}"'):
            await self.complete()
            return
        self.set_header("Content-Type", "application/json")
        if len(catalog.photos) <= _PIECE_PHOTOS:
            await self.send(b"".join(self._pieces(catalog, details)), "application/json")
            return
        if self.request.method == "HEAD":
            self.set_header("Transfer-Encoding", "chunked")  # as for GET, where the connection sets it
        await self.flush()
        if self.request.method != "HEAD":
            for piece in self._pieces(catalog, details):
                self.write(piece)
                await self.flush()
                await asyncio.sleep(0)  # a long list must not keep the other clients waiting
        await self.complete()
        if self.request.version == "HTTP/1.0":  # which has no chunks: the end of the connection ends the list
            self.request.connection.close()  # type: ignore[union-attr]

    def _pieces(self, catalog: Catalog, details: bool) -> Iterator[bytes]:
        """The list as JSON, some photos at a time, so that no piece keeps the loop busy for long."""
        for start in range(0, max(len(catalog.photos), 1), _PIECE_PHOTOS):
            photos = catalog.photos[start : start + _PIECE_PHOTOS]
            rows = [photo.to_dict(self.base_path) if details else photo.filename for photo in photos]
            last = start + _PIECE_PHOTOS >= len(catalog.photos)
            text = json.dumps(rows, separators=(",", ":"))[1:-1]
            yield f"{'[' if start == 0 else ''}{text}{']' if last else ','}".encode() + (b"\n" if last else b"")


class CacheStats(Handler):
    """GET /cache/stats."""

    sync: AlbumSync
    store: PhotoStore

    async def answer(self, *path: str) -> None:
        await self.send_json(metrics.stats(self.sync, self.store))


class Alive(Handler):
    """GET /healthz: 200 while the loop turns."""

    async def answer(self, *path: str) -> None:
        await self.send_json({"status": "ok"})


class Ready(Handler):
    """GET /readyz: 200 while a photo can be had; in any case the degree, and its cause."""

    sync: AlbumSync
    store: PhotoStore

    async def answer(self, *path: str) -> None:
        degree, cause = present_degree(self.sync, self.store)
        if cause is not None and degree != Degree.STALE:
            self.begin_error(503, cause)
        await self.send_json({"status": degree} | (explanation(cause) if cause else {}))


class Metrics(Handler):
    """GET /metrics: Prometheus text."""

    monitor: metrics.Monitor

    async def answer(self, *path: str) -> None:
        await IOLoop.current().run_in_executor(None, metrics.load_prometheus)
        await self.send(metrics.prometheus_text(self.monitor), metrics.PROMETHEUS_TYPE)


class Nowhere(Handler):
    """Every other address."""

    base_path: str

    def prepare(self) -> None:
        if self.base_path:
            self.next_steps = {**self.next_steps, 404: f"Every address is below {self.base_path}/ (--base-path)."}
        raise HTTPError(404)


def make_app(
    sync: AlbumSync,
    store: PhotoStore,
    screens: Screens,
    sizes: Sizes,
    traffic: Traffic,
    calls: Calls,
    guard: Guard,
) -> Application:
    """The addresses and who answers them, all below the base path. `calls` are the NAS client's."""
    base_path, pages = guard.base_path, Pages()
    monitor = metrics.Monitor(sync, store, screens.decks, traffic, calls)

    def route(
        pattern: str, handler: type[Handler], **collaborators: object
    ) -> tuple[str, type[Handler], dict[str, Any]]:
        return (re.escape(base_path) + pattern, handler, {"traffic": traffic, "base_path": base_path, **collaborators})

    return _Application(
        sync,
        store,
        screens,
        traffic,
        guard,
        [
            route(
                r"/files/(?!list$)([^/]+)",
                OnePhoto,
                sync=sync,
                store=store,
                sizes=sizes,
                caching=photo_caching(guard),
            ),
            route(r"/files", NextPhoto, sync=sync, screens=screens, store=store, sizes=sizes, build=pages.build),
            route(r"/files/list", PhotoList, sync=sync, store=store),
            route(r"/cache/stats", CacheStats, sync=sync, store=store),
            route(r"/healthz", Alive),
            route(r"/readyz", Ready, sync=sync, store=store),
            route(r"/metrics", Metrics, monitor=monitor),
            *(route(re.escape(address), Page, file=file) for address, file in pages.by_address.items()),
            *([route("", ToThePage), ("/healthz", Alive, {"traffic": traffic})] if base_path else []),
        ],
        default_handler_class=Nowhere,
        default_handler_args={"traffic": traffic, "base_path": base_path},
        log_function=_account,
        cross_origin=guard.cross_origin,
    )


class _Application(Application):
    def __init__(
        self,
        sync: AlbumSync,
        store: PhotoStore,
        screens: Screens,
        traffic: Traffic,
        guard: Guard,
        *routes: Any,
        **settings: Any,
    ) -> None:
        super().__init__(*routes, **settings)
        self._collaborators = sync, store, screens, traffic, guard

    def start_request(self, server_conn: object, request_conn: HTTPConnection) -> HTTPMessageDelegate:
        assert isinstance(request_conn, HTTP1Connection)
        application = partial(super().start_request, server_conn, request_conn)
        return Direct(request_conn, application, *self._collaborators)

    def find_handler(self, request: HTTPServerRequest, **options: Any) -> Any:
        """Whatever Direct has not answered comes by here."""
        *_, traffic, guard = self._collaborators
        answerer = at_the_gate(guard, request)
        if answerer is None:
            return super().find_handler(request, **options)
        handler, collaborators = answerer
        return self.get_handler_delegate(request, handler, {"traffic": traffic, **collaborators})


def _album_asked_for(handler: RequestHandler, sync: AlbumSync) -> str:
    """The configured name of the album that ?album= names; "", which stands for all, without it."""
    wanted = handler.get_query_argument("album", "", strip=False)
    return sync.album_named(wanted) if wanted else ""


def _url(photo: Photo, fit: Fit | None) -> str:
    return f"{photo.url}?{fit.query}" if fit else photo.url


def _account(handler: RequestHandler) -> None:
    if isinstance(handler, Handler):
        handler.traffic.responses[type(handler).__name__, handler.get_status()] += 1
    if log.isEnabledFor(logging.DEBUG):
        log.debug("%s", access_line(handler))
