"""The configuration read anew while photos are shown."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests
from conftest import CANARY_ACCESS, Running, canary_nas, settings_for
from served import write_certificate

from photosync.connect import build_client
from photosync.device import device_path
from photosync.errors import ConfigError, NasUnreachable
from photosync.fakenas import FakeNas, Library, hang, hold
from photosync.guard import MOST_GUESSES, Access
from photosync.listen import SYSTEMD_LISTENS, listen
from photosync.reload import Reload
from photosync.settings import Secret, Settings

LOGIN = ("SYNO.API.Auth", "login")


class Reloading(Running):
    """The service, and the configuration that it is told to read anew."""

    def __init__(self, settings: Settings, **options: Any) -> None:
        super().__init__(settings, **options)
        self.settings = settings
        self.mistakes: list[str] = []
        self.levels: list[str] = []
        self.listen: Callable[[str, int], list[socket.socket]] | None = listen
        self._reload: Reload | None = None

    def reload(self, **changes: Any) -> None:
        if self._reload is None:
            self._reload = Reload(
                self.service,
                self.settings,
                load=self._load,
                build=lambda settings, calls: build_client(settings, self.redactor, calls),
                listen=self.listen,
                set_level=self.levels.append,
            )
        self.settings = replace(self.settings, **changes)
        self.call(self._reload)

    def _load(self) -> Settings:
        if self.mistakes:
            raise ConfigError(self.mistakes)
        return self.settings

    def wait_until_all_is_held(self) -> None:
        self.wait_for("/cache/stats", lambda response: response.json()["entries"] == response.json()["photos"] > 0)


@pytest.fixture
def reloading(nas: FakeNas) -> Iterator[Reloading]:
    with Reloading(settings_for(nas)) as reloading:
        reloading.wait_until_all_is_held()
        yield reloading


@contextmanager
def log_of(caplog: pytest.LogCaptureFixture) -> Iterator[list[str]]:
    found: list[str] = []
    caplog.clear()
    with caplog.at_level(logging.INFO, "photosync"):
        yield found
    found += [f"{one.levelname} {one.getMessage()}" for one in caplog.records if one.name.startswith("photosync")]


def outage_of(running: Running) -> dict[str, Any]:
    """What tells of the NAS, but times that go on."""
    sync, stats = running.service.sync, running.stats()
    return {
        "status": running.get("/readyz").json()["status"],
        "last_success_at": stats["last_success_at"],
        "failures": sync.failures,
        **sync.looks,
        "cause": running.service.store.health.breaker.cause,
    }


def order_of_a_round(running: Running, count: int) -> list[str]:
    return [
        running.get("/files", headers={"Connection": "keep-alive"}).headers["Content-Location"] for _ in range(count)
    ]


class TestWhatHasNotChanged:
    def test_costs_the_nas_no_login_no_listing_and_no_picture(self, reloading: Reloading, nas: FakeNas) -> None:
        before = [nas.count(*LOGIN), nas.count("SYNO.Foto.Browse.Item"), nas.count("SYNO.Foto.Thumbnail")]
        for _ in range(5):
            reloading.reload()
            reloading.look()
        assert [nas.count(*LOGIN), nas.count("SYNO.Foto.Browse.Item"), nas.count("SYNO.Foto.Thumbnail")] == before

    def test_a_screen_goes_on_with_its_round(self, reloading: Reloading) -> None:
        first = order_of_a_round(reloading, 10)
        reloading.reload(interval_seconds=1800.0)
        assert len({*first, *order_of_a_round(reloading, 18)}) == 28

    def test_is_told(self, reloading: Reloading, caplog: pytest.LogCaptureFixture) -> None:
        with log_of(caplog) as told:
            reloading.reload()
        assert told == ["INFO The configuration was read anew. Nothing has changed."]

    def test_photos_are_shown_though_the_nas_is_away(self, reloading: Reloading, nas: FakeNas) -> None:
        nas.stop()
        reloading.reload(interval_seconds=1800.0)
        assert {reloading.get("/files").status_code for _ in range(28)} == {200}


class TestWhileTheNasIsAway:
    def test_the_outage_goes_on_as_it_was_and_is_told_once(
        self, reloading: Reloading, nas: FakeNas, caplog: pytest.LogCaptureFixture
    ) -> None:
        nas.stop()
        reloading.service.store.health.breaker._first_seconds = 60.0  # no look by itself meanwhile
        reloading.look()
        before = outage_of(reloading)
        assert before["status"] == "stale"
        reloading.service.sync._fresh_at -= 500
        with log_of(caplog) as told:
            reloading.reload(interval_seconds=1800.0)
            after = outage_of(reloading)
            reloading.look_again()
        assert after == before
        assert told == ["INFO The configuration was read anew. Changed: interval."]
        assert reloading.service.sync.age_seconds >= 500

    def test_another_way_to_it_keeps_ages_and_counts(self, nas: FakeNas) -> None:
        with Reloading(settings_for(nas)) as running:
            running.wait_filled()  # a download that fails would put off the look
            nas.stop()
            running.call(lambda: running.service.store.cache.resize(0))
            running.look()
            before = outage_of(running)
            assert before["status"] == "nas_down"
            running.service.sync._fresh_at -= 500
            running.reload(url="http://127.0.0.1:1", max_cache_bytes=0)
            after = outage_of(running)
        assert {name: after[name] for name in ("last_success_at", "ok")} == {
            name: before[name] for name in ("last_success_at", "ok")
        }
        assert running.service.sync.age_seconds >= 500


class TestOfThisMachine:
    def test_another_interval_begins_at_once(self, reloading: Reloading) -> None:
        reloading.reload(interval_seconds=0.01)
        before = reloading.service.sync.looks["ok"]
        reloading.wait_for("/healthz", lambda response: reloading.service.sync.looks["ok"] > before + 2)

    def test_a_shorter_interval_asks_an_absent_nas_more_often(self, reloading: Reloading) -> None:
        def wait_after_many_failures() -> float:
            breaker = reloading.service.store.health.breaker
            for _ in range(12):
                breaker.start()
                breaker.failure(NasUnreachable("refused", "Nothing answers."))
            return breaker.wait_seconds

        reloading.reload(interval_seconds=60.0)
        assert 0 < reloading.call(wait_after_many_failures) <= 60

    def test_a_smaller_cache_holds_less_at_once(self, reloading: Reloading) -> None:
        before = reloading.stats()["bytes"]
        reloading.reload(max_cache_bytes=before // 2)
        stats = reloading.stats()
        assert 0 < stats["bytes"] <= stats["max_bytes"] == before // 2

    def test_a_larger_cache_is_filled(self, nas: FakeNas) -> None:
        with Reloading(settings_for(nas, max_cache_bytes=500_000)) as running:
            running.wait_for("/cache/stats", lambda response: response.json()["bytes"] > 300_000)
            running.reload(max_cache_bytes=50_000_000)
            running.wait_until_all_is_held()

    def test_who_guessed_access_tokens_is_kept_waiting_all_the_same(self, nas: FakeNas) -> None:
        access = Access(token=Secret(CANARY_ACCESS))
        with Reloading(settings_for(nas, access=access)) as running:
            for number in range(MOST_GUESSES):
                assert running.get("/files", headers={"Authorization": f"Bearer guess{number}"}).status_code == 401
            right = {"Authorization": f"Bearer {CANARY_ACCESS}"}
            running.reload(access=Access(*access))
            assert running.get("/files", headers=right).status_code == 429
            running.reload(access=Access())
            assert running.get("/cache/stats").status_code == 200

    def test_names_of_changes_and_warnings_are_told(
        self, reloading: Reloading, caplog: pytest.LogCaptureFixture, tmp_path: Path
    ) -> None:
        with log_of(caplog) as told:
            reloading.reload(interval_seconds=99.0, log_level="error", state_dir=tmp_path, warnings=("Beware.",))
        assert told == [
            "WARNING Beware.",
            "WARNING Another state-dir is used from the next start on.",
            "INFO The configuration was read anew. Changed: interval, log-level, state-dir.",
        ]
        assert reloading.levels == ["error"]

    @pytest.mark.parametrize("before", [None, "before"])
    def test_what_is_in_the_state_directory_changes_with_it_at_the_next_start(
        self, nas: FakeNas, caplog: pytest.LogCaptureFixture, tmp_path: Path, before: str | None
    ) -> None:
        def inside(folder: Path | None) -> dict[str, Any]:
            return {"state_dir": folder, "device_file": device_path(None, folder, None)}

        with Reloading(settings_for(nas, **inside(tmp_path / before if before else None))) as running:
            running.wait_ready()
            with log_of(caplog) as told:
                for folder in (tmp_path / "after", None):
                    running.reload(**inside(folder), state_writable=folder is None)
            assert nas.count(*LOGIN) == 1
        assert (
            told
            == [
                "WARNING Another state-dir is used from the next start on.",
                "INFO The configuration was read anew. Changed: state-dir.",
            ]
            * 2
        )

    def test_a_device_file_of_its_own_is_told_beside_another_state_directory(
        self, nas: FakeNas, caplog: pytest.LogCaptureFixture, tmp_path: Path
    ) -> None:
        with Reloading(settings_for(nas)) as running, log_of(caplog) as told:
            running.wait_ready()
            running.reload(state_dir=tmp_path, device_file=tmp_path / "of-its-own")
        assert "INFO The configuration was read anew. Changed: device-file, state-dir." in told

    def test_another_port_is_listened_on_and_open_connections_stay(self, reloading: Reloading) -> None:
        before = reloading.service.port
        with closing(socket.create_connection(("127.0.0.1", before), 5)) as connection:
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            assert connection.recv(65536).startswith(b"HTTP/1.1 200")
            (free,) = listen("127.0.0.1", 0)
            port = free.getsockname()[1]
            free.close()
            reloading.reload(server_port=port)
            assert reloading.service.port == port
            assert requests.get(f"http://127.0.0.1:{port}/files", timeout=10).status_code == 200
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            assert connection.recv(65536).startswith(b"HTTP/1.1 200")
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", before), 5)

    def test_where_to_listen_has_no_effect_behind_a_socket_unit_and_this_is_told(
        self, reloading: Reloading, caplog: pytest.LogCaptureFixture
    ) -> None:
        reloading.listen = None
        with log_of(caplog) as told:
            reloading.reload(server_port=1)
        assert told == [
            "WARNING The socket unit of systemd says where to listen; server-port and listen-address have no effect.",
            "INFO The configuration was read anew. Changed: server-port.",
        ]
        with log_of(caplog) as told:
            reloading.reload(interval_seconds=1800.0)
        assert told == ["INFO The configuration was read anew. Changed: interval."]

    @pytest.mark.parametrize("behind_a_socket_unit", [False, True])
    def test_another_address_waits_for_a_restart_and_the_rest_takes_effect(
        self, reloading: Reloading, caplog: pytest.LogCaptureFixture, behind_a_socket_unit: bool
    ) -> None:
        reloading.settings = replace(reloading.settings, server_port=reloading.service.port)
        if behind_a_socket_unit:
            reloading.listen = None
        with log_of(caplog) as told:
            reloading.reload(listen_address="", max_cache_bytes=1_000_000)
        later = "Another listen-address is used from the next start on."
        assert told == [
            f"WARNING {SYSTEMD_LISTENS if behind_a_socket_unit else later}",
            "INFO The configuration was read anew. Changed: listen-address, max-cache.",
        ]
        assert reloading.stats()["max_bytes"] == 1_000_000

    def test_an_address_of_another_machine_keeps_everything_as_it_was(
        self, reloading: Reloading, caplog: pytest.LogCaptureFixture
    ) -> None:
        with log_of(caplog) as told:
            reloading.reload(listen_address="192.0.2.1", max_cache_bytes=1_000_000)
        assert reloading.stats()["max_bytes"] == 250_000_000
        (line,) = told
        assert line.startswith("ERROR The configuration before stays in use: 192.0.2.1 cannot be listened on (")
        assert line.endswith("address). --listen-address has to be an address of this machine.")

    def test_a_port_that_cannot_be_had_keeps_everything_as_it_was(
        self, reloading: Reloading, caplog: pytest.LogCaptureFixture
    ) -> None:
        with socket.create_server(("127.0.0.1", 0)) as other, log_of(caplog) as told:
            reloading.reload(server_port=other.getsockname()[1], max_cache_bytes=1_000_000)
        assert reloading.stats()["max_bytes"] == 250_000_000
        (line,) = told
        assert line.startswith("ERROR The configuration before stays in use: Port ")
        assert "already in use" in line


class TestOfTheNas:
    def test_another_album_is_shown_without_a_pause(self, reloading: Reloading) -> None:
        reloading.reload(albums=("Grandparents",))
        album = {photo["album"] for photo in reloading.get("/files/list?details=1").json()}
        assert album == {"Grandparents"}
        assert reloading.get("/files").status_code == 200

    def test_what_is_made_of_photos_of_another_album_is_kept(self, nas: FakeNas) -> None:
        pytest.importorskip("PIL", reason="Pillow is not installed: there is no wheel of it for this machine")
        with Reloading(settings_for(nas, albums=("Grandparents",))) as running:
            running.wait_until_all_is_held()
            before = running.get("/files/list").json()
            running.reload(albums=("kitchen-dash",))
            path = next(photo.url for photo in running.service.sync.catalog.photos if photo.filename not in before)
            assert [running.get(f"{path}?w=90").status_code for _ in range(2)] == [200, 200]
            assert running.service.sizes.made == 1

    def test_one_login_for_each_change_and_the_old_session_is_ended(self, reloading: Reloading, nas: FakeNas) -> None:
        for number, albums in enumerate((("Grandparents",), ("kitchen-dash", "Grandparents"), ("kitchen-dash",)), 2):
            reloading.reload(albums=albums)
            assert nas.count(*LOGIN) == number
            assert len(nas.sessions) == 1

    def test_metrics_count_each_login_also_of_a_reload_in_vain(self, reloading: Reloading, nas: FakeNas) -> None:
        reloading.reload(albums=("Grandparents",))
        reloading.reload(albums=("kitchen-bash",))
        reloading.reload(albums=("kitchen-dash",))
        assert nas.count(*LOGIN) == 4
        assert 'photosync_nas_logins_total{outcome="ok"} 4.0' in reloading.get("/metrics").text.splitlines()

    def test_photos_that_stay_are_not_fetched_again(self, reloading: Reloading, nas: FakeNas) -> None:
        fetched = [call for call in nas.calls if call.api.endswith("Thumbnail")]
        reloading.reload(albums=("kitchen-dash", "Grandparents"))
        reloading.wait_until_all_is_held()
        assert reloading.stats()["photos"] == 28  # those of the second album are in the first one, too
        fetched_since = [call for call in nas.calls if call.api.endswith("Thumbnail")][len(fetched) :]
        assert len(fetched_since) == 1  # the one that was tried

    def test_another_nas_is_shown_as_soon_as_it_was_tried(self, reloading: Reloading, nas: FakeNas) -> None:
        library = Library.synthetic(5)
        with canary_nas(library=library) as other:
            reloading.reload(url=other.url)
            assert len(reloading.get("/files/list").json()) == 5
            assert {reloading.get("/files").status_code for _ in range(10)} == {200}
            assert nas.sessions == []
            reloading.stop()

    @pytest.mark.parametrize(
        ("change", "reason"),
        [
            ({"albums": ("kitchen-bash",)}, "The account sees no album named 'kitchen-bash'"),
            ({"password": Secret("canary-pass-wrong")}, "password"),
            ({"url": "http://127.0.0.1:1"}, "Nothing"),
        ],
    )
    def test_what_does_not_lead_to_photos_keeps_the_old_and_is_told(
        self,
        reloading: Reloading,
        nas: FakeNas,
        caplog: pytest.LogCaptureFixture,
        change: dict[str, Any],
        reason: str,
    ) -> None:
        with log_of(caplog) as told:
            reloading.reload(**change)
        (line,) = told
        assert line.startswith("ERROR The configuration before stays in use: ")
        assert reason in line
        reloading.look()
        assert reloading.get("/readyz").json() == {"status": "ok"}
        assert len(nas.sessions) == 1

    def test_pictures_that_cannot_be_had_keep_the_old(self, reloading: Reloading) -> None:
        with canary_nas(library=Library.synthetic(5)) as other:
            other.fault(hang(), api="SYNO.Foto.Thumbnail")
            reloading.reload(url=other.url, timeout_seconds=1.0)
            assert other.sessions == []
        assert len(reloading.get("/files/list").json()) == 28

    def test_a_download_under_way_ends_on_the_old_session(self, nas: FakeNas) -> None:
        import threading

        item, barrier = nas.library.album("kitchen-dash").items[0], threading.Event()
        with Reloading(settings_for(nas, max_cache_bytes=1_000_000)) as running:
            running.wait_ready()
            fault = nas.fault(hold(barrier), api="SYNO.Foto.Thumbnail", item=item.unit_id)
            answers: list[requests.Response] = []
            running.call(lambda: running.service.store.cache.resize(1_000_000))
            asking = threading.Thread(
                target=lambda: answers.append(requests.get(f"{running.url}/files/{item.id}.jpg", timeout=20))
            )
            asking.start()
            running.wait_for("/healthz", lambda response: fault.hits > 0)
            changing = threading.Thread(target=running.reload, kwargs={"timeout_seconds": 6.0})
            changing.start()
            running.wait_for("/healthz", lambda response: len(nas.sessions) == 2)
            barrier.set()
            asking.join(20)
            changing.join(20)
            assert answers[0].content == item.data("xl")
            assert len(nas.sessions) == 1
            assert nas.count(*LOGIN) == 2

    def test_if_nothing_is_shown_anyway_it_takes_effect_untried(self, nas: FakeNas) -> None:
        with Reloading(settings_for(nas, url="http://127.0.0.1:1")) as running:
            running.wait_for("/readyz", lambda response: response.json()["status"] == "nas_down")
            running.reload(url=nas.url)
            running.wait_ready()

    def test_a_refused_login_is_tried_again_at_once(self, nas: FakeNas) -> None:
        nas.login_error = 400
        with Reloading(settings_for(nas)) as running:
            running.wait_for("/readyz", lambda response: response.json()["status"] == "auth")
            nas.login_error = None
            running.reload()
            running.wait_ready()

    def test_a_renewed_authority_of_the_same_name_counts(
        self, reloading: Reloading, nas: FakeNas, tmp_path: Path
    ) -> None:
        file = tmp_path / "ca.pem"
        pem = Path(requests.certs.where()).read_text()
        file.write_text(pem)
        reloading.reload(ca_file=file)
        reloading.reload()
        assert nas.count(*LOGIN) == 2
        file.write_text(pem + "\n")
        reloading.reload()
        assert nas.count(*LOGIN) == 3


class TestMistakes:
    def test_a_certificate_without_its_key_changes_nothing_until_it_has_it(
        self, reloading: Reloading, nas: FakeNas, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        cert, key = write_certificate(tmp_path)
        right = key.read_text()
        _, another = write_certificate(tmp_path, "another", issuer="Another authority")
        key.write_text(another.read_text())
        before, (free,) = reloading.service.port, listen("127.0.0.1", 0)
        port = free.getsockname()[1]
        free.close()
        changes = {"tls_cert": cert, "tls_key": key, "server_port": port, "photo_size": "m"}
        with log_of(caplog) as told:
            reloading.reload(**changes, warnings=("Beware.",))
        (line,) = told
        assert line.startswith("ERROR The configuration before stays in use: tls-cert, tls-key: the key in ")
        assert (reloading.levels, reloading.service.port, len(nas.sessions)) == ([], before, 1)
        assert reloading.get("/files").status_code == 200
        key.write_text(right)
        with log_of(caplog) as told:
            reloading.reload()
        assert told[1] == "INFO The configuration was read anew. Changed: photo-size, server-port, tls-cert, tls-key."
        assert (reloading.service.port, len(nas.sessions)) == (port, 1)

    def test_each_is_told_and_nothing_changes(self, reloading: Reloading, caplog: pytest.LogCaptureFixture) -> None:
        reloading.mistakes = ["interval (config.ini:3): 'x' is not a number.", "urll (config.ini:4) is not an option."]
        with log_of(caplog) as told:
            reloading.reload(max_cache_bytes=1_000_000)
        assert told == [f"ERROR The configuration before stays in use: {mistake}" for mistake in reloading.mistakes]
        assert reloading.stats()["max_bytes"] == 250_000_000

    def test_once_they_are_corrected_it_takes_effect(self, reloading: Reloading) -> None:
        reloading.mistakes = ["x"]
        reloading.reload(max_cache_bytes=100_000_000)
        reloading.mistakes = []
        reloading.reload()
        assert reloading.stats()["max_bytes"] == 100_000_000


def test_catalog_and_decks_of_the_new_album_are_kept_in_the_state_directory(nas: FakeNas, tmp_path: Path) -> None:
    settings = settings_for(nas, state_dir=tmp_path / "state")
    with Reloading(settings) as running:
        running.wait_until_all_is_held()
        running.reload(albums=("Grandparents",))
        count = running.stats()["photos"]
        running.get("/files")
    nas.stop()
    with Running(replace(settings, albums=("Grandparents",))) as running:
        running.wait_ready()
        assert running.stats()["photos"] == count
