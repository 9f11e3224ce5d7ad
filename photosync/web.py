"""make_app() and the handler of each address. Loop thread only."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tornado.http1connection import HTTP1Connection
from tornado.httputil import HTTPConnection, HTTPMessageDelegate, HTTPServerRequest
from tornado.ioloop import IOLoop
from tornado.web import Application, HTTPError, RequestHandler

from . import metrics
from .catalog import Catalog
from .degree import Degree, degree_of, present_degree, staleness
from .direct import PHOTO_CACHING, STALE_ANSWER, Direct
from .errors import PhotoNotFound, PhotosSyncError
from .handler import Handler, explanation
from .models import Photo
from .notices import notice, wants_picture
from .screens import Screens
from .server import Traffic
from .store import PhotoStore
from .sync import AlbumSync

log = logging.getLogger(__name__)

_LONGEST_CLIENT_NAME = 64
_PIECE_PHOTOS = 500
_ID = re.compile(r"([1-9][0-9]{0,19})\.jpg", re.ASCII)
_PAGE = Path(__file__).with_name("static") / "index.html"
_PAGE_POLICY = "default-src 'none'; img-src 'self'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


class PhotoHandler(Handler):
    """What is made from the catalog, and says so when that may be old."""

    sync: AlbumSync
    store: PhotoStore

    def mark_staleness(self) -> None:
        if staleness(self.sync, self.store) is not None:
            self.set_header(*STALE_ANSWER)


class NextPhoto(PhotoHandler):
    """GET /files: this client's next photo."""

    sync: AlbumSync
    screens: Screens

    async def answer(self, *path: str) -> None:
        album = _album_asked_for(self, self.sync)
        photo, data = await self.screens.next(self.client, album, keep=self.request.method == "HEAD")
        try:
            self.mark_staleness()
            if self.is_json_asked_for:
                await self.send_json(photo.to_dict())
            else:
                self.set_header("Content-Location", photo.url)
                await self.send(data, "image/jpeg")
        finally:
            self.store.release(photo)

    async def explain(self, error: PhotosSyncError) -> None:
        """A screen is shown a picture that says what is the matter."""
        if not self.is_json_asked_for:
            self.set_header("Vary", "Accept")
            if wants_picture(self.request.headers.get("Accept")):
                await self.send(notice(degree_of(error)), "image/jpeg")
                return
        await super().explain(error)

    @property
    def is_json_asked_for(self) -> bool:
        return self.get_query_argument("format", "") == "json"

    @property
    def client(self) -> str:
        name = self.get_query_argument("client", "")[:_LONGEST_CLIENT_NAME]
        return f"name {name}" if name else f"address {self.request.remote_ip}"


class OnePhoto(PhotoHandler):
    """GET /files/<id>.jpg, and /files/<filename>, which gives the same photo."""

    caching = PHOTO_CACHING

    async def answer(self, *path: str) -> None:
        photo = self._photo(path[0])
        if photo.url != self.request.path:
            self.set_header("Content-Location", photo.url)
        self.mark_staleness()
        if self.is_unchanged(photo.etag):
            await self.complete()
            return
        data = await self.store.get(photo)
        try:
            await self.send(data, "image/jpeg")
        finally:
            self.store.release(photo)

    def _photo(self, name: str) -> Photo:
        catalog = self.sync.catalog
        number = _ID.fullmatch(name)
        photo = catalog.by_id.get(int(number[1])) if number else None
        photo = photo or catalog.photos.named(name)
        if photo is not None:
            return photo
        if not self.sync.has_synced:
            self.sync.require_photos()
        raise PhotoNotFound("There is no such photo in the album.", "/files/list?details=1 lists all photos.")


