"""SynologyClient on a simulated NAS: discovery, login, albums, pages and picture bytes, healthy and not."""

from __future__ import annotations

import io
import json
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote_plus

import pytest
from conftest import CANARY_PASSWORD, CANARY_SESSION, CANARY_TOKEN, canary_nas, leaks
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from photosync import fakenas
from photosync.albums import look
from photosync.errors import (
    LoginRefused,
    NasBadAnswer,
    NasCallRefused,
    NasError,
    NasUnreachable,
    PhotoNotFound,
)
from photosync.fakenas import FakeNas, Fault, Item, Library
from photosync.listing import Listing, album_from_row
from photosync.log import Redactor
from photosync.models import Album, Catalog, Photo
from photosync.nas import SynologyClient
from photosync.settings import Secret
from photosync.wire import Wire

AUTH = "SYNO.API.Auth"
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


class Guest:
    """A client with a clock and a password that tests can change."""

    def __init__(self, nas: FakeNas, **options: Any) -> None:
        self.nas = nas
        self.clock = Clock()
        self.password = nas.password
        self.hidden: list[str] = []
        self.redactor = Redactor()
        self.client = SynologyClient(
            Wire(nas.url, 5.0, None, False),
            nas.username,
            lambda: Secret(self.password),
            hide=self._hide,
            clock=self.clock,
            **{"max_photo_bytes": 8_000_000} | options,
        )

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


@pytest.fixture
def guest(nas: FakeNas) -> Guest:
    return Guest(nas)


@contextmanager
def guest_of(library: Library, **options: Any) -> Iterator[Guest]:
    with canary_nas(library=library) as nas:
        yield Guest(nas, **options)


def own(item: Item) -> bool:
    return item.owner_user_id == 2 and item.type == "photo"


def shared_space(item: Item) -> bool:
    return item.owner_user_id == 0


# Discovery


VERSIONS = {
    "A": {AUTH: 6, ALBUM: 1, ITEM: 3, MISC: 1, THUMBNAIL: 1, TEAM_THUMBNAIL: 1},
    "B": {AUTH: 6, ALBUM: 2, ITEM: 4, MISC: 1, THUMBNAIL: 2, TEAM_THUMBNAIL: 2},
}


@pytest.mark.parametrize("era", ["A", "B"])
def test_every_call_has_the_highest_version_that_both_sides_know(era: str) -> None:
    with canary_nas(era=era) as nas:
        guest = Guest(nas)
        for photo in (guest.photo(own), guest.photo(shared_space)):
            assert guest.client.fetch(photo) == guest.item(photo).data("xl")
        versions = {call.api: call.version for call in nas.calls}
    assert versions == {"SYNO.API.Info": 1} | VERSIONS[era]


@pytest.mark.parametrize(("era", "version"), [("A", 1), ("B", 2)])
def test_originals_are_asked_for_in_a_version_that_both_sides_know(era: str, version: int) -> None:
    with canary_nas(era=era) as nas:
        guest = Guest(nas, photo_size="original")
        photo = guest.photo(own)
        assert guest.client.fetch(photo) == guest.item(photo).data("original")
        assert nas.calls[-1].version == version


def test_a_nas_between_the_eras_is_asked_in_its_own_versions(guest: Guest, nas: FakeNas) -> None:
    nas.max_versions = {ITEM: 2, ALBUM: 1}
    assert guest.photos()
    assert {call.version for call in nas.calls if call.api == ITEM} == {2}
    assert {call.version for call in nas.calls if call.api == ALBUM} == {1}


def test_what_is_offered_is_asked_once(guest: Guest, nas: FakeNas) -> None:
    guest.photos()
    guest.photos()
    assert nas.count("SYNO.API.Info") == 1


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (fakenas.html(), "not_dsm"),
        (fakenas.status(404), "not_dsm"),
        (fakenas.json_body({"success": True, "data": {}}), "not_dsm"),
        (fakenas.json_body({"success": True, "data": []}), "not_dsm"),
        (fakenas.json_body({"success": True, "data": {AUTH: {"maxVersion": "6"}}}), "not_dsm"),
        (fakenas.json_body("<!DOCTYPE HTML><HTML></HTML>"), "not_dsm"),
        (fakenas.json_body([]), "bad_json"),
        (fakenas.json_body({"hello": "world"}), "bad_json"),
    ],
)
def test_what_is_no_dsm_is_told(guest: Guest, nas: FakeNas, fault: Fault, kind: str) -> None:
    nas.fault(fault, api="SYNO.API.Info")
    with pytest.raises(NasBadAnswer) as caught:
        guest.client.discover()
    assert caught.value.kind == kind
    assert guest.logins == 0


def test_a_nas_without_photos_is_told_and_found_once_it_has_them(guest: Guest, nas: FakeNas) -> None:
    nas.photos_installed = False
    with pytest.raises(NasCallRefused, match="not installed") as caught:
        guest.client.login()
    assert caught.value.code == 102
    assert "Package Center" in caught.value.next_step
    assert guest.logins == 0
    nas.photos_installed = True
    guest.client.login()
    assert guest.logins == 1


