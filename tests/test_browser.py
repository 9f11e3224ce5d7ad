"""The kiosk page and /setup in Chromium, over the real service and the simulated NAS.

Playwright comes from PyPI, the browser from the system. Time is the page's own: tests move its clock, and wait for what
the page shows.
"""

from __future__ import annotations

import re
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from conftest import CANARY_ACCESS, Running, canary_nas, leaks, settings_for

from photosync import pages
from photosync.fakenas import FakeNas, Library
from photosync.guard import Access
from photosync.settings import Secret

playwright = pytest.importorskip("playwright.sync_api", reason="Playwright has no wheel for this machine")
CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium (apt-get install chromium)")

BERLIN = "Europe/Berlin"
NOON = datetime(2026, 6, 10, 12, tzinfo=ZoneInfo(BERLIN))
MINUTE = 60_000
HOSTILE_NAME = "<img src=x onerror=pwned=1>\u202egpj.exe"
HOSTILE_WORDS = "\u202e</p><script>pwned=1</script><svg onload=pwned=1> & ümläut"
# Counts what the page asks for, and does not let a photo be decoded before the gate is open.
INIT = """
window.asked = [];
window.answered = 0;
const open = XMLHttpRequest.prototype.open;
XMLHttpRequest.prototype.open = function (method, address) {
  asked.push(address);
  this.addEventListener('loadend', () => { answered++; });
  open.apply(this, arguments);
};
"""
GATE = """
window.gate = new Promise(opened => { window.openGate = opened; });
const decode = HTMLImageElement.prototype.decode;
HTMLImageElement.prototype.decode = function () { return decode.call(this).then(() => gate); };
"""
# What the browser tells by itself: refused or failed requests; a frame of another site that does not allow the wake
# lock; a header that it obeys on https and localhost alone.
UNAVOIDABLE = (
    "Failed to load resource",
    "Permissions policy violation: screen-wake-lock",
    "The Cross-Origin-Opener-Policy header has been ignored",
)
# In place of the browser's own wake lock: notes what is asked for, and grants or refuses it.
LOCK = """
window.locks = [];
Object.defineProperty(navigator, 'wakeLock', { value: { request: async kind => {
  if (!GRANTED) throw new DOMException('', 'NotAllowedError');
  const lock = { kind, released: false, release: async () => { lock.released = true; } };
  locks.push(lock);
  return lock;
} } });
"""
NO_LOCK = "delete Navigator.prototype.wakeLock;"
HIDE = """hidden => { Object.defineProperty(document, 'hidden', { value: hidden, configurable: true });
  document.dispatchEvent(new Event('visibilitychange')); }"""


class Kiosk:
    """A page in a context of its own; what it complains about fails the test at the end."""

    def __init__(self, browser: Any, url: str, **options: Any) -> None:
        self.url = url
        usual = {"locale": "en-GB", "timezone_id": BERLIN, "reduced_motion": "reduce"}
        options = {"viewport": {"width": 1024, "height": 600}} | usual | options
        self.context = browser.new_context(**options)
        self.context.set_default_timeout(60_000)
        self.page = self.context.new_page()
        self.complaints: list[str] = []
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", self._heard)
        self.page.add_init_script(INIT)

    def _heard(self, message: Any) -> None:
        if not message.text.startswith(UNAVOIDABLE):
            self.complaints.append(message.text)

    def open(self, path: str = "/", *, at: datetime = NOON) -> Kiosk:
        """Opens the page with a clock that only the test moves, however slow the machine is."""
        self.page.clock.install(time=at)
        self.page.clock.pause_at(at + timedelta(seconds=1))
        return self.go(path)

    def go(self, path: str) -> Kiosk:
        """Opens another address, by the same clock."""
        self.page.goto(self.url + path)
        return self

    def forward(self, milliseconds: float) -> None:
        self.page.clock.fast_forward(int(milliseconds))

    @property
    def shown(self) -> str:
        found: str = self.page.evaluate("(document.querySelector('.front img') || {}).src || ''")
        return found

    def wait_shown(self, other_than: str = "") -> str:
        """The address of the photo in front, once there is one (another one)."""
        self.wait("before => (document.querySelector('.front img') || {src: before}).src !== before", other_than)
        return self.shown

    def wait(self, fact: str, argument: Any = None) -> None:
        # By itself: the page's own timers stand still with its clock.
        self.page.wait_for_function(fact, arg=argument, polling=20)

    def change(self, seconds: float = 15) -> str:
        """The next photo, after the time that a photo is shown. Another deck may deal the same one again."""
        photos = self.evaluate("past.length")
        self.forward(seconds * 1000)
        self.wait("photos => past.length > photos", photos)
        return self.shown

    def evaluate(self, script: str, argument: Any = None) -> Any:
        return self.page.evaluate(script, argument)

    @property
    def facts(self) -> str:
        found: str = self.page.locator("#facts").inner_text()
        return found


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--host-resolver-rules=MAP pi 127.0.0.1"]
        )
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def service() -> Iterator[Running]:
    """For tests that change nothing at the NAS: three albums, one of them with hostile words."""
    library = Library.samples()
    hostile = library.new_album("<b>Evil</b> & Söhne")
    picture = library.album("kitchen-dash").items[0].picture
    library.add(hostile, filename=HOSTILE_NAME, description=HOSTILE_WORDS, picture=picture, width=1920, height=1280)
    with (
        canary_nas(library=library) as nas,
        Running(settings_for(nas, albums=("kitchen-dash", "Grandparents", hostile.name))) as running,
    ):
        running.wait_ready()
        yield running


