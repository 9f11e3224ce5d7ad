"""docs/screens.md: the requests that each screen makes, over a real socket, and what has to come back.

What a screen sends is taken from its own source or documentation; nothing but the version numbers is made up.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.parser import BytesHeaderParser
from pathlib import Path

import pytest
import yaml
from conftest import CANARY_ACCESS, Running, canary_nas, settings_for
from outside import ROOT, connect, read_header
from sandbox import settings_of

from photosync.guard import Access
from photosync.settings import Secret

RECIPES = (ROOT / "docs" / "screens.md").read_text("utf-8")
KIOSK = ROOT / "systemd" / "photos-sync-kiosk.service"
WEBVIEW = "Mozilla/5.0 (Linux; Android 9; KFMAWI; wv) AppleWebKit/537.36 Version/4.0 Chrome/118.0.0.0 Safari/537.36"
IPAD = "Mozilla/5.0 (iPad; CPU OS 12_5_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148"
CHROMIUM = "Mozilla/5.0 (X11; Linux aarch64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36"
CHROMIUM_IMAGES = "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8"
SAFARI_IMAGES = "image/png,image/svg+xml,image/*;q=0.8,video/*;q=0.8,*/*;q=0.5"
BASIC = {"Authorization": "Basic " + b64encode(f"frame:{CANARY_ACCESS}".encode()).decode()}
BEARER = {"Authorization": f"Bearer {CANARY_ACCESS}"}


def in_a_page(page: str, *, by: str = CHROMIUM) -> dict[str, str]:
    """As Chromium asks for a picture in a page of another site."""
    return {
        "User-Agent": by,
        "Accept": CHROMIUM_IMAGES,
        "Referer": page,
        "Accept-Encoding": "gzip, deflate",
        "Accept-Language": "en-GB,en;q=0.9",
        "Sec-Fetch-Site": "cross-site",
        "Sec-Fetch-Mode": "no-cors",
        "Sec-Fetch-Dest": "image",
    }


@dataclass(frozen=True)
class Screen:
    """What asks for `/files` as a picture; `{n}` in its address is another number each time.

    `token` is how it can give an access token, if it can; `is_shown` whether somebody sees what comes with an error.
    """

    name: str
    address: str
    headers: Mapping[str, str]
    token: Mapping[str, str] | None
    is_shown: bool


HOME_ASSISTANT = Screen(
    "Home Assistant's generic camera",
    "/files?client=home-assistant&t={n}",
    {
        "Accept": "*/*",
        "Accept-Encoding": "gzip, deflate, br, zstd",
        "Connection": "keep-alive",
        "User-Agent": "HomeAssistant/2026.11.0 httpx/0.28.1 Python/3.13",
    },
    BASIC,
    is_shown=False,
)
PICTURE_CARD = Screen(
    "Home Assistant's picture card",
    "/files",
    in_a_page("http://homeassistant.local:8123/"),
    None,
    is_shown=True,
)
WALLPANEL = Screen(
    "wallpanel",
    "/files?client=hall&w=1280&h=800&fit=cover&t={n}",
    in_a_page("http://homeassistant.local:8123/", by=WEBVIEW),
    None,
    is_shown=True,
)
MAGICMIRROR = Screen(
    "MagicMirror's MMM-Wallpaper",
    "/files?client=mirror&w=1920&h=1080&fit=cover&mmm-wallpaper-ts={n}",
    in_a_page("http://localhost:8080/"),
    None,
    is_shown=True,
)
DAKBOARD = Screen(
    "DAKboard's photo block",
    "/files?client=dakboard",
    in_a_page("https://dakboard.com/"),
    None,
    is_shown=True,
)
ESPHOME = Screen(
    "ESPHome's online_image",
    "/files?client=epaper&w=800&h=480&fit=cover",
    {"User-Agent": "ESPHome/2026.11.0 (https://esphome.io)", "Accept": "image/jpeg,*/*;q=0.8"},
    BEARER,
    is_shown=True,  # not by ESPHome itself, which takes nothing but a 200
)
SCREENS = (HOME_ASSISTANT, PICTURE_CARD, WALLPANEL, MAGICMIRROR, DAKBOARD, ESPHOME)
each_screen = pytest.mark.parametrize("screen", SCREENS, ids=lambda screen: screen.name)

BROWSERS = {
    "Fully Kiosk": {"User-Agent": WEBVIEW, "X-Requested-With": "de.ozerov.fully"},
    "an iPad": {"User-Agent": IPAD},
    "Chromium on a Raspberry Pi": {"User-Agent": CHROMIUM},
}
each_browser = pytest.mark.parametrize("name", BROWSERS)


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes


def ask(running: Running, address: str, sent: Mapping[str, str]) -> Answer:
    """One request as it stands; nothing is followed, added or kept."""
    lines = [f"GET {address} HTTP/1.1", f"Host: 127.0.0.1:{running.service.port}"]
    lines += [f"{name}: {value}" for name, value in sent.items()]
    with connect(running.service.port) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode())
        start, _, rest = read_header(connection).partition(b"\r\n")
        headers = BytesHeaderParser().parsebytes(rest)
        found = {name.lower(): ", ".join(headers.get_all(name, [])) for name in headers}
        with connection.makefile("rb") as stream:
            body = stream.read(int(found.get("content-length", 0)))
    return Answer(int(start.split()[1]), found, body)


def is_photo(answer: Answer) -> bool:
    return (
        (answer.status, answer.headers["content-type"]) == (200, "image/jpeg")
        and len(answer.body) == int(answer.headers["content-length"])
        and answer.body[:2] == b"\xff\xd8"
        and answer.body[-2:] == b"\xff\xd9"
    )


@pytest.fixture(scope="module")
def open_service() -> Iterator[Running]:
    with canary_nas() as nas, Running(settings_for(nas)) as running:
        running.wait_filled()
        yield running


@pytest.fixture(scope="module")
def guarded_service() -> Iterator[Running]:
    with canary_nas() as nas, Running(settings_for(nas, access=Access(token=Secret(CANARY_ACCESS)))) as running:
        running.session.headers.update(BEARER)
        running.wait_filled()
        yield running


@pytest.fixture(scope="module")
def waiting_service() -> Iterator[Running]:
    """Without any photo, since its NAS is away."""
    with canary_nas() as nas:
        unreachable = settings_for(nas)
    with Running(unreachable) as running:
        running.wait_for("/readyz", lambda answer: answer.json()["status"] == "nas_down")
        yield running


def needs_images(screen: Screen) -> None:
    if "w=" in screen.address:
        pytest.importorskip("PIL", reason="Pillow is not installed: there is no wheel of it for this machine")


class TestPictures:
    @each_screen
    def test_each_time_another_photo_comes_that_nothing_keeps(self, open_service: Running, screen: Screen) -> None:
        needs_images(screen)
        answers = [ask(open_service, screen.address.format(n=n), screen.headers) for n in range(3)]
        assert all(map(is_photo, answers))
        assert len({answer.headers["content-location"] for answer in answers}) == 3
        for answer in answers:
            assert answer.headers["cache-control"] == "no-store"
            assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
            assert not {"location", "etag", "last-modified", "content-encoding", "transfer-encoding"} & set(
                answer.headers
            )

    @each_screen
    def test_before_the_first_photo_those_who_show_pictures_get_one_that_says_why(
        self, waiting_service: Running, screen: Screen
    ) -> None:
        needs_images(screen)
        answer = ask(waiting_service, screen.address.format(n=1), screen.headers)
        assert answer.status == 503
        assert int(answer.headers["retry-after"]) > 0
        if screen.is_shown:
            assert (answer.headers["content-type"], answer.body[:2]) == ("image/jpeg", b"\xff\xd8")
        else:
            assert "connection refused" in json.loads(answer.body)["error"]

    @each_screen
    def test_a_token_is_taken_in_the_way_that_the_screen_has(self, guarded_service: Running, screen: Screen) -> None:
        needs_images(screen)
        address = screen.address.format(n=1)
        refused = ask(guarded_service, address, screen.headers)
        assert refused.status == 401
        assert "Basic" in refused.headers["www-authenticate"]
        if screen.token is not None:
            assert is_photo(ask(guarded_service, address, {**screen.headers, **screen.token}))

    def test_a_microcontroller_gets_a_baseline_jpeg_of_exactly_its_size(self, open_service: Running) -> None:
        pytest.importorskip("PIL", reason="Pillow is not installed: there is no wheel of it for this machine")
        from pictures import opened, segments

        answer = ask(open_service, ESPHOME.address, ESPHOME.headers)
        assert opened(answer.body).size == (800, 480)
        frames = {marker for marker, _ in segments(answer.body) if 0xC0 <= marker <= 0xCF} - {0xC4, 0xC8, 0xCC}
        assert frames == {0xC0}  # baseline; 0xC2 is progressive


class TestKioskPage:
    @each_browser
    def test_each_file_and_photo_that_a_browser_asks_for_is_there(self, open_service: Running, name: str) -> None:
        self._visit(open_service, BROWSERS[name], "/?client=hall&clock=1&sleep=22:00-06:30")

    @each_browser
    def test_a_token_in_the_start_address_becomes_a_cookie_that_opens_everything(
        self, guarded_service: Running, name: str
    ) -> None:
        headers = BROWSERS[name]
        first = ask(guarded_service, f"/?token={CANARY_ACCESS}&client=hall", headers)
        assert (first.status, first.headers["location"]) == (303, "/?client=hall")
        cookie = first.headers["set-cookie"].partition(";")[0]
        self._visit(guarded_service, {**headers, "Cookie": cookie}, first.headers["location"])
        self._visit(guarded_service, {**headers, **BASIC}, "/?client=hall")
        assert ask(guarded_service, "/?client=hall", headers).status == 401

    @staticmethod
    def _visit(running: Running, headers: Mapping[str, str], address: str) -> None:
        page = ask(running, address, {**headers, "Accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
        assert (page.status, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert b'name="apple-mobile-web-app-capable" content="yes"' in page.body
        files = re.findall(rb'(?:href|src)="(static/[^"]+)"', page.body)
        assert len(files) == 2
        for file in files:
            assert ask(running, "/" + file.decode(), {**headers, "Accept": "*/*"}).status == 200
        told = json.loads(ask(running, "/files?format=json&client=hall", {**headers, "Accept": "*/*"}).body)
        accept = SAFARI_IMAGES if headers["User-Agent"] == IPAD else CHROMIUM_IMAGES
        photo = ask(running, told["url"], {**headers, "Accept": accept})
        assert is_photo(photo)
        again = ask(running, told["url"], {**headers, "Accept": accept, "If-None-Match": photo.headers["etag"]})
        assert (again.status, again.body) == (304, b"")


class TestDocument:
    def test_every_address_in_it_is_answered(self, open_service: Running) -> None:
        found = {line.rstrip("/") or "/" for line in re.findall(r"http://[\w.-]+:5000(/[^\s`'\"]*)", RECIPES)}
        addresses = {address for address in found if "…" not in address and "TOKEN" not in address}
        assert len(addresses) > 8
        for address in sorted(addresses):
            needs_images(Screen("", address, {}, None, is_shown=False))
            filled = address.replace("${width}", "1280").replace("${height}", "800").replace("${timestamp_ms}", "1")
            assert ask(open_service, filled.partition("{{")[0], {}).status == 200, address

    @each_screen
    def test_it_gives_the_address_that_the_screen_then_asks_for(self, screen: Screen) -> None:
        written = re.sub(r"\{\{.*?\}\}|\$\{timestamp_ms\}", "{n}", RECIPES)
        written = written.replace("${width}", "1280").replace("${height}", "800")
        assert f":5000{screen.address.removesuffix('&mmm-wallpaper-ts={n}')}" in written

    def test_its_yaml_is_yaml(self) -> None:
        blocks = re.findall(r"```yaml\n(.*?)```", RECIPES, re.DOTALL)
        assert len(blocks) == 4
        for block in blocks:
            assert isinstance(yaml.safe_load(block), dict)

    def test_its_links_lead_somewhere(self) -> None:
        readme = (ROOT / "README.md").read_text("utf-8")
        assert "docs/screens.md" in readme
        for file, anchor in re.findall(r"\]\(([\w./-]*)(?:#([\w-]+))?\)", RECIPES):
            assert not file or (ROOT / "docs" / file).exists()
            text = readme if file.endswith("README.md") else RECIPES
            assert not anchor or anchor in {_anchor(line) for line in re.findall(r"^#+ (.*)$", text, re.MULTILINE)}


def _anchor(heading: str) -> str:
    """As GitHub makes it of a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