# Logging in


def test_credentials_go_in_the_body_and_nothing_secret_into_an_address(nas: FakeNas) -> None:
    for size in ("xl", "original"):
        guest = Guest(nas, photo_size=size)
        for album in ("kitchen-dash", "Anna's garden"):
            for photo in guest.photos(album):
                guest.client.fetch(photo)
        guest.client.logout()
    login = next(call for call in nas.calls if call.method == "login")
    assert login.http_method == "POST"
    assert (login.params["account"], login.params["passwd"]) == (nas.username, CANARY_PASSWORD)
    addresses = " ".join(unquote_plus(f"{call.path}?{call.query_string}") for call in nas.calls)
    assert "SYNO.Foto.Thumbnail" in addresses
    assert not leaks(addresses)
    assert GARDEN_PASSPHRASE not in addresses


def test_every_call_but_the_login_carries_cookie_and_token(guest: Guest, nas: FakeNas) -> None:
    guest.client.fetch(guest.photo(own))
    calls = [call for call in nas.calls if call.api not in ("SYNO.API.Info", AUTH)]
    assert len(calls) >= 4
    assert {call.cookies["id"] for call in calls} == set(nas.sessions)
    assert {call.headers["X-SYNO-TOKEN"] for call in calls} == {CANARY_TOKEN}
    login = next(call for call in nas.calls if call.method == "login")
    assert "Cookie" not in login.headers


def test_every_secret_of_the_nas_is_hidden_from_the_log(guest: Guest, nas: FakeNas) -> None:
    guest.client.list_albums()
    assert {*nas.sessions, CANARY_TOKEN, GARDEN_PASSPHRASE} <= set(guest.hidden)


@pytest.mark.parametrize("token", [None, "", "--------"])
def test_a_login_without_a_token_is_a_login(guest: Guest, nas: FakeNas, token: str | None) -> None:
    nas.token_required = False
    row = {"sid": "s" * 40, "synotoken": token}
    nas.fault(fakenas.json_body({"success": True, "data": row}), api=AUTH)
    guest.client.login()
    # The log would hide common words.
    assert "none" not in guest.hidden
    assert "--------" not in guest.hidden


@pytest.mark.parametrize(
    "data",
    [
        *({"sid": sid} for sid in ("", None, 5, True, ["s"], "ä", "a b", "a;b", "a\r\nX: y", "a" * 600, "\ud800" * 9)),
        *({"sid": "s" * 40, "synotoken": token} for token in (5, ["t"], "a\nb", "ö", "t" * 600)),
        None,
        [],
        "sid",
    ],
    ids=lambda data: ascii(data)[:30],
)
def test_a_session_that_could_break_a_header_is_refused(guest: Guest, nas: FakeNas, data: Any) -> None:
    nas.fault(fakenas.json_body({"success": True, "data": data}), api=AUTH)
    with pytest.raises(NasBadAnswer) as caught:
        guest.client.login()
    assert caught.value.kind == "bad_sid"


REFUSED = range(400, 412)


def refuse(guest: Guest, code: int | None) -> LoginRefused:
    guest.nas.login_error = code
    with pytest.raises(LoginRefused) as caught:
        guest.client.list_albums()
    return caught.value


@pytest.mark.parametrize("code", REFUSED)
def test_a_refused_login_is_not_repeated_until_its_cause_can_be_gone(guest: Guest, code: int) -> None:
    error = refuse(guest, code)
    assert error.kind == f"login_{code}"
    assert error.next_step
    assert not leaks(error.sentence)
    pause = (60 if code == 407 else 30) * MINUTE
    started_at = guest.clock.now
    for part in (0.0, 0.01, 0.5, 0.999):
        guest.clock.now = started_at + part * pause
        assert str(refuse(guest, None)) == str(error)
    assert guest.logins == 1
    guest.clock.now = started_at + pause
    assert guest.client.list_albums()
    assert guest.logins == 2


def test_each_refusal_has_a_sentence_and_a_next_step_of_its_own() -> None:
    told: list[tuple[str, str]] = []
    for code in REFUSED:
        with canary_nas() as nas:
            error = refuse(Guest(nas), code)
            told.append((str(error), error.next_step))
    assert len({sentence for sentence, _ in told}) == len(REFUSED)
    assert all(step.endswith(".") for _, step in told)
    words = {400: "password", 401: "disabled", 403: "second factor", 407: "blocked", 409: "expired", 411: "locked"}
    for code, word in words.items():
        assert word in told[code - 400][0]


def test_a_changed_password_is_tried_at_once(guest: Guest, nas: FakeNas) -> None:
    guest.password = "wrong"
    for _ in range(3):
        assert refuse(guest, None).kind == "login_400"
    assert (guest.logins, nas.failed_logins) == (1, 1)
    guest.password = "wrong again"
    assert refuse(guest, None).kind == "login_400"
    assert guest.logins == 2
    guest.password = nas.password
    assert guest.client.list_albums()
    assert guest.logins == 3


