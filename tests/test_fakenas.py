"""The simulated NAS, asked over real sockets: shapes, codes, sessions, and every fault on the wire."""

from __future__ import annotations

import gzip
import io
import json
import socket
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
import requests
from conftest import wait_until

from photosync import fakenas
from photosync.fakenas import FakeNas, Library
from photosync.fakenas.jpeg import flat_jpeg

needs_ipv6 = pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this machine has no IPv6")

ME = "SYNO.Foto.UserInfo"
ITEM = "SYNO.Foto.Browse.Item"
ALBUM = "SYNO.Foto.Browse.Album"
THUMBNAIL = "SYNO.Foto.Thumbnail"
TEAM_THUMBNAIL = "SYNO.FotoTeam.Thumbnail"
DOWNLOAD = "SYNO.Foto.Download"
AUTH = "SYNO.API.Auth"


class Guest:
    """A client without opinions: it sends what it is told and shows what came."""

    def __init__(self, nas: FakeNas) -> None:
        self.nas = nas
        self.http = requests.Session()
        self.http.trust_env = False
        self.http.headers["Accept-Encoding"] = "identity"

    def send(self, api: str, method: str, version: int = 1, *, verb: str = "POST", **params: Any) -> requests.Response:
        fields = {"api": api, "method": method, "version": version, **params}
        where = {"data": fields} if verb == "POST" else {"params": fields}
        return self.http.request(verb, f"{self.nas.url}/webapi/entry.cgi", timeout=60, allow_redirects=False, **where)

    def ask(self, api: str, method: str, version: int = 1, **params: Any) -> Any:
        return self.send(api, method, version, **params).json()

    def data(self, api: str, method: str, version: int = 1, **params: Any) -> Any:
        answer = self.ask(api, method, version, **params)
        assert answer["success"], answer
        return answer["data"]

    def code(self, api: str, method: str, version: int = 1, **params: Any) -> int:
        answer = self.ask(api, method, version, **params)
        assert not answer["success"], answer
        code: int = answer["error"]["code"]
        return code

    def login(self, version: int = 6, **params: Any) -> Any:
        fields = {"account": self.nas.username, "passwd": self.nas.password, **params}
        return self.ask(AUTH, "login", version, **fields)

    def thumbnail(self, unit_id: int, api: str = THUMBNAIL, **params: Any) -> requests.Response:
        return self.send(api, "get", **{"id": unit_id, "type": '"unit"', "size": '"m"', "verb": "GET", **params})


@pytest.fixture
def nas() -> Iterator[FakeNas]:
    with FakeNas() as nas:
        yield nas


@pytest.fixture
def stranger(nas: FakeNas) -> Iterator[Guest]:
    guest = Guest(nas)
    with guest.http:
        yield guest


@pytest.fixture
def guest(stranger: Guest) -> Guest:
    assert stranger.login()["success"]
    return stranger


def kinds(value: Any) -> Any:
    """Keys and types, without the values."""
    if isinstance(value, dict):
        return {key: kinds(entry) for key, entry in value.items()}
    return type(value).__name__


def dimensions(jpeg: bytes) -> tuple[int, int]:
    """Width and height out of the frame header (baseline or progressive)."""
    at = 2
    while jpeg[at + 1] not in (0xC0, 0xC2):
        at += 2 + int.from_bytes(jpeg[at + 2 : at + 4])
    return int.from_bytes(jpeg[at + 7 : at + 9]), int.from_bytes(jpeg[at + 5 : at + 7])


def row_of(guest: Guest, album: str, filename: str, **params: Any) -> Any:
    album_id = guest.nas.library.album(album).id
    fields = {"album_id": album_id, "offset": 0, "limit": 1000, "additional": '["thumbnail"]', **params}
    return next(row for row in guest.data(ITEM, "list", **fields)["list"] if row["filename"] == filename)


# What a DSM is


def test_a_query_without_parameters_tells_a_dsm_from_anything_else(stranger: Guest) -> None:
    reply = stranger.http.get(f"{stranger.nas.url}/webapi/query.cgi", timeout=60)
    assert (reply.status_code, reply.json()) == (200, {"error": {"code": 101}, "success": False})


def test_query_and_entry_tell_the_same_apis_without_a_session(stranger: Guest) -> None:
    params = {"api": "SYNO.API.Info", "version": 1, "method": "query", "query": "all"}
    answers = [
        stranger.http.get(f"{stranger.nas.url}/webapi/{script}.cgi", params=params, timeout=60).json()
        for script in ("query", "entry")
    ]
    assert answers[0] == answers[1]
    assert answers[0]["data"][AUTH] == {"maxVersion": 7, "minVersion": 1, "path": "entry.cgi"}
    assert answers[0]["data"][ITEM]["requestFormat"] == "JSON"


def test_api_names_may_be_listed_or_started(stranger: Guest) -> None:
    named = stranger.data("SYNO.API.Info", "query", query=f"{AUTH},{ITEM},SYNO.No.Such")
    assert set(named) == {AUTH, ITEM}
    started = stranger.data("SYNO.API.Info", "query", query="SYNO.API.,SYNO.FotoTeam.")
    assert {name.split(".")[1] for name in started} == {"API", "FotoTeam"}
    assert "SYNO.FotoTeam.Browse.Album" not in started


@pytest.mark.parametrize(("era", "highest"), [("1.3", 3), ("1.6", 6), ("1.9", 6)])
def test_versions_above_the_eras_highest_answer_104(era: str, highest: int) -> None:
    with FakeNas(era=era) as nas:
        guest = Guest(nas)
        with guest.http:
            guest.login()
            assert guest.data("SYNO.API.Info", "query", query=ITEM)[ITEM]["maxVersion"] == highest
            assert guest.code(ITEM, "list", highest + 1, offset=0, limit=1) == 104
            assert guest.data(ITEM, "list", highest, offset=0, limit=1)["list"]


