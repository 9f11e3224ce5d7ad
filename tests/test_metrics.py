"""The service in numbers: /cache/stats and /metrics tell the same, and what a Prometheus reads is valid."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest
from conftest import Running, settings_for
from prometheus_client.parser import text_string_to_metric_families

from photosync import __version__, fakenas
from photosync.fakenas import FakeNas
from photosync.metrics import resident_bytes

STATS = {
    "disk",
    "status",
    "photos",
    "entries",
    "bytes",
    "max_bytes",
    "hits",
    "misses",
    "evictions",
    "inflight",
    "rss_bytes",
    "last_sync_at",
    "last_success_at",
    "last_error",
    "skipped",
    "albums",
}


def samples(running: Running) -> dict[tuple[str, ...], float]:
    """Each sample by its name and the values of its labels."""
    response = running.get("/metrics")
    assert response.status_code == 200
    assert response.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    families = list(text_string_to_metric_families(response.text))
    assert all(family.documentation for family in families)
    return {(one.name, *one.labels.values()): one.value for family in families for one in family.samples}


def looks(running: Running) -> dict[str, float]:
    return {name[1]: value for name, value in samples(running).items() if name[0] == "photosync_syncs_total"}


def _is_settled(stats: dict[str, object]) -> bool:
    return stats["entries"] == stats["photos"] and not stats["inflight"]


def settled(running: Running) -> dict[str, object]:
    """/cache/stats once every photo is in memory, and no download under way."""
    found = running.wait_for("/cache/stats", lambda response: _is_settled(response.json())).json()
    assert isinstance(found, dict)
    return found


class TestStats:
    def test_they_have_exactly_the_names_of_the_contract(self, running: Running) -> None:
        assert set(running.stats()) == STATS

    def test_after_the_first_listing_all_photos_are_here_and_counted(self, running: Running, nas: FakeNas) -> None:
        found = settled(running)
        photos = running.get("/files/list?details=1").json()
        assert found["photos"] == found["entries"] == len(photos)
        assert found["bytes"] == sum(len(running.get(photo["url"]).content) for photo in photos)
        assert found["max_bytes"] == 250_000_000
        assert found["skipped"] == {"video": 1, "no_rendition": 1}
        assert found["last_error"] is None

    def test_hits_are_counted(self, running: Running) -> None:
        before = settled(running)
        for _ in range(3):
            running.get("/files")
        after = settled(running)
        assert (after["hits"], after["misses"]) == (int(str(before["hits"])) + 3, before["misses"])

    def test_times_have_a_zone_and_are_of_now(self, running: Running) -> None:
        found = running.stats()
        for name in ("last_sync_at", "last_success_at"):
            assert timedelta(0) <= datetime.now(UTC) - datetime.fromisoformat(found[name]) < timedelta(minutes=1)

    def test_a_failed_look_is_told_with_cause_and_next_step(self, running: Running, nas: FakeNas) -> None:
        settled(running)
        nas.stop()
        running.look()
        error = running.stats()["last_error"]
        assert isinstance(error, str) and len(error) > 20
        assert running.stats()["photos"] > 20


class TestPrometheus:
    def test_it_tells_what_the_stats_tell(self, running: Running) -> None:
        found = settled(running)
        told = samples(running)
        for metric, name in {
            "photosync_photos": "photos",
            "photosync_cache_entries": "entries",
            "photosync_cache_bytes": "bytes",
            "photosync_cache_max_bytes": "max_bytes",
            "photosync_cache_hits_total": "hits",
            "photosync_cache_misses_total": "misses",
            "photosync_cache_evictions_total": "evictions",
        }.items():
            assert told[(metric,)] == found[name]
        assert told["photosync_skipped_items", "video"] == 1

    def test_answers_are_counted_by_handler_and_status(self, running: Running) -> None:
        before = samples(running)
        running.get("/files")
        running.get("/files/987654321.jpg")
        running.get("/nowhere")
        after = samples(running)
        for labels in (("NextPhoto", "200"), ("OnePhoto", "404"), ("Nowhere", "404"), ("Metrics", "200")):
            name = ("photosync_http_responses_total", *labels)
            assert after[name] == before.get(name, 0) + 1

    def test_clients_cannot_make_more_series(self, running: Running) -> None:
        settled(running)
        before = set(samples(running))
        for number in range(20):
            running.get(f"/files?client=screen{number}")
            running.get(f"/nowhere/{number}")
        answers = {("photosync_http_responses_total", *labels) for labels in (("NextPhoto", "200"), ("Nowhere", "404"))}
        assert set(samples(running)) - before - {("photosync_http_responses_total", "Metrics", "200")} == answers
        assert samples(running)[("photosync_decks",)] == 20

    def test_each_configured_album_has_its_photos_and_whether_it_can_be_read(self, nas: FakeNas) -> None:
        with Running(settings_for(nas, albums=("Grandparents", "Anna's garden", "missing"))) as running:
            running.wait_ready()
            settled(running)
            before = samples(running)
            named = {name: value for name, value in before.items() if name[0].startswith("photosync_album_")}
            assert named == {
                ("photosync_album_photos", "Grandparents"): 8,
                ("photosync_album_photos", "Anna's garden"): 5,
                ("photosync_album_photos", "missing"): 0,
                ("photosync_album_up", "Grandparents"): 1,
                ("photosync_album_up", "Anna's garden"): 1,
                ("photosync_album_up", "missing"): 0,
            }
            for number in range(5):
                running.get(f"/files?album=other{number}")
            assert {name for name in samples(running) if name[0].startswith("photosync_album_")} == set(named)
            nas.stop()
            running.look()
            assert samples(running)["photosync_album_up", "Grandparents"] == 0

    def test_a_name_that_is_no_text_is_told_harmless(self, nas: FakeNas) -> None:
        with Running(settings_for(nas, albums=("Grandparents", "\udcff"))) as running:
            running.wait_ready()
            assert ("photosync_album_up", "\\xdcff") in samples(running)

    def test_it_tells_whether_the_nas_is_there(self, running: Running, nas: FakeNas) -> None:
        settled(running)
        assert samples(running)[("photosync_nas_up",)] == 1
        nas.stop()
        running.look()
        assert samples(running)[("photosync_nas_up",)] == 0

    def test_the_last_success_is_a_time_of_now(self, running: Running) -> None:
        told = samples(running)[("photosync_last_success_timestamp_seconds",)]
        assert abs(datetime.now(UTC).timestamp() - told) < 60

    def test_looks_are_counted_by_what_they_could_read(self, running: Running, nas: FakeNas) -> None:
        running.look()
        assert looks(running) == {"ok": 2, "partial": 0, "failed": 0}
        settled(running)
        nas.stop()
        running.look()
        assert looks(running)["failed"] >= 1  # it is tried again by itself

    def test_a_look_that_could_read_some_of_the_albums_was_partial(self, nas: FakeNas) -> None:
        with Running(settings_for(nas, albums=("kitchen-dash", "missing"))) as running:
            running.wait_ready()
            assert looks(running) == {"ok": 0, "partial": 1, "failed": 0}

    def test_the_age_of_the_catalog_grows_until_a_look_succeeds(self, running: Running, nas: FakeNas) -> None:
        sync = running.service.sync
        running.call(lambda: setattr(sync, "_fresh_at", sync._fresh_at - 1000))
        assert 1000 <= samples(running)["photosync_catalog_age_seconds",] < 2000
        running.look()
        assert samples(running)["photosync_catalog_age_seconds",] < 1000

    def test_calls_to_the_nas_are_counted_by_api_and_outcome_and_timed(self, running: Running, nas: FakeNas) -> None:
        settled(running)
        nas.fault(fakenas.status(503), api="SYNO.Foto.Browse.Album")
        running.look()
        told = samples(running)
        pictures = nas.count("SYNO.Foto.Thumbnail")
        assert told["photosync_nas_calls_total", "SYNO.Foto.Thumbnail", "ok"] == pictures
        assert told["photosync_nas_calls_total", "SYNO.Foto.Browse.Album", "unreachable"] == 1
        assert told["photosync_nas_call_duration_seconds_count", "SYNO.Foto.Thumbnail"] == pictures
        assert told["photosync_nas_call_duration_seconds_bucket", "SYNO.Foto.Thumbnail", "+Inf"] == pictures
        assert 0 < told["photosync_nas_call_duration_seconds_sum", "SYNO.Foto.Thumbnail"] < 60

    def test_logins_are_counted_by_outcome(self, nas: FakeNas) -> None:
        nas.fault(fakenas.error(401), api="SYNO.API.Auth")
        with Running(settings_for(nas)) as running:
            running.wait_for("/readyz", lambda response: response.json()["status"] == "auth")
            told = samples(running)
        assert told["photosync_nas_logins_total", "refused"] == nas.count("SYNO.API.Auth", "login") == 1
        assert told["photosync_nas_logins_total", "ok"] == 0

    def test_the_lag_of_the_loop_is_told(self, running: Running) -> None:
        running.call(lambda: running.service.traffic.note_lag(0.02))
        told = samples(running)
        assert told["photosync_loop_lag_seconds_count",] == 1
        assert told["photosync_loop_lag_seconds_bucket", "0.001"] == 0
        assert told["photosync_loop_lag_seconds_bucket", "0.01"] == 0
        assert told["photosync_loop_lag_seconds_bucket", "0.03"] == 1
        assert told["photosync_loop_lag_seconds_sum",] == 0.02

    def test_version_and_start_are_told(self, running: Running) -> None:
        told = samples(running)
        assert told["photosync_build_info", __version__] == 1
        assert abs(time.time() - told["photosync_start_time_seconds",]) < 60

    def test_a_clock_that_was_set_moves_the_start_along(
        self, running: Running, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        real = time.time
        before = samples(running)["photosync_start_time_seconds",]
        monkeypatch.setattr(time, "time", lambda: real() + 50_000)
        assert abs(samples(running)["photosync_start_time_seconds",] - before - 50_000) <= 1

    def test_the_answer_being_given_is_counted(self, running: Running) -> None:
        assert samples(running)["photosync_http_responses_inflight",] == 1


def test_resident_memory_is_that_of_this_process() -> None:
    before = resident_bytes()
    ballast = b"x" * 50_000_000
    assert resident_bytes() > before + 40_000_000
    assert len(ballast) == 50_000_000
