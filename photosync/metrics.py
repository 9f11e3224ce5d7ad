"""The service in numbers: /cache/stats and /metrics. Loop thread only."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from .albums import AlbumView
from .degree import Degree, present_degree
from .log import harmless
from .screens import Screens
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


def prometheus_text(
    sync: AlbumSync, store: PhotoStore, screens: Screens, responses: Mapping[tuple[str, int], int]
) -> bytes:
    """All metrics, read at this moment, in Prometheus's text format."""
    from prometheus_client import CollectorRegistry, generate_latest
    from prometheus_client.registry import Collector

    class Reading(Collector):
        def collect(self) -> Iterator[Metric]:
            return _metrics(sync, store, screens, responses)

    registry = CollectorRegistry(auto_describe=False)
    registry.register(Reading())
    return generate_latest(registry)


def _metrics(
    sync: AlbumSync, store: PhotoStore, screens: Screens, responses: Mapping[tuple[str, int], int]
) -> Iterator[Metric]:
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

    cache = store.cache
    gauges = {
        "photos": ("Photos in the catalog.", len(sync.catalog.photos)),
        "cache_entries": ("Photos in memory.", len(cache)),
        "cache_bytes": ("Bytes of photos in memory.", cache.bytes),
        "cache_max_bytes": ("The limit of cache_bytes.", cache.max_bytes),
        "downloads_inflight": ("Downloads wanted or under way.", store.inflight),
        "quarantined_photos": ("Photos that failed and are waiting to be tried again.", len(store.health.quarantine)),
        "decks": ("Clients with a deck of their own.", len(screens.decks)),
        "nas_up": ("1 unless the last call could not reach the NAS.", int(not store.health.breaker.is_open)),
        "resident_memory_bytes": ("Resident memory of the service.", resident_bytes()),
        "last_success_timestamp_seconds": ("When the album was last looked at with success.", _unix(sync)),
    }
    for name, (text, value) in gauges.items():
        yield GaugeMetricFamily(f"photosync_{name}", text, value=value)
    counters = {
        "cache_hits": ("Photos served from memory.", cache.hits),
        "cache_misses": ("Photos that had to be fetched.", cache.misses),
        "cache_evictions": ("Photos that made room for others.", cache.evictions),
        "singleflight_shared": ("Requests that joined a download under way.", store.shared),
    }
    for name, (text, value) in counters.items():
        yield CounterMetricFamily(f"photosync_{name}", text, value=value)
    present, _ = present_degree(sync, store)
    degrees = GaugeMetricFamily("photosync_status", "1 for the word of /readyz, 0 for all others.", labels=["status"])
    for degree in Degree:
        degrees.add_metric([degree], int(degree is present))
    yield degrees
    skipped = GaugeMetricFamily("photosync_skipped_items", "Items of the album not served.", labels=["reason"])
    for reason, count in sync.catalog.skipped.items():
        skipped.add_metric([reason], count)
    yield skipped
    photos = GaugeMetricFamily("photosync_album_photos", "Photos of each album.", labels=["album"])
    up = GaugeMetricFamily("photosync_album_up", "1 if the last look could read the album.", labels=["album"])
    for view in sync.views.values():
        photos.add_metric([harmless(view.title)], len(view.catalog.photos))
        up.add_metric([harmless(view.title)], int(view.listed_at is not None and sync.problem_of(view) is None))
    yield from (photos, up)
    answered = CounterMetricFamily("photosync_http_responses", "Answers given.", labels=["handler", "status"])
    for (handler, status), count in responses.items():
        answered.add_metric([handler, str(status)], count)
    yield answered


def _unix(sync: AlbumSync) -> float:
    return sync.last_success_at.timestamp() if sync.last_success_at else 0.0


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="seconds") if moment else None
