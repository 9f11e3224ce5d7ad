"""The service in numbers: /cache/stats and /metrics. Loop thread only."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from . import __version__
from .albums import AlbumView
from .calls import OUTCOMES, Calls
from .deck import Decks
from .degree import Degree, present_degree
from .log import harmless
from .server import Traffic
from .store import PhotoStore
from .sync import AlbumSync

if TYPE_CHECKING:
    from prometheus_client.core import Metric

PROMETHEUS_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def stats(sync: AlbumSync, store: PhotoStore) -> dict[str, object]:
    """The object of /cache/stats; sizes in bytes, times in ISO 8601 with zone."""
    error = sync.last_error or store.health.cause
    return {
        "status": present_degree(sync, store)[0],
        "photos": len(sync.catalog.photos),
        "entries": len(store.cache),
        "bytes": store.cache.bytes,
        "max_bytes": store.cache.max_bytes,
        "hits": store.cache.hits,
        "misses": store.cache.misses,
        "evictions": store.cache.evictions,
        "inflight": store.inflight,
        "rss_bytes": resident_bytes(),
        "last_sync_at": _iso(sync.last_sync_at),
        "last_success_at": _iso(sync.last_success_at),
        "last_error": error.sentence if error else None,
        "disk": _disk(store),
        "skipped": dict(sync.catalog.skipped),
        "albums": [_album(sync, view) for view in sync.views.values()],
    }


def _disk(store: PhotoStore) -> dict[str, object] | None:
    """What is kept in the state directory; None without one."""
    if store.shelf is None:
        return None
    disk = store.shelf.disk
    return {"entries": len(disk), "bytes": disk.bytes, "max_bytes": disk.max_bytes, "put_aside": disk.put_aside}


def _album(sync: AlbumSync, view: AlbumView) -> dict[str, object]:
    problem = sync.problem_of(view)
    return {"name": view.title, "photos": len(view.catalog.photos), "error": problem.sentence if problem else None}


def resident_bytes() -> int:
    """Resident memory of this process; 0 where /proc does not tell."""
    try:
        with open("/proc/self/statm", "rb") as stream:
            return int(stream.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0


def load_prometheus() -> None:
    """Loads the library, on a worker thread: it takes its time, and not everybody looks at metrics."""
    import prometheus_client.core  # noqa: F401  # imported for its effect


class Monitor(NamedTuple):
    """What /metrics is read from."""

    sync: AlbumSync
    store: PhotoStore
    decks: Decks
    traffic: Traffic
    calls: Calls


def prometheus_text(monitor: Monitor) -> bytes:
    """All metrics, read at this moment, in Prometheus's text format."""
    from prometheus_client import CollectorRegistry, generate_latest
    from prometheus_client.registry import Collector

    class Reading(Collector):
        def collect(self) -> Iterator[Metric]:
            yield from _process(monitor)
            yield from _photos(monitor)
            yield from _states(monitor.sync, monitor.store)
            yield from _albums(monitor.sync)
            yield from _nas(monitor)
            yield from _http(monitor.traffic)

    registry = CollectorRegistry(auto_describe=False)
    registry.register(Reading())
    return generate_latest(registry)


def _process(monitor: Monitor) -> Iterator[Metric]:
    from prometheus_client.core import GaugeMetricFamily, HistogramMetricFamily, InfoMetricFamily

    yield InfoMetricFamily("photosync_build", "The version that runs.", value={"version": __version__})
    # From the monotonic clock, so that a clock that was set later is taken for no restart.
    started = round(time.time() - (time.monotonic() - monitor.traffic.started_at))
    yield GaugeMetricFamily("photosync_start_time_seconds", "When the service was started, in Unix time.", started)
    yield GaugeMetricFamily("photosync_resident_memory_bytes", "Resident memory of the service.", resident_bytes())
    lag = HistogramMetricFamily("photosync_loop_lag_seconds", "How late the loop was, looked at every ten seconds.")
    lag.add_metric([], monitor.traffic.lag.buckets, monitor.traffic.lag.sum_seconds)
    yield lag


