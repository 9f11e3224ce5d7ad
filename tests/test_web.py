"""The HTTP answers, over a real socket."""

from __future__ import annotations

import http.client
import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime
from urllib.parse import quote

import pytest
import requests
from conftest import Running, canary_nas, link_settings, settings_for, share
from outside import talk
from prometheus_client.parser import text_string_to_metric_families

from photosync.fakenas import FakeNas, Item, Library, bytes_body, cut, error, hang, hold, html, redirect, status
from photosync.settings import Secret

THUMBNAIL = "SYNO.Foto.Thumbnail"
ENDPOINTS = ("/files", "/files/list", "/cache/stats", "/healthz", "/readyz", "/metrics", "/")
JPEG_START, JPEG_END = b"\xff\xd8\xff", b"\xff\xd9"
ACCENTED = "Größe & café – été 🌞.jpg"


@pytest.fixture
def filled(running: Running) -> Running:
    """The service with the whole album in memory: from here on the NAS is asked for nothing by itself."""
    return fill(running)


def fill(running: Running) -> Running:
    def is_filled(response: requests.Response) -> bool:
        stats = response.json()
        return bool(stats["entries"] == stats["photos"] and not stats["inflight"])

    running.wait_for("/cache/stats", is_filled)
    return running


@pytest.fixture
def many() -> Iterator[Running]:
    """The service on 2,000 photos, more than a list holds in one piece; none of them is downloaded."""
    with canary_nas(library=Library.synthetic(2000)) as nas:
        give_no_pictures(nas)
        with Running(settings_for(nas)) as running:
            running.wait_for("/readyz", lambda response: response.json()["status"] == "nas_down")
            yield running


def give_no_pictures(nas: FakeNas) -> None:
    for api in (THUMBNAIL, "SYNO.FotoTeam.Thumbnail"):
        nas.fault(status(404), api=api)


def details(running: Running) -> list[dict[str, object]]:
    found: list[dict[str, object]] = running.get("/files/list?details=1").json()
    return found


def named(nas: FakeNas, filename: str) -> Item:
    return next(item for item in nas.library.album("kitchen-dash").items if item.filename == filename)


# GET /files


def test_files_gives_a_whole_jpeg_that_no_cache_keeps(running: Running) -> None:
    response = running.get("/files")
    assert response.status_code == 200
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Content-Type"] == "image/jpeg"
    assert response.content.startswith(JPEG_START)
    assert response.content.endswith(JPEG_END)
    photo = running.get(response.headers["Content-Location"])
    assert photo.content == response.content


def test_every_photo_comes_once_before_any_comes_again(running: Running) -> None:
    numbers = {int(str(photo["id"])) for photo in details(running)}
    for _ in range(3):
        dealt = [running.get("/files?client=wall&format=json").json()["id"] for _ in numbers]
        assert sorted(dealt) == sorted(numbers)


def test_two_named_clients_have_decks_of_their_own(running: Running) -> None:
    count = len(details(running))
    first, second = [], []
    for _ in range(count):
        first.append(running.get("/files?client=kitchen").headers["Content-Location"])
        second.append(running.get("/files?client=hall").headers["Content-Location"])
    assert len(set(first)) == len(set(second)) == count
    assert first != second


def test_clients_without_a_name_are_told_apart_by_address(running: Running) -> None:
    count = len(details(running))
    with ExitStack() as stack:
        clients = []
        for address in ("127.0.0.2", "127.0.0.3"):
            client = http.client.HTTPConnection("127.0.0.1", running.service.port, source_address=(address, 0))
            stack.callback(client.close)
            clients.append((client, set[int]()))
        for _ in range(count):
            for client, dealt in clients:
                client.request("GET", "/files?format=json")
                dealt.add(json.loads(client.getresponse().read())["id"])
    assert [len(dealt) for _, dealt in clients] == [count, count]


def test_decks_of_clients_long_gone_are_forgotten(running: Running) -> None:
    for number in range(300):
        running.request("HEAD", f"/files?client={number}")
    assert len(running.service.screens.decks) == 256


def test_the_url_of_a_photo_asked_for_as_json_gives_that_very_photo(filled: Running, nas: FakeNas) -> None:
    for _ in range(5):
        response = filled.get("/files?format=json")
        assert response.headers["Content-Type"] == "application/json"
        assert response.headers["Cache-Control"] == "no-store"
        photo = response.json()
        assert photo in details(filled)
        assert filled.get(photo["url"]).content == nas.library.items[photo["id"]].data("xl")


def test_head_shows_the_next_photo_without_dealing_it(running: Running) -> None:
    for _ in range(5):
        head = running.request("HEAD", "/files")
        assert running.get("/files").headers["Content-Location"] == head.headers["Content-Location"]


