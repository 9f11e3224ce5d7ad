"""ShareLink on a simulated NAS, in every era: what it sends, what it opens, and what it says when it does not."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import unquote_plus

import pytest
from conftest import CANARY_PASSPHRASE, canary_nas, leaks, link_settings, share
from guest import ALBUM, AUTH, ITEM, MINUTE, SHARE_LOGIN, TEAM_THUMBNAIL, THUMBNAIL, Visitor, shared_space

from photosync import fakenas
from photosync.albums import AlbumView, look
from photosync.catalog import Catalog
from photosync.connect import build_client
from photosync.errors import (
    AlbumProblem,
    LoginRefused,
    NasBadAnswer,
    NasCallRefused,
    NasError,
    NasRedirects,
    NasUnreachable,
    PhotoNotFound,
)
from photosync.fakenas import FakeNas, Fault
from photosync.fakenas.ways import Ways
from photosync.log import Redactor
from photosync.models import Photo
from photosync.secret import Secret
from photosync.settings import load_settings
from photosync.share_link import LinkLogin, ShareLink

ERAS = ("1.3", "1.6", "1.9")
PERSONAL, TEAM, OLD = (
    "/synofoto/api/v2/p/Thumbnail/get",
    "/synofoto/api/v2/t/Thumbnail/get",
    "/mo/sharing/webapi/entry.cgi",
)
LOGIN_CALLS = (SHARE_LOGIN, "SYNO.API.Info")
PASSWORD = "0123456789"


@pytest.fixture
def visitor(nas: FakeNas) -> Visitor:
    share(nas)
    return Visitor(nas)


@pytest.fixture(params=ERAS)
def of_an_era(request: pytest.FixtureRequest) -> Iterator[Visitor]:
    with canary_nas(era=request.param) as nas:
        share(nas)
        yield Visitor(nas)


def only_at(fault: Fault, path: str) -> Fault:
    return replace(fault, applies=lambda exchange: exchange.call.path == path)


def photos(visitor: Visitor) -> list[Photo]:
    (album,) = visitor.client.list_albums()
    return visitor.client.list_photos(album).photos


# What it opens


def test_every_photo_of_the_album_can_be_had_in_every_era(of_an_era: Visitor) -> None:
    found = photos(of_an_era)
    assert len(found) == 28
    assert [of_an_era.client.fetch(photo) for photo in found] == [of_an_era.item(photo).data("xl") for photo in found]
    assert of_an_era.logins == 1


@pytest.mark.parametrize("album", ["Summer days", "Anna's garden", "Grandparents"])
def test_smart_albums_and_those_of_others_open_as_well(nas: FakeNas, album: str) -> None:
    share(nas, album)
    visitor = Visitor(nas)
    found = photos(visitor)
    assert len(found) == len(nas.library.album(album).items)
    assert all(visitor.client.fetch(photo) for photo in found)


def test_live_photos_and_those_of_the_shared_space_are_among_them(visitor: Visitor) -> None:
    items = [visitor.item(photo) for photo in photos(visitor)]
    assert {item.type for item in items} == {"photo", "live"}
    assert sum(map(shared_space, items)) == 2


def test_a_look_finds_the_one_album_without_a_name(visitor: Visitor) -> None:
    first = look(visitor.client, [AlbumView("")], Catalog(), now=0.0)
    assert [view.title for view in first.views] == ["kitchen-dash"]
    assert first.catalog is not None
    visitor.nas.calls.clear()
    assert look(visitor.client, first.views, first.catalog, now=1.0).catalog is None
    assert [(call.api, call.method) for call in visitor.nas.calls] == [(ALBUM, "get")]
    album = visitor.nas.library.albums[0]
    album.name = "renamed"
    visitor.nas.library.bump(album)
    second = look(visitor.client, first.views, first.catalog, now=2.0)
    assert ([view.title for view in second.views], second.views[0].problem) == (["renamed"], None)


# What it sends


def test_the_login_is_posted_at_the_links_door_with_its_texts_quoted(nas: FakeNas, visitor: Visitor) -> None:
    share(nas, password=PASSWORD)
    visitor.link_password = PASSWORD
    visitor.client.login()
    login = nas.calls[-1]
    assert (login.http_method, login.path, login.api) == ("POST", OLD, SHARE_LOGIN)
    assert json.loads(login.params["sharing_id"]) == CANARY_PASSPHRASE
    assert json.loads(login.params["password"]) == PASSWORD
    assert "Cookie" not in login.headers


def test_a_link_without_a_password_sends_none(nas: FakeNas, visitor: Visitor) -> None:
    visitor.client.login()
    assert "password" not in nas.calls[-1].params


def test_every_later_call_carries_cookie_and_header(nas: FakeNas, visitor: Visitor) -> None:
    visitor.client.fetch(photos(visitor)[0])
    later = [call for call in nas.calls if call.api not in LOGIN_CALLS]
    assert {call.api for call in later} == {ALBUM, ITEM, THUMBNAIL}
    assert {call.headers["X-SYNO-SHARING"] for call in later} == {CANARY_PASSPHRASE}
    assert all(call.cookies["sharing_sid"] for call in later)
    assert {json.loads(call.params["passphrase"]) for call in later} == {CANARY_PASSPHRASE}
    assert nas.count(AUTH) == 0


def test_the_passphrase_stands_in_no_address_but_the_newer_thumbnails(of_an_era: Visitor) -> None:
    nas = of_an_era.nas
    share(nas, password="canary-pass", privacy="public-download")
    of_an_era.link_password = "canary-pass"
    for photo in photos(of_an_era):
        of_an_era.client.fetch(photo)
        of_an_era.client.fetch(replace(photo, size="original"))
    of_an_era.client.logout()
    told = [call for call in nas.calls if leaks(unquote_plus(f"{call.path}?{call.query_string}"))]
    assert {call.path for call in told} <= {PERSONAL, TEAM}
    fields = {"id", "cache_key", "type", "size", "passphrase", "_sharing_id"}
    assert all(set(call.params) == fields for call in told)
    assert all(leaks(unquote_plus(call.query_string)) == [CANARY_PASSPHRASE] for call in told)


def test_secrets_are_told_to_be_hidden_and_shown_by_no_repr(nas: FakeNas, visitor: Visitor) -> None:
    share(nas, password=PASSWORD)
    visitor.link_password = PASSWORD
    (album,) = visitor.client.list_albums()
    sid = nas.calls[-1].cookies["sharing_sid"]
    assert {PASSWORD, sid, CANARY_PASSPHRASE} <= set(visitor.hidden)
    for shown in (album, photos(visitor)[0], LinkLogin(sid, CANARY_PASSPHRASE)):
        assert not leaks(repr(shown))


def test_an_album_that_does_not_tell_its_passphrase_is_opened_by_the_links(nas: FakeNas, visitor: Visitor) -> None:
    nas.fault(fakenas.edit_rows(lambda rows: [row | {"passphrase": ""} for row in rows]), api=ALBUM)
    found = photos(visitor)
    assert visitor.client.fetch(found[0]) == visitor.item(found[0]).data("xl")


def test_logging_out_costs_no_call(nas: FakeNas, visitor: Visitor) -> None:
    visitor.client.login()
    before = len(nas.calls)
    visitor.client.logout()
    assert len(nas.calls) == before
    assert visitor.client.list_albums()
    assert visitor.logins == 2


# Where thumbnails are


@pytest.mark.parametrize(
    ("era", "first", "later"), [("1.3", [PERSONAL, TEAM, OLD], [OLD]), ("1.9", [PERSONAL], [PERSONAL])]
)
def test_where_a_thumbnail_was_found_the_next_one_is_asked_for(era: str, first: list[str], later: list[str]) -> None:
    with canary_nas(era=era) as nas:
        share(nas)
        visitor = Visitor(nas)
        found = photos(visitor)
        for photo, expected in zip(found[:3], (first, later, later), strict=True):
            nas.calls.clear()
            visitor.client.fetch(photo)
            assert [call.path for call in visitor.thumbnail_calls()] == expected


def test_the_other_new_way_is_tried_before_the_old_one(nas: FakeNas, visitor: Visitor) -> None:
    nas.fault(only_at(fakenas.status(404), PERSONAL))
    found = photos(visitor)
    nas.calls.clear()
    for photo in found[:2]:
        visitor.client.fetch(photo)
    assert [call.path for call in visitor.thumbnail_calls()] == [PERSONAL, TEAM, TEAM]


def test_a_photo_without_thumbnail_is_told_and_changes_nothing_for_the_others(of_an_era: Visitor) -> None:
    found = photos(of_an_era)
    of_an_era.client.fetch(found[0])
    known = of_an_era.thumbnail_calls()[-1].path
    of_an_era.item(found[1]).thumbnails = dict.fromkeys(("sm", "m", "xl"), "broken")
    with pytest.raises(PhotoNotFound):
        of_an_era.client.fetch(found[1])
    of_an_era.nas.calls.clear()
    of_an_era.client.fetch(found[2])
    assert [call.path for call in of_an_era.nas.calls] == [known]


def test_a_nas_that_was_updated_gives_thumbnails_at_once(nas: FakeNas, visitor: Visitor) -> None:
    found = photos(visitor)
    for era in ("1.6", "1.9", "1.6"):
        nas.era = era
        assert visitor.client.fetch(found[0]) == visitor.item(found[0]).data("xl")
        nas.calls.clear()
        visitor.client.fetch(found[1])
        assert len(visitor.thumbnail_calls()) == 1


def test_an_error_on_the_way_is_told_and_no_other_way_is_tried(nas: FakeNas, visitor: Visitor) -> None:
    found = photos(visitor)
    nas.fault(fakenas.status(503), api=THUMBNAIL)
    with pytest.raises(NasUnreachable):
        visitor.client.fetch(found[0])
    assert nas.count(TEAM_THUMBNAIL) == 0


# Originals


def test_originals_come_where_downloads_are_allowed(of_an_era: Visitor) -> None:
    share(of_an_era.nas, privacy="public-download")
    visitor = Visitor(of_an_era.nas, photo_size="original")
    found = photos(visitor)
    jpegs = [photo for photo in found if photo.size == "original"]
    assert len(jpegs) > 20
    assert [visitor.client.fetch(photo) for photo in jpegs] == [visitor.item(photo).data("original") for photo in jpegs]


def test_where_they_are_not_photos_come_in_size_xl_and_the_log_says_so(
    nas: FakeNas, caplog: pytest.LogCaptureFixture
) -> None:
    share(nas)
    visitor = Visitor(nas, photo_size="original")
    with caplog.at_level("INFO"):
        found = photos(visitor)
        assert list(photos(visitor)) == list(found)
    assert {photo.size for photo in found} == {"xl"}
    assert caplog.text.count("allows no downloads") == 1
    assert visitor.client.fetch(found[0]) == visitor.item(found[0]).data("xl")


def test_a_change_of_what_the_link_allows_is_a_change_of_the_album(nas: FakeNas) -> None:
    share(nas)
    visitor = Visitor(nas, photo_size="original")
    first = look(visitor.client, [AlbumView("")], Catalog(), now=0.0)
    share(nas, privacy="public-download")
    assert first.catalog is not None
    second = look(visitor.client, first.views, first.catalog, now=1.0)
    assert second.catalog is not None
    assert "original" in {photo.size for photo in second.catalog.photos}


# Sessions that end


@pytest.mark.parametrize("code", [101, 105, 106, 107, 119])
def test_a_dead_session_costs_one_login_and_one_more_try(nas: FakeNas, visitor: Visitor, code: int) -> None:
    (album,), photo = visitor.client.list_albums(), photos(visitor)[0]
    nas.expire_sessions(code)
    assert visitor.client.album_state(album) == album
    assert visitor.logins == 2
    nas.expire_sessions(code)
    assert visitor.client.fetch(photo) == visitor.item(photo).data("xl")
    assert visitor.logins == 3


@pytest.mark.parametrize("code", [101, 119])
def test_a_session_that_stays_dead_is_told_after_one_login(nas: FakeNas, visitor: Visitor, code: int) -> None:
    (album,) = visitor.client.list_albums()
    nas.fault(fakenas.error(code), api=ALBUM)
    with pytest.raises(NasCallRefused, match=f"error code {code}"):
        visitor.client.album_state(album)
    assert visitor.logins == 2


def test_a_link_that_is_no_longer_for_all_costs_no_login_at_each_look(nas: FakeNas, visitor: Visitor) -> None:
    (album,) = visitor.client.list_albums()
    nas.fault(fakenas.error(123), api=ALBUM)
    for _ in range(10):
        visitor.clock.now += MINUTE
        with pytest.raises(NasCallRefused, match="only for those who were invited"):
            visitor.client.album_state(album)
    assert visitor.logins == 2


# What it says


def refusal(visitor: Visitor) -> NasError:
    with pytest.raises(NasError) as caught:
        visitor.client.list_albums()
    assert not leaks(caught.value.sentence)
    return caught.value


def expire(nas: FakeNas) -> None:
    nas.library.album("kitchen-dash").expiration = 1


REFUSALS: dict[str, tuple[Any, str, str, str]] = {
    "taken back": (lambda nas: nas.library.unshare(nas.library.albums[0]), "login_1000", "was taken back", "share the"),
    "expired": (expire, "login_1000", "has expired", "in a browser"),
    "invited": (lambda nas: share(nas, privacy="private"), "login_123", "invited", "let everybody"),
    "no password": (lambda nas: share(nas, password="x"), "login_1001", "none was given", "--share-password-file"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_each_refusal_of_the_link_is_told_apart_and_tried_once(nas: FakeNas, visitor: Visitor, name: str) -> None:
    arrange, kind, cause, step = REFUSALS[name]
    arrange(nas)
    error = refusal(visitor)
    assert isinstance(error, LoginRefused)
    assert error.kind == kind
    assert cause in str(error)
    assert step in error.next_step
    for _ in range(3):
        visitor.clock.now += 5 * MINUTE
        assert refusal(visitor) is error
    assert visitor.logins == 1
    visitor.clock.now += 16 * MINUTE
    refusal(visitor)
    assert visitor.logins == 2


def test_a_wrong_password_waits_for_another_one(nas: FakeNas, visitor: Visitor) -> None:
    share(nas, password=PASSWORD)
    visitor.link_password = "9876543210"
    error = refusal(visitor)
    assert isinstance(error, LoginRefused)
    assert "password of the share link" in str(error)
    assert "--share-password" in error.next_step
    refusal(visitor)
    assert visitor.logins == 1
    visitor.link_password = PASSWORD
    assert visitor.client.list_albums()


def test_an_address_that_the_nas_blocks_is_left_alone_for_an_hour(nas: FakeNas, visitor: Visitor) -> None:
    nas.fault(fakenas.error(407), api=SHARE_LOGIN, times=1)
    assert "blocked" in str(refusal(visitor))
    visitor.clock.now += 59 * MINUTE
    refusal(visitor)
    assert visitor.logins == 1
    visitor.clock.now += 2 * MINUTE
    assert visitor.client.list_albums()


@pytest.mark.parametrize("code", [117, 498, 999])
def test_any_other_refusal_is_tried_again(nas: FakeNas, visitor: Visitor, code: int) -> None:
    nas.fault(fakenas.error(code), api=SHARE_LOGIN, times=1)
    assert isinstance(refusal(visitor), NasUnreachable)
    assert visitor.client.list_albums()


def test_a_link_of_a_folder_is_told(nas: FakeNas, visitor: Visitor) -> None:
    nas.library.unshare(nas.library.albums[0])
    nas.library.folder_links.add(CANARY_PASSPHRASE)
    error = refusal(visitor)
    assert isinstance(error, AlbumProblem)
    assert "a folder's" in str(error)
    assert "into an album" in error.next_step


def test_an_empty_answer_in_place_of_the_album_is_told_alike(nas: FakeNas, visitor: Visitor) -> None:
    nas.fault(fakenas.edit_rows(lambda rows: []), api=ALBUM)
    assert isinstance(refusal(visitor), AlbumProblem)


def test_a_photo_that_the_link_does_not_open_is_told(nas: FakeNas, visitor: Visitor) -> None:
    found = photos(visitor)
    nas.fault(fakenas.error(803), api=THUMBNAIL)
    with pytest.raises(NasCallRefused, match="does not open this photo"):
        visitor.client.fetch(found[0])


def test_a_nas_without_share_links_is_told(nas: FakeNas, visitor: Visitor) -> None:
    row = {"maxVersion": 1, "minVersion": 1, "path": "entry.cgi", "requestFormat": "JSON"}
    offered = {AUTH: row, ITEM: row, ALBUM: row}
    nas.fault(fakenas.json_body({"success": True, "data": offered}), api="SYNO.API.Info")
    assert "offers no share links" in str(refusal(visitor))


@pytest.mark.parametrize("sid", [None, "", 5, "a b", "a;b", "a\r\nX: y", "ä", "s" * 257])
def test_a_session_that_could_break_a_header_is_refused(nas: FakeNas, visitor: Visitor, sid: Any) -> None:
    nas.fault(fakenas.json_body({"success": True, "data": {"sharing_sid": sid}}), api=SHARE_LOGIN)
    error = refusal(visitor)
    assert isinstance(error, NasBadAnswer)
    assert error.kind == "bad_sid"


ADVICE: dict[str, Fault] = {
    "page": fakenas.html(),
    "no HTTP": fakenas.raw(b"SSH-2.0-x\r\n"),
    "reset": fakenas.reset(),
    "status": fakenas.status(403),
    "redirect": fakenas.redirect("https://nas.example:5001/photo/webapi/query.cgi"),
    "redirect to nowhere": fakenas.redirect("/elsewhere"),
    "another page": fakenas.status(404),
    "slow": fakenas.hang(),
}


def assert_fits_a_link(error: NasError) -> None:
    """No option that a link does not have, and no address that could be taken for a whole link."""
    assert not re.search(r"--(url|port|username|password|album|enrol|otp|device)", error.sentence)
    assert not re.search(r"--share-link[ :=]+http", error.sentence)
    assert "/sharing" not in error.sentence


@pytest.mark.parametrize("name", ADVICE)
def test_no_advice_names_an_option_that_a_link_does_not_have(nas: FakeNas, name: str) -> None:
    share(nas)
    visitor = Visitor(nas, timeout_seconds=0.5)
    nas.fault(ADVICE[name])
    error = refusal(visitor)
    assert "--share-link" in error.next_step
    assert_fits_a_link(error)


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("host", ["127.0.0.1", "nas.invalid"])
def test_no_trouble_with_the_connection_is_told_with_another_option(tls: bool, scheme: str, host: str) -> None:
    with canary_nas(tls=tls) as nas:
        url = f"{scheme}://{host}:{nas.port}"
        for ended in (False, True):
            if ended:
                nas.stop()
            for trusted in ({}, {"insecure": True}, {"tls_fingerprint": "AB:" * 31 + "AB"}):
                client = build_client(link_settings(nas, **trusted | {"url": url}), Redactor())
                try:
                    client.discover()
                except NasError as error:
                    assert_fits_a_link(error)
                else:
                    assert not ended and (scheme == "https") == tls


@pytest.mark.parametrize("api", [SHARE_LOGIN, ALBUM, ITEM])
def test_no_error_code_is_told_with_an_option_of_accounts(nas: FakeNas, api: str) -> None:
    share(nas)
    for code in (*range(100, 122), 150, 160, *range(400, 412), 498, 499, 609, 642, 801, 803, 804, 1000, 1001):
        nas.clear_faults()
        nas.fault(fakenas.error(code), api=api)
        with pytest.raises(NasError) as caught:
            photos(Visitor(nas))
        assert_fits_a_link(caught.value)


def test_a_redirect_says_how_the_link_has_to_begin(nas: FakeNas, visitor: Visitor) -> None:
    nas.fault(ADVICE["redirect"])
    assert "let --share-link begin with https://nas.example:5001/photo" in refusal(visitor).next_step


def test_a_redirect_of_a_call_is_told_without_the_links_folder(nas: FakeNas, visitor: Visitor) -> None:
    (album,) = visitor.client.list_albums()
    nas.ways = Ways(redirect_to="https://nas.example:5001")
    with pytest.raises(NasRedirects) as caught:
        visitor.client.album_state(album)
    assert caught.value.next_step == "If that is your NAS, let --share-link begin with https://nas.example:5001"


def test_a_link_in_another_folder_opens_the_album(nas: FakeNas) -> None:
    link = share(nas).replace("/mo/", "/aa/")
    client = build_client(load_settings(["--share-link", link], {}), Redactor())
    (album,) = client.list_albums()
    assert client.list_photos(album).photos
    assert {call.path for call in nas.calls} == {"/webapi/query.cgi", "/aa/sharing/webapi/entry.cgi"}


def test_too_many_logins_are_told_in_the_words_of_a_link(nas: FakeNas, visitor: Visitor) -> None:
    (album,) = visitor.client.list_albums()
    for _ in range(5):
        nas.expire_sessions()
        visitor.client.album_state(album)
    nas.expire_sessions()
    error = refusal(visitor)
    assert error.kind == "login_brake"
    assert "a link of its own" in error.next_step


def test_its_own_repr_shows_nothing() -> None:
    link = ShareLink(Secret(CANARY_PASSPHRASE), lambda: Secret("canary-pass"), lambda text: None)
    assert not leaks(repr(link))