@pytest.fixture
def kiosks(browser: Any) -> Iterator[Callable[..., Kiosk]]:
    made: list[Kiosk] = []

    def make(url: str, **options: Any) -> Kiosk:
        made.append(Kiosk(browser, url, **options))
        return made[-1]

    yield make
    for kiosk in made:
        assert not leaks(kiosk.page.content())
        kiosk.context.close()
        assert kiosk.complaints == []


@pytest.fixture
def kiosk(kiosks: Callable[..., Kiosk], service: Running) -> Kiosk:
    return kiosks(service.url)


def query(**options: object) -> str:
    return "/?" + "&".join(f"{name}={value}" for name, value in options.items())


class TestPhotos:
    def test_the_first_picture_fills_the_page_and_has_words_for_those_who_cannot_see_it(self, kiosk: Kiosk) -> None:
        url = kiosk.open().wait_shown()
        assert re.fullmatch(re.escape(kiosk.url) + r"/files/\d+\.jpg", url)
        assert kiosk.page.title() == "Photo frame"
        assert kiosk.evaluate("document.documentElement.lang") == "en"
        front = kiosk.page.locator(".front img")
        assert front.evaluate("img => img.complete && img.naturalWidth > 0")
        assert len(front.get_attribute("alt")) > 5
        box = front.bounding_box()
        assert (box["x"], box["y"], box["width"], box["height"]) == (0, 0, 1024, 600)
        assert not kiosk.page.locator("#message").is_visible()

    def test_a_photo_fades_in_only_once_it_is_decoded(self, kiosk: Kiosk) -> None:
        kiosk.page.add_init_script(GATE)
        kiosk.open()
        kiosk.wait("() => Array.from(document.images).some(img => img.complete && img.naturalWidth)")
        assert kiosk.shown == ""
        kiosk.evaluate("openGate()")
        assert kiosk.wait_shown()

    def test_the_old_picture_stays_while_the_next_one_is_on_its_way(self, kiosk: Kiosk) -> None:
        held: list[Any] = []
        first = kiosk.open().wait_shown()
        kiosk.page.route("**/files/*.jpg", lambda route: held.append(route))
        with kiosk.page.expect_request("**/files/*.jpg"):
            kiosk.forward(15_000)
        kiosk.wait("first => document.querySelector('.slide:not(.front) img').src !== first", first)
        assert kiosk.shown == first
        held[0].continue_()
        assert kiosk.wait_shown(first) == held[0].request.url

    def test_an_answer_that_comes_after_something_else_was_asked_for_changes_nothing(self, kiosk: Kiosk) -> None:
        held: list[Any] = []
        shown = [kiosk.open().wait_shown(), kiosk.change()]
        kiosk.page.route("**/files?*", lambda route: held.append(route))
        with kiosk.page.expect_request("**/files?*"):
            kiosk.forward(15_000)
        kiosk.page.keyboard.press("ArrowLeft")
        kiosk.wait("url => document.querySelector('.front img').src === url", shown[0])
        answered = kiosk.evaluate("answered")
        held[0].continue_()
        kiosk.wait("before => answered > before", answered)
        assert kiosk.evaluate("Array.from(document.images, img => img.src).sort()") == sorted(shown)
        assert kiosk.evaluate("[busy, past.length, failures]") == [False, 2, 0]

    def test_a_browser_that_cannot_decode_ahead_shows_photos_all_the_same(self, kiosk: Kiosk) -> None:
        kiosk.page.add_init_script("delete HTMLImageElement.prototype.decode")
        first = kiosk.open().wait_shown()
        assert kiosk.change() != first

    def test_photos_change_in_two_images_for_ever_and_leave_nothing_behind(self, kiosk: Kiosk) -> None:
        kiosk.open().wait_shown()
        nodes = kiosk.evaluate("document.querySelectorAll('*').length")
        seen = {kiosk.change() for _ in range(6)}
        assert len(seen) == 6
        assert kiosk.evaluate("document.querySelectorAll('*').length") == nodes
        assert kiosk.evaluate("document.images.length") == 2

    def test_a_picture_that_cannot_be_shown_is_passed_over(self, kiosk: Kiosk) -> None:
        first = kiosk.open().wait_shown()
        kiosk.page.route("**/files/*.jpg", lambda route: route.fulfill(body=b"no picture", content_type="image/jpeg"))
        kiosk.forward(15_000)
        kiosk.wait("() => trouble !== null")
        assert kiosk.shown == first
        kiosk.page.unroute("**/files/*.jpg")
        kiosk.forward(30_000)
        assert kiosk.wait_shown(first)

    def test_the_change_is_a_fade_of_opacity_alone_or_a_cut_and_nothing_moves_between(self, kiosk: Kiosk) -> None:
        style = (
            "(s => [s.transitionProperty, s.transitionDuration])(getComputedStyle(document.querySelector('.front')))"
        )
        kiosk.open(query(transition="fade")).wait_shown()
        assert kiosk.evaluate(style)[1] == "0s"  # as the browser was told to reduce motion
        kiosk.page.emulate_media(reduced_motion="no-preference")
        assert kiosk.evaluate(style) == ["opacity", "1.2s"]
        kiosk.go(query(transition="cut")).wait_shown()
        assert kiosk.evaluate(style)[1] == "0s"
        assert kiosk.evaluate("document.getAnimations().length") == 0