# GET /files/<id>.jpg and /files/<filename>


def test_a_photo_may_be_kept_by_caches_and_has_no_date_validators(filled: Running, nas: FakeNas) -> None:
    for photo in details(filled):
        response = filled.get(str(photo["url"]))
        assert response.status_code == 200
        assert response.headers["Content-Type"] == "image/jpeg"
        assert response.headers["Cache-Control"] == (
            "public, max-age=300, stale-while-revalidate=86400, stale-if-error=604800"
        )
        assert re.fullmatch(r'"[\x21\x23-\x7e]+"', response.headers["ETag"])
        assert not response.headers.keys() & {"Last-Modified", "Expires", "Set-Cookie", "Content-Location"}
        assert response.content == nas.library.items[int(str(photo["id"]))].data("xl")


@pytest.mark.parametrize(
    "given",
    ["{tag}", "W/{tag}", '"other", {tag}', '"other",W/{tag} , "more"', "*", '"a,b", {tag}'],
)
@pytest.mark.parametrize("path", ["photo", "/files/list", "/files/list?details=1"])
def test_a_client_that_has_it_already_gets_a_304(filled: Running, path: str, given: str) -> None:
    path = str(details(filled)[0]["url"]) if path == "photo" else path
    fresh = filled.get(path)
    response = filled.get(path, headers={"If-None-Match": given.format(tag=fresh.headers["ETag"])})
    assert response.status_code == 304
    assert response.content == b""
    for name in ("ETag", "Cache-Control"):
        assert response.headers[name] == fresh.headers[name]
    assert "Content-Type" not in response.headers
    assert response.headers.get("Content-Length") in (None, fresh.headers["Content-Length"])


@pytest.mark.parametrize("given", ['"other"', 'W/"other"', "{bare}", '"{bare}', ""])
@pytest.mark.parametrize("path", ["photo", "/files/list", "/files/list?details=1"])
def test_a_client_that_has_something_else_gets_all_of_it(filled: Running, path: str, given: str) -> None:
    path = str(details(filled)[0]["url"]) if path == "photo" else path
    fresh = filled.get(path)
    given = given.format(bare=fresh.headers["ETag"].strip('"'))
    response = filled.get(path, headers={"If-None-Match": given, "If-Modified-Since": "Mon, 01 Jan 2035 00:00:00 GMT"})
    assert response.status_code == 200
    assert response.content == fresh.content


def test_a_304_costs_no_nas_call_and_no_cache_lookup(nas: FakeNas) -> None:
    give_no_pictures(nas)  # nothing gets into the cache
    with Running(settings_for(nas)) as running:
        running.wait_for("/files/list", lambda response: response.status_code == 200)
        nas.stop()  # so that no call to it could succeed
        photos = running.service.sync.catalog.photos
        before = running.stats()
        for photo in photos:
            for given in (photo.etag, "*"):
                for method in ("GET", "HEAD"):
                    answer = running.request(method, photo.url, headers={"If-None-Match": given})
                    assert answer.status_code == 304
        after = running.stats()
        assert [after[key] for key in ("hits", "misses")] == [before[key] for key in ("hits", "misses")]
        assert len(photos) > 3


def test_entity_tags_are_equal_on_two_servers_of_one_nas(running: Running, nas: FakeNas) -> None:
    with Running(settings_for(nas)) as other:
        other.wait_ready()
        paths = ["/files/list", "/files/list?details=1", *(str(photo["url"]) for photo in details(running))]
        tags = [running.request("HEAD", path).headers["ETag"] for path in paths]
        assert tags == [other.request("HEAD", path).headers["ETag"] for path in paths]
        assert len(set(tags)) == len(paths)


def test_a_photo_edited_on_the_nas_has_another_entity_tag(running: Running, nas: FakeNas) -> None:
    photo = details(running)[0]
    paths = (str(photo["url"]), "/files/list", "/files/list?details=1")
    before = [running.get(path).headers["ETag"] for path in paths]
    item = nas.library.items[int(str(photo["id"]))]
    nas.library.edit(item)
    running.look()
    for path, old in zip(paths, before, strict=True):
        response = running.get(path, headers={"If-None-Match": old})
        assert response.status_code == 200
        assert response.headers["ETag"] != old
    assert running.get(paths[0]).content == item.data("xl")


def test_a_photo_is_found_by_its_file_name_too(running: Running) -> None:
    photos = {
        str(photo["filename"]): photo for photo in sorted(details(running), key=lambda photo: -int(str(photo["id"])))
    }
    assert ACCENTED in photos
    assert len(photos) > 10
    for photo in photos.values():
        by_name = running.get("/files/" + quote(str(photo["filename"]), safe=""))
        by_id = running.get(str(photo["url"]))
        assert by_name.status_code == 200
        assert by_name.headers["Content-Location"] == photo["url"]
        assert by_name.content == by_id.content
        for name in ("ETag", "Cache-Control", "Content-Type"):
            assert by_name.headers[name] == by_id.headers[name]