def test_unknown_apis_methods_and_missing_names_have_codes_of_their_own(guest: Guest) -> None:
    assert guest.code("SYNO.FotoTeam.Browse.Album", "list") == 102
    assert guest.code(ALBUM, "dance") == 103
    reply = guest.http.post(f"{guest.nas.url}/webapi/entry.cgi", data={"api": ALBUM}, timeout=60)
    assert reply.json()["error"]["code"] == 101


def test_without_photos_its_apis_are_absent_and_answer_102(nas: FakeNas, guest: Guest) -> None:
    nas.photos_installed = False
    assert not any(name.startswith("SYNO.Foto") for name in guest.data("SYNO.API.Info", "query", query="all"))
    assert guest.code(ALBUM, "list", offset=0, limit=1) == 102


def test_the_api_may_be_a_suffix_of_the_path(guest: Guest) -> None:
    fields = {"api": ME, "method": "me", "version": 1}
    reply = guest.http.post(f"{guest.nas.url}/webapi/entry.cgi/{ME}", data=fields, timeout=60)
    assert reply.json()["data"]["name"] == "demo"


def test_a_wrong_path_is_a_page_of_html_with_404(stranger: Guest) -> None:
    reply = stranger.http.get(f"{stranger.nas.url}/photo/webapi/entry.cgi", timeout=60)
    assert reply.status_code == 404
    assert reply.headers["Content-Type"].startswith("text/html")
    assert b"<html>" in reply.content


def test_json_is_compressed_for_those_who_ask(stranger: Guest) -> None:
    url = f"{stranger.nas.url}/webapi/query.cgi"
    reply = stranger.http.get(url, headers={"Accept-Encoding": "gzip"}, stream=True, timeout=60)
    assert reply.headers["Content-Encoding"] == "gzip"
    assert json.loads(gzip.decompress(reply.raw.read()))["error"] == {"code": 101}


# Sessions


@pytest.mark.parametrize(
    ("version", "params", "recorded"),
    [
        (3, {}, {"did": "str", "sid": "str"}),
        (
            6,
            {"enable_syno_token": "yes"},
            {"did": "str", "is_portal_port": "bool", "sid": "str", "synotoken": "str"},
        ),
        (
            7,
            {},
            {
                "account": "str",
                "device_id": "str",
                "ik_message": "str",
                "is_portal_port": "bool",
                "sid": "str",
                "synotoken": "str",
            },
        ),
    ],
)
def test_a_logins_shape_goes_with_its_version(
    stranger: Guest, version: int, params: dict[str, str], recorded: Any
) -> None:
    answer = stranger.login(version, **params)
    assert kinds(answer) == {"data": recorded, "success": "bool"}
    assert len(answer["data"]["sid"]) == 86


def test_version_7_marks_a_token_that_was_not_asked_for(stranger: Guest) -> None:
    assert stranger.login(7)["data"]["synotoken"] == "--------"


@pytest.mark.parametrize("script", ["entry", "auth"])
@pytest.mark.parametrize("verb", ["GET", "POST"])
def test_login_works_by_both_scripts_and_both_verbs(stranger: Guest, script: str, verb: str) -> None:
    fields = {"api": AUTH, "method": "login", "version": 3, "account": "demo", "passwd": "demo"}
    where: Any = {"params": fields} if verb == "GET" else {"data": fields}
    reply = stranger.http.request(verb, f"{stranger.nas.url}/webapi/{script}.cgi", timeout=60, **where)
    assert reply.json()["success"]


def test_the_session_goes_by_cookie_or_by_parameter(stranger: Guest) -> None:
    sid = stranger.login(format="sid")["data"]["sid"]
    assert not stranger.http.cookies
    assert stranger.code(ME, "me") == 119
    reply = stranger.send(ME, "me", _sid=sid)
    assert reply.json()["success"]
    assert reply.headers["Set-Cookie"].startswith(f"id={sid};expires=")
    assert stranger.http.cookies["id"] == sid
    assert stranger.data(ME, "me")["id"] == 2


def test_a_session_with_a_token_needs_it_on_every_call(nas: FakeNas, stranger: Guest) -> None:
    token = stranger.login(enable_syno_token="yes")["data"]["synotoken"]
    unit = nas.library.album("kitchen-dash").items[0].unit_id
    assert stranger.code(ME, "me") == 119
    assert stranger.thumbnail(unit).json() == {"error": {"code": 119}, "success": False}
    assert stranger.data(ME, "me", SynoToken=token)
    stranger.http.headers["X-SYNO-TOKEN"] = token
    assert stranger.thumbnail(unit).headers["Content-Type"] == "image/jpeg"
    del stranger.http.headers["X-SYNO-TOKEN"]
    nas.token_required = False
    assert stranger.data(ME, "me")


def test_a_planted_session_and_token_are_given_out() -> None:
    with FakeNas(session_prefix="CANARY", token="TOKEN12345") as nas:
        guest = Guest(nas)
        with guest.http:
            data = guest.login(enable_syno_token="yes")["data"]
        assert data["sid"].startswith("CANARY") and len(data["sid"]) == 86
        assert data["synotoken"] == "TOKEN12345"
        assert nas.sessions == [data["sid"]]


def test_a_dead_session_answers_119_on_thumbnails_too(nas: FakeNas, guest: Guest) -> None:
    unit = nas.library.album("kitchen-dash").items[0].unit_id
    nas.expire_sessions()
    assert nas.sessions == []
    reply = guest.thumbnail(unit)
    assert reply.status_code == 200
    assert reply.headers["Content-Type"] == 'application/json; charset="UTF-8"'
    assert reply.content == b'{"error":{"code":119},"success":false}'
    assert guest.code(ITEM, "list", offset=0, limit=1) == 119


def test_a_dead_session_answers_803_in_the_shared_space(nas: FakeNas, guest: Guest) -> None:
    nas.expire_sessions(106)
    assert guest.thumbnail(1, TEAM_THUMBNAIL).json()["error"]["code"] == 803
    assert guest.code("SYNO.FotoTeam.Browse.Item", "list", offset=0, limit=1) == 803
    assert guest.code(ME, "me") == 106