class TestTrouble:
    def test_before_the_first_photo_the_page_says_what_is_the_matter_and_heals(
        self, kiosks: Callable[..., Kiosk], nas: FakeNas
    ) -> None:
        nas.stop()
        with Running(settings_for(nas)) as running:
            running.wait_for("/readyz", lambda response: response.json()["status"] == "nas_down")
            kiosk = kiosks(running.url).open()
            kiosk.wait("() => document.getElementById('problem').textContent")
            assert "refused" in kiosk.page.locator("#problem").inner_text()
            assert "NAS" in kiosk.page.locator("#step").inner_text()
            kiosk.page.mouse.click(500, 500)
            kiosk.page.locator("#panel").wait_for()
            kiosk.page.keyboard.press("Escape")
            nas.start()
            running.look_again()
            running.wait_ready()
            kiosk.forward(30_000)
            kiosk.wait_shown()
            assert not kiosk.page.locator("#message").is_visible()

    def test_a_server_that_is_away_and_comes_back_costs_no_picture(
        self, kiosks: Callable[..., Kiosk], nas: FakeNas
    ) -> None:
        with Running(settings_for(nas)) as running:
            running.wait_ready()
            port = running.service.port
            kiosk = kiosks(running.url).open()
            first = kiosk.wait_shown()
            kiosk.evaluate("window.sameVisit = true")
        kiosk.forward(15_000)
        kiosk.wait("() => trouble !== null")
        assert kiosk.shown == first
        assert not kiosk.page.locator("#sign").is_visible()
        self._fail_again(kiosk, 130_000)
        kiosk.page.locator("#sign").wait_for()
        assert kiosk.shown == first
        kiosk.page.keyboard.press("i")
        assert "The photo server does not answer. It is tried again by itself." in kiosk.facts
        kiosk.page.keyboard.press("Escape")
        kiosk.page.keyboard.press(" ")
        with Running(settings_for(nas, server_port=port)) as running:
            running.wait_ready()
            kiosk.forward(30_000)
            kiosk.wait("() => trouble === null && past.length > 1")
            assert not kiosk.page.locator("#sign").is_visible()
            assert kiosk.evaluate("sameVisit")

    def test_waits_grow_to_half_a_minute_and_no_further(self, kiosk: Kiosk) -> None:
        kiosk.open().wait_shown()
        kiosk.page.route("**/files?*", lambda route: route.abort())
        kiosk.forward(15_000)
        kiosk.wait("() => failures === 1")
        for _ in range(7):
            self._fail_again(kiosk, 30_000)
        asked = kiosk.evaluate("asked.length")
        kiosk.forward(14_000)
        assert kiosk.evaluate("asked.length") == asked
        kiosk.forward(16_000)
        assert kiosk.evaluate("asked.length") == asked + 1

    def test_an_answer_that_never_comes_is_given_up(self, kiosk: Kiosk) -> None:
        first = kiosk.open().wait_shown()
        kiosk.page.route("**/files?*", lambda route: None)
        kiosk.forward(15_000)
        kiosk.wait("() => busy")
        kiosk.forward(61_000)
        kiosk.wait("() => !busy && failures === 1")
        kiosk.page.unroute("**/files?*")
        kiosk.forward(2_000)
        kiosk.wait_shown(first)

    def test_an_album_that_is_not_there_is_told(self, kiosk: Kiosk) -> None:
        kiosk.open(query(album="Nowhere"))
        kiosk.wait("() => document.getElementById('problem').textContent")
        assert kiosk.page.locator("#problem").inner_text() == "No album of that name is shown here."

    @staticmethod
    def _fail_again(kiosk: Kiosk, milliseconds: int) -> None:
        before = kiosk.evaluate("failures")
        kiosk.forward(milliseconds)
        kiosk.wait("before => failures > before", before)


class TestUpgrade:
    @pytest.fixture
    def upgraded(self, kiosks: Callable[..., Kiosk], nas: FakeNas, monkeypatch: pytest.MonkeyPatch) -> Iterator[Kiosk]:
        """A kiosk that was opened before its server was upgraded."""
        with ExitStack() as stack:
            running = stack.enter_context(Running(settings_for(nas)))
            running.wait_ready()
            port = running.service.port
            kiosk = kiosks(running.url).open(query(clock=1))
            kiosk.wait_shown()
            kiosk.evaluate("window.sameVisit = true")
            running.stop()
            monkeypatch.setattr(pages, "__version__", "99.0")
            stack.enter_context(Running(settings_for(nas, server_port=port))).wait_ready()
            yield kiosk

    def test_the_page_loads_itself_anew_once_and_shows_every_photo_that_it_asked_for(self, upgraded: Kiosk) -> None:
        kiosk = upgraded
        kiosk.forward(15_000)
        kiosk.wait("() => past.length > 1")
        assert kiosk.evaluate("sameVisit && build !== document.documentElement.dataset.build")
        with kiosk.page.expect_navigation():
            kiosk.forward(11 * MINUTE)
        kiosk.wait_shown()
        assert kiosk.evaluate("build === document.documentElement.dataset.build && !window.sameVisit")
        assert kiosk.page.url.endswith("/?clock=1")
        kiosk.evaluate("window.sameVisit = true")
        kiosk.change(11 * 60)
        assert kiosk.evaluate("sameVisit")

    def test_it_stays_as_it_is_while_the_new_page_cannot_be_had(self, upgraded: Kiosk) -> None:
        kiosk = upgraded
        kiosk.change()
        kiosk.page.route(re.compile(r"/$"), lambda route: route.fulfill(status=502, body="proxy"))
        kiosk.change(11 * 60)
        kiosk.page.unroute(re.compile(r"/$"))
        kiosk.page.route(re.compile(r"/$"), lambda route: route.fulfill(body='<html data-build="older">'))
        kiosk.change()
        assert kiosk.evaluate("sameVisit")
        assert kiosk.evaluate("asked.filter(address => address === './').length") == 2