def test_a_second_factor_that_is_wanted_is_told(guest: Guest, nas: FakeNas) -> None:
    nas.otp = True
    error = refuse(guest, None)
    assert error.kind == "login_403"
    assert "2FA" in error.sentence


@pytest.mark.parametrize("code", [109, 110, 111, 117, 118, 498, 499])
def test_a_nas_that_is_starting_is_no_refusal_and_never_brakes_the_login(guest: Guest, code: int) -> None:
    guest.nas.login_error = code
    for _ in range(10):
        with pytest.raises(NasUnreachable) as caught:
            guest.client.list_albums()
        assert caught.value.kind == f"api_{code}"
        guest.clock.now += 20
    guest.nas.login_error = None
    assert guest.client.list_albums()


# Dead sessions


@pytest.mark.parametrize("code", [105, 106, 107, 119])
def test_a_dead_session_costs_one_login_and_one_more_try(guest: Guest, nas: FakeNas, code: int) -> None:
    album, photo = guest.album(), guest.photo(own)
    nas.expire_sessions(code)
    before = nas.count(ALBUM, "get")
    assert guest.client.album_state(album) == album
    assert (guest.logins, nas.count(ALBUM, "get") - before) == (2, 2)
    nas.expire_sessions(code)
    assert guest.client.fetch(photo) == guest.item(photo).data("xl")
    assert (guest.logins, nas.count(THUMBNAIL)) == (3, 2)


@pytest.mark.parametrize("size", ["xl", "original"])
def test_a_dead_session_in_the_shared_space_looks_like_no_permission(nas: FakeNas, size: str) -> None:
    guest = Guest(nas, photo_size=size)
    photo = guest.photo(shared_space)
    nas.expire_sessions(119)
    assert guest.client.fetch(photo) == guest.item(photo).data(size)
    assert guest.logins == 2


def test_803_outside_the_shared_space_is_told_without_another_login(guest: Guest, nas: FakeNas) -> None:
    photo = guest.photo(own)
    nas.fault(fakenas.error(803), api=THUMBNAIL)
    with pytest.raises(NasCallRefused) as caught:
        guest.client.fetch(photo)
    assert caught.value.code == 803
    assert guest.logins == 1


@pytest.mark.parametrize("code", [105, 106, 107, 119])
def test_the_second_failure_is_told(guest: Guest, nas: FakeNas, code: int) -> None:
    album, photo = guest.album(), guest.photo(own)
    nas.fault(fakenas.error(code))
    for ask in (lambda: guest.client.album_state(album), lambda: guest.client.fetch(photo)):
        nas.calls.clear()
        guest.clock.now += 31 * MINUTE
        nas.clear_faults()
        nas.fault(fakenas.error(code), api=ALBUM)
        nas.fault(fakenas.error(code), api=THUMBNAIL)
        with pytest.raises(NasCallRefused) as caught:
            ask()
        assert caught.value.code == code
        assert guest.logins == 1
        assert len(nas.calls) == 3


def test_twenty_calls_on_a_dead_session_make_one_login(guest: Guest, nas: FakeNas) -> None:
    album = guest.album()
    nas.expire_sessions()
    go = threading.Event()
    nas.fault(fakenas.hold(go), api=ALBUM, method="get", times=20)
    with ThreadPoolExecutor(20) as pool:
        answers = [pool.submit(guest.client.album_state, album) for _ in range(20)]
        deadline = time.monotonic() + 10
        while nas.answering < 20:
            assert time.monotonic() < deadline
            time.sleep(0.005)
        go.set()
        assert [answer.result(10) for answer in answers] == [album] * 20
    assert guest.logins == 2
    assert len(nas.sessions) == 1


def test_twenty_calls_without_any_session_make_one_login(guest: Guest) -> None:
    with ThreadPoolExecutor(20) as pool:
        answers = [pool.submit(guest.client.list_albums) for _ in range(20)]
        assert all(answer.result(10) for answer in answers)
    assert guest.logins == 1


def test_sessions_that_end_again_and_again_brake_the_login(guest: Guest, nas: FakeNas) -> None:
    album = guest.album()
    errors: list[NasError] = []
    for _ in range(20):
        nas.expire_sessions(107)
        try:
            guest.client.album_state(album)
        except NasUnreachable as error:
            errors.append(error)
    assert 3 <= guest.logins <= 6
    assert [error.kind for error in errors] == ["login_brake"] * (21 - guest.logins)
    assert all(0 < (error.retry_after_seconds or 0) <= 10 * MINUTE for error in errors)
    assert "account of its own" in errors[0].next_step
    guest.clock.now += 10 * MINUTE
    assert guest.client.album_state(album) == album


def test_photos_that_the_account_may_not_see_cost_no_login_each(guest: Guest, nas: FakeNas) -> None:
    photos = guest.photos()
    forbidden, allowed = guest.photo(shared_space), guest.photo(own)
    nas.fault(fakenas.error(803), api=TEAM_THUMBNAIL)
    for _ in range(10):
        with pytest.raises(NasCallRefused) as caught:
            guest.client.fetch(forbidden)
        assert caught.value.code == 803
    assert guest.logins <= 2
    assert guest.client.fetch(allowed) == guest.item(allowed).data("xl")
    assert len(photos) > 10