def test_logging_out_ends_one_session_and_succeeds_without_any(nas: FakeNas, guest: Guest) -> None:
    other = Guest(nas)
    with other.http:
        other.login()
        assert guest.ask(AUTH, "logout", 6) == {"success": True}
        assert guest.code(ME, "me") == 119
        assert other.data(ME, "me")
    assert guest.ask(AUTH, "logout", 6) == {"success": True}


def test_a_wrong_password_is_400_and_too_many_of_them_407(nas: FakeNas, stranger: Guest) -> None:
    nas.auto_block_after = 2
    assert [stranger.login(passwd="wrong")["error"]["code"] for _ in range(3)] == [400, 400, 407]
    assert stranger.login()["error"]["code"] == 407
    nas.auto_block_after = None
    nas.password = "changed"
    assert stranger.login()["success"]


@pytest.mark.parametrize("code", [400, 401, 402, 405, 406, 408, 411, 498])
def test_any_refusal_of_a_login_can_be_had(nas: FakeNas, stranger: Guest, code: int) -> None:
    nas.login_error = code
    assert stranger.login() == {"error": {"code": code}, "success": False}


# Albums

RECORDED_ALBUM = {
    "cant_migrate_condition": {},
    "condition": {},
    "create_time": "int",
    "end_time": "int",
    "freeze_album": "bool",
    "id": "int",
    "item_count": "int",
    "name": "str",
    "owner_user_id": "int",
    "passphrase": "str",
    "shared": "bool",
    "sort_by": "str",
    "sort_direction": "str",
    "start_time": "int",
    "temporary_shared": "bool",
    "type": "str",
    "version": "int",
}
RECORDED_THUMBNAIL = {
    "cache_key": "str",
    "m": "str",
    "preview": "str",
    "sm": "str",
    "unit_id": "int",
    "xl": "str",
}


def album_rows(guest: Guest, category: str = "normal_share_with_me", **params: Any) -> dict[str, Any]:
    data = guest.data(ALBUM, "list", offset=0, limit=100, category=f'"{category}"', **params)
    return {row["name"]: row for row in data["list"]}


def test_albums_have_the_recorded_keys_and_types(guest: Guest) -> None:
    row = album_rows(guest, additional='["thumbnail","sharing_info"]')["kitchen-dash"]
    additional = row.pop("additional")
    assert kinds(row) == RECORDED_ALBUM
    assert kinds(additional["thumbnail"]) == RECORDED_THUMBNAIL
    assert kinds(additional["sharing_info"]["owner"]) == {"id": "int", "name": "str"}


def test_smart_albums_lack_the_normal_ones_keys_and_may_lack_times(guest: Guest) -> None:
    row = album_rows(guest)["Summer days"]
    lacking = {"cant_migrate_condition", "freeze_album", "temporary_shared", "start_time", "end_time"}
    assert set(row) == set(RECORDED_ALBUM) - lacking
    assert row["condition"] == {"folder_filter": [1423], "user_id": 0}


def test_categories_divide_own_albums_from_those_shared_with_the_account(nas: FakeNas, guest: Guest) -> None:
    nas.library.new_album("Lent", passphrase="l3ntP4ss1")
    own = {"kitchen-dash", "Grandparents", "Summer days", "", "Lent"}
    assert set(album_rows(guest, "normal")) == own
    assert set(album_rows(guest)) == own | {"Anna's garden"}
    assert set(album_rows(guest, "shared")) == {"Lent"}
    assert guest.data(ALBUM, "count")["count"] == 5
    foreign = guest.data("SYNO.Foto.Sharing.Misc", "list_shared_with_me_album", offset=0, limit=10)["list"]
    assert [(row["name"], row["shared"], bool(row["passphrase"])) for row in foreign] == [
        ("Anna's garden", False, True)
    ]


def test_normal_and_smart_albums_have_listings_of_their_own(guest: Guest) -> None:
    normal = guest.data("SYNO.Foto.Browse.NormalAlbum", "list", offset=0, limit=10)["list"]
    smart = guest.data("SYNO.Foto.Browse.ConditionAlbum", "list", offset=0, limit=10)["list"]
    assert {row["name"] for row in normal} == {"kitchen-dash", "Grandparents", ""}
    assert {row["name"] for row in smart} == {"Summer days"}
    assert guest.data("SYNO.Foto.Browse.NormalAlbum", "count")["count"] == 3


def test_an_album_is_got_by_ids_or_by_passphrase_and_never_by_both(nas: FakeNas, guest: Guest) -> None:
    own, foreign = nas.library.album("kitchen-dash"), nas.library.album("Anna's garden")
    assert guest.data(ALBUM, "get", id=f"[{own.id}]")["list"][0]["name"] == "kitchen-dash"
    assert guest.data(ALBUM, "get", passphrase=f'"{foreign.passphrase}"')["list"][0]["id"] == foreign.id
    assert guest.code(ALBUM, "get", id=f"[{own.id}]", passphrase=f'"{foreign.passphrase}"') == 120
    assert guest.code(ALBUM, "get", id=f"[{foreign.id}]") == 609
    assert guest.code(ALBUM, "get", id="[4711]") == 642


def test_a_change_gives_the_album_another_version_and_true_numbers(nas: FakeNas, guest: Guest) -> None:
    album = nas.library.album("Grandparents")
    before = guest.data(ALBUM, "get", id=f"[{album.id}]")["list"][0]
    added = nas.library.add(album, filename="late.jpg", time=before["end_time"] + 100)
    after = guest.data(ALBUM, "get", id=f"[{album.id}]")["list"][0]
    assert after["version"] != before["version"]
    assert (after["item_count"], after["end_time"]) == (before["item_count"] + 1, before["end_time"] + 100)
    nas.library.remove(album, added)
    again = guest.data(ALBUM, "get", id=f"[{album.id}]")["list"][0]
    assert again["item_count"] == before["item_count"] and again["version"] != after["version"]