class TestSleep:
    @pytest.mark.parametrize(
        ("evening", "hours"),
        [("2026-06-10", 8.5), ("2026-03-28", 7.5), ("2026-10-24", 9.5)],
        ids=["a night", "the clock goes forward", "the clock goes back"],
    )
    def test_the_page_is_black_and_asks_for_nothing_until_the_morning(
        self, kiosk: Kiosk, evening: str, hours: float
    ) -> None:
        at = datetime.fromisoformat(f"{evening}T21:59:00").replace(tzinfo=ZoneInfo(BERLIN))
        kiosk.open(query(sleep="22:00-06:30", clock=1, seconds=3600), at=at)
        last = kiosk.wait_shown()
        kiosk.forward(2 * MINUTE)
        kiosk.wait("() => document.body.classList.contains('asleep')")
        assert kiosk.page.evaluate("Array.from(document.body.children).every(one => !one.getClientRects().length)")
        asked = kiosk.evaluate("asked.length")
        kiosk.forward(hours * 60 * MINUTE - 3 * MINUTE)
        kiosk.page.keyboard.press("i")
        kiosk.page.keyboard.press("ArrowRight")
        assert kiosk.evaluate("[asked.length, document.body.className.includes('asleep')]") == [asked, True]
        kiosk.forward(3 * MINUTE)
        kiosk.wait_shown(last)
        assert not kiosk.evaluate("document.body.classList.contains('asleep')")

    def test_a_nap_that_does_not_cross_midnight(self, kiosk: Kiosk) -> None:
        kiosk.open(query(sleep="11:30-12:30"), at=NOON)
        kiosk.wait("() => document.body.classList.contains('asleep')")
        assert kiosk.evaluate("asked.length") == 0
        kiosk.forward(31 * MINUTE)
        kiosk.wait_shown()

    def test_a_hidden_page_asks_for_nothing_and_goes_on_when_it_is_seen(self, kiosk: Kiosk) -> None:
        first = kiosk.open().wait_shown()
        kiosk.evaluate(HIDE, True)
        asked = kiosk.evaluate("asked.length")
        kiosk.forward(60 * MINUTE)
        assert kiosk.evaluate("asked.length") == asked
        kiosk.evaluate(HIDE, False)
        kiosk.wait_shown(first)
        assert kiosk.evaluate("asked.length") == asked + 1