def test_of_several_photos_with_one_name_the_lowest_id_answers() -> None:
    library = Library.synthetic(3)
    album = library.album("kitchen-dash")
    first = library.add(album, filename="same.jpg", time=900)
    library.add(album, filename="same.jpg", time=100)
    library.add(album, filename="same.jpg", time=500)
    with canary_nas(library=library) as nas, Running(settings_for(nas)) as running:
        running.wait_ready()
        assert running.get("/files/same.jpg").headers["Content-Location"] == f"/files/{first.id}.jpg"
        assert running.get("/files/list").json().count("same.jpg") == 3


def test_an_id_counts_before_a_file_name_that_looks_like_one() -> None:
    library = Library.synthetic(2)
    target, other = library.album("kitchen-dash").items
    named_like_it = library.add(library.album("kitchen-dash"), filename=f"{target.id}.jpg")
    with canary_nas(library=library) as nas, Running(settings_for(nas)) as running:
        running.wait_ready()
        assert running.get(f"/files/{target.id}.jpg").content == target.data("xl")
        assert running.get(f"/files/{named_like_it.id}.jpg").content == named_like_it.data("xl")
        assert other.data("xl") != target.data("xl")


def test_a_removed_photo_is_gone_at_once_after_the_look(filled: Running, nas: FakeNas) -> None:
    album = nas.library.album("kitchen-dash")
    gone = album.items[0]
    url = f"/files/{gone.id}.jpg"
    tag = filled.get(url).headers["ETag"]
    nas.library.remove(album, gone)
    filled.look()
    assert filled.get(url).status_code == 404
    assert filled.get(url, headers={"If-None-Match": tag}).status_code == 404
    assert filled.get(url, headers={"If-None-Match": "*"}).status_code == 404
    assert gone.id not in [photo["id"] for photo in details(filled)]


@pytest.mark.parametrize("path", ["photo", "/files/list", "/files", "/cache/stats"])
def test_unknown_query_parameters_are_ignored(running: Running, path: str) -> None:
    path = str(details(running)[0]["url"]) if path == "photo" else path
    plain = running.get(path)
    for query in ("?t=1700000000", "?", "?&&", "?a=%ff", "?details", "?format=", "?client=", "?x=" + "y" * 4000):
        response = running.get(path + query)
        assert response.status_code == 200
        assert response.headers["Content-Type"] == plain.headers["Content-Type"]
        assert response.headers["Cache-Control"] == plain.headers["Cache-Control"]
        assert response.headers.get("ETag") == plain.headers.get("ETag")


# GET /files/list


def test_the_lists_are_in_order_of_time_taken_then_id() -> None:
    library = Library()
    album = library.new_album("kitchen-dash")
    for number, moment in enumerate((5_000, -86_400, 5_000, 0, 1_700_000_000, 5_000, 12)):
        library.add(album, time=moment, id=900 - number)
    ordered = sorted(album.items, key=lambda item: (item.time, item.id))
    with canary_nas(library=library) as nas, Running(settings_for(nas)) as running:
        running.wait_ready()
        assert running.get("/files/list").json() == [item.filename for item in ordered]
        photos = details(running)
        assert [photo["id"] for photo in photos] == [item.id for item in ordered]
        assert photos[0]["taken"] == "1969-12-31T00:00:00"


def test_photo_objects_have_the_promised_keys(running: Running, nas: FakeNas) -> None:
    always = {"id", "filename", "url", "taken", "width", "height", "album"}
    for photo in details(running):
        item = nas.library.items[int(str(photo["id"]))]
        optional = {"place"} if item.address else set()
        assert photo.keys() == always | optional | ({"description"} if item.description else set())
        assert photo["filename"] == item.filename
        assert photo["url"] == f"/files/{item.id}.jpg"
        assert (photo["width"], photo["height"], photo["album"]) == (item.width, item.height, "kitchen-dash")
        taken = datetime.fromisoformat(str(photo["taken"]))
        assert taken.tzinfo is None
        assert (taken - datetime(1970, 1, 1)).total_seconds() == item.time
    accented = named(nas, ACCENTED)
    assert accented.description in [photo.get("description") for photo in details(running)]
    assert any("place" in photo for photo in details(running))


def test_what_cannot_be_shown_is_not_listed_but_counted(running: Running) -> None:
    names = running.get("/files/list").json()
    assert "MVI_0815.MOV" not in names
    assert "IMG_4712.HEIC" not in names
    assert sum(running.stats()["skipped"].values()) == 2
    assert running.stats()["photos"] == len(names)