def test_an_edit_changes_key_and_bytes_and_only_if_asked_the_album(nas: FakeNas, guest: Guest) -> None:
    album = nas.library.album("kitchen-dash")
    item = album.items[0]
    version, key, picture = album.version, item.cache_key, guest.thumbnail(item.unit_id).content
    nas.library.edit(item, bump=False)
    assert album.version == version
    assert item.cache_key != key and item.cache_key.startswith(f"{item.unit_id}_")
    assert guest.thumbnail(item.unit_id).content != picture
    nas.library.edit(item)
    assert album.version != version


# Items

RECORDED_ITEM = {
    "id": "int",
    "filename": "str",
    "filesize": "int",
    "time": "int",
    "indexed_time": "int",
    "owner_user_id": "int",
    "folder_id": "int",
    "type": "str",
}


def test_items_have_the_recorded_keys_and_additional_only_on_request(nas: FakeNas, guest: Guest) -> None:
    album_id = nas.library.album("kitchen-dash").id
    plain = guest.data(ITEM, "list", album_id=album_id, offset=0, limit=1)["list"][0]
    assert kinds(plain) == RECORDED_ITEM
    wanted = '["thumbnail","resolution","orientation","no_such"]'
    full = guest.data(ITEM, "list", album_id=album_id, offset=0, limit=1, additional=wanted)["list"][0]
    assert kinds(full["additional"]) == {
        "thumbnail": RECORDED_THUMBNAIL,
        "resolution": {"height": "int", "width": "int"},
        "orientation": "int",
        "orientation_original": "int",
    }
    assert full["additional"]["thumbnail"]["preview"] == "broken"


def test_most_items_have_a_unit_id_unlike_their_id_and_a_few_have_the_same(nas: FakeNas) -> None:
    items = nas.library.album("kitchen-dash").items
    same = [item for item in items if item.id == item.unit_id]
    assert 0 < len(same) < len(items) / 3


def test_the_kitchen_album_holds_the_oddities_of_a_grown_one(nas: FakeNas, guest: Guest) -> None:
    assert row_of(guest, "kitchen-dash", "MVI_0815.MOV")["additional"] == {}
    live = row_of(guest, "kitchen-dash", "IMG_4711.JPG")
    assert (live["type"], live["live_type"]) == ("live", "photo")
    heic = row_of(guest, "kitchen-dash", "IMG_4712.HEIC")
    assert (heic["type"], heic["additional"]["thumbnail"]["xl"]) == ("photo", "ame_defect")
    assert "ö" in row_of(guest, "kitchen-dash", "Größe & café – été 🌞.jpg")["filename"]
    assert sum(item.owner_user_id == 0 for item in nas.library.album("kitchen-dash").items) == 2


def test_pages_follow_each_other_by_time_taken_and_end_short(nas: FakeNas, guest: Guest) -> None:
    album = nas.library.album("kitchen-dash")
    rows: list[Any] = []
    while True:
        page = guest.data(ITEM, "list", album_id=album.id, offset=len(rows), limit=10)["list"]
        rows += page
        if len(page) < 10:
            break
    assert len({row["id"] for row in rows}) == album.item_count == len(rows)
    assert [row["time"] for row in rows] == sorted(row["time"] for row in rows)
    assert guest.data(ITEM, "count", album_id=album.id)["count"] == album.item_count


def test_listings_are_sorted_filtered_and_deaf_to_unknown_parameters(nas: FakeNas, guest: Guest) -> None:
    common = {"album_id": nas.library.album("kitchen-dash").id, "offset": 0, "limit": 100}
    by_name = guest.data(ITEM, "list", **common, sort_by='"filename"', sort_direction="desc")["list"]
    assert [row["filename"] for row in by_name] == sorted((row["filename"] for row in by_name), reverse=True)
    photos = guest.data(ITEM, "list", **common, type="photo", time_start=1)["list"]
    assert {row["type"] for row in photos} == {"photo"}
    first = min(row["time"] for row in by_name)
    assert {row["time"] for row in guest.data(ITEM, "list", **common, end_time=first)["list"]} == {first}


@pytest.mark.parametrize(
    ("params", "name"),
    [
        ({"limit": 5001}, "limit"),
        ({"limit": None}, "limit"),
        ({"offset": -1}, "offset"),
        ({"offset": "many"}, "offset"),
        ({"sort_by": "beauty"}, "sort_by"),
        ({"additional": "thumbnail"}, "additional"),
    ],
)
def test_an_invalid_parameter_answers_120_and_names_it(guest: Guest, params: dict[str, Any], name: str) -> None:
    error = guest.ask(ITEM, "list", **{"offset": 0, "limit": 10, **params})["error"]
    assert error["code"] == 120
    assert error["errors"]["name"] == name and isinstance(error["errors"]["reason"], str)


def test_photos_of_one_second_may_change_places_between_listings(nas: FakeNas, guest: Guest) -> None:
    album = nas.library.new_album("Burst", unstable=True)
    for _ in range(20):
        nas.library.add(album, time=1_700_000_000)
    page = {"album_id": album.id, "offset": 0, "limit": 100}
    listings = [[row["id"] for row in guest.data(ITEM, "list", **page)["list"]] for _ in range(3)]
    assert listings[0] != listings[1] or listings[1] != listings[2]
    assert len({frozenset(listing) for listing in listings}) == 1


def test_the_indexs_clock_is_local_and_the_cache_keys_is_utc(nas: FakeNas) -> None:
    for item in nas.library.album("kitchen-dash").items:
        unit, _, stamp = item.cache_key.partition("_")
        assert int(unit) == item.unit_id
        assert item.indexed_time // 1000 - int(stamp) == 7200 and int(stamp) >= item.time


def test_a_limit_of_nothing_lists_nothing(guest: Guest) -> None:
    assert guest.data(ITEM, "list", offset=0, limit=0)["list"] == []


def test_a_foreign_album_is_listed_by_its_passphrase_only(nas: FakeNas, guest: Guest) -> None:
    album = nas.library.album("Anna's garden")
    page = {"offset": 0, "limit": 10}
    assert guest.code(ITEM, "list", album_id=album.id, **page) == 609
    rows = guest.data(ITEM, "list", passphrase=f'"{album.passphrase}"', **page)["list"]
    assert {row["owner_user_id"] for row in rows} == {7}
    assert guest.code(ITEM, "list", album_id=album.id, passphrase=f'"{album.passphrase}"', **page) == 120
    assert guest.code(ITEM, "list", passphrase="nobodys", **page) == 642