class TestKeysAndTouch:
    def test_space_pauses_and_goes_on_and_a_pause_ends_by_itself(self, kiosk: Kiosk) -> None:
        first = kiosk.open().wait_shown()
        kiosk.page.keyboard.press(" ")
        asked = kiosk.evaluate("asked.length")
        kiosk.forward(10 * MINUTE)
        assert (kiosk.evaluate("asked.length"), kiosk.shown) == (asked, first)
        kiosk.page.keyboard.press(" ")
        assert kiosk.change() != first
        first = kiosk.shown
        kiosk.page.mouse.click(500, 300)
        assert kiosk.evaluate("paused")
        kiosk.forward(15 * MINUTE)
        kiosk.wait("() => !paused")
        assert kiosk.change() != first

    def test_arrows_go_back_and_forward_through_what_was_shown(self, kiosk: Kiosk) -> None:
        shown = [kiosk.open().wait_shown()]
        kiosk.page.keyboard.press("ArrowLeft")
        assert not kiosk.evaluate("busy")  # there is nothing before the first
        assert kiosk.shown == shown[0]
        shown += [kiosk.change(), kiosk.change()]
        asked = kiosk.evaluate("asked.length")
        for key, place in (("ArrowLeft", 1), ("ArrowLeft", 0), ("ArrowRight", 1), ("ArrowRight", 2)):
            kiosk.page.keyboard.press(key)
            kiosk.wait("url => document.querySelector('.front img').src === url", shown[place])
        assert kiosk.evaluate("asked.length") == asked
        kiosk.page.keyboard.press("ArrowRight")
        assert kiosk.wait_shown(shown[2]) not in shown
        assert kiosk.evaluate("asked.length") == asked + 1

    def test_a_photo_that_has_left_the_album_is_skipped_on_the_way_back(self, kiosk: Kiosk) -> None:
        shown = [kiosk.open().wait_shown(), kiosk.change(), kiosk.change()]
        kiosk.page.route(shown[1], lambda route: route.fulfill(status=404, body="{}"))
        kiosk.page.keyboard.press("ArrowLeft")
        kiosk.wait("() => failures === 1")
        assert kiosk.shown == shown[2]
        kiosk.page.keyboard.press("ArrowLeft")
        assert kiosk.wait_shown(shown[2]) == shown[0]

    def test_history_is_bounded(self, kiosk: Kiosk) -> None:
        kiosk.open().wait_shown()
        kiosk.evaluate("for (let n = 0; n < 150; n++) past.unshift({url: '/files/1.jpg'}), place++")
        kiosk.evaluate("past.splice(0, 51), place -= 51")
        kiosk.forward(15_000)
        kiosk.wait("() => past[99].url !== '/files/1.jpg'")
        assert kiosk.evaluate("[past.length, place]") == [100, 99]

    def test_swipes_go_back_and_forward_and_a_tap_pauses(self, kiosks: Callable[..., Kiosk], service: Running) -> None:
        kiosk = kiosks(service.url, has_touch=True, is_mobile=True, viewport={"width": 360, "height": 640})
        shown = [kiosk.open().wait_shown(), kiosk.change()]
        swipe(kiosk, 100, 260)
        assert kiosk.wait_shown(shown[1]) == shown[0]
        swipe(kiosk, 260, 100)
        assert kiosk.wait_shown(shown[0]) == shown[1]
        assert not kiosk.evaluate("paused")
        kiosk.page.touchscreen.tap(180, 320)
        kiosk.wait("() => paused")
        assert kiosk.page.locator("#controls").evaluate("nav => getComputedStyle(nav).opacity") == "1"
        kiosk.page.locator("#info").tap()
        kiosk.page.locator("#panel").wait_for()

    def test_i_tells_about_photo_screen_and_server_and_f_fills_the_screen(self, kiosk: Kiosk) -> None:
        url = kiosk.open(query(client="hall")).wait_shown()
        kiosk.page.keyboard.press("i")
        kiosk.wait("() => document.getElementById('facts').textContent.includes('all is well')")
        photo = kiosk.evaluate(
            "url => fetch('files/list?details=1').then(a => a.json()).then(all => all.find(p => url.endsWith(p.url)))",
            url,
        )
        for fact in (
            photo["filename"],
            photo["album"],
            "hall",
            "The next of this screen's deck.",
            "photos, all is well",
        ):
            assert fact in kiosk.facts
        assert kiosk.evaluate("document.activeElement.id") == "panel"
        kiosk.page.keyboard.press("Escape")
        assert not kiosk.page.locator("#panel").is_visible()
        kiosk.page.keyboard.press("f")
        kiosk.wait("() => document.fullscreenElement")

    def test_everything_can_be_reached_with_the_tab_key(self, kiosk: Kiosk) -> None:
        kiosk.open().wait_shown()
        for name in ("back", "pause", "forward", "info"):
            kiosk.page.keyboard.press("Tab")
            assert kiosk.evaluate("document.activeElement.id") == name
            assert kiosk.page.locator(f"#{name}").get_attribute("aria-label")
        kiosk.page.keyboard.press("Enter")
        kiosk.page.locator("#panel").wait_for()
        assert kiosk.page.locator("#info").get_attribute("aria-expanded") == "true"
        assert kiosk.evaluate("document.querySelectorAll('[aria-live]:not([aria-live=off])').length") == 0


