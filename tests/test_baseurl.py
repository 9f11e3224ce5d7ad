"""Base addresses from what people paste; as an option, with every other shape, it is in test_settings.py."""

from __future__ import annotations

import pytest

from photosync.baseurl import base_url


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
