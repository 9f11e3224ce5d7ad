"""make_app() and the RequestHandlers: the only user of tornado.web. Loop thread only."""

from __future__ import annotations

import asyncio
import json
import logging
import math
import re
from collections.abc import Iterator, Mapping
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tornado.http1connection import HTTP1Connection
from tornado.httputil import HTTPConnection, HTTPMessageDelegate, HTTPServerRequest
from tornado.ioloop import IOLoop
from tornado.iostream import StreamClosedError
from tornado.web import Application, HTTPError, RequestHandler

from . import metrics
from .direct import COMMON_HEADERS, LONGEST_RESPONSE_SECONDS, PHOTO_CACHING, SHORT_BYTES, Direct
from .errors import (
    AlbumProblem,
    Busy,
    LoginRefused,
    NasError,
    NasTimeout,
    NasUnreachable,
    NoSuchAlbum,
    NothingSynced,
    PhotoNotFound,
    PhotosSyncError,
)
from .models import Catalog, Photo
from .screens import Screens
from .server import Traffic
from .store import PhotoStore
from .sync import AlbumSync

log = logging.getLogger(__name__)

STATUSES: Mapping[type[PhotosSyncError], int] = {
    PhotoNotFound: 404,
    NoSuchAlbum: 404,
    NasTimeout: 504,
    NasUnreachable: 503,
    NothingSynced: 503,
    AlbumProblem: 503,
    Busy: 503,
    LoginRefused: 502,
    NasError: 502,
}
"""The HTTP status of each error (RFC 9110, sections 15.5 and 15.6); the first class that fits counts."""

_RETRY_AFTER_SECONDS = 5
_LONGEST_CLIENT_NAME = 64
_PIECE_PHOTOS = 500
_METHODS = "GET, HEAD"
_NEXT_STEPS: Mapping[int, str] = {
    404: "The start page lists every address: /",
    405: "There is only GET and HEAD: nothing can be changed here.",
}
_ID = re.compile(r"([1-9][0-9]{0,19})\.jpg", re.ASCII)
_PAGE = Path(__file__).with_name("static") / "index.html"
_PAGE_POLICY = "default-src 'none'; img-src 'self'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


class Handler(RequestHandler):
    """Headers, errors and the life of every answer, in one place."""

    caching = "no-store"

    def initialize(self, traffic: Traffic, **collaborators: Any) -> None:
        self.traffic = traffic
        vars(self).update(collaborators)

    def set_default_headers(self) -> None:
        for name, value in COMMON_HEADERS.items():
            self.set_header(name, value)

    def compute_etag(self) -> None:
        """Nothing is digested for an answer: entity tags follow from the catalog."""

    async def get(self, *path: str) -> None:
        self.set_header("Cache-Control", self.caching)
        if self.traffic.stopping:
            self.set_header("Connection", "close")
        self.traffic.begin()
        try:
            await self.answer(*path)
        except StreamClosedError:
            pass  # the client has left
        finally:
            self.traffic.end()

    head = get

    async def answer(self, *path: str) -> None:
        raise NotImplementedError

    def is_unchanged(self, etag: str) -> bool:
        """Sets the entity tag; True if the client's copy has it, and then the answer is a 304."""
        self.set_header("ETag", etag)
        if self.request.headers.get("If-None-Match") != etag and not self.check_etag_header():
            return False
        self.set_status(304)
        return True

    async def send(self, body: bytes, content_type: str) -> None:
        self.set_header("Content-Type", content_type)
        self.set_header("Content-Length", len(body))
        if len(body) > SHORT_BYTES and self.request.method != "HEAD":
            await self.flush()
        self.write(body)
        await self.complete()

    async def send_json(self, value: object) -> None:
        await self.send(_json(value), "application/json")

    async def complete(self) -> None:
        """Waits until the client has everything, within reason."""
        sent = self.finish()
        if not sent.done():
            try:
                await asyncio.wait_for(asyncio.shield(sent), LONGEST_RESPONSE_SECONDS)
            except TimeoutError:
                self.request.connection.close()  # type: ignore[union-attr]
        else:
            await sent

    def write_error(self, status_code: int, **details: Any) -> None:
        error = details.get("exc_info", (None, None, None))[1]
        self.set_header("Cache-Control", "no-store")
        self.set_header("Content-Type", "application/json")
        if status_code == 405:
            self.set_header("Allow", _METHODS)
        if details.get("wait"):
            self.set_header("Retry-After", str(max(1, math.ceil(details["wait"]))))
        self.finish(_json(_explanation(error, status_code)))

    def send_error(self, status_code: int = 500, **details: Any) -> None:
        """Errors of the product become their status here, and nowhere else."""
        error = details.get("exc_info", (None, None, None))[1]
        wait = None
        if isinstance(error, PhotosSyncError):
            status_code = status_of(error)
            wait = error.retry_after_seconds or (_RETRY_AFTER_SECONDS if status_code == 503 else None)
        super().send_error(status_code, **(details | {"wait": wait}))

    def log_exception(self, *error: Any) -> None:
        if not isinstance(error[1], (PhotosSyncError, HTTPError)):
            log.error("A request failed in a way that was not foreseen.", exc_info=error)


