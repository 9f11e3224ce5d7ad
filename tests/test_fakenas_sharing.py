"""The simulated NAS's share links, checked against the shapes that real ones were recorded with."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from photosync import fakenas
from photosync.fakenas import Album, FakeNas

LOGIN = "SYNO.Core.Sharing.Login"
ALBUM = "SYNO.Foto.Browse.Album"
ITEM = "SYNO.Foto.Browse.Item"
PERMISSION = "SYNO.Foto.Sharing.Passphrase"
ERAS = ("1.3", "1.6", "1.9")
WEB = "synofoto/api/v2/{}/Thumbnail/get"
DOOR = "mo/sharing/webapi/entry.cgi"


class Stranger:
    """Somebody who was given a link."""

    def __init__(self, nas: FakeNas, album: Album) -> None:
        self.nas = nas
        self.passphrase = album.passphrase
        self.http = requests.Session()
        self.http.trust_env = False
        self.header = {"X-SYNO-SHARING": self.passphrase}

    def send(self, api: str, method: str, path: str = DOOR, **params: Any) -> requests.Response:
        fields = {"api": api, "method": method, "version": 1, **params}
        return self.http.post(f"{self.nas.url}/{path}", data=fields, headers=self.header, timeout=60)

    def login(self, sharing_id: str = "", **params: Any) -> Any:
        return self.send(LOGIN, "login", sharing_id=sharing_id or self.passphrase, **params).json()

    def ask(self, api: str, method: str, **params: Any) -> Any:
        return self.send(api, method, **{"passphrase": f'"{self.passphrase}"', **params}).json()

    def code(self, api: str, method: str, **params: Any) -> int:
        answer = self.ask(api, method, **params)
        assert not answer["success"], answer
        code: int = answer["error"]["code"]
        return code

    def items(self) -> Any:
        return self.ask(ITEM, "list", offset=0, limit=100)["data"]["list"]

    def thumbnail(self, unit_id: int, path: str, **params: Any) -> requests.Response:
        fields = {"id": unit_id, "type": '"unit"', "size": '"m"', "passphrase": f'"{self.passphrase}"', **params}
        if path == DOOR:
            return self.send("SYNO.Foto.Thumbnail", "get", **fields)
        fields["_sharing_id"] = f'"{self.passphrase}"'
        return self.http.get(f"{self.nas.url}/{path}", params=fields, timeout=60)


@pytest.fixture
def nas() -> Iterator[FakeNas]:
    with FakeNas() as nas:
        yield nas


@pytest.fixture
def kitchen(nas: FakeNas) -> Album:
    album = nas.library.album("kitchen-dash")
    nas.library.share(album)
    return album


@pytest.fixture
def stranger(nas: FakeNas, kitchen: Album) -> Iterator[Stranger]:
    stranger = Stranger(nas, kitchen)
    with stranger.http:
        yield stranger


def test_a_link_has_the_shape_of_a_real_one(nas: FakeNas, kitchen: Album) -> None:
    assert nas.share_url(kitchen) == f"{nas.url}/mo/sharing/{kitchen.passphrase}"
    assert len(kitchen.passphrase) == 9
    assert kitchen.shared


def test_a_login_gives_a_session_of_32_characters_as_cookie_and_in_the_answer(stranger: Stranger) -> None:
    answer = stranger.login()
    assert set(answer) == {"data", "success"}
    assert set(answer["data"]) == {"sharing_sid"}
    assert len(answer["data"]["sharing_sid"]) == 32
    assert stranger.http.cookies["sharing_sid"] == answer["data"]["sharing_sid"]


def test_an_unknown_or_expired_link_is_1000(kitchen: Album, stranger: Stranger) -> None:
    refused = {"error": {"code": 1000, "errors": "Execute Error: login fail"}, "success": False}
    assert stranger.login("n0such1nk") == refused
    kitchen.expiration = 1
    assert stranger.login() == refused
    kitchen.expiration = 4_000_000_000
    assert stranger.login()["success"]


@pytest.mark.parametrize("sent", [{}, {"password": '"another"'}, {"password": "246810"}])
def test_a_wrong_password_is_1001_and_bare_digits_are_no_text(
    nas: FakeNas, kitchen: Album, stranger: Stranger, sent: dict[str, str]
) -> None:
    nas.library.share(kitchen, password="246810")
    refused = {"error": {"code": 1001, "errors": "Execute Error: wrong protect passwd"}, "success": False}
    assert stranger.login(**sent) == refused
    assert stranger.login(password='"246810"')["success"]


def test_a_link_for_invited_accounts_is_123_everywhere(nas: FakeNas, kitchen: Album, stranger: Stranger) -> None:
    stranger.login()
    nas.library.share(kitchen, privacy="private")
    assert stranger.login()["error"]["code"] == 123
    assert stranger.code(PERMISSION, "get_permission") == 123
    assert stranger.code(ALBUM, "get") == 123


def test_a_call_needs_cookie_and_header(stranger: Stranger) -> None:
    assert stranger.code(ITEM, "list", offset=0, limit=1) == 101
    stranger.login()
    assert len(stranger.items()) == 30
    stranger.header = {}
    assert stranger.code(ITEM, "list", offset=0, limit=1) == 119


def test_a_link_opens_its_own_album_alone(nas: FakeNas, stranger: Stranger) -> None:
    stranger.login()
    garden = nas.library.album("Anna's garden")
    page = {"offset": 0, "limit": 10}
    assert stranger.code(ITEM, "list", passphrase=f'"{garden.passphrase}"', **page) == 642
    assert stranger.code(ITEM, "list", passphrase='""', **page) == 642
    assert stranger.code(ITEM, "list", passphrase='""', album_id=2, **page) == 803
    assert stranger.code(ALBUM, "get", passphrase='""', id="[2]") == 803
    assert stranger.code(ITEM, "get", passphrase='""', id="[20001]") == 642


@pytest.mark.parametrize(
    ("api", "method", "code"),
    [(ALBUM, "list", 105), (ITEM, "count", 105), ("SYNO.Foto.UserInfo", "me", 102), ("SYNO.API.Auth", "login", 102)],
)
def test_most_calls_are_for_accounts(stranger: Stranger, api: str, method: str, code: int) -> None:
    stranger.login()
    assert stranger.code(api, method, offset=0, limit=1) == code


def test_the_login_is_at_the_links_door_alone(nas: FakeNas, stranger: Stranger) -> None:
    assert (
        stranger.send(LOGIN, "login", "webapi/entry.cgi", sharing_id=stranger.passphrase).json()["error"]["code"] == 103
    )


def test_the_album_tells_how_it_is_shared(nas: FakeNas, kitchen: Album, stranger: Stranger) -> None:
    nas.library.share(kitchen, password="x", privacy="public-download")
    stranger.login(password='"x"')
    (row,) = stranger.ask(ALBUM, "get", additional='["sharing_info","thumbnail"]')["data"]["list"]
    info = row["additional"]["sharing_info"]
    assert (info["enable_password"], info["privacy_type"], info["is_expired"]) == (True, "public-download", False)
    assert row["item_count"] == 30


@pytest.mark.parametrize(("privacy", "download"), [("public-view", False), ("public-download", True)])
def test_permissions_have_the_recorded_shape(
    nas: FakeNas, kitchen: Album, stranger: Stranger, privacy: str, download: bool
) -> None:
    nas.library.share(kitchen, privacy=privacy)
    stranger.login()
    permission = {"download": download, "manage": False, "own": False, "upload": False, "view": True}
    assert stranger.ask(PERMISSION, "get_permission")["data"] == {
        "permission": permission,
        "user_id": -1,
        "username": "",
    }


@pytest.mark.parametrize(
    ("era", "found"),
    [
        ("1.3", {WEB.format("p"): 404, WEB.format("t"): 404, DOOR: 200}),
        ("1.6", {WEB.format("p"): 404, WEB.format("t"): 404, DOOR: 200}),
        ("1.9", {WEB.format("p"): 200, WEB.format("t"): 200, DOOR: 404}),
    ],
)
def test_thumbnails_of_links_have_moved_since_1_7(era: str, found: dict[str, int]) -> None:
    with FakeNas(era=era) as nas:
        album = nas.library.album("kitchen-dash")
        nas.library.share(album)
        stranger = Stranger(nas, album)
        with stranger.http:
            stranger.login()
            own, team = album.items[0].unit_id, next(item for item in album.items if not item.owner_user_id).unit_id
            for unit in (own, team):
                assert {path: stranger.thumbnail(unit, path).status_code for path in found} == found
            outside = nas.library.album("Anna's garden").items[0].unit_id
            assert {stranger.thumbnail(outside, path).status_code for path in found} == {404}


@pytest.mark.parametrize(("era", "status"), [("1.3", 404), ("1.6", 200), ("1.9", 200)])
def test_accounts_have_the_new_way_to_thumbnails_since_1_5(era: str, status: int) -> None:
    with FakeNas(era=era) as nas, requests.Session() as http:
        http.trust_env = False
        fields = {"api": "SYNO.API.Auth", "method": "login", "version": "6", "account": "demo", "passwd": "demo"}
        http.post(f"{nas.url}/webapi/entry.cgi", data=fields, timeout=60)
        params = {"id": nas.library.albums[0].items[0].unit_id, "size": '"m"'}
        url = f"{nas.url}/{WEB.format('p')}"
        assert http.get(url, params=params, timeout=60).status_code == status
        assert http.post(url, data=params, timeout=60).status_code == 404


def test_a_thumbnail_needs_the_links_session(nas: FakeNas, kitchen: Album, stranger: Stranger) -> None:
    unit, path = kitchen.items[0].unit_id, WEB.format("p")
    assert stranger.thumbnail(unit, path).json()["error"]["code"] == 101
    stranger.login()
    assert stranger.thumbnail(unit, path, passphrase='"other"').status_code == 404
    assert stranger.thumbnail(unit, path).headers["Content-Type"] == "image/jpeg"


def test_files_are_given_only_where_the_link_allows_downloads(nas: FakeNas, kitchen: Album, stranger: Stranger) -> None:
    stranger.login()
    item = kitchen.items[0]
    wanted = {"unit_id": f"[{item.unit_id}]", "_sharing_id": f'"{kitchen.passphrase}"'}
    assert stranger.code("SYNO.Foto.Download", "download", **wanted) == 804
    nas.library.share(kitchen, privacy="public-download")
    fields = {"passphrase": f'"{kitchen.passphrase}"', **wanted}
    assert stranger.send("SYNO.Foto.Download", "download", **fields).content == item.data("original")
    del wanted["_sharing_id"]
    assert stranger.code("SYNO.Foto.Download", "download", **wanted) == 804


@pytest.mark.parametrize("code", [101, 119])
def test_sessions_of_links_expire_too(nas: FakeNas, stranger: Stranger, code: int) -> None:
    stranger.login()
    nas.expire_sessions(code)
    assert stranger.code(ALBUM, "get") == code
    stranger.login()
    assert stranger.items()


def test_a_link_that_is_taken_back_takes_its_sessions_along(nas: FakeNas, kitchen: Album, stranger: Stranger) -> None:
    stranger.login()
    nas.library.unshare(kitchen)
    assert stranger.code(ALBUM, "get") == 119
    assert stranger.login()["error"]["code"] == 1000


def test_a_folders_link_can_be_opened_and_holds_no_album(nas: FakeNas, stranger: Stranger) -> None:
    nas.library.folder_links.add("f0lder111")
    stranger.passphrase, stranger.header = "f0lder111", {"X-SYNO-SHARING": "f0lder111"}
    assert stranger.login()["success"]
    assert stranger.code(ALBUM, "get") == 642
    assert stranger.code(PERMISSION, "get_permission") == 642


def test_the_links_page_tells_a_browser_how_it_is_protected(nas: FakeNas, kitchen: Album, stranger: Stranger) -> None:
    def page() -> requests.Response:
        return stranger.http.get(nas.share_url(kitchen), timeout=60, allow_redirects=False)

    assert 'enable_password: false, privacy_type: "public-view"' in page().text
    assert page().headers["Content-Type"].startswith("text/html")
    nas.library.share(kitchen, password="x")
    assert "enable_password: true" in page().text
    nas.library.share(kitchen, privacy="private")
    assert "launchApp=SYNO.Foto.Sharing.AppInstance" in page().headers["Location"]
    kitchen.expiration = 1
    assert "invalid or has expired" in page().text


def test_faults_act_on_the_calls_of_a_link(nas: FakeNas, stranger: Stranger) -> None:
    nas.fault(fakenas.error(1000), api=LOGIN)
    assert stranger.login()["error"]["code"] == 1000
    assert nas.count(LOGIN, "login") == 1


@pytest.mark.parametrize("era", ERAS)
def test_the_program_prints_a_link_that_opens_the_first_album(era: str) -> None:
    command = [sys.executable, "-m", "photosync.fakenas", "--photos", "3", "--era", era, "--share"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(4)]
        url, _, passphrase = lines[3].removeprefix("share link ").strip().partition("/mo/sharing/")
        fields = {"api": LOGIN, "method": "login", "version": 1, "sharing_id": f'"{passphrase}"'}
        assert requests.post(f"{url}/{DOOR}", data=fields, timeout=60).json()["success"]
        process.terminate()
        assert process.wait(60) == 0