@pytest.mark.parametrize("query", ["", "?details=1"])
def test_a_list_of_2000_photos_streams_whole(many: Running, query: str) -> None:
    response = many.get("/files/list" + query)
    assert response.headers["Transfer-Encoding"] == "chunked"
    assert response.headers["Content-Type"] == "application/json"
    rows = response.json()
    photos = many.service.sync.catalog.photos
    assert len(rows) == 2000
    assert rows == [photo.to_dict() if query else photo.filename for photo in photos]
    assert many.get("/files/list" + query, headers={"If-None-Match": response.headers["ETag"]}).status_code == 304


def test_a_long_list_ends_with_its_connection_for_http_1_0_clients(many: Running) -> None:
    started = time.monotonic()
    answer = talk(many.service.port, b"GET /files/list HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    header, _, body = answer.partition(b"\r\n\r\n")
    assert b"chunked" not in header
    assert len(json.loads(body)) == 2000
    assert time.monotonic() - started < 5


def test_the_head_of_a_long_list_has_the_headers_of_its_get(many: Running) -> None:
    request = (
        b"HEAD /files/list HTTP/1.1\r\nHost: x\r\n\r\nGET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    )
    head, second, rest = talk(many.service.port, request).split(b"\r\n\r\n")
    assert second.startswith(b"HTTP/1.1 200 OK\r\n")
    assert rest == b'{"status":"ok"}\n'
    names = {line.partition(b":")[0].decode().lower() for line in head.splitlines()[1:]}
    assert names == {name.lower() for name in many.get("/files/list").headers}


# Every endpoint


@pytest.mark.parametrize("path", [*ENDPOINTS, "photo", "name", "/files/list?details=1", "/files?format=json"])
def test_head_has_the_headers_of_get_and_no_body(filled: Running, path: str) -> None:
    photo = details(filled)[0]
    path = {"photo": str(photo["url"]), "name": "/files/" + quote(str(photo["filename"]))}.get(path, path)
    head = filled.request("HEAD", path)
    get = filled.get(path)
    assert head.status_code == get.status_code == 200
    assert head.content == b""
    assert head.headers.keys() == get.headers.keys()
    changing = {"Date"} | ({"Content-Length"} if path in ("/cache/stats", "/metrics") else set())
    for name in get.headers.keys() - changing:
        assert head.headers[name] == get.headers[name], name
    assert int(get.headers["Content-Length"]) == len(get.content)


@pytest.mark.parametrize("path", ["/nowhere", "/files/1.jpg", "/files/", "/files/no such.jpg"])
def test_the_head_of_an_error_has_the_headers_of_its_get(running: Running, path: str) -> None:
    head, get = running.request("HEAD", path), running.get(path)
    assert head.status_code == get.status_code == 404
    assert head.content == b""
    assert {**head.headers, "Date": ""} == {**get.headers, "Date": ""}


@pytest.mark.parametrize("path", [*ENDPOINTS, "/files/1.jpg"])
def test_other_methods_are_refused_with_allow(running: Running, path: str) -> None:
    for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND", "MADEUP"):
        response = running.request(method, path)
        assert response.status_code == 405, method
        assert response.headers["Allow"] == "GET, HEAD"
        assert response.headers["Cache-Control"] == "no-store"
        assert response.json()["error"]


@pytest.mark.parametrize("path", [*ENDPOINTS, "/nowhere", "/files/1.jpg"])
def test_every_answer_says_how_it_may_be_used(running: Running, path: str) -> None:
    response = running.get(path)
    assert response.headers["Server"] == "photos-sync"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert response.headers["Cache-Control"]
    assert response.headers["Date"]
    assert not response.headers.keys() & {"Set-Cookie", "Last-Modified", "Expires"}


@pytest.mark.parametrize(
    ("path", "content_type", "caching"),
    [
        ("/files", "image/jpeg", "no-store"),
        ("/files?format=json", "application/json", "no-store"),
        ("/files/list", "application/json", "no-cache"),
        ("/files/list?details=1", "application/json", "no-cache"),
        ("/cache/stats", "application/json", "no-store"),
        ("/healthz", "application/json", "no-store"),
        ("/readyz", "application/json", "no-store"),
        ("/metrics", "text/plain; version=0.0.4; charset=utf-8", "no-store"),
        ("/", "text/html; charset=utf-8", "no-cache"),
    ],
)
def test_type_and_caching_of_each_endpoint(running: Running, path: str, content_type: str, caching: str) -> None:
    response = running.get(path)
    assert response.status_code == 200
    assert response.headers["Content-Type"] == content_type
    assert response.headers["Cache-Control"] == caching


def test_cache_stats_has_the_promised_keys_and_they_add_up(filled: Running, nas: FakeNas) -> None:
    before = filled.stats()
    for _ in range(4):
        filled.get("/files")
    stats = filled.stats()
    assert stats.keys() == {
        "status",
        "disk",
        "photos",
        "entries",
        "bytes",
        "max_bytes",
        "hits",
        "misses",
        "evictions",
        "inflight",
        "rss_bytes",
        "last_sync_at",
        "last_success_at",
        "last_error",
        "skipped",
        "albums",
    }
    items = [nas.library.items[int(str(photo["id"]))] for photo in details(filled)]
    assert stats["photos"] == stats["entries"] == len(items)
    assert stats["bytes"] == sum(len(item.data("xl")) for item in items)
    assert stats["max_bytes"] == 250_000_000
    assert stats["hits"] + stats["misses"] == before["hits"] + before["misses"] + 4
    assert (stats["evictions"], stats["inflight"], stats["last_error"]) == (0, 0, None)
    assert stats["rss_bytes"] > 10_000_000
    for key in ("last_sync_at", "last_success_at"):
        assert datetime.fromisoformat(stats[key]).tzinfo is not None


def test_cache_stats_tells_of_a_failed_listing_and_keeps_the_good_one(running: Running, nas: FakeNas) -> None:
    before = running.get("/files/list").json()
    nas.fault(html(), api="SYNO.Foto.Browse.Album")
    running.look()
    assert running.stats()["last_error"]
    assert running.stats()["photos"] == len(before)
    assert running.get("/files/list").json() == before
    nas.clear_faults()
    running.look()
    assert running.stats()["last_error"] is None


def test_the_metrics_are_prometheus_text_and_agree_with_the_stats(filled: Running) -> None:
    filled.get("/files")
    filled.get("/nowhere")
    stats = filled.stats()
    text = filled.get("/metrics").text
    families = {family.name: family for family in text_string_to_metric_families(text)}
    values = {sample.name: sample.value for family in families.values() for sample in family.samples}
    pairs = {
        "photosync_photos": "photos",
        "photosync_cache_entries": "entries",
        "photosync_cache_bytes": "bytes",
        "photosync_cache_max_bytes": "max_bytes",
        "photosync_cache_hits_total": "hits",
        "photosync_cache_misses_total": "misses",
        "photosync_cache_evictions_total": "evictions",
        "photosync_downloads_inflight": "inflight",
    }
    for name, key in pairs.items():
        assert values[name] == stats[key], name
    assert values["photosync_nas_up"] == 1
    assert all(
        family.documentation and family.type in ("gauge", "counter", "histogram") for family in families.values()
    )
    answers = {
        (sample.labels["handler"], sample.labels["status"]): sample.value
        for sample in families["photosync_http_responses"].samples
    }
    assert answers["NextPhoto", "200"] == 1
    assert answers["Nowhere", "404"] == 1
    assert "IMG_" not in text


# When there is nothing to serve


def explained(response: requests.Response, status_code: int) -> str:
    """The cause that an error tells, after everything that holds for every error was checked."""
    assert response.status_code == status_code, response.content
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["Cache-Control"] == "no-store"
    assert not response.headers.keys() & {"ETag", "Content-Location"}
    told = response.json()
    assert "error" in told
    assert told.keys() - {"status"} == {"error", "next_step"}
    assert not re.search(r"Traceback|File \"|\.py|site-packages|/webapi|0x[0-9a-f]{6}", response.text)
    if status_code == 503:
        assert int(response.headers["Retry-After"]) >= 1
    return str(told["error"])


@pytest.mark.parametrize("path", ["/files/1.jpg", "/files/nothing.jpg", "/files/0.jpg", "/files/" + "9" * 20 + ".jpg"])
def test_a_photo_that_is_not_in_the_album_is_a_404(running: Running, path: str) -> None:
    assert "no such photo" in explained(running.get(path), 404)


@pytest.mark.parametrize(
    "path", ["/nowhere", "/files/", "/files/1/2", "/files/list/", "/metrics/", "//files", "/Files"]
)
def test_an_address_that_there_is_not_is_a_404(running: Running, path: str) -> None:
    assert explained(running.get(path), 404)


def test_a_photo_that_the_nas_lost_since_the_listing_is_a_404(nas: FakeNas) -> None:
    item = nas.library.album("kitchen-dash").items[0]
    nas.fault(status(404), api=THUMBNAIL, item=item.unit_id)
    with Running(settings_for(nas)) as running:
        running.wait_ready()
        assert str(item.id) in explained(running.get(f"/files/{item.id}.jpg"), 404)
        assert running.get("/files").status_code == 200


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (html(), "."),
        (redirect("http://192.0.2.1:5001/elsewhere?x=1"), "redirects"),
        (bytes_body(b"GIF89a" + bytes(500)), "."),
        (error(801), "."),
        (cut(900), "cut short"),
    ],
)
def test_a_nas_that_answers_nonsense_is_a_502(nas: FakeNas, fault: object, words: str) -> None:
    item = nas.library.album("kitchen-dash").items[0]
    nas.fault(fault, api=THUMBNAIL, item=item.unit_id)  # type: ignore[arg-type]
    with Running(settings_for(nas)) as running:
        running.wait_ready()
        assert words in explained(running.get(f"/files/{item.id}.jpg"), 502)
        assert running.get("/files").status_code == 200