class PhotoList(PhotoHandler):
    """GET /files/list: all file names, or with ?details=1 all photos."""

    caching = "no-cache"

    async def answer(self, *path: str) -> None:
        catalog = self.sync.require_listing(_album_asked_for(self, self.sync))
        self.mark_staleness()
        details = self.get_query_argument("details", "") not in ("", "0")
        if self.is_unchanged(f'"{catalog.tag}{"-details" if details else ""}"'):
            await self.complete()
            return
        self.set_header("Content-Type", "application/json")
        if len(catalog.photos) <= _PIECE_PHOTOS:
            await self.send(b"".join(_pieces(catalog, details)), "application/json")
            return
        if self.request.method == "HEAD":
            self.set_header("Transfer-Encoding", "chunked")  # as for GET, where the connection sets it
        await self.flush()
        if self.request.method != "HEAD":
            for piece in _pieces(catalog, details):
                self.write(piece)
                await self.flush()
                await asyncio.sleep(0)  # a long list must not keep the other clients waiting
        await self.complete()
        if self.request.version == "HTTP/1.0":  # which has no chunks: the end of the connection ends the list
            self.request.connection.close()  # type: ignore[union-attr]


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

    sync: AlbumSync
    store: PhotoStore
    screens: Screens

    async def answer(self, *path: str) -> None:
        await IOLoop.current().run_in_executor(None, metrics.load_prometheus)
        text = metrics.prometheus_text(self.sync, self.store, self.screens, self.traffic.responses)
        await self.send(text, metrics.PROMETHEUS_TYPE)


class StartPage(Handler):
    """GET /: links."""

    async def answer(self, *path: str) -> None:
        self.set_header("Content-Security-Policy", _PAGE_POLICY)
        await self.send(_PAGE.read_bytes(), "text/html; charset=utf-8")


class Nowhere(Handler):
    """Every other address."""

    def prepare(self) -> None:
        raise HTTPError(404)


def make_app(sync: AlbumSync, store: PhotoStore, screens: Screens, traffic: Traffic) -> Application:
    """The addresses and who answers them."""

    def route(
        pattern: str, handler: type[Handler], **collaborators: object
    ) -> tuple[str, type[Handler], dict[str, Any]]:
        return (pattern, handler, {"traffic": traffic, **collaborators})

    return _Application(
        sync,
        store,
        traffic,
        [
            route(r"/files/(?!list$)([^/]+)", OnePhoto, sync=sync, store=store),
            route(r"/files", NextPhoto, sync=sync, screens=screens, store=store),
            route(r"/files/list", PhotoList, sync=sync, store=store),
            route(r"/cache/stats", CacheStats, sync=sync, store=store),
            route(r"/healthz", Alive),
            route(r"/readyz", Ready, sync=sync, store=store),
            route(r"/metrics", Metrics, sync=sync, store=store, screens=screens),
            route(r"/", StartPage),
        ],
        default_handler_class=Nowhere,
        default_handler_args={"traffic": traffic},
        log_function=_account,
    )


class _Application(Application):
    def __init__(self, sync: AlbumSync, store: PhotoStore, traffic: Traffic, *routes: Any, **settings: Any) -> None:
        super().__init__(*routes, **settings)
        self._collaborators = sync, store, traffic

    def start_request(self, server_conn: object, request_conn: HTTPConnection) -> HTTPMessageDelegate:
        assert isinstance(request_conn, HTTP1Connection)
        application = partial(super().start_request, server_conn, request_conn)
        return Direct(request_conn, application, *self._collaborators)

    def find_handler(self, request: HTTPServerRequest, **options: Any) -> Any:
        """A target in absolute form means its path (RFC 9112, section 3.2.2)."""
        if request.path.startswith(("http://", "https://")):
            request.path = urlsplit(request.path).path or "/"
        return super().find_handler(request, **options)


def _album_asked_for(handler: RequestHandler, sync: AlbumSync) -> str:
    """The configured name of the album that ?album= names; "", which stands for all, without it."""
    wanted = handler.get_query_argument("album", "", strip=False)
    return sync.album_named(wanted) if wanted else ""


def _account(handler: RequestHandler) -> None:
    if isinstance(handler, Handler):
        handler.traffic.responses[type(handler).__name__, handler.get_status()] += 1
    if log.isEnabledFor(logging.DEBUG):
        request = handler.request
        log.debug("%s %s %.200s %d", request.remote_ip, request.method, request.path, handler.get_status())


def _pieces(catalog: Catalog, details: bool) -> Iterator[bytes]:
    """The list as JSON, some photos at a time, so that no piece keeps the loop busy for long."""
    for start in range(0, max(len(catalog.photos), 1), _PIECE_PHOTOS):
        photos = catalog.photos[start : start + _PIECE_PHOTOS]
        rows = [photo.to_dict() if details else photo.filename for photo in photos]
        last = start + _PIECE_PHOTOS >= len(catalog.photos)
        text = json.dumps(rows, separators=(",", ":"))[1:-1]
        yield f"{'[' if start == 0 else ''}{text}{']' if last else ','}".encode() + (b"\n" if last else b"")
