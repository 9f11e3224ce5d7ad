"""The NAS's address out of a share link or of what people paste; the other shapes of --url are in test_settings.py."""

from __future__ import annotations

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from photosync.address import base_url, split_link

PASSPHRASE = "NiXlv1i2N"


@pytest.mark.parametrize(
    ("link", "url"),
    [
        ("http://nas.local:5000/mo/sharing/{}", "http://nas.local:5000"),
        ("https://nas.local:5001/mo/sharing/{}/", "https://nas.local:5001"),
        ("https://nas.example/photo/mo/sharing/{}", "https://nas.example:443/photo"),
        ("http://nas.example/a/b/mo/sharing/{}#/albums", "http://nas.example:80/a/b"),
        ("http://192.168.1.7:5000/mo/sharing/{}/?from=mail#/item/3", "http://192.168.1.7:5000"),
        ("http://[fe80::1]:5000/mo/sharing/{}", "http://[fe80::1]:5000"),
        ("HTTP://NAS:/mo/sharing/{}", "http://nas:80"),
        ("  http://nas/mo/sharing/{}\n", "http://nas:80"),
    ],
)
def test_a_link_holds_the_address_and_the_passphrase(link: str, url: str) -> None:
    found, folder, passphrase = split_link(link.format(PASSPHRASE))
    assert (found, folder, passphrase.reveal()) == (url, "mo/sharing", PASSPHRASE)


def test_a_link_keeps_its_folder() -> None:
    assert split_link(f"https://nas/photo/aa/sharing/{PASSPHRASE}")[:2] == ("https://nas:443/photo", "aa/sharing")


def refusal(link: str) -> str:
    with pytest.raises(ValueError, match=r"\w") as caught:
        split_link(link)
    assert PASSPHRASE not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    "link",
    [
        f"https://gofile.me/7xYzA/{PASSPHRASE}",
        f"http://gofile.me/7xYzA/{PASSPHRASE}",
        f"https://family.quickconnect.to/mo/sharing/{PASSPHRASE}",
        f"https://family.de7.quickconnect.to/mo/sharing/{PASSPHRASE}",
        f"https://quickconnect.cn/family/{PASSPHRASE}",
    ],
)
def test_a_link_through_synologys_servers_is_told_what_to_use_instead(link: str) -> None:
    told = refusal(link)
    assert "QuickConnect" in told
    assert "http://nas.local:5000/mo/sharing/" in told


@pytest.mark.parametrize("folder", ["mo", "aa"])
def test_a_request_for_photos_is_told(folder: str) -> None:
    assert "request for photos" in refusal(f"http://nas:5000/{folder}/request/{PASSPHRASE}")


def test_a_name_of_quickconnect_that_is_the_nas_own_address_is_taken() -> None:
    name = "192-168-1-5.family.direct.quickconnect.to"
    assert base_url(f"{name}:5001", None) == f"https://{name}:5001"
    assert split_link(f"https://{name}:5001/mo/sharing/{PASSPHRASE}")[0] == f"https://{name}:5001"
    for relay in ("direct.quickconnect.to", "indirect.quickconnect.to", "family.quickconnect.to"):
        with pytest.raises(ValueError, match="QuickConnect"):
            base_url(relay, None)