def test_a_nas_that_refuses_the_account_is_a_502(nas: FakeNas) -> None:
    with Running(settings_for(nas, password=Secret("not it"))) as running:
        running.wait_for("/files", lambda response: response.status_code != 503)
        for path in ("/files", "/files/list", "/files/1.jpg"):
            assert "password" in explained(running.get(path), 502)
        running.look()
    assert nas.failed_logins == 1


def test_a_nas_that_is_too_slow_is_a_504(nas: FakeNas) -> None:
    item = nas.library.album("kitchen-dash").items[0]
    nas.fault(hang(), api=THUMBNAIL, item=item.unit_id)
    with Running(settings_for(nas, timeout_seconds=0.3)) as running:
        running.wait_ready()
        assert "0.3 seconds" in explained(running.get(f"/files/{item.id}.jpg"), 504)


def test_a_nas_that_is_away_is_a_503_and_held_photos_are_served(nas: FakeNas) -> None:
    kept, *others = nas.library.album("kitchen-dash").items
    missing = others[0]
    barrier = threading.Event()
    for item in others:
        nas.fault(hold(barrier), api=THUMBNAIL, item=item.unit_id)
    with Running(settings_for(nas)) as running:
        running.wait_for("/files/list", lambda response: response.status_code == 200)
        assert running.get(f"/files/{kept.id}.jpg").status_code == 200
        nas.stop()
        running.look()
        assert "connection" in explained(running.get(f"/files/{missing.id}.jpg"), 503)
        assert running.get(f"/files/{kept.id}.jpg").content == kept.data("xl")
        held = running.stats()["entries"]
        assert 1 <= held < running.stats()["photos"]
        shown = {running.get("/files").headers["Content-Location"] for _ in range(6)}
        assert shown
        assert running.get("/readyz").status_code == 200
        assert running.get("/files/list").status_code == 200