def test_a_missing_permission_costs_no_login_at_each_look(guest: Guest, nas: FakeNas) -> None:
    album = guest.album()
    nas.fault(fakenas.error(105), api=ALBUM)
    for _ in range(10):
        guest.clock.now += MINUTE
        with pytest.raises(NasCallRefused) as caught:
            guest.client.album_state(album)
        assert caught.value.code == 105
        assert "Synology Photos" in caught.value.sentence
    assert guest.logins <= 2


# Logging out


def test_logging_out_ends_the_session_at_the_nas(guest: Guest, nas: FakeNas) -> None:
    guest.client.login()
    assert nas.sessions
    guest.client.logout()
    assert nas.sessions == []
    assert nas.calls[-1].http_method == "POST"
    guest.client.logout()
    assert nas.count(AUTH, "logout") == 1
    assert guest.client.list_albums()
    assert guest.logins == 2


def test_logging_out_of_a_nas_that_is_gone_raises_nothing(guest: Guest, nas: FakeNas) -> None:
    guest.client.login()
    nas.stop()
    guest.client.logout()
    assert nas.count(AUTH, "logout") == 0


# Albums


def test_all_albums_are_listed_with_their_kinds(guest: Guest) -> None:
    albums = guest.client.list_albums()
    assert [album.name for album in albums] == ["kitchen-dash", "Grandparents", "Summer days", "", "Anna's garden"]
    assert [album.name for album in albums if album.smart] == ["Summer days"]
    assert [album.name for album in albums if album.shared_with_me] == ["Anna's garden"]
    assert all(album.item_count > 0 for album in albums)


def test_a_thousand_albums_are_listed_to_the_last() -> None:
    library = Library()
    for number in range(1000):
        library.new_album(f"album {number}")
    with guest_of(library) as guest:
        assert len(guest.client.list_albums()) == 1000
        assert guest.nas.count(ALBUM, "list") == 3


def test_an_own_album_is_addressed_by_its_id_even_when_it_is_shared(guest: Guest, nas: FakeNas) -> None:
    nas.library.album("Grandparents").passphrase = "0wnP4ssph"
    album = guest.album("Grandparents")
    assert len(guest.client.list_photos(album).photos) == 8
    guest.client.album_state(album)
    calls = [call for call in nas.calls if (call.api, call.method) in ((ITEM, "list"), (ALBUM, "get"))]
    assert len(calls) == 2
    assert all("passphrase" not in call.params for call in calls)


def test_an_album_shared_with_the_account_is_addressed_by_its_passphrase_alone(guest: Guest, nas: FakeNas) -> None:
    album = guest.album("Anna's garden")
    photos = guest.client.list_photos(album).photos
    assert len(photos) == 5
    guest.client.album_state(album)
    for photo in photos:
        assert guest.client.fetch(photo) == guest.item(photo).data("xl")
    calls = [call for call in nas.calls if call.api in (ITEM, THUMBNAIL) or call.method == "get"]
    assert len(calls) == 7
    assert {call.params["passphrase"] for call in calls} == {json.dumps(GARDEN_PASSPHRASE)}
    assert all("album_id" not in call.params for call in calls)
    assert all(call.params.get("id") == str(photo.unit_id) for call, photo in zip(calls[2:], photos, strict=True))


def test_a_passphrase_of_digits_stays_a_text() -> None:
    library = Library.samples()
    album = library.new_album("digits", shared_with_me=True, passphrase="123456789")
    library.add(album)
    with guest_of(library) as guest:
        (photo,) = guest.photos("digits")
        assert guest.client.fetch(photo)


def test_photos_of_others_in_an_own_album_come_by_its_passphrase() -> None:
    library = Library.samples()
    album = library.new_album("together", passphrase="t0gether1")
    theirs = library.add(album, owner_user_id=7)
    mine = library.add(album)
    with guest_of(library) as guest:
        for item in (theirs, mine):
            photo = guest.photo(lambda it, item=item: it is item, "together")  # type: ignore[misc]
            assert guest.client.fetch(photo) == item.data("xl")
        assert ["passphrase" in call.params for call in guest.nas.calls if call.api == THUMBNAIL] == [True, False]


def test_a_smart_album_tells_no_times_and_is_listed_all_the_same(guest: Guest) -> None:
    album = guest.album("Summer days")
    assert album.smart
    assert len(guest.client.list_photos(album).photos) == album.item_count == 6


@pytest.mark.parametrize("claimed", [0, 5, 7, 9999])
def test_a_smart_album_whose_count_lags_behind_is_taken_after_two_equal_listings(guest: Guest, claimed: int) -> None:
    guest.nas.library.album("Summer days").claimed_count = claimed
    assert len(guest.photos("Summer days")) == 6
    assert guest.nas.count(ITEM) == 2


@pytest.mark.parametrize("claimed", [0, 1, 25, 9999])
def test_an_album_that_lists_another_number_than_it_claims_is_incomplete(guest: Guest, claimed: int) -> None:
    guest.nas.library.album("kitchen-dash").claimed_count = claimed
    with pytest.raises(NasBadAnswer) as caught:
        guest.photos()
    assert caught.value.kind == "incomplete"
    assert str(claimed) in str(caught.value)