def swipe(kiosk: Kiosk, start: int, end: int) -> None:
    session = kiosk.context.new_cdp_session(kiosk.page)
    touch = [(kind, x) for kind, x in (("touchStart", start), ("touchMove", (start + end) // 2), ("touchMove", end))]
    for kind, x in touch:
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": 320}]})
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


class TestOptions:
    def test_seconds(self, kiosk: Kiosk) -> None:
        assert kiosk.open(query(seconds=2)).evaluate("options.seconds") == 2
        for seconds in (30.5, 3600):
            first = kiosk.go(query(seconds=seconds)).wait_shown()
            asked = kiosk.evaluate("asked.length")
            kiosk.page.clock.pause_at(kiosk.evaluate("Date.now()") / 1000 + 5)  # it is not past when heard
            left = kiosk.evaluate("due - now()")
            assert 0 < left <= seconds * 1000
            kiosk.forward(left - 20)
            assert kiosk.evaluate("asked.length") == asked
            kiosk.forward(40)
            kiosk.wait_shown(first)

    def test_fit(self, kiosk: Kiosk) -> None:
        kiosk.open(query(fit="contain"))
        for fit, style, filled in (("contain", "contain", False), ("cover", "cover", False), ("blur", "contain", True)):
            kiosk.go(query(fit=fit)).wait_shown()
            assert kiosk.evaluate("getComputedStyle(document.querySelector('.front img')).objectFit") == style
            canvas = kiosk.page.locator(".front canvas")
            assert canvas.is_visible() == filled
            drawn = canvas.evaluate("c => c.getContext('2d').getImageData(0, 0, 128, 128).data.some(value => value)")
            assert drawn == filled

    def test_a_photo_that_nearly_fits_is_cropped_a_little_instead_of_getting_slim_bars(
        self, kiosks: Callable[..., Kiosk], service: Running
    ) -> None:
        kiosk = kiosks(service.url, viewport={"width": 610, "height": 400})
        kiosk.open()
        kiosk.wait_shown()
        style = kiosk.evaluate(
            """() => { const img = document.querySelector('.front img');
               return [img.naturalWidth / img.naturalHeight, getComputedStyle(img).objectFit]; }"""
        )
        assert style[1] == ("cover" if abs(style[0] / 1.525 - 1) < 0.03 else "contain")

    def test_clock_and_date_follow_the_minute(self, kiosk: Kiosk) -> None:
        at = datetime(2026, 6, 10, 13, 4, 50, tzinfo=ZoneInfo(BERLIN))
        kiosk.open(query(clock=1, date=1, seconds=600), at=at).wait_shown()
        assert kiosk.page.locator("#clock").inner_text() == "13:04"
        assert kiosk.page.locator("#date").inner_text() == "Wednesday 10 June"
        kiosk.forward(15_000)
        kiosk.wait("() => document.getElementById('clock').textContent === '13:05'")

    def test_without_clock_and_date_there_is_neither_and_caption_shows_or_hides_the_words(self, kiosk: Kiosk) -> None:
        kiosk.open(query(caption=1)).wait_shown()
        assert not kiosk.page.locator("#now").is_visible()
        assert kiosk.page.locator(".front figcaption").is_visible()
        assert kiosk.page.locator(".front .details").inner_text()
        kiosk.go(query(caption=0)).wait_shown()
        assert not kiosk.page.locator(".front figcaption").is_visible()
        assert kiosk.page.locator(".front .details").inner_text() == ""

    def test_client_and_album_go_to_the_server(self, kiosk: Kiosk) -> None:
        with kiosk.page.expect_request(lambda request: "/files?" in request.url) as asked:
            kiosk.open(query(client="hall%20%26%20bath", album="Grandparents"))
        assert asked.value.url.endswith("/files?format=json&client=hall%20%26%20bath&album=Grandparents")
        names = {
            photo["url"]
            for photo in kiosk.context.request.get(kiosk.url + "/files/list?details=1&album=Grandparents").json()
        }
        shown = {kiosk.wait_shown(), kiosk.change(), kiosk.change()}
        assert {url.removeprefix(kiosk.url) for url in shown} <= names

    def test_what_is_not_understood_is_left_out_and_told(self, kiosk: Kiosk) -> None:
        kiosk.open("/")
        standard = kiosk.evaluate("options")
        mistakes = {"seconds": "soon", "fit": "zoom", "transition": "spin", "clock": "constructor"}
        mistakes |= {"date": "yesterday", "caption": "maybe", "sleep": "25:00-06:30"}
        for told in (mistakes, {"seconds": "1", "sleep": "07:00-07:00"}, {"seconds": "1e9"}):
            kiosk.go(query(**told, nonsense=1)).wait_shown()
            assert kiosk.evaluate("options") == standard
            kiosk.page.keyboard.press("i")
            assert all(f"{name}={value} is left out" in kiosk.facts for name, value in told.items())
            assert "nonsense" not in kiosk.facts


class TestWakeLock:
    def test_the_screen_is_kept_on_while_the_page_is_seen_and_awake(self, kiosk: Kiosk) -> None:
        kiosk.page.add_init_script(LOCK.replace("GRANTED", "true"))
        at = datetime(2026, 6, 10, 21, 55, tzinfo=ZoneInfo(BERLIN))
        first = kiosk.open(query(sleep="22:00-06:30"), at=at).wait_shown()
        released = "locks.map(lock => [lock.kind, lock.released])"
        assert kiosk.evaluate(released) == [["screen", False]]
        kiosk.page.keyboard.press("i")
        kiosk.wait("() => document.getElementById('facts').textContent.includes('It is kept on.')")
        kiosk.evaluate(HIDE, True)
        kiosk.evaluate("locks[0].release()")  # as browsers do when a page is hidden
        kiosk.evaluate(HIDE, False)
        kiosk.wait("() => locks.length === 2")
        kiosk.forward(6 * MINUTE)
        kiosk.wait("() => locks[1].released")
        assert kiosk.evaluate("document.body.className") == "asleep"
        kiosk.forward(9 * 60 * MINUTE)
        kiosk.wait_shown(first)
        assert kiosk.evaluate(released) == [["screen", True], ["screen", True], ["screen", False]]

    @pytest.mark.parametrize(
        ("script", "told"),
        [
            (LOCK.replace("GRANTED", "false"), "It may switch itself off."),
            (NO_LOCK, "It may switch itself off."),
            (
                NO_LOCK + "Object.defineProperty(window, 'isSecureContext', { value: false });",
                "only on https or localhost can it be kept on.",
            ),
        ],
        ids=["refused", "old browser", "plain http"],
    )
    def test_where_that_is_not_allowed_the_page_says_so_and_goes_on(self, kiosk: Kiosk, script: str, told: str) -> None:
        kiosk.page.add_init_script(script)
        first = kiosk.open().wait_shown()
        assert kiosk.change() != first
        kiosk.page.keyboard.press("i")
        assert told in kiosk.facts


class TestHostileWords:
    def test_names_and_descriptions_are_text_and_nothing_else(self, kiosk: Kiosk) -> None:
        kiosk.open(query(album="%3Cb%3EEvil%3C/b%3E%20%26%20S%C3%B6hne", client="%3Cscript%3Epwned=1%3C/script%3E"))
        kiosk.wait_shown()
        assert kiosk.page.locator(".front .description").text_content() == HOSTILE_WORDS
        assert HOSTILE_WORDS in kiosk.page.locator(".front img").get_attribute("alt")
        kiosk.page.keyboard.press("i")
        kiosk.wait("() => document.getElementById('facts').textContent.includes('all is well')")
        assert HOSTILE_NAME in kiosk.page.locator("#facts").text_content()
        assert kiosk.evaluate("document.querySelectorAll('#facts *:not(dt):not(dd), script, svg').length") == 1
        assert kiosk.evaluate("window.pwned") is None
        # A mark that turns text round stays within its own words.
        for name in ("description", "details"):
            assert kiosk.page.locator(f".front .{name}").evaluate("p => getComputedStyle(p).unicodeBidi") == "isolate"

    def test_setup_lists_albums_as_text(self, kiosk: Kiosk) -> None:
        kiosk.page.goto(kiosk.url + "/setup")
        kiosk.wait("() => document.querySelectorAll('[name=album] option').length === 4")
        assert kiosk.page.locator("[name=album] option").nth(3).text_content() == "<b>Evil</b> & Söhne (1)"
        kiosk.page.select_option("[name=album]", index=3)
        kiosk.page.frame_locator("#preview").locator(".front img").wait_for()
        assert kiosk.evaluate("window.pwned") is None


def test_a_page_whose_token_no_longer_counts_opens_no_login_box_over_its_photo(
    kiosks: Callable[..., Kiosk], nas: FakeNas
) -> None:
    with Running(settings_for(nas, access=Access(token=Secret(CANARY_ACCESS)))) as running:
        running.session.headers["Authorization"] = f"Bearer {CANARY_ACCESS}"
        running.wait_ready()
        kiosk = kiosks(running.url).open(f"/?token={CANARY_ACCESS}")
        kiosk.wait_shown()
        kiosk.context.clear_cookies()
        with kiosk.page.expect_response(lambda response: response.status == 401) as refused:
            kiosk.forward(15_000)
        assert refused.value.header_value("WWW-Authenticate") == 'Bearer realm="photos-sync"'


class TestPolicy:
    def test_an_injected_script_does_not_run_and_nothing_foreign_is_loaded(
        self, kiosks: Callable[..., Kiosk], service: Running
    ) -> None:
        kiosk = kiosks(service.url)
        kiosk.page.add_init_script(
            "window.blocked = []; addEventListener('securitypolicyviolation',"
            " event => blocked.push(event.effectiveDirective))"
        )

        def inject(route: Any) -> None:
            answer = route.fetch()
            extra = (
                "<script>pwned=1</script><img src=http://other.invalid/x onerror=pwned=1><style>*{color:red}</style>"
            )
            route.fulfill(response=answer, body=answer.text().replace("</body>", extra + "</body>"))

        kiosk.page.route(kiosk.url + "/", inject)
        kiosk.open().wait_shown()
        assert kiosk.evaluate("window.pwned") is None
        assert {"script-src-elem", "script-src-attr", "img-src", "style-src-elem"} <= set(kiosk.evaluate("blocked"))
        refused = "() => { try { document.body.innerHTML = '<b>'; } catch (error) { return error.name; } }"
        assert kiosk.evaluate(refused) == "TypeError"
        kiosk.complaints.clear()

    def test_the_page_can_be_shown_in_a_dashboard_on_another_port(
        self, kiosks: Callable[..., Kiosk], service: Running
    ) -> None:
        # To Chromium a page that a route makes up comes from the internet, and may load nothing from here.
        with dashboard(f'<iframe src="{service.url}/"></iframe>') as url:
            kiosk = kiosks(url)
            kiosk.page.goto(url)
            kiosk.page.frame_locator("iframe").locator(".front img").wait_for()


@contextmanager
def dashboard(markup: str) -> Iterator[str]:
    """Another server on this machine, which has nothing but this page."""

    class Dashboard(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(markup.encode())

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Dashboard) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


SIZES = [(360, 640), (640, 360), (1024, 600), (1280, 800), (768, 1024), (1920, 1080), (1080, 1920), (3840, 2160)]


def test_on_every_screen_the_words_stay_inside_and_apart(kiosk: Kiosk) -> None:
    kiosk.open(query(clock=1, date=1, album="%3Cb%3EEvil%3C/b%3E%20%26%20S%C3%B6hne"))
    kiosk.wait_shown()
    long = "Words of a long description which goes on and on " * 9
    kiosk.evaluate("long => { document.querySelector('.front .description').textContent = long; }", long)
    for width, height in SIZES:
        kiosk.page.set_viewport_size({"width": width, "height": height})
        kiosk.wait("size => innerWidth === size[0] && innerHeight === size[1]", [width, height])
        boxes = [kiosk.page.locator(name).bounding_box() for name in (".front .description", ".front .details", "#now")]
        for box in boxes:
            assert box["x"] >= 0 and box["y"] >= 0 and box["width"] > 0
            assert box["x"] + box["width"] <= width and box["y"] + box["height"] <= height
        now = boxes[2]
        for box in boxes[:2]:
            beside = box["x"] + box["width"] <= now["x"]
            above = box["y"] + box["height"] <= now["y"]
            assert beside or above, (width, height, box, now)
        scroll = "[document.scrollingElement.scrollWidth, document.scrollingElement.scrollHeight]"
        assert kiosk.evaluate(scroll) == [width, height]
        kiosk.page.keyboard.press("i")
        panel = kiosk.page.locator("#panel").bounding_box()
        assert panel["x"] >= 0 and panel["x"] + panel["width"] <= width
        kiosk.page.keyboard.press("Escape")


class TestSetup:
    def test_it_builds_an_address_that_the_preview_shows(self, kiosk: Kiosk) -> None:
        kiosk.page.goto(kiosk.url + "/setup")
        address = kiosk.page.locator("#address")
        assert address.input_value() == kiosk.url + "/"
        kiosk.page.select_option("[name=fit]", "cover")
        kiosk.page.select_option("[name=transition]", "cut")
        kiosk.page.locator("[name=clock]").check()
        kiosk.page.locator("[name=caption]").uncheck()
        kiosk.page.fill("[name=seconds]", "60")
        kiosk.page.fill("[name=client]", "hall & bath")
        kiosk.page.locator("#sleeps").check()
        kiosk.page.fill("#from", "23:15")
        kiosk.page.locator("#from").blur()
        built = address.input_value()
        assert built == (
            kiosk.url + "/?seconds=60&fit=cover&transition=cut&caption=0&clock=1&client=hall+%26+bath&sleep=23:15-06:30"
        )
        preview = kiosk.page.frame_locator("#preview")
        preview.locator("body.timed.cut .front.whole img").wait_for()
        assert kiosk.page.locator("#open").get_attribute("href") == built
        kiosk.page.goto(built)
        assert kiosk.evaluate("options") == {
            "seconds": 60,
            "fit": "cover",
            "transition": "cut",
            "clock": True,
            "date": False,
            "caption": False,
            "sleep": {"from": 23 * 60 + 15, "to": 6 * 60 + 30},
            "client": "hall & bath",
            "album": "",
        }

    def test_the_preview_takes_no_photo_from_the_screens_deck(self, kiosk: Kiosk) -> None:
        with kiosk.page.expect_request(lambda request: "/files?" in request.url) as asked:
            kiosk.page.goto(kiosk.url + "/setup")
        assert "client=preview" in asked.value.url

    def test_what_cannot_be_is_not_put_into_the_address(self, kiosk: Kiosk) -> None:
        kiosk.page.goto(kiosk.url + "/setup")
        kiosk.page.fill("[name=seconds]", "1")
        kiosk.page.locator("[name=seconds]").blur()
        assert kiosk.page.locator("#address").input_value() == kiosk.url + "/"

    def test_the_address_can_be_copied(self, kiosk: Kiosk) -> None:
        kiosk.context.grant_permissions(["clipboard-read", "clipboard-write"])
        kiosk.page.goto(kiosk.url + "/setup")
        kiosk.page.click("#copy")
        kiosk.page.get_by_text("Copied.").wait_for()
        assert kiosk.evaluate("navigator.clipboard.readText()") == kiosk.url + "/"

    def test_it_fits_a_phone(self, kiosks: Callable[..., Kiosk], service: Running) -> None:
        kiosk = kiosks(service.url, viewport={"width": 360, "height": 640}, has_touch=True, is_mobile=True)
        kiosk.page.goto(service.url + "/setup")
        kiosk.page.frame_locator("#preview").locator(".front img").wait_for()
        assert kiosk.evaluate("document.documentElement.scrollWidth") == 360

    def test_of_one_album_there_is_no_choice(self, kiosks: Callable[..., Kiosk], nas: FakeNas) -> None:
        with Running(settings_for(nas)) as running:
            running.wait_ready()
            kiosk = kiosks(running.url)
            kiosk.page.goto(kiosk.url + "/setup", wait_until="networkidle")
            assert not kiosk.page.locator("#albums").is_visible()
            assert not kiosk.page.locator("#token").is_visible()

    def test_where_a_token_is_wanted_it_says_how_each_screen_gets_in(
        self, kiosks: Callable[..., Kiosk], nas: FakeNas
    ) -> None:
        access = Access(token=Secret(CANARY_ACCESS), base_path="/frames")
        with Running(settings_for(nas, access=access)) as running:
            kiosk = kiosks(running.url)
            kiosk.page.goto(f"{running.url}/frames/setup?token={CANARY_ACCESS}")
            kiosk.page.locator("#token").wait_for()
            assert f"{running.url}/frames/?token=" in kiosk.page.locator("#token").inner_text()

    def test_an_old_browser_is_not_told_that_the_address_is_the_reason(self, kiosk: Kiosk) -> None:
        kiosk.page.add_init_script(NO_LOCK)
        kiosk.page.goto(kiosk.url + "/setup")
        assert kiosk.page.locator("#awake").inner_text().startswith("This browser cannot keep the screen on.")

    def test_off_localhost_it_says_that_the_screen_may_switch_itself_off(
        self, kiosks: Callable[..., Kiosk], service: Running
    ) -> None:
        kiosk = kiosks(f"http://pi:{service.service.port}")
        kiosk.go("/setup")
        assert "only on https or localhost" in kiosk.page.locator("#awake").inner_text()
        assert not kiosk.page.locator("#local").is_visible()
