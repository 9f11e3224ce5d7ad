"""The kiosk page and /setup as files over HTTP; what they do in a browser is in test_browser.py."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from conftest import Running, canary_nas, settings_for

from photosync import pages
from photosync.fakenas import FakeNas
from photosync.pages import Pages

STATIC = Path(pages.__file__).with_name("static")
FILES = {
    "/": ("index.html", "text/html; charset=utf-8"),
    "/setup": ("setup.html", "text/html; charset=utf-8"),
    "/static/kiosk.css": ("kiosk.css", "text/css; charset=utf-8"),
    "/static/kiosk.js": ("kiosk.js", "text/javascript; charset=utf-8"),
    "/static/setup.css": ("setup.css", "text/css; charset=utf-8"),
    "/static/setup.js": ("setup.js", "text/javascript; charset=utf-8"),
}
# What came after ES2017, and modules: old tablets stop at the first of these.
TOO_NEW = r"\?\.|\?\?|\bcatch\s*\{|\{\s*\.\.\.|,\s*\.\.\.\w+\s*\}|\bimport\b|\bexport\b|\bfor await\b|\(\?<|\d_\d|\*\*=|\.(?:flat|flatMap|at|replaceAll|matchAll|finally|fromEntries)\("  # noqa: E501


class Markup(HTMLParser):
    """The elements of a page, and the text of its scripts and styles."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.inline = ""
        self._tag = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._tag = tag

    def handle_endtag(self, tag: str) -> None:
        self._tag = ""

    def handle_data(self, data: str) -> None:
        if self._tag in ("script", "style"):
            self.inline += data.strip()


def text_of(name: str) -> str:
    return (STATIC / name).read_text("utf-8")


@pytest.mark.parametrize("address", FILES)
def test_each_file_has_its_type_a_tag_and_is_asked_after_each_time(running: Running, address: str) -> None:
    name, content_type = FILES[address]
    response = running.get(address)
    assert response.status_code == 200
    assert response.headers["Content-Type"] == content_type
    assert response.headers["Cache-Control"] == "no-cache"
    assert response.text == text_of(name).replace('data-build="BUILD"', f'data-build="{Pages().build}"')
    tag = response.headers["ETag"]
    again = running.get(address, headers={"If-None-Match": tag})
    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", tag)
    head = running.request("HEAD", address)
    assert (head.content, head.headers["Content-Length"]) == (b"", str(len(response.content)))


def test_nothing_else_of_the_folder_can_be_had(running: Running) -> None:
    served = {path.name for path in STATIC.iterdir() if path.suffix in (".html", ".css", ".js")}
    assert served == {name for name, _ in FILES.values()}
    for path in ("/static/draw.py", "/static/index.html", "/static/", "/static/notices/auth.jpg", "/static/../web.py"):
        assert running.get(path).status_code == 404, path


def test_files_are_read_once(nas: FakeNas, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "index.html").write_text("before")
    monkeypatch.setattr(pages, "_FOLDER", tmp_path)
    with Running(settings_for(nas)) as running:
        (tmp_path / "index.html").write_text("after")
        assert running.get("/").text == "before"


def test_the_policy_lets_nothing_inline_or_foreign_run_and_anybody_embed_the_page(running: Running) -> None:
    for address in ("/", "/setup"):
        headers = running.get(address).headers
        policy = dict(part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";"))
        assert policy["default-src"] == policy["base-uri"] == policy["form-action"] == "'none'"
        assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
        assert (policy["img-src"], policy["frame-ancestors"]) == ("'self' data:", "*")
        assert policy["require-trusted-types-for"] == "'script'"
        assert "X-Frame-Options" not in headers
        assert "camera=()" in headers["Permissions-Policy"]
        assert "screen-wake-lock=(self)" in headers["Permissions-Policy"]


@pytest.mark.parametrize("name", ["index.html", "setup.html"])
def test_pages_hold_nothing_inline_and_only_relative_addresses(name: str) -> None:
    markup = Markup(text_of(name))
    assert markup.inline == ""
    for tag, attributes in markup.elements:
        assert not [key for key in attributes if key.startswith("on") or key in ("style", "srcdoc")], (tag, attributes)
        for key in ("src", "href", "action"):
            assert not (attributes.get(key) or "").startswith(("/", "http")), (tag, attributes)


@pytest.mark.parametrize("name", ["kiosk.js", "setup.js", "kiosk.css", "setup.css"])
def test_scripts_and_styles_name_no_address_of_their_own_host_or_another(name: str) -> None:
    assert (
        re.findall(r"""https?://|//\w|url\(|@import|get\(['"]/|src = ['"]/|innerHTML|outerHTML""", text_of(name)) == []
    )


@pytest.mark.parametrize("name", ["kiosk.js", "setup.js"])
def test_scripts_use_nothing_that_came_after_es2017(name: str) -> None:
    assert re.findall(TOO_NEW, text_of(name)) == []
    assert re.search(TOO_NEW, "try { a() } catch { }")
    assert re.search(TOO_NEW, "a?.b")


@pytest.mark.parametrize("name", ["kiosk.js", "setup.js"])
def test_scripts_name_nothing_as_browsers_name_theirs(name: str) -> None:
    """Old ones refuse a script whose `const history` hides their own."""
    named = set(re.findall(r"^(?:const|let|function) (\w+)", text_of(name), re.MULTILINE))
    assert named
    assert not named & {
        "history",
        "name",
        "status",
        "open",
        "close",
        "stop",
        "focus",
        "blur",
        "print",
        "find",
        "screen",
    }


def test_everything_together_weighs_less_than_30_kilobytes() -> None:
    assert sum(len(text_of(name).encode()) for name, _ in FILES.values()) < 30_000


def test_the_page_and_the_next_photo_as_json_name_the_same_build(running: Running) -> None:
    build = re.search(r'data-build="([0-9a-f]{16})"', running.get("/").text)
    assert build is not None
    assert running.get("/files?format=json").headers["Photosync-Page"] == build[1]


def test_a_new_version_and_a_changed_file_are_another_build(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    first = Pages().build
    assert Pages().build == first
    monkeypatch.setattr(pages, "__version__", "99.0")
    second = Pages().build
    for name, _ in FILES.values():
        (tmp_path / name).write_text(text_of(name) + " ", "utf-8")
    monkeypatch.setattr(pages, "_FOLDER", tmp_path)
    assert len({first, second, Pages().build}) == 3


def test_an_address_that_is_not_there_says_where_all_are_listed(running: Running) -> None:
    assert running.get("/nowhere").json()["next_step"] == "/setup lists every address."
    setup = running.get("/setup").text
    for address in ("files", "files/list", "cache/stats", "readyz", "healthz", "metrics"):
        assert f'href="{address}"' in setup


def test_the_pages_are_there_before_the_first_photo() -> None:
    with canary_nas() as nas:
        nas.stop()
        with Running(settings_for(nas)) as running:
            assert running.get("/").status_code == running.get("/setup").status_code == 200