def test_a_count_that_is_right_at_the_second_look_is_complete(guest: Guest, nas: FakeNas) -> None:
    nas.fault(fakenas.edit_rows(lambda rows: rows[1:]), api=ITEM, times=1)
    assert len({photo.id for photo in guest.photos()}) == len(guest.photos())
    assert nas.count(ITEM) == 3


# Pages


@pytest.mark.parametrize(("count", "pages"), [(0, 1), (1, 1), (999, 1), (1000, 2), (2001, 3)])
def test_an_album_is_listed_to_its_last_page(count: int, pages: int) -> None:
    with guest_of(Library.synthetic(count)) as guest:
        listing = guest.client.list_photos(guest.album())
        assert len(listing.photos) == len(listing.seen) == count
        assert guest.nas.count(ITEM) == pages


def test_rows_that_come_twice_count_once() -> None:
    with guest_of(Library.synthetic(1500)) as guest:
        guest.nas.fault(fakenas.edit_rows(lambda rows: rows + rows[-400:]), api=ITEM, skip=1)
        photos = guest.photos()
        assert len(photos) == len({photo.id for photo in photos}) == 1500


def test_a_nas_that_repeats_a_page_for_ever_is_left() -> None:
    with guest_of(Library.synthetic(1000)) as guest:
        first: list[Any] = []

        def repeat(rows: list[Any]) -> list[Any]:
            first.extend([] if first else rows)
            return first

        guest.nas.fault(fakenas.edit_rows(repeat), api=ITEM)
        with pytest.raises(NasBadAnswer) as caught:
            guest.photos()
        assert caught.value.kind == "endless"
        assert guest.nas.count(ITEM) == 2


def test_a_failing_page_fails_the_whole_listing() -> None:
    with guest_of(Library.synthetic(2500)) as guest:
        guest.nas.fault(fakenas.error(117), api=ITEM, skip=2)
        with pytest.raises(NasUnreachable):
            guest.photos()


def test_photos_of_the_same_second_that_change_places_are_never_listed_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("photosync.nas._PAGE_ROWS", 5)
    library = Library()
    album = library.new_album("kitchen-dash", unstable=True)
    for _ in range(12):
        library.add(album, time=1_700_000_000)
    with guest_of(library) as guest:
        incomplete: list[str] = []
        for _ in range(20):
            try:
                photos = guest.photos()
            except NasBadAnswer as error:
                incomplete.append(error.kind)
            else:
                assert sorted(photo.id for photo in photos) == sorted(item.id for item in album.items)
        assert set(incomplete) == {"incomplete"}


