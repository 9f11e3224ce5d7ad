"""Group E: clients that come all at once, or too often."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from conftest import Running, canary_nas, settings_for
from guest import THUMBNAIL

from photosync.fakenas import Library


def test_e8_fifty_screens_that_wake_up_at_once_get_their_photos_with_few_calls() -> None:
    library = Library.synthetic(100)
    with canary_nas(library=library) as nas, Running(settings_for(nas)) as running:
        running.wait_for("/files/list", lambda response: response.ok)

        def wake_up(number: int) -> requests.Response:
            with requests.Session() as session:
                session.trust_env = False
                return session.get(f"{running.url}/files?client=screen{number}", timeout=20)

        with ThreadPoolExecutor(50) as screens:
            answers = list(screens.map(wake_up, range(50)))
        assert [answer.status_code for answer in answers] == [200] * 50
        pictures = {item.data("xl") for item in library.items.values()}
        assert {answer.content for answer in answers} <= pictures
        running.wait_filled()
        asked = [call.params["id"] for call in nas.calls if call.api == THUMBNAIL]
        assert len(asked) == len(set(asked)) == 100
        assert nas.concurrency_peak <= 4


def test_e9_a_screen_that_asks_without_pause_costs_the_nas_nothing_and_others_get_theirs(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with canary_nas(library=Library.synthetic(10)) as nas, Running(settings_for(nas)) as running:
        running.wait_filled()
        calls = len(nas.calls)
        with caplog.at_level(logging.INFO):
            for number in range(600):
                assert running.get("/files?client=hurried").status_code == 200
                if number % 100 == 0:
                    assert running.get("/files?client=calm").status_code == 200
        assert len(nas.calls) == calls
        assert [record.message for record in caplog.records if record.name.startswith("photosync")] == []
        assert len(running.service.screens.decks) == 2


def test_e10_a_connection_goes_on_after_an_error(running: Running) -> None:
    with requests.Session() as session:
        session.trust_env = False
        for path, status in (("/nowhere", 404), ("/files", 200), ("/files/1.jpg", 404), ("/healthz", 200)):
            answer = session.get(running.url + path, timeout=20)
            assert answer.status_code == status
            assert answer.headers.get("Connection", "keep-alive").lower() != "close"
        refused = session.post(running.url + "/files", data=b"x" * 100, timeout=20)
        assert refused.status_code == 405
        assert session.get(running.url + "/files", timeout=20).status_code == 200
        (pool,) = session.get_adapter(running.url).poolmanager.pools._container.values()
        assert pool.num_connections == 1
