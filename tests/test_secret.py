"""Texts that must not be shown. The files that hold them are met in test_settings.py."""

from __future__ import annotations

import pytest

from photosync.settings import Secret, Settings

BASE = ["-u", "me", "-U", "nas"]
PEM = "-----BEGIN CERTIFICATE-----\n"


class TestSecret:
    def test_it_shows_itself_only_to_reveal(self) -> None:
        secret = Secret("hunter2")
        whole = Settings(url="http://nas:5000", password=secret)
        shown = [repr(secret), str(secret), f"{secret}", f"{secret!r:>30}", f"{secret}", f"{secret!s:>30}"]
        shown += [repr(whole), str(whole), repr({"password": secret}), repr([secret]), str(vars(whole))]
        assert all("hunter2" not in text for text in shown)
        assert secret.reveal() == "hunter2"

    def test_a_format_specification_does_not_get_at_it(self) -> None:
        with pytest.raises(TypeError):
            f"{Secret('hunter2'):>30}"

    def test_it_has_no_dictionary_that_a_dump_could_show(self) -> None:
        assert not hasattr(Secret("hunter2"), "__dict__")

    def test_equal_texts_make_equal_secrets(self) -> None:
        assert Secret("a") == Secret("a")
        assert hash(Secret("a")) == hash(Secret("a"))
        assert Secret("a") != Secret("b")
        assert Secret("a") != "a"