def test_nothing_synced_yet_is_a_503_on_every_photo_endpoint(nas: FakeNas) -> None:
    barrier = threading.Event()
    nas.fault(hold(barrier), api="SYNO.Foto.Browse.Item")
    with Running(settings_for(nas)) as running:
        for path in ("/files", "/files/list", "/files/20001.jpg", "/files/x.jpg", "/readyz"):
            assert "first time" in explained(running.get(path), 503)
        for path in ("/healthz", "/cache/stats", "/metrics", "/"):
            assert running.get(path).status_code == 200
        barrier.set()
        running.wait_ready()


# GET /readyz


def test_ready_tells_that_the_account_is_refused(nas: FakeNas) -> None:
    with Running(settings_for(nas, password=Secret("not it"))) as running:
        running.wait_for("/readyz", lambda response: "password" in response.text)
        assert "password" in explained(running.get("/readyz"), 503)


def test_ready_tells_that_the_nas_is_too_slow(nas: FakeNas) -> None:
    nas.fault(hang())
    with Running(settings_for(nas, timeout_seconds=0.3)) as running:
        running.wait_for("/readyz", lambda response: "0.3 seconds" in response.text)
        assert "0.3 seconds" in explained(running.get("/readyz"), 503)


def test_ready_tells_that_there_is_no_such_album_and_which_there_are(nas: FakeNas) -> None:
    with Running(settings_for(nas, albums=("kitchen-dush",))) as running:
        running.wait_for("/readyz", lambda response: "kitchen-dush" in response.text)
        response = running.get("/readyz")
        assert "kitchen-dush" in explained(response, 503)
        assert "kitchen-dash" in response.text


def test_ready_tells_that_the_album_is_empty() -> None:
    library = Library()
    library.new_album("kitchen-dash")
    with canary_nas(library=library) as nas, Running(settings_for(nas)) as running:
        running.wait_for("/readyz", lambda response: "empty" in response.text)
        assert "empty" in explained(running.get("/readyz"), 503)
        assert running.get("/files/list").json() == []
        assert "empty" in explained(running.get("/files"), 503)


def test_ready_tells_that_the_nas_is_away_when_nothing_is_held(nas: FakeNas) -> None:
    give_no_pictures(nas)
    with Running(settings_for(nas)) as running:
        running.wait_for("/files/list", lambda response: response.status_code == 200)
        nas.stop()
        running.wait_for("/readyz", lambda response: running.look() or b"connection" in response.content)
        assert "connection" in explained(running.get("/readyz"), 503)


