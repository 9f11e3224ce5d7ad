"""The rival: the same service as one would first write it, with Flask, threads and a cache in a global.

flask_app.py SERVER PORT NAS_URL USERNAME PASSWORD ALBUM CACHE_MEGABYTES INTERVAL_SECONDS (SERVER: flask or waitress)
"""

from __future__ import annotations

import logging
import random
import sys
import threading
import time
from io import BytesIO
from typing import Any

import requests
from cachetools import LRUCache
from flask import Flask, Response, abort, jsonify, request, send_file

SERVER, PORT, BASE, USERNAME, PASSWORD, ALBUM, CACHE_MEGABYTES, INTERVAL = sys.argv[1:]

app = Flask(__name__)
session = requests.Session()
cache: LRUCache[int, bytes] = LRUCache(int(CACHE_MEGABYTES) * 1_000_000, getsizeof=len)
cache_lock = threading.Lock()
photos: dict[int, dict[str, Any]] = {}


def call(api: str, method: str, version: int, **fields: Any) -> requests.Response:
    params = {"api": api, "method": method, "version": version, **fields}
    return session.get(f"{BASE}/webapi/entry.cgi", params=params, timeout=30)


def rows(api: str, **fields: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while True:
        page = call(api, "list", 1, offset=len(found), limit=1000, **fields).json()["data"]["list"]
        found += page
        if len(page) < 1000:
            return found


def list_photos() -> dict[int, dict[str, Any]]:
    album = next(album["id"] for album in rows("SYNO.Foto.Browse.Album") if album["name"] == ALBUM)
    items = rows("SYNO.Foto.Browse.Item", album_id=album, additional='["thumbnail","resolution"]')
    return {item["id"]: item for item in items}


def keep_listing() -> None:
    global photos
    call("SYNO.API.Auth", "login", 6, account=USERNAME, passwd=PASSWORD, format="cookie")
    while True:
        photos = list_photos()
        time.sleep(float(INTERVAL))


def photo_bytes(photo: dict[str, Any]) -> bytes:
    with cache_lock:
        data = cache.get(photo["id"])
    if data is None:
        thumbnail = photo["additional"]["thumbnail"]
        wanted = {"id": thumbnail["unit_id"], "cache_key": thumbnail["cache_key"], "type": "unit", "size": "xl"}
        data = call("SYNO.Foto.Thumbnail", "get", 1, **wanted).content
        with cache_lock:
            cache[photo["id"]] = data
    return data


@app.get("/files")
def next_photo() -> Response:
    if not photos:
        abort(503)
    return send_file(BytesIO(photo_bytes(random.choice(list(photos.values())))), mimetype="image/jpeg", max_age=0)


@app.get("/files/<int:number>.jpg")
def one_photo(number: int) -> Response:
    photo = photos[number]
    response = send_file(BytesIO(photo_bytes(photo)), mimetype="image/jpeg", max_age=300)
    response.set_etag(photo["additional"]["thumbnail"]["cache_key"])
    return response.make_conditional(request)


@app.get("/files/list")
def listed() -> Response:
    return jsonify(list(photos))


@app.get("/readyz")
def ready() -> Response:
    return Response("ok" if photos else "starting", 200 if photos else 503)


if __name__ == "__main__":
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    threading.Thread(target=keep_listing, daemon=True).start()
    if SERVER == "waitress":
        from waitress import serve

        serve(app, host="127.0.0.1", port=int(PORT), threads=8)
    else:
        app.run("127.0.0.1", int(PORT), threaded=True)