class TestKioskUnit:
    @pytest.mark.skipif(
        shutil.which("systemd-analyze") is None, reason="systemd-analyze (Debian's package systemd) is not installed"
    )
    def test_systemd_has_nothing_against_it(self, tmp_path: Path) -> None:
        text = re.sub(r"/usr/bin/(?:cage|curl)\b", "/bin/true", KIOSK.read_text("utf-8"))
        (tmp_path / KIOSK.name).write_text(text)
        ended = subprocess.run(
            ["systemd-analyze", "verify", "--user", str(tmp_path / KIOSK.name)],
            env={**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)},
            capture_output=True,
            text=True,
        )
        assert (ended.returncode, ended.stderr) == (0, "")

    def test_it_starts_by_itself_and_again_for_ever(self) -> None:
        settings = settings_of(KIOSK)
        assert (settings["Restart"], settings["StartLimitIntervalSec"]) == (["always"], ["0"])
        assert settings["WantedBy"] == ["default.target"]

    def test_the_page_that_it_waits_for_and_shows_is_there(self, open_service: Running) -> None:
        page = settings_of(KIOSK)["Environment"][0].removeprefix("PAGE=http://localhost:5000")
        assert ask(open_service, page, {"User-Agent": "curl/7.88.1", "Accept": "*/*"}).status == 200
        assert re.findall(r"^(\w+)=(?:.*\\\n)*.* \$\{PAGE\}$", KIOSK.read_text("utf-8"), re.MULTILINE) == [
            "ExecStartPre",
            "ExecStart",
        ]