Edit = tuple[str, int]
EDITS = st.lists(
    st.lists(st.tuples(st.sampled_from(["add", "remove"]), st.integers(0, 11)), max_size=3), min_size=1, max_size=8
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(script=EDITS)
def test_an_album_that_is_edited_while_it_is_listed_gives_no_duplicates_and_is_right_at_the_next_look(
    paging_guest: Guest, script: list[list[Edit]]
) -> None:
    library = paging_guest.nas.library
    with library.lock:
        album = library.new_album(f"edited {len(library.albums)}")
        for n in range(12):
            library.add(album, time=1_000_000 + 10 * n)
    ever = {item.id for item in album.items}
    coming = iter(script)

    async def edit(exchange: Any) -> None:
        for verb, place in next(coming, []):
            if verb == "add":
                ever.add(library.add(album, time=1_000_000 + 10 * place + 5).id)
            elif album.items:
                library.remove(album, album.items[place % len(album.items)])

    paging_guest.nas.fault(Fault(edit), api=ITEM)
    known: tuple[Album, ...] = ()
    catalog, trouble = Catalog(), ""
    try:
        found = look(paging_guest.client, [album.name], (), Catalog(), relist=True)
        assert found.catalog is not None
        ids = [photo.id for photo in found.catalog.photos]
        assert len(ids) == len(set(ids))
        assert set(ids) <= ever
        known = found.albums
        catalog = found.catalog
    except NasBadAnswer as error:
        trouble = error.kind
    paging_guest.nas.clear_faults()
    assert trouble in ("", "incomplete", "endless")
    quiet = look(paging_guest.client, [album.name], known, catalog, relist=not known)
    ids = [photo.id for photo in (quiet.catalog or catalog).photos]
    assert sorted(ids) == sorted(item.id for item in album.items)


@pytest.fixture
def paging_guest(monkeypatch: pytest.MonkeyPatch) -> Iterator[Guest]:
    """An empty NAS, listed four rows at a time."""
    monkeypatch.setattr("photosync.nas._PAGE_ROWS", 4)
    with guest_of(Library()) as guest:
        yield guest


# Nonsense


NONSENSE = {
    "nothing": "",
    "half": '{"success":true,"data":{"list":[{"id":1',
    "brackets": "[" * 200_000,
    "braces": '{"data":' * 200_000,
    "no data": '{"success":true}',
    "null data": '{"success":true,"data":null}',
    "null list": '{"success":true,"data":{"list":null}}',
    "list of numbers": '{"success":true,"data":{"list":[1,2]}}',
    "list of lists": '{"success":true,"data":{"list":[[]]}}',
    "list of nulls": '{"success":true,"data":{"list":[null]}}',
    "object for a list": '{"success":true,"data":{"list":{"id":1}}}',
    "list for data": '{"success":true,"data":[]}',
    "text for truth": '{"success":"true","data":{}}',
    "number for truth": '{"success":1,"data":{}}',
    "no success": '{"data":{"list":[]}}',
    "NaN rows": '{"success":true,"data":{"list":[{"id":NaN,"item_count":NaN}]}}',
    "endless number": '{"success":true,"data":{"list":[{"id":1e999,"item_count":-Infinity}]}}',
    "long number": '{"success":true,"data":{"list":[{"id":' + "9" * 5000 + "}]}}",
    "bool for a number": '{"success":true,"data":{"list":[{"id":true,"item_count":true}]}}',
    "error without a code": '{"success":false}',
    "null error": '{"success":false,"error":null}',
    "text for a code": '{"success":false,"error":{"code":"119"}}',
    "bool for a code": '{"success":false,"error":{"code":true}}',
    "huge code": '{"success":false,"error":{"code":1e99}}',
    "NaN": "NaN",
    "bytes": "\x00\x01\ufffe",
    "byte order mark": '\ufeff{"success":true}',
    "lone surrogate": '{"success":true,"data":{"list":[{"id":1,"item_count":1,"passphrase":"\\ud800xyz"}]}}',
    "two documents": '{"success":true}{"success":true}',
}


@pytest.mark.parametrize("text", NONSENSE.values(), ids=NONSENSE.keys())
@pytest.mark.parametrize("api", ["SYNO.API.Info", AUTH, ALBUM, MISC, ITEM])
def test_nonsense_in_json_is_an_error_of_the_nas(guest: Guest, nas: FakeNas, api: str, text: str) -> None:
    nas.fault(fakenas.json_body(text or " "), api=api)
    with pytest.raises(NasError) as caught:
        # The last one asks for the album by whatever it was told of it.
        for album in guest.client.list_albums():
            guest.client.album_state(album)
            guest.client.list_photos(album)
    assert isinstance(caught.value, (NasBadAnswer, NasCallRefused, LoginRefused))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
texts = st.text(st.characters(codec=None), max_size=100)
oddities = json_values | texts | st.integers() | st.integers(2**62, 2**64)


def with_oddities(row: dict[str, Any], *more: str) -> Any:
    """The row with a few of its values replaced by anything."""
    return st.dictionaries(st.sampled_from([*row, *more]), oddities, max_size=2).map(lambda changes: row | changes)


rows_for_thumbnail = with_oddities({"unit_id": 7, "cache_key": "7_1", "sm": "ready", "m": "ready", "xl": "ready"})
rows_for_resolution = with_oddities({"width": 4000, "height": 3000})
rows_for_address = with_oddities({"city": "Ulm", "country": "Germany"}, "town", "state")


@st.composite
def odd_rows(draw: Any) -> dict[str, Any]:
    """A row of a listing in which something may be odd, on any level."""
    details = {
        "thumbnail": draw(rows_for_thumbnail),
        "resolution": draw(rows_for_resolution),
        "address": draw(rows_for_address),
        "description": "",
    }
    row = {"id": draw(st.integers(-1, 5)), "filename": "a.jpg", "time": 1, "type": "photo", "owner_user_id": 2}
    found: dict[str, Any] = draw(with_oddities(row | {"additional": draw(with_oddities(details))}))
    return found


plausible_rows = st.lists(odd_rows() | st.dictionaries(st.text(max_size=5), json_values, max_size=3), max_size=6)
ANY_ALBUM = Album(1, "any", 0, 2, "", shared_with_me=False, smart=False, state=())


@settings(max_examples=300, deadline=None)
@given(rows=plausible_rows, size=st.sampled_from(["sm", "m", "xl", "original"]))
def test_any_rows_become_photos_or_are_counted(rows: list[dict[str, Any]], size: str) -> None:
    listing = Listing(ANY_ALBUM, size)
    listing.add(rows)
    ids = [photo.id for photo in listing.photos]
    assert len(ids) == len(set(ids))
    unreadable_ids = sum(1 for row in rows if not _is_whole(row.get("id")) or row["id"] <= 0)
    assert len(listing.photos) + sum(listing.skipped.values()) == len(listing.seen) + unreadable_ids
    catalog = Catalog.build(listing.photos, listing.skipped)
    for photo in catalog.photos:
        json.dumps(photo.to_dict())
        # An entity tag that any header can carry.
        assert photo.etag.isascii()
        assert photo.etag.isprintable()
        assert photo.etag.count('"') == 2


def _is_whole(value: object) -> bool:
    return type(value) is int and abs(value) < 2**63


@settings(max_examples=200, deadline=None)
@given(
    row=st.fixed_dictionaries(
        {},
        optional={
            name: st.integers(-2, 2**70) | json_values
            for name in ("id", "item_count", "owner_user_id", "name", "passphrase", "version", "additional", "type")
        },
    )
)
def test_any_row_becomes_an_album_or_a_bad_answer(row: dict[str, Any]) -> None:
    try:
        album = album_from_row(row, shared_with_me=False)
    except NasBadAnswer:
        # The id or the count is no number.
        assert not (_is_whole(row.get("id")) and _is_whole(row.get("item_count")) and row["item_count"] >= 0)
        return
    assert (type(album.id), type(album.name), type(album.passphrase)) == (int, str, str)
    assert album.item_count >= 0


# Which items are photos


def test_renditions_that_are_not_ready_are_replaced_by_the_next_best() -> None:
    library = Library()
    album = library.new_album("kitchen-dash")
    ready = [{"sm", "m", "xl"}, {"sm", "m"}, {"sm"}, {"sm", "xl"}, {"m"}, set()]
    for names in ready:
        statuses = {name: "ready" if name in names else "ame_defect" for name in ("sm", "m", "xl")}
        library.add(album, thumbnails=statuses | {"preview": "broken"})
    expected = {
        "xl": ["xl", "m", "sm", "xl", "m"],
        "m": ["m", "m", "sm", "xl", "m"],
        "sm": ["sm", "sm", "sm", "sm", "m"],
    }
    with guest_of(library) as guest:
        for size, sizes in expected.items():
            client = Guest(guest.nas, photo_size=size).client
            listing = client.list_photos(guest.album())
            assert [photo.size for photo in listing.photos] == sizes
            assert listing.skipped == {"no_rendition": 1}
            for photo in listing.photos:
                assert client.fetch(photo) == library.items[photo.id].data(photo.size)


def test_videos_and_what_cannot_be_shown_are_counted_by_reason(guest: Guest) -> None:
    listing = guest.client.list_photos(guest.album())
    assert listing.skipped == {"video": 1, "no_rendition": 1}
    assert len(listing.photos) == len(listing.seen) - 2
    assert "IMG_4711.JPG" in [photo.filename for photo in listing.photos]
    assert not [photo for photo in listing.photos if photo.filename.endswith((".MOV", ".HEIC"))]


@pytest.mark.parametrize("kind", ["video", "video360", "livevideo"])
def test_no_kind_of_video_is_a_photo(kind: str) -> None:
    library = Library()
    album = library.new_album("kitchen-dash")
    library.add(album, type=kind)
    library.add(album, type="photo360")
    library.add(album, type="live", live_type="photo")
    with guest_of(library) as guest:
        listing = guest.client.list_photos(guest.album())
        assert (len(listing.photos), listing.skipped) == (2, {"video": 1})


@pytest.mark.parametrize("part", ["additional", "thumbnail", "filename", "time", "unit_id", "cache_key"])
def test_one_row_that_lacks_something_does_not_spoil_the_others(guest: Guest, nas: FakeNas, part: str) -> None:
    count = len(guest.photos())

    def spoil(rows: list[Any]) -> list[Any]:
        row = next(row for row in rows if row["type"] == "photo" and row["additional"])
        for place in (row, row["additional"], row["additional"]["thumbnail"]):
            place.pop(part, None)
        return rows

    nas.fault(fakenas.edit_rows(spoil), api=ITEM)
    assert len(guest.photos()) == count - 1


# Picture bytes


def test_a_rendition_is_asked_for_by_unit_id_and_cache_key(guest: Guest, nas: FakeNas) -> None:
    photo = guest.photo(lambda item: own(item) and item.id != item.unit_id)
    assert guest.client.fetch(photo) == guest.item(photo).data("xl")
    asked = nas.calls[-1].params
    assert asked["id"] == str(guest.item(photo).unit_id)
    assert asked["cache_key"] == json.dumps(guest.item(photo).cache_key)
    assert (asked["type"], asked["size"]) == ('"unit"', '"xl"')


def test_photos_of_the_shared_space_come_from_its_own_calls(guest: Guest, nas: FakeNas) -> None:
    photo = guest.photo(shared_space)
    assert guest.client.fetch(photo) == guest.item(photo).data("xl")
    assert nas.calls[-1].api == TEAM_THUMBNAIL
    assert "passphrase" not in nas.calls[-1].params


def test_originals_are_single_files_and_only_jpegs(nas: FakeNas) -> None:
    nas.library.add(nas.library.album("kitchen-dash"), filename="IMG_1.HEIC")
    guest = Guest(nas, photo_size="original")
    for photo in guest.photos():
        assert guest.client.fetch(photo) == guest.item(photo).data(photo.size)
    sizes = {photo.filename: photo.size for photo in guest.photos()}
    assert sizes["IMG_1.HEIC"] == "xl"
    assert sizes["IMG_4711.JPG"] == "original"
    live = next(call for call in nas.calls if call.api == "SYNO.Foto.Download")
    assert set(live.params) >= {"unit_id", "force_download", "download_type"}
    assert "item_id" not in live.params
    assert nas.count("SYNO.FotoTeam.Download") == 2


def test_originals_of_a_shared_album_come_by_its_passphrase(nas: FakeNas) -> None:
    guest = Guest(nas, photo_size="original")
    photo = guest.photos("Anna's garden")[0]
    assert guest.client.fetch(photo) == guest.item(photo).data("original")
    assert (nas.calls[-1].http_method, nas.calls[-1].query_string) == ("POST", "")


def test_an_album_that_must_not_be_downloaded_from_is_told(nas: FakeNas) -> None:
    nas.library.album("Anna's garden").downloadable = False
    guest = Guest(nas, photo_size="original")
    with pytest.raises(NasCallRefused) as caught:
        guest.client.fetch(guest.photos("Anna's garden")[0])
    assert caught.value.code == 804
    assert "--photo-size" in caught.value.next_step


def test_an_original_with_data_of_the_camera_behind_its_end_is_whole(nas: FakeNas) -> None:
    guest = Guest(nas, photo_size="original")
    photo = guest.photo(own)
    data = guest.item(photo).data("original") + b"SEFT camera data"
    nas.fault(fakenas.bytes_body(data, "application/octet-stream"), api="SYNO.Foto.Download")
    assert guest.client.fetch(photo) == data


def test_a_picture_that_is_gone_is_not_found(guest: Guest, nas: FakeNas) -> None:
    photo = guest.photo(own)
    nas.library.delete(guest.item(photo))
    with pytest.raises(PhotoNotFound):
        guest.client.fetch(photo)
    assert guest.logins == 1


@pytest.mark.parametrize("code", [100, 102, 117, 120, 150, 609, 642, 801, 804])
def test_an_error_in_place_of_a_picture_is_told_as_such(guest: Guest, nas: FakeNas, code: int) -> None:
    photo = guest.photo(own)
    nas.fault(fakenas.error(code), api=THUMBNAIL)
    with pytest.raises(NasError) as caught:
        guest.client.fetch(photo)
    assert caught.value.kind == f"api_{code}"
    assert isinstance(caught.value, NasUnreachable) == (code == 117)
    assert guest.logins == 1


def zipped() -> bytes:
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as archive:
        archive.writestr("a.jpg", b"\xff\xd8\xff\xd9")
    return memory.getvalue()


WHOLE = Library.synthetic(1).items[20_001].data("xl")
NOT_PICTURES = {
    "html": (b"<html><script>alert(1)</script></html>", "image/jpeg"),
    "svg": (b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>', "image/jpeg"),
    "png": (b"\x89PNG\r\n\x1a\n" + bytes(100), "image/png"),
    "gif": (b"GIF89a" + bytes(100), "image/gif"),
    "zip": (zipped(), "application/zip"),
    "zip that claims to be a picture": (zipped(), "image/jpeg"),
    "film": (b"\x00\x00\x00\x14ftypqt  ", "image/jpeg"),
    "magic alone": (b"\xff\xd8\xff", "image/jpeg"),
    "no end": (WHOLE[:-2], "image/jpeg"),
    "half an end": (WHOLE[:-1], "image/jpeg"),
    "something behind the end": (WHOLE + b"<script>", "image/jpeg"),
    "something before the start": (b"\n" + WHOLE, "image/jpeg"),
    "json without success": (b'{"a":1}', "image/jpeg"),
    "json that succeeded": (b'{"success":true}', "application/json"),
    "picture called html": (WHOLE, "text/html"),
    "picture called nothing": (WHOLE, ""),
    "picture called octets": (WHOLE, "application/octet-stream"),
    "zeros": (bytes(5000), "image/jpeg"),
}


@pytest.mark.parametrize(("body", "content_type"), NOT_PICTURES.values(), ids=NOT_PICTURES.keys())
def test_only_a_whole_jpeg_is_a_picture(guest: Guest, nas: FakeNas, body: bytes, content_type: str) -> None:
    photo = guest.photo(own)
    nas.fault(fakenas.bytes_body(body, content_type), api=THUMBNAIL)
    with pytest.raises(NasBadAnswer) as caught:
        guest.client.fetch(photo)
    assert caught.value.kind in ("not_jpeg", "bad_json")


def test_a_picture_over_the_limit_is_refused_while_it_is_read(nas: FakeNas) -> None:
    guest = Guest(nas, max_photo_bytes=50_000)
    photo = guest.photo(own)
    nas.fault(fakenas.endless(), api=THUMBNAIL)
    with pytest.raises(NasBadAnswer) as caught:
        guest.client.fetch(photo)
    assert caught.value.kind == "too_big"
    assert "--max-photo" in caught.value.next_step


def test_a_session_never_shows_in_a_representation(guest: Guest, nas: FakeNas) -> None:
    photo = guest.photos("Anna's garden")[0]
    session = vars(guest.client)
    assert CANARY_SESSION in nas.sessions[0]
    assert not leaks(repr([session, *[vars(part) for part in session.values() if hasattr(part, "__dict__")]]))
    assert GARDEN_PASSPHRASE not in repr([photo, guest.album("Anna's garden")])