def test_an_own_album_listed_by_its_passphrase_is_an_empty_success(nas: FakeNas, guest: Guest) -> None:
    lent = nas.library.new_album("Lent", passphrase="l3ntP4ss1")
    nas.library.add(lent)
    assert guest.data(ITEM, "list", passphrase='"l3ntP4ss1"', offset=0, limit=10)["list"] == []
    assert len(guest.data(ITEM, "list", album_id=lent.id, offset=0, limit=10)["list"]) == 1
    lent.only_by_passphrase = True
    assert len(guest.data(ITEM, "list", passphrase='"l3ntP4ss1"', offset=0, limit=10)["list"]) == 1
    assert guest.data(ITEM, "list", album_id=lent.id, offset=0, limit=10)["list"] == []


def test_bare_digits_are_no_passphrase(guest: Guest) -> None:
    assert guest.code(ITEM, "list", passphrase="123456789", offset=0, limit=10) == 120


def test_the_shared_space_lists_its_own_items_alone(guest: Guest) -> None:
    rows = guest.data("SYNO.FotoTeam.Browse.Item", "list", offset=0, limit=100)["list"]
    assert len(rows) == 2 and {row["owner_user_id"] for row in rows} == {0}


# Renditions and files


@pytest.mark.parametrize("verb", ["GET", "POST"])
def test_a_thumbnail_is_a_jpeg_of_announced_length(nas: FakeNas, guest: Guest, verb: str) -> None:
    reply = guest.thumbnail(nas.library.album("kitchen-dash").items[0].unit_id, size="xl", verb=verb)
    assert (reply.status_code, reply.headers["Content-Type"]) == (200, "image/jpeg")
    assert int(reply.headers["Content-Length"]) == len(reply.content)
    assert reply.content.startswith(b"\xff\xd8\xff") and reply.content.endswith(b"\xff\xd9")


def test_the_sample_photos_have_the_short_sides_of_their_sizes(nas: FakeNas) -> None:
    for item in nas.library.album("kitchen-dash").items:
        if item.type == "photo" and item.thumbnails["xl"] == "ready":
            sides = [min(dimensions(item.data(size))) for size in ("sm", "m", "xl")]
            assert sides == [240, 320, 1280], item.filename
            width, height = dimensions(item.data("xl"))
            assert (width > height) == (item.width > item.height)


def test_pictures_may_come_in_chunks(nas: FakeNas, guest: Guest) -> None:
    nas.chunked = True
    reply = guest.thumbnail(nas.library.album("kitchen-dash").items[0].unit_id)
    assert reply.headers["Transfer-Encoding"] == "chunked" and "Content-Length" not in reply.headers
    assert reply.content.endswith(b"\xff\xd9")


def test_a_thumbnail_that_cannot_be_had_is_html_with_404(nas: FakeNas, guest: Guest) -> None:
    kitchen, garden = nas.library.album("kitchen-dash"), nas.library.album("Anna's garden")
    own = next(item for item in kitchen.items if item.id != item.unit_id)
    team = next(item for item in kitchen.items if item.owner_user_id == 0)
    heic = next(item for item in kitchen.items if item.filename.endswith("HEIC"))
    refused = [
        guest.thumbnail(own.id),
        guest.thumbnail(own.unit_id, TEAM_THUMBNAIL),
        guest.thumbnail(team.unit_id),
        guest.thumbnail(heic.unit_id),
        guest.thumbnail(garden.items[0].unit_id),
        guest.thumbnail(own.unit_id, passphrase=garden.passphrase),
        guest.thumbnail(own.unit_id, type="person"),
    ]
    assert [reply.status_code for reply in refused] == [404] * len(refused)
    assert {reply.headers["Content-Type"] for reply in refused} == {"text/html; charset=utf-8"}


def test_each_owner_has_a_way_to_the_thumbnail(nas: FakeNas, guest: Guest) -> None:
    garden = nas.library.album("Anna's garden")
    team = next(item for item in nas.library.album("kitchen-dash").items if item.owner_user_id == 0)
    assert guest.thumbnail(team.unit_id, TEAM_THUMBNAIL).status_code == 200
    assert guest.thumbnail(garden.items[0].unit_id, passphrase=garden.passphrase).status_code == 200
    url = f"{nas.url}/synofoto/api/v2/t/Thumbnail/get"
    assert guest.http.get(url, params={"id": team.unit_id, "size": "sm"}, timeout=60).content.endswith(b"\xff\xd9")


def test_a_deleted_photo_leaves_albums_and_renditions(nas: FakeNas, guest: Guest) -> None:
    item = nas.library.album("Grandparents").items[0]
    nas.library.delete(item)
    assert guest.thumbnail(item.unit_id).status_code == 404
    assert all(item not in album.items for album in nas.library.albums)


def test_downloads_are_files_by_unit_and_archives_for_live_photos(nas: FakeNas, guest: Guest) -> None:
    live = next(item for item in nas.library.album("kitchen-dash").items if item.type == "live")
    one = guest.send(DOWNLOAD, "download", unit_id=f"[{live.unit_id}]", force_download="true")
    assert one.headers["Content-Type"] == "image/jpeg" and len(one.content) == live.filesize
    assert one.headers["Content-Disposition"].startswith("attachment")
    both = guest.send(DOWNLOAD, "download", item_id=f"[{live.id}]")
    assert zipfile.ZipFile(io.BytesIO(both.content)).namelist() == ["IMG_4711.JPG", "IMG_4711.MOV"]