@pytest.mark.parametrize(
    "link",
    [
        "",
        PASSPHRASE,
        f"nas:5000/mo/sharing/{PASSPHRASE}",
        f"ftp://nas/mo/sharing/{PASSPHRASE}",
        f"http:///mo/sharing/{PASSPHRASE}",
        f"http://user:word@nas/mo/sharing/{PASSPHRASE}",
        f"http://nas/sharing/{PASSPHRASE}",
        f"http://nas/mo/sharing/{PASSPHRASE}/photo",
        f"http://nas/mo/sharing/{PASSPHRASE}/mo/sharing/{PASSPHRASE}",
        f"http://nas/aa/sharing/{PASSPHRASE}/mo/sharing/{PASSPHRASE}",
        f"http://nas/photo/sharing/{PASSPHRASE}",
        "http://nas:5000/mo/sharing/",
        "http://nas:5000/mo/sharing/ab",
        f"http://nas:5000/mo/sharing/{PASSPHRASE}%0d",
        f"http://nas:5000/mo/sharing/{PASSPHRASE};x",
        f"http://nas:port/mo/sharing/{PASSPHRASE}",
        f"http://[::1/mo/sharing/{PASSPHRASE}",
        f"'http://nas/mo/sharing/{PASSPHRASE}'",
    ],
)
def test_what_is_no_link_of_an_album_is_told_what_one_looks_like(link: str) -> None:
    told = refusal(link)
    assert "is not the link of an album" in told
    assert "http://nas.local:5000/mo/sharing/" in told
    assert "word" not in told


@pytest.mark.parametrize("link", ["http://nas:0/mo/sharing/{}", "http://na s/mo/sharing/{}"])
def test_an_address_that_cannot_be_one_is_told(link: str) -> None:
    assert "not a" in refusal(link.format(PASSPHRASE))


@given(st.text(st.characters(codec="utf-8"), max_size=60))
def test_nothing_else_is_ever_raised(text: str) -> None:
    for link in (text, f"http://{text}/mo/sharing/{PASSPHRASE}", f"http://nas/mo/sharing/{text}"):
        try:
            url, _, passphrase = split_link(link)
        except ValueError:
            continue
        assert url.startswith(("http://", "https://"))
        assert passphrase.reveal() not in url or passphrase.reveal() in text.replace(passphrase.reveal(), "", 1)


# Addresses that a library would rewrite


@pytest.mark.parametrize(
    "text",
    [
        "https://nas/./photo",
        "https://nas/x/../photo",
        "https://nas/photo/..",
        "https://nas/%2e%2E/photo",
        "https://nas/%252e/photo",
        "https://nas/%ff",
        "https://nas/%zz",
        "https://größe.local",
        "https://１２７.0.0.1",
        f"https://{'ä' * 80}.local",
        "https://m%C3%BCller.local",
    ],
)
def test_an_address_with_several_readings_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a host name"):
        base_url(text, None)


@given(st.text("abZ09-._~+%/2eö¼ß１", max_size=12), st.text("abZ09-._~+%/2eö¼ß１", max_size=20))
def test_an_address_that_is_taken_is_sent_as_it_is(host: str, path: str) -> None:
    try:
        url = base_url(f"https://{host}/{path}", None)
    except ValueError:
        return
    assert str(requests.Request("GET", f"{url}/webapi").prepare().url).startswith(f"{url}/")
    assert base_url(url, None) == url


# What people paste


@pytest.mark.parametrize(
    ("text", "base"),
    [
        ("http://nas:5000/?launchApp=SYNO.Foto.AppInstance#/album/8", "http://nas:5000"),
        ("https://nas:5001/#/signin", "https://nas:5001"),
        ("https://nas/photo/#/shared_space/folder/3", "https://nas:443/photo"),
        ("http://[fe80::1]/photo/#/album/8", "http://[fe80::1]:80/photo"),
    ],
)
def test_a_page_of_photos_in_a_browser_leads_to_its_base(text: str, base: str) -> None:
    assert base_url(text, None) == base


def test_the_port_option_counts_for_a_pasted_address_without_one() -> None:
    assert base_url("https://nas/#/album/8", 5001) == "https://nas:5001"


@pytest.mark.parametrize("text", ["http://nas/?page=2", "http://nas/#top", "http://nas/?x=1#/album/8", "nas/#/album/8"])
def test_a_page_of_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a host name"):
        base_url(text, None)


def test_a_host_whose_name_only_ends_like_a_relay_is_taken() -> None:
    assert base_url("notgofile.me", None) == "http://notgofile.me:5000"