# Several albums

ALBUMS = ("Grandparents", "Anna's garden", "id:3", "missing")


@pytest.fixture(scope="module")
def several() -> Iterator[tuple[Running, FakeNas]]:
    """An own album, one shared with the account, a smart one by its number, and one that there is not."""
    with canary_nas() as nas, Running(settings_for(nas, albums=ALBUMS)) as running:
        running.wait_ready()
        yield running, nas


def ids_in(nas: FakeNas, album: str) -> list[int]:
    items = [item for item in nas.library.album(album).items if item.thumbnails.get("xl") == "ready"]
    return [item.id for item in sorted(items, key=lambda item: (item.time, item.id))]


def test_the_list_narrows_to_one_album(several: tuple[Running, FakeNas]) -> None:
    running, nas = several
    for album, name in (("Grandparents", "Grandparents"), ("id:3", "Summer days"), ("Anna's garden", "Anna's garden")):
        query = f"album={quote(album)}"
        photos = running.get(f"/files/list?details=1&{query}").json()
        assert [photo["id"] for photo in photos] == ids_in(nas, name) != []
        assert running.get(f"/files/list?{query}").json() == [photo["filename"] for photo in photos]


def test_a_photo_in_two_albums_is_one_object_everywhere(several: tuple[Running, FakeNas]) -> None:
    running, _ = several
    everything = {photo["id"]: photo for photo in details(running)}
    assert len(everything) == len(details(running))
    for album in ("Grandparents", "id:3"):
        for photo in running.get(f"/files/list?details=1&album={album}").json():
            assert photo == everything[photo["id"]]
            assert photo["album"] in ("Grandparents", "Summer days")
    both = set(ids_in(several[1], "Grandparents")) & set(ids_in(several[1], "Summer days"))
    assert {everything[number]["album"] for number in both} == {"Grandparents"}


@pytest.mark.parametrize("query", ["", "&details=1"])
def test_each_album_has_a_list_with_an_entity_tag_of_its_own(several: tuple[Running, FakeNas], query: str) -> None:
    running, nas = several
    paths = [f"/files/list?album={quote(album)}{query}" for album in ALBUMS[:3]] + [f"/files/list?{query}"]
    tags = [running.get(path).headers["ETag"] for path in paths]
    assert len(set(tags)) == 4
    for path, tag in zip(paths, tags, strict=True):
        answer = running.get(path, headers={"If-None-Match": tag})
        assert (answer.status_code, answer.content) == (304, b"")
        assert running.request("HEAD", path).headers["ETag"] == tag
    nas.library.add(nas.library.album("Anna's garden"))
    running.look()
    changed = [
        running.get(path, headers={"If-None-Match": tag}).status_code for path, tag in zip(paths, tags, strict=True)
    ]
    assert changed == [304, 200, 304, 200]


@pytest.mark.parametrize(
    ("asked", "meant"), [("Summer days", "id:3"), ("id:2", "Grandparents"), ("id:5", "Anna's garden"), ("", "")]
)
def test_an_album_is_asked_for_by_name_or_number_however_it_was_configured(
    several: tuple[Running, FakeNas], asked: str, meant: str
) -> None:
    running, _ = several
    answers = [running.get("/files/list", params={"details": "1", "album": album}) for album in (asked, meant)]
    assert answers[0].json() == answers[1].json() != []


def test_a_name_with_spaces_at_its_ends_is_asked_for_as_it_is(nas: FakeNas) -> None:
    nas.library.album("Grandparents").name = " Oma & Opa  "
    with Running(settings_for(nas, albums=(" Oma & Opa  ", "kitchen-dash"))) as running:
        running.wait_ready()
        assert len(running.get("/files/list", params={"album": " Oma & Opa  "}).json()) == 8
        assert running.get("/files/list", params={"album": "Oma & Opa"}).status_code == 404


def test_the_next_photo_of_an_album_is_of_that_album_in_every_form(several: tuple[Running, FakeNas]) -> None:
    running, nas = several
    garden = ids_in(nas, "Anna's garden")
    query = {"album": "Anna's garden", "client": "hall"}
    seen = set()
    for _ in garden:
        head = running.request("HEAD", "/files", params=query)
        told = running.get("/files", params=query | {"format": "json"}).json()
        assert head.headers["Content-Length"] == str(len(running.get(told["url"]).content))
        seen.add(told["id"])
        assert told["album"] == "Anna's garden"
    assert seen == set(garden)
    photo = running.get("/files", params=query)
    assert photo.headers["Content-Type"] == "image/jpeg"
    assert photo.headers["Content-Location"] in {f"/files/{number}.jpg" for number in garden}