def test_downloads_that_cannot_be_had_are_codes_in_json(nas: FakeNas, guest: Guest) -> None:
    kitchen, garden = nas.library.album("kitchen-dash"), nas.library.album("Anna's garden")
    team = next(item for item in kitchen.items if item.owner_user_id == 0)
    foreign, own = garden.items[0], kitchen.items[0]
    assert guest.code(DOWNLOAD, "download", unit_id="[1]") == 642
    assert guest.code(DOWNLOAD, "download", unit_id=f"[{team.unit_id}]") == 117
    assert guest.code("SYNO.FotoTeam.Download", "download", unit_id=f"[{own.unit_id}]") == 801
    assert guest.code(DOWNLOAD, "download", unit_id=f"[{foreign.unit_id}]") == 642
    garden.downloadable = False
    assert guest.code(DOWNLOAD, "download", unit_id=f"[{foreign.unit_id}]", passphrase=garden.passphrase) == 804


# The record and the knobs


def test_every_request_is_recorded_as_it_came(nas: FakeNas, guest: Guest) -> None:
    guest.http.get(f"{nas.url}/favicon.ico?v=1", timeout=60)
    login, stray = nas.calls[0], nas.calls[-1]
    assert (login.api, login.method, login.version, login.params["passwd"]) == (AUTH, "login", 6, "demo")
    assert login.query_string == "" and login.body_bytes == len(login.body) > 0
    assert (stray.api, stray.path, stray.query_string, stray.body_bytes) == ("", "/favicon.ico", "v=1", 0)
    assert stray.peer_port == login.peer_port and stray.at >= login.at
    assert (nas.count(AUTH, "login"), nas.count(AUTH), nas.count()) == (1, 1, 2)


def test_the_peak_of_concurrency_is_remembered(nas: FakeNas) -> None:
    gate = threading.Event()
    nas.fault(fakenas.hold(gate))
    threads = [threading.Thread(target=requests.get, args=(nas.url,), kwargs={"timeout": 60}) for _ in range(5)]
    for thread in threads:
        thread.start()
    wait_until(lambda: len(nas.calls) == 5)
    gate.set()
    for thread in threads:
        thread.join()
    assert nas.concurrency_peak == 5


def test_a_hundred_thousand_photos_list_page_by_page() -> None:
    with FakeNas(library=Library.synthetic(100_000)) as nas:
        guest = Guest(nas)
        with guest.http:
            guest.login()
            album_id = nas.library.album("kitchen-dash").id
            last = guest.data(ITEM, "list", album_id=album_id, offset=99_995, limit=5000)["list"]
            assert len(last) == 5
            assert guest.data(ALBUM, "get", id=f"[{album_id}]")["list"][0]["item_count"] == 100_000
        two = nas.library.album("kitchen-dash").items[:2]
        assert two[0].data("xl") != two[1].data("xl") != two[1].data("m")


def test_a_synthetic_photo_has_the_size_that_was_asked_for() -> None:
    item = Library.synthetic(1, photo_bytes=200_000).album("kitchen-dash").items[0]
    assert 200_000 <= len(item.data("xl")) < 200_050
    assert flat_jpeg(9, 9).startswith(b"\xff\xd8\xff\xdb")


def test_a_stopped_nas_refuses_and_comes_back_on_its_port_with_its_sessions(nas: FakeNas, guest: Guest) -> None:
    url = nas.url
    nas.stop()
    with pytest.raises(requests.ConnectionError):
        guest.ask(ME, "me")
    nas.start()
    assert nas.url == url
    assert guest.data(ME, "me")


def test_nobody_else_is_given_the_port_of_a_nas_until_it_is_left() -> None:
    def take() -> None:
        with socket.socket() as other:
            other.bind((nas.host, nas.port))

    nas = FakeNas()
    with nas:
        for step in (nas.stop, nas.start, nas.stop):
            step()
            with pytest.raises(OSError, match="Address already in use"):
                take()
    take()


@pytest.mark.parametrize(
    "host", ["", "localhost", "127.0.0.2", *(pytest.param(host, marks=needs_ipv6) for host in ("::1", "::"))]
)
def test_it_listens_on_what_the_host_stands_for_and_comes_back_there(host: str) -> None:
    with FakeNas(host=host) as nas:
        port = nas.port
        nas.stop()
        nas.start()
        assert nas.port == port
        place = "::1" if ":" in host else "127.0.0.2" if host == "127.0.0.2" else "127.0.0.1"
        socket.create_connection((place, port), 60).close()


@needs_ipv6
def test_it_listens_where_another_has_the_same_port_of_the_other_family() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with FakeNas(other.getsockname()[1], host="::") as nas:
            socket.create_connection(("::1", nas.port), 60).close()


def test_a_port_that_is_taken_is_an_error_and_can_be_had_later() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        nas = FakeNas(other.getsockname()[1])
        with pytest.raises(OSError, match="Address already in use"):
            nas.start()
    with nas:
        assert requests.get(nas.url, timeout=60).status_code == 200


@pytest.mark.parametrize(
    "fault", [fakenas.hang(), fakenas.drip(30), fakenas.endless(), fakenas.hold(threading.Event())]
)
def test_stopping_is_quick_and_leaves_no_thread_whatever_hangs(nas: FakeNas, fault: fakenas.Fault) -> None:
    handle = nas.fault(fault)
    with open_request(nas), open_request(nas):
        wait_until(lambda: handle.hits == 2)
        started = time.monotonic()
        nas.stop()
        assert time.monotonic() - started < 15
    assert not [thread for thread in threading.enumerate() if thread.name == "fakenas"]


def test_an_idle_connection_is_closed_after_its_time() -> None:
    nas = FakeNas()
    assert nas.keep_alive_seconds == 20
    nas.keep_alive_seconds = 0.5  # from its beginning: the request has to come before
    with nas:
        assert BODY_101 in wire(nas)


def test_a_client_that_leaves_ends_the_wait_for_it(nas: FakeNas) -> None:
    handle = nas.fault(fakenas.hang())
    for number in (1, 2):
        with open_request(nas):
            wait_until(lambda number=number: handle.hits == number)  # type: ignore[misc]
        wait_until(lambda: nas.answering == 0)
    assert (handle.hits, nas.concurrency_peak) == (2, 1)


