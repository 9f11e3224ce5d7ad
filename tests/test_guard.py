"""Who may look: names, tokens, guesses and origins. The same over sockets is in test_gate.py."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from ipaddress import ip_network

import pytest
from conftest import CANARY_ACCESS, leaks
from guest import Clock
from hypothesis import given
from hypothesis import strategies as st

from photosync.errors import PhotosSyncError, TokenWanted, TooManyGuesses, WrongHost
from photosync.guard import GUESS_SECONDS, MOST_GUESSES, Access, Guard
from photosync.settings import Secret

OPEN = Guard(Access())
NAMED = Guard(Access(allowed_hosts=("photos.example.org", "*.frames.example")))

AT_HOME = [
    "192.168.1.5",
    "192.168.1.5:5000",
    "127.0.0.1",
    "[::1]",
    "[::1]:5000",
    "[fe80::1234:5678]",
    "[2001:db8::1]:80",
    "localhost",
    "localhost:5000",
    "LOCALHOST.",
    "a.localhost",
    "raspberrypi",
    "raspberrypi:5000",
    "frame_1",
    "raspberrypi.local",
    "RaspberryPi.Local:5000",
    "raspberrypi.local.",
    "raspberrypi.local.:80",
    "pi.lan",
    "pi.kitchen.home.arpa",
    "pi.internal",
    "x:",
]
ELSEWHERE = [
    "evil.example",
    "evil.example:5000",
    "evil.example.",
    "192.168.1.5.evil.example",
    "192.168.1.5.nip.io",
    "localhost.evil.example",
    "evil-local.example",
    "notlocal.example.local.evil.com",
    "home.arpa",
    "127.1",
    "0x7f.0.0.1",
    "999.1.1.1",
    "[::1].evil.example",
    "[zz]",
    "[",
    "localhost@evil.example",
    "evil.example,localhost",
    "evil.example localhost",
    "localhost/evil.example",
    "evil.example#.local",
    "lоcalhost",  # the o is Cyrillic
    "local\u212aost.example",
    "localhost:80:80",
    ".",
    ":5000",
    "a" * 400,
    "a" * 295 + ".local",
]


def is_admitted(guard: Guard, host: str, headers: Mapping[str, str] | None = None, peer: str = "192.0.2.1") -> bool:
    """As both ways find it, which agree."""
    quickly = guard.admits({"Host": host, **(headers or {})}, peer)
    try:
        guard.check_hosts([host, *guard.proxies.hosts(peer, headers or {})])
        guard.check_token(headers or {}, guard.proxies.client(peer, headers or {}), None)
    except (WrongHost, TokenWanted, TooManyGuesses):
        assert not quickly
        return False
    assert quickly
    return True


class TestNames:
    @pytest.mark.parametrize("host", AT_HOME)
    def test_addresses_and_names_of_the_network_at_home_are_ours(self, host: str) -> None:
        assert is_admitted(OPEN, host)

    @pytest.mark.parametrize("host", ELSEWHERE)
    def test_any_other_is_not(self, host: str) -> None:
        assert not is_admitted(OPEN, host)
        assert not is_admitted(NAMED, host)

    @pytest.mark.parametrize(
        "host", ["photos.example.org", "PHOTOS.example.org.:443", "a.frames.example", "a.b.frames.example:80"]
    )
    def test_one_that_is_allowed_is_ours_with_any_port(self, host: str) -> None:
        assert is_admitted(NAMED, host)

    @pytest.mark.parametrize("host", ["example.org", "x.photos.example.org", "frames.example", "evilframes.example"])
    def test_one_that_is_only_like_it_is_not(self, host: str) -> None:
        assert not is_admitted(NAMED, host)

    def test_a_request_without_a_name_is_left_to_the_handlers(self) -> None:
        assert not OPEN.admits({}, "192.0.2.1")
        OPEN.check_hosts([])

    def test_the_error_names_the_option(self) -> None:
        with pytest.raises(WrongHost) as refused:
            OPEN.check_hosts(["Photos.Example.org:5000"])
        assert "--allowed-host photos.example.org;" in refused.value.next_step
        with pytest.raises(WrongHost) as refused:
            OPEN.check_hosts(["<script>"])
        assert "script" not in refused.value.sentence
        assert "--allowed-host NAME" in refused.value.next_step

    def test_the_first_one_alone_is_logged(self, caplog: pytest.LogCaptureFixture) -> None:
        guard = Guard(Access())
        for host in ("photos.example.org", "photos.example.org", "evil.example"):
            assert not is_admitted(guard, host)
        (line,) = [record.getMessage() for record in caplog.records]
        assert line.startswith("A request was refused. It is not known that 'photos.example.org' is a name")

    @given(st.text(max_size=40))
    def test_no_text_below_another_domain_is_ours(self, text: str) -> None:
        assert not is_admitted(NAMED, f"{text}.evil.example")

    def test_a_trusted_proxy_has_to_be_asked_for_one_of_our_names_too(self) -> None:
        guard = Guard(Access(trusted_proxies=(ip_network("127.0.0.1"),)))
        for forwarded, expected in (("pi.local", True), ("evil.example", False), ("pi.local, evil.example", False)):
            headers = {"X-Forwarded-Host": forwarded}
            assert is_admitted(guard, "localhost", headers, peer="127.0.0.1") == expected
            assert is_admitted(guard, "localhost", headers, peer="127.0.0.2")


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def basic(token: str, user: str = "frame") -> dict[str, str]:
    return {"Authorization": "Basic " + b64encode(f"{user}:{token}".encode()).decode()}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def guard(clock: Clock) -> Guard:
    return Guard(Access(token=Secret(CANARY_ACCESS)), clock)


def answer(guard: Guard, headers: Mapping[str, str], client: str = "192.0.2.1", in_address: bytes | None = None) -> int:
    """The status that a request would get; 0 if it goes on."""
    refused: PhotosSyncError | None = None
    try:
        guard.check_token(headers, client, in_address)
    except (TokenWanted, TooManyGuesses) as error:
        refused = error
    if refused is None:
        return 0
    assert not leaks(refused.sentence)
    if isinstance(refused, TokenWanted):
        return 401
    assert 0 < (refused.retry_after_seconds or 0) <= GUESS_SECONDS
    return 429


class TestTheToken:
    @pytest.mark.parametrize(
        "headers",
        [
            bearer(CANARY_ACCESS),
            {"Authorization": f"bearer  {CANARY_ACCESS} "},
            basic(CANARY_ACCESS),
            basic(CANARY_ACCESS, user=""),
            {"Authorization": basic(CANARY_ACCESS)["Authorization"].replace("Basic", "BASIC")},
        ],
    )
    def test_the_right_one_opens_in_each_header(self, guard: Guard, headers: dict[str, str]) -> None:
        assert is_admitted(guard, "pi.local", headers)

    def test_a_cookie_opens_alone_or_among_others(self, guard: Guard) -> None:
        for cookies in ("{}", "a=b; {}", "{}; a=b", 'a="x;y"; {} ;c', "photos_sync=old; {}", "a=b,{}"):
            assert is_admitted(guard, "pi.local", {"Cookie": cookies.format(f"photos_sync={guard.cookie}")})

    def test_the_cookie_is_the_same_on_each_server_and_tells_nothing_of_the_token(self, guard: Guard) -> None:
        assert Guard(Access(token=Secret(CANARY_ACCESS))).cookie == guard.cookie
        assert Guard(Access(token=Secret(CANARY_ACCESS + "2"))).cookie != guard.cookie
        assert not leaks(guard.cookie)

    @pytest.mark.parametrize(
        "headers",
        [
            {},
            bearer("wrong"),
            bearer(""),
            bearer(CANARY_ACCESS + "x"),
            bearer(CANARY_ACCESS[:-1]),
            bearer(CANARY_ACCESS.upper()),
            bearer("\xff\udcff"),
            basic("wrong"),
            {"Authorization": f"Basic {CANARY_ACCESS}"},
            {"Authorization": "Basic"},
            {"Authorization": "Basic ===="},
            {"Authorization": "Basic \xe4\xf6"},
            {"Authorization": CANARY_ACCESS},
            {"Authorization": f"Digest {CANARY_ACCESS}"},
            {"Cookie": f"photos_sync={CANARY_ACCESS}"},
            {"Cookie": "photos_sync=" + "0" * 64},
            {"Cookie": "photos_sync="},
        ],
    )
    def test_nothing_else_does(self, guard: Guard, headers: dict[str, str]) -> None:
        assert not is_admitted(guard, "pi.local", headers)

    @given(st.text(max_size=100), st.sampled_from(["Authorization", "Cookie"]))
    def test_no_made_up_header_does(self, text: str, name: str) -> None:
        assert not is_admitted(Guard(Access(token=Secret(CANARY_ACCESS))), "pi.local", {name: text})

    def test_the_cookie_of_another_name_does_not_count(self, guard: Guard) -> None:
        for cookies in ("xphotos_sync={}", "photos_sync={}0", "photos_sync=0{}"):
            assert not is_admitted(guard, "pi.local", {"Cookie": cookies.format(guard.cookie)})

    def test_one_in_the_address_is_the_one_that_counts(self, guard: Guard) -> None:
        assert answer(guard, {}, in_address=CANARY_ACCESS.encode()) == 0
        assert answer(guard, bearer(CANARY_ACCESS), in_address=b"wrong") == 401
        assert answer(guard, {"Cookie": f"photos_sync={guard.cookie}"}, in_address=b"") == 401


class TestGuesses:
    def guess(self, guard: Guard, numbers: range, client: str = "192.0.2.1") -> list[int]:
        return [answer(guard, bearer(f"guess-{number}"), client) for number in numbers]

    def test_after_ten_wrong_tokens_none_is_looked_at_for_a_minute(self, guard: Guard, clock: Clock) -> None:
        assert self.guess(guard, range(MOST_GUESSES)) == [401] * MOST_GUESSES
        assert self.guess(guard, range(10, 12)) == [429, 429]
        assert answer(guard, bearer(CANARY_ACCESS)) == 429
        assert not is_admitted(guard, "pi.local", bearer(CANARY_ACCESS))
        assert answer(guard, {}, in_address=CANARY_ACCESS.encode()) == 429
        clock.now += GUESS_SECONDS - 0.5
        assert answer(guard, bearer(CANARY_ACCESS)) == 429
        clock.now += 0.5
        assert is_admitted(guard, "pi.local", bearer(CANARY_ACCESS))
        assert self.guess(guard, range(20, 20 + MOST_GUESSES + 1)) == [401] * MOST_GUESSES + [429]

    def test_the_minute_goes_from_each_guess_on(self, guard: Guard, clock: Clock) -> None:
        self.guess(guard, range(5))
        clock.now += 40
        self.guess(guard, range(5, 10))
        assert answer(guard, bearer(CANARY_ACCESS)) == 429
        clock.now += 20
        assert self.guess(guard, range(10, 16)) == [401] * 5 + [429]

    def test_a_screen_with_an_old_token_locks_nobody_out(self, guard: Guard) -> None:
        assert [answer(guard, basic("old-token")) for _ in range(100)] == [401] * 100
        assert answer(guard, basic(CANARY_ACCESS)) == 0

    def test_asking_without_a_token_is_no_guess(self, guard: Guard) -> None:
        assert [answer(guard, {}) for _ in range(100)] == [401] * 100
        assert [answer(guard, {"Cookie": f"photos_sync={number:064x}"}) for number in range(100)] == [401] * 100
        assert answer(guard, bearer(CANARY_ACCESS)) == 0

    def test_those_who_have_the_cookie_go_on(self, guard: Guard) -> None:
        self.guess(guard, range(11))
        assert is_admitted(guard, "pi.local", {"Cookie": f"photos_sync={guard.cookie}"})

    def test_other_addresses_are_not_concerned(self, guard: Guard) -> None:
        self.guess(guard, range(11))
        assert answer(guard, bearer(CANARY_ACCESS), "192.0.2.2") == 0
        assert answer(guard, bearer(CANARY_ACCESS), "::ffff:192.0.2.1") == 429

    def test_a_network_of_ipv6_counts_as_one_address(self, guard: Guard) -> None:
        for number in range(MOST_GUESSES):
            self.guess(guard, range(number, number + 1), f"2001:db8:1:2::{number}")
        assert answer(guard, bearer(CANARY_ACCESS), "2001:db8:1:2:ffff::1") == 429
        assert answer(guard, bearer(CANARY_ACCESS), "2001:db8:1:3::1") == 0

    def test_behind_a_trusted_proxy_each_client_is_on_its_own(self, clock: Clock) -> None:
        network = (ip_network("127.0.0.1"),)
        guard = Guard(Access(token=Secret(CANARY_ACCESS), trusted_proxies=network), clock)
        self.guess(guard, range(11))
        for client, expected in (("192.0.2.1", False), ("192.0.2.2", True)):
            headers = bearer(CANARY_ACCESS) | {"X-Forwarded-For": client}
            assert is_admitted(guard, "pi.local", headers, peer="127.0.0.1") == expected

    def test_who_is_made_to_wait_is_logged_once_an_hour_with_the_address_alone(
        self, guard: Guard, clock: Clock, caplog: pytest.LogCaptureFixture
    ) -> None:
        def told() -> list[str]:
            return [f"{record.levelname} {record.getMessage()}" for record in caplog.records]

        self.guess(guard, range(MOST_GUESSES))
        answer(guard, bearer(CANARY_ACCESS))
        line = (
            "WARNING 10 wrong access tokens came from 192.0.2.1 within a minute, so none from there counts until a "
            "minute has passed. If it is a screen of yours, give it the right one. This is told once an hour."
        )
        assert told() == [line]
        for _ in range(59):
            self.guess(guard, range(12))
            clock.now += GUESS_SECONDS
        assert told() == [line]
        self.guess(guard, range(11), "2001:db8:1:2::7")
        assert told() == [line, line.replace("192.0.2.1", "2001:db8:1:2::7")]
        clock.now += GUESS_SECONDS
        self.guess(guard, range(11))
        self.guess(guard, range(11), "2001:db8:1:2::8")  # a network counts as one
        assert told() == [line, line.replace("192.0.2.1", "2001:db8:1:2::7"), line]

    def test_what_is_remembered_is_bounded(self, guard: Guard) -> None:
        for number in range(3000):
            self.guess(guard, range(11), f"10.0.{number // 250}.{number % 250}")
        assert len(guard._guesses._by_guesser) == 1024
        assert len(guard._guesses._told) == 1024
        assert max(len(guesses) for guesses in guard._guesses._by_guesser.values()) == MOST_GUESSES


class TestOrigins:
    def test_without_any_there_are_no_headers(self) -> None:
        assert OPEN.cross_origin({"Origin": "http://a"}) == {}

    def test_only_an_allowed_one_may_read(self) -> None:
        guard = Guard(Access(origins=("http://dashboard.local:8123",)))
        assert guard.cross_origin({"Origin": "http://dashboard.local:8123"}) == {
            "Vary": "Origin",
            "Access-Control-Allow-Origin": "http://dashboard.local:8123",
            "Access-Control-Expose-Headers": "Content-Location, ETag, Retry-After, Cache-Status",
        }
        for origin in ("http://dashboard.local", "https://dashboard.local:8123", "null", "*", ""):
            assert guard.cross_origin({"Origin": origin}) == {"Vary": "Origin"}
        assert guard.cross_origin({}) == {"Vary": "Origin"}