def _photos(monitor: Monitor) -> Iterator[Metric]:
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

    sync, store = monitor.sync, monitor.store
    gauges = {
        "photos": ("Photos in the catalog.", len(sync.catalog.photos)),
        "cache_entries": ("Photos in memory.", len(store.cache)),
        "cache_bytes": ("Bytes of photos in memory.", store.cache.bytes),
        "cache_max_bytes": ("The limit of cache_bytes.", store.cache.max_bytes),
        "downloads_inflight": ("Downloads wanted or under way.", store.inflight),
        "quarantined_photos": ("Photos that failed and are waiting to be tried again.", len(store.health.quarantine)),
        "decks": ("Clients with a deck of their own.", len(monitor.decks)),
    }
    for name, (text, value) in gauges.items():
        yield GaugeMetricFamily(f"photosync_{name}", text, value)
    counters = {
        "cache_hits": ("Photos served from memory.", store.cache.hits),
        "cache_misses": ("Photos that had to be fetched.", store.cache.misses),
        "cache_evictions": ("Photos that made room for others.", store.cache.evictions),
        "singleflight_shared": ("Requests that joined a download under way.", store.shared),
    }
    for name, (text, value) in counters.items():
        yield CounterMetricFamily(f"photosync_{name}", text, value)


def _states(sync: AlbumSync, store: PhotoStore) -> Iterator[Metric]:
    from prometheus_client.core import GaugeMetricFamily

    present, _ = present_degree(sync, store)
    degrees = GaugeMetricFamily("photosync_status", "1 for the word of /readyz, 0 for all others.", labels=["status"])
    for degree in Degree:
        degrees.add_metric([degree], int(degree is present))
    yield degrees
    up = int(not store.health.breaker.is_open)
    yield GaugeMetricFamily("photosync_nas_up", "1 unless the last call could not reach the NAS.", up)
    text = "When the album was last looked at with success; 0 before."
    yield GaugeMetricFamily("photosync_last_success_timestamp_seconds", text, _unix(sync))
    text = "How long ago the album was last looked at with success, or the service was started, by a monotonic clock."
    yield GaugeMetricFamily("photosync_catalog_age_seconds", text, sync.age_seconds)


def _albums(sync: AlbumSync) -> Iterator[Metric]:
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

    skipped = GaugeMetricFamily("photosync_skipped_items", "Items of the album not served.", labels=["reason"])
    for reason, count in sync.catalog.skipped.items():
        skipped.add_metric([reason], count)
    photos = GaugeMetricFamily("photosync_album_photos", "Photos of each album.", labels=["album"])
    up = GaugeMetricFamily("photosync_album_up", "1 if the last look could read the album.", labels=["album"])
    for view in sync.views.values():
        photos.add_metric([harmless(view.title)], len(view.catalog.photos))
        up.add_metric([harmless(view.title)], int(view.listed_at is not None and sync.problem_of(view) is None))
    text = "Looks that could read all albums (ok), some (partial) or none (failed)."
    syncs = CounterMetricFamily("photosync_syncs", text, labels=["outcome"])
    for outcome, count in sync.looks.items():
        syncs.add_metric([outcome], count)
    yield from (skipped, photos, up, syncs)


def _nas(monitor: Monitor) -> Iterator[Metric]:
    from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily

    labels = ["api", "outcome"]
    calls: Counter[tuple[str, str]] = Counter()
    logins = Counter(dict.fromkeys(OUTCOMES, 0))
    for (api, method, outcome), count in monitor.calls.counts.items():
        calls[api, outcome] += count
        logins[outcome] += count if method == "login" else 0
    called = CounterMetricFamily("photosync_nas_calls", "Calls to the NAS by what they came to.", labels=labels)
    for key, count in calls.items():
        called.add_metric(key, count)
    tried = CounterMetricFamily("photosync_nas_logins", "Those of them that were logins.", labels=["outcome"])
    for outcome, count in logins.items():
        tried.add_metric([outcome], count)
    text = "How long calls to the NAS took, whatever they came to."
    took = HistogramMetricFamily("photosync_nas_call_duration_seconds", text, labels=["api"])
    for api, seconds in monitor.calls.seconds.items():
        took.add_metric([api], seconds.buckets, seconds.sum_seconds)
    yield from (called, tried, took)


def _http(traffic: Traffic) -> Iterator[Metric]:
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

    answered = CounterMetricFamily("photosync_http_responses", "Answers given.", labels=["handler", "status"])
    for (handler, status), count in traffic.responses.items():
        answered.add_metric([handler, str(status)], count)
    yield answered
    yield GaugeMetricFamily("photosync_http_responses_inflight", "Answers that are being given.", traffic.active)


def _unix(sync: AlbumSync) -> float:
    return sync.last_success_at.timestamp() if sync.last_success_at else 0.0


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="seconds") if moment else None