def test_a_mistake_in_a_fault_closes_the_connection_and_is_logged(
    nas: FakeNas, caplog: pytest.LogCaptureFixture
) -> None:
    nas.fault(fakenas.json_body('{"data":{"list":[]}}'))
    nas.fault(fakenas.edit_rows(lambda rows: rows[1000]))
    assert wire(nas) == b""
    assert "failed to answer" in caplog.text


def test_it_runs_alone_and_says_where_until_it_is_terminated() -> None:
    command = [sys.executable, "-m", "photosync.fakenas", "--photos", "3", "--username", "anna"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(3)]
        url = lines[0].split()[-1]
        assert requests.get(f"{url}/webapi/query.cgi", timeout=60).json()["error"]["code"] == 101
        process.terminate()
        assert process.wait(60) == 0
    assert "anna" in lines[1] and "'kitchen-dash': 3 items" in lines[2]


# Faults, on the wire


def open_request(nas: FakeNas, path: str = "/webapi/query.cgi", **params: Any) -> socket.socket:
    raw = socket.create_connection((nas.host, nas.port), timeout=60)
    target = f"{path}?{urlencode(params)}" if params else path
    raw.sendall(f"GET {target} HTTP/1.1\r\nHost: nas\r\n\r\n".encode())
    return raw


def wire(nas: FakeNas, path: str = "/webapi/query.cgi", **params: Any) -> bytes:
    """Everything the NAS sends until it closes."""
    with open_request(nas, path, **params) as raw:
        return b"".join(iter(lambda: raw.recv(65536), b""))


BODY_101 = b'{"error":{"code":101},"success":false}'


def test_an_error_fault_answers_its_code_and_keeps_the_nas_out(nas: FakeNas, stranger: Guest) -> None:
    nas.fault(fakenas.error(120, {"name": "x", "reason": "type"}), api=AUTH)
    assert stranger.login() == {
        "error": {"code": 120, "errors": {"name": "x", "reason": "type"}},
        "success": False,
    }
    assert nas.sessions == []


def test_a_fault_hits_what_it_names_after_skipping_and_so_many_times(nas: FakeNas, guest: Guest) -> None:
    handle = nas.fault(fakenas.error(117), api=ME, method="me", times=2, skip=1)
    guest.data(ITEM, "count")
    codes = [guest.ask(ME, "me").get("error", {}).get("code") for _ in range(5)]
    assert codes == [None, 117, 117, None, None]
    assert handle.hits == 2


def test_a_fault_of_one_photo_leaves_the_others_alone_and_can_be_removed(nas: FakeNas, guest: Guest) -> None:
    first, second = nas.library.album("kitchen-dash").items[:2]
    handle = nas.fault(fakenas.status(500), item=first.unit_id)
    assert guest.thumbnail(first.unit_id).status_code == 500
    assert guest.send(DOWNLOAD, "download", unit_id=f"[{first.unit_id}]").status_code == 500
    assert guest.thumbnail(second.unit_id).status_code == 200
    handle.remove()
    assert guest.thumbnail(first.unit_id).status_code == 200
    assert handle.hits == 2


def test_cleared_faults_are_gone(nas: FakeNas, stranger: Guest) -> None:
    nas.fault(fakenas.html())
    nas.clear_faults()
    assert stranger.login()["success"]


def test_a_status_fault_brings_its_headers_and_body(nas: FakeNas) -> None:
    nas.fault(fakenas.status(503, "busy", {"Retry-After": "7"}))
    reply = requests.get(nas.url, timeout=60)
    assert (reply.status_code, reply.text, reply.headers["Retry-After"]) == (503, "busy", "7")


def test_a_redirect_names_its_target(nas: FakeNas) -> None:
    nas.fault(fakenas.redirect("https://elsewhere.example/", 307))
    reply = requests.get(nas.url, timeout=60, allow_redirects=False)
    assert (reply.status_code, reply.headers["Location"]) == (307, "https://elsewhere.example/")


def test_html_comes_with_status_200(nas: FakeNas) -> None:
    nas.fault(fakenas.html())
    reply = requests.get(f"{nas.url}/webapi/query.cgi", timeout=60)
    assert reply.status_code == 200 and reply.headers["Content-Type"].startswith("text/html")


@pytest.mark.parametrize("text", ['{"data":{"li', "[" * 100_000, '{"success":NaN}', "", '{"success":true,"data":null}'])
def test_a_json_body_is_sent_to_the_letter(nas: FakeNas, text: str) -> None:
    nas.fault(fakenas.json_body(text))
    reply = requests.get(nas.url, timeout=60)
    assert reply.text == text and reply.headers["Content-Type"].startswith("application/json")


def test_a_json_body_may_be_given_as_an_object(nas: FakeNas) -> None:
    nas.fault(fakenas.json_body({"success": True, "data": []}))
    assert requests.get(nas.url, timeout=60).json() == {"success": True, "data": []}


def test_a_bytes_body_claims_the_type_it_is_told(nas: FakeNas) -> None:
    nas.fault(fakenas.bytes_body(b"<svg/>", "image/jpeg", {"X-Odd": "1"}))
    reply = requests.get(nas.url, timeout=60)
    assert (reply.content, reply.headers["Content-Type"], reply.headers["X-Odd"]) == (
        b"<svg/>",
        "image/jpeg",
        "1",
    )


def test_a_body_may_be_shorter_than_the_length_it_announces(nas: FakeNas) -> None:
    nas.fault(fakenas.bytes_body(b"half", headers={"Content-Length": "8"}))
    head, _, body = wire(nas).partition(b"\r\n\r\n")
    assert b"Content-Length: 8\r\n" in head and body == b"half"


@pytest.mark.parametrize("code", [204, 304])
def test_a_status_without_a_body_has_none(nas: FakeNas, code: int) -> None:
    nas.fault(fakenas.status(code), times=1)
    with requests.Session() as session:
        assert session.get(nas.url, timeout=60).status_code == code
        assert session.get(nas.url, timeout=60).status_code == 200


def test_a_head_request_gets_the_headers_alone(nas: FakeNas) -> None:
    reply = requests.head(nas.url, timeout=60)
    assert reply.status_code == 200 and int(reply.headers["Content-Length"]) > 0 and reply.content == b""


