"""The watchdog's patience. How it ends a process is in faults/test_g_lifecycle.py."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

import pytest

from photosync import watchdog
from photosync.watchdog import Watchdog


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Set instead of the end of this process; looks follow each other quickly."""
    event = threading.Event()
    monkeypatch.setattr(watchdog, "_end", event.set)
    monkeypatch.setattr(watchdog, "LOOK_SECONDS", 0.1)
    return event


def test_a_loop_that_turns_is_left_alone(ended: threading.Event) -> None:
    async def turn() -> None:
        guard = Watchdog(asyncio.get_running_loop())
        guard.start()
        await asyncio.sleep(0.8)  # of more looks than may be missed
        guard.stop()
        guard._thread.join(5)

    asyncio.run(turn())
    assert not ended.is_set()


def test_it_tells_how_late_the_loop_was(ended: threading.Event, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watchdog, "LOOK_SECONDS", 10.0)
    knocked = threading.Event()

    class Door(asyncio.SelectorEventLoop):
        def call_soon_threadsafe(self, *call: Any, **options: Any) -> asyncio.Handle:
            handle = super().call_soon_threadsafe(*call, **options)
            knocked.set()
            return handle

    async def linger() -> float:
        told = asyncio.get_running_loop().create_future()
        guard = Watchdog(asyncio.get_running_loop(), told.set_result)
        guard.start()
        assert knocked.wait(60)
        _be_late(0.2)
        lag: float = await asyncio.wait_for(told, 60)
        guard.stop()
        return lag

    with asyncio.Runner(loop_factory=Door) as runner:
        assert runner.run(linger()) >= 0.2
    assert not ended.is_set()


def _be_late(seconds: float) -> None:
    time.sleep(seconds)


def test_a_loop_that_stands_still_is_the_end(ended: threading.Event) -> None:
    async def freeze() -> None:
        Watchdog(asyncio.get_running_loop()).start()
        assert ended.wait(5)  # which blocks the loop

    asyncio.run(freeze())


def test_after_its_stop_a_loop_may_stand_still(ended: threading.Event) -> None:
    async def stop() -> None:
        guard = Watchdog(asyncio.get_running_loop())
        guard.start()
        guard.stop()
        guard._thread.join(5)
        assert not guard._thread.is_alive()

    asyncio.run(stop())
    assert not ended.is_set()