class NextPhoto(Handler):
    """GET /files: this client's next photo."""

    sync: AlbumSync
    screens: Screens
    store: PhotoStore

    async def answer(self, *path: str) -> None:
        album = _album_asked_for(self, self.sync)
        photo, data = await self.screens.next(self.client, album, keep=self.request.method == "HEAD")
        try:
            if self.get_query_argument("format", "") == "json":
                await self.send_json(photo.to_dict())
            else:
                self.set_header("Content-Location", photo.url)
                await self.send(data, "image/jpeg")
        finally:
            self.store.release(photo)

    @property
    def client(self) -> str:
        name = self.get_query_argument("client", "")[:_LONGEST_CLIENT_NAME]
        return f"name {name}" if name else f"address {self.request.remote_ip}"


class OnePhoto(Handler):
    """GET /files/<id>.jpg, and /files/<filename>, which gives the same photo."""

    sync: AlbumSync
    store: PhotoStore
    caching = PHOTO_CACHING

    async def answer(self, *path: str) -> None:
        photo = self._photo(path[0])
        if photo.url != self.request.path:
            self.set_header("Content-Location", photo.url)
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
        photo = photo or catalog.by_filename.get(name)
        if photo is not None:
            return photo
        if not self.sync.has_synced:
            self.sync.require_photos()
        raise PhotoNotFound("There is no such photo in the album.", "/files/list?details=1 lists all photos.")


class PhotoList(Handler):
    """GET /files/list: all file names, or with ?details=1 all photos."""

    sync: AlbumSync
    caching = "no-cache"

    async def answer(self, *path: str) -> None:
        catalog = self.sync.require_listing(_album_asked_for(self, self.sync))
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
    """GET /readyz: 200 once a photo can be served."""

    sync: AlbumSync
    store: PhotoStore

    async def answer(self, *path: str) -> None:
        try:
            self._require_a_photo()
        except PhotosSyncError as error:  # whatever it is, the status says "not ready"
            raise NothingSynced(str(error), error.next_step, retry_after_seconds=error.retry_after_seconds) from None
        await self.send_json({"status": "ok"})

    def _require_a_photo(self) -> None:
        catalog = self.sync.require_photos()
        cause = self.store.health.cause
        if cause is not None and not any(number in catalog.by_id for number in self.store.held):
            raise cause.with_traceback(None)


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
            route(r"/files/list", PhotoList, sync=sync),
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


def status_of(error: PhotosSyncError) -> int:
    return next((status for kind, status in STATUSES.items() if isinstance(error, kind)), 500)


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


def _explanation(error: BaseException | None, status_code: int) -> dict[str, str]:
    if isinstance(error, PhotosSyncError):
        return {"error": str(error), "next_step": error.next_step}
    return {"error": f"{HTTPStatus(status_code).phrase}.", "next_step": _NEXT_STEPS.get(status_code, "")}


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode() + b"\n"


def _pieces(catalog: Catalog, details: bool) -> Iterator[bytes]:
    """The list as JSON, some photos at a time, so that no piece keeps the loop busy for long."""
    for start in range(0, max(len(catalog.photos), 1), _PIECE_PHOTOS):
        photos = catalog.photos[start : start + _PIECE_PHOTOS]
        rows = [photo.to_dict() if details else photo.filename for photo in photos]
        last = start + _PIECE_PHOTOS >= len(catalog.photos)
        text = json.dumps(rows, separators=(",", ":"))[1:-1]
        yield f"{'[' if start == 0 else ''}{text}{']' if last else ','}".encode() + (b"\n" if last else b"")