def test_raw_bytes_are_all_that_is_sent(nas: FakeNas) -> None:
    nas.fault(fakenas.raw(b"HTTP/1.1 200 OK\r\nConten"))
    assert wire(nas) == b"HTTP/1.1 200 OK\r\nConten"


def test_a_cut_sends_the_real_answers_first_bytes_headers_included(nas: FakeNas) -> None:
    for length in (0, 1, 20, 300):
        nas.clear_faults()
        nas.fault(fakenas.cut(length))
        data = wire(nas)
        assert len(data) == length and b"HTTP/1.1 200 OK\r\nServer: nginx\r\n".startswith(data[:32])


def test_a_whole_cut_is_the_very_answer(nas: FakeNas) -> None:
    nas.fault(fakenas.cut(100_000))
    head, _, body = wire(nas).partition(b"\r\n\r\n")
    assert b"Transfer-Encoding: chunked" in head
    assert body == b"26\r\n" + BODY_101 + b"\r\n0\r\n\r\n"


def test_a_close_delimited_body_has_no_length_and_may_be_cut(nas: FakeNas) -> None:
    for length, body in ((None, BODY_101), (5, BODY_101[:5])):
        nas.clear_faults()
        nas.fault(fakenas.close_delimited(length))
        head, _, rest = wire(nas).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.0 200 OK") and rest == body
        assert b"Content-Length" not in head and b"Transfer-Encoding" not in head


@pytest.mark.parametrize("length", [0, 40])
def test_a_reset_is_an_rst_after_so_many_bytes(nas: FakeNas, length: int) -> None:
    nas.fault(fakenas.reset(length))
    with open_request(nas) as raw:
        received = b""
        with pytest.raises(ConnectionResetError):
            while piece := raw.recv(4096):
                received += piece
    assert len(received) in (0, length)


def test_a_hanging_answer_does_not_come_before_its_time(nas: FakeNas) -> None:
    nas.fault(fakenas.hang())
    with open_request(nas) as raw, pytest.raises(TimeoutError):
        raw.settimeout(0.1)
        raw.recv(1)


@pytest.mark.parametrize("fault", [fakenas.delay(0.1), fakenas.hang(0.1)])
def test_a_delay_only_delays(nas: FakeNas, fault: fakenas.Fault) -> None:
    nas.fault(fault)
    started = time.monotonic()
    assert requests.get(f"{nas.url}/webapi/query.cgi", timeout=60).content == BODY_101
    assert time.monotonic() - started >= 0.1


def test_latency_comes_before_every_answer(nas: FakeNas) -> None:
    nas.latency = 0.1
    started = time.monotonic()
    requests.get(nas.url, timeout=60)
    assert time.monotonic() - started >= 0.1


def test_a_held_answer_comes_when_the_event_is_set(nas: FakeNas) -> None:
    gate = threading.Event()
    nas.fault(fakenas.hold(gate))
    with open_request(nas) as raw:
        raw.settimeout(0.05)
        with pytest.raises(TimeoutError):
            raw.recv(1)
        gate.set()
        raw.settimeout(60)
        assert raw.recv(15) == b"HTTP/1.1 200 OK"


def test_a_drip_gives_the_answer_piece_by_piece(nas: FakeNas) -> None:
    nas.fault(fakenas.drip(0.001, chunk=50))
    assert BODY_101 in wire(nas)


def test_a_drip_from_the_header_on_gives_one_byte_first(nas: FakeNas) -> None:
    nas.fault(fakenas.drip(30))
    with open_request(nas) as raw:
        assert raw.recv(100) == b"H"


def test_a_drip_of_the_body_gives_the_header_at_once(nas: FakeNas) -> None:
    nas.fault(fakenas.drip(30, header=False))
    with open_request(nas) as raw:
        received = b""
        while b"\r\n\r\n" not in received:
            received += raw.recv(100)
    assert b"Connection: close" in received


def test_an_endless_body_starts_like_a_picture_and_goes_on(nas: FakeNas) -> None:
    nas.fault(fakenas.endless())
    with requests.get(nas.url, stream=True, timeout=60) as reply:
        assert reply.headers["Content-Type"] == "image/jpeg"
        pieces = reply.iter_content(1 << 16)
        assert next(pieces).startswith(b"\xff\xd8\xff")
        assert sum(len(next(pieces)) for _ in range(128)) == 8 << 20


def test_a_bomb_is_small_on_the_wire_and_large_in_memory(nas: FakeNas) -> None:
    nas.fault(fakenas.gzip_bomb(8))
    with requests.get(nas.url, stream=True, timeout=60, headers={"Accept-Encoding": "identity"}) as reply:
        assert reply.headers["Content-Encoding"] == "gzip"
        packed = reply.raw.read(decode_content=False)
    assert len(packed) < 20_000
    assert len(gzip.decompress(packed)) > 8 << 20


def test_a_kept_connection_is_closed_when_it_is_used_again(nas: FakeNas) -> None:
    handle = nas.fault(fakenas.close_on_reuse(), times=1)
    with requests.Session() as session:
        assert session.get(nas.url, timeout=60).status_code == 200
        assert handle.hits == 0
        with pytest.raises(requests.ConnectionError):
            session.get(nas.url, timeout=60)
        assert session.get(nas.url, timeout=60).status_code == 200
    assert handle.hits == 1


def test_the_rows_of_a_listing_can_be_rewritten(nas: FakeNas, guest: Guest) -> None:
    nas.fault(fakenas.edit_rows(lambda rows: [*rows, {**rows[0], "type": "burst"}]), api=ITEM, method="list")
    rows = guest.data(ITEM, "list", offset=0, limit=2)["list"]
    assert len(rows) == 3 and rows[2]["type"] == "burst"
    assert guest.code(ITEM, "list", offset=0) == 120


def test_faults_are_applied_one_after_the_other(nas: FakeNas) -> None:
    gate = threading.Event()
    nas.fault(fakenas.hold(gate))
    nas.fault(fakenas.status(502))
    gate.set()
    assert requests.get(nas.url, timeout=60).status_code == 502