@pytest.mark.parametrize("path", ["/files", "/files/list"])
@pytest.mark.parametrize("album", ["kitchen-dash", "grandparents", "id:1", "id:02", "\x00", "x" * 3000, "../etc", "é"])
def test_an_album_that_is_not_configured_is_a_404_that_names_those_that_are(
    several: tuple[Running, FakeNas], path: str, album: str
) -> None:
    running, _ = several
    answer = running.get(path, params={"album": album})
    assert "No album of that name" in explained(answer, 404)
    assert answer.json()["next_step"] == "There are: 'Grandparents', 'Anna's garden', 'id:3', 'missing'."
    assert running.call(lambda: all(name in ("", *ALBUMS) for _, name in running.service.screens.decks._decks))


@pytest.mark.parametrize("path", ["/files", "/files/list"])
def test_a_name_that_an_album_may_turn_out_to_have_is_a_503_until_it_is_listed(nas: FakeNas, path: str) -> None:
    number = nas.library.album("Grandparents").id
    nas.stop()
    with Running(settings_for(nas, albums=("kitchen-dash", f"id:{number}"))) as running:
        running.look()
        answer = running.get(path, params={"album": "Grandparents"})
        assert "connection refused" in explained(answer, 503)
        assert explained(running.get(path, params={"album": "id:4"}), 503)
        assert explained(running.get(path, params={"album": "id:999"}), 503)
        assert int(answer.headers["Retry-After"]) >= 1
        nas.start()
        running.wait_ready()
        assert running.get(path, params={"album": "Grandparents"}).status_code == 200
        assert running.get(path, params={"album": "Anna's garden"}).status_code == 404


def test_the_album_of_a_share_link_is_told_by_its_name(nas: FakeNas) -> None:
    share(nas)
    with Running(link_settings(nas)) as running:
        running.wait_ready()
        answer = running.get("/files", params={"album": "Grandparents"})
        assert explained(answer, 404)
        assert answer.json()["next_step"] == "There are: 'kitchen-dash'."


@pytest.mark.parametrize("path", ["/files?album=missing", "/files/list?album=missing"])
def test_an_album_that_cannot_be_found_is_a_503_with_its_problem(several: tuple[Running, FakeNas], path: str) -> None:
    running, _ = several
    answer = running.get(path)
    assert "no album named 'missing'" in explained(answer, 503)
    assert "--list-albums" in answer.json()["next_step"]


def test_an_album_that_is_gone_is_a_503_once_its_photos_have_left_until_it_is_back(nas: FakeNas) -> None:
    with Running(settings_for(nas, albums=("Grandparents", "Anna's garden"))) as running:
        running.wait_ready()
        album = nas.library.album("Grandparents")
        nas.library.delete_album(album)
        running.look()
        assert running.get("/files?album=Grandparents").status_code == 200
        running.look()
        for path in ("/files?album=Grandparents", "/files/list?album=Grandparents", "/files?album=id:2"):
            assert "no album named 'Grandparents'" in explained(running.get(path), 503)
        assert running.get("/files").status_code == 200
        nas.library.albums.append(album)
        running.look()
        assert running.get("/files?album=Grandparents").status_code == 200


def test_an_empty_album_among_others_is_an_empty_list_and_no_photo(nas: FakeNas) -> None:
    nas.library.new_album("empty")
    with Running(settings_for(nas, albums=("empty", "Grandparents"))) as running:
        running.wait_ready()
        assert running.get("/files/list?album=empty").json() == []
        assert "empty" in explained(running.get("/files?album=empty"), 503)
        assert running.stats()["last_error"] is None


def test_a_name_that_two_configured_albums_have_is_refused_with_their_numbers(nas: FakeNas) -> None:
    nas.library.add(nas.library.new_album("Grandparents"))
    with Running(settings_for(nas, albums=("id:2", "id:6"))) as running:
        running.wait_ready()
        answer = running.get("/files?album=Grandparents")
        assert "Several" in explained(answer, 404)
        assert answer.json()["next_step"] == "Ask for one of 'id:2', 'id:6'."
        assert len(running.get("/files/list?album=id:6").json()) == 1


def test_before_an_album_is_listed_it_is_a_503_that_says_so(nas: FakeNas) -> None:
    barrier = threading.Event()
    nas.fault(hold(barrier), api="SYNO.Foto.Browse.Item")
    with Running(settings_for(nas, albums=("Grandparents", "Anna's garden"))) as running:
        for path in ("/files?album=Grandparents", "/files/list?album=Grandparents"):
            assert "first time" in explained(running.get(path), 503)
        assert "No album" in explained(running.get("/files?album=other"), 404)
        barrier.set()
        running.wait_ready()
