"""One soak from start to end, and what it found. The main thread conducts; NAS and kiosks have threads of their own."""

from __future__ import annotations

import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path

from conftest import leaks
from outside import Process

from . import rules
from .gauges import Sample, sample
from .house import ALBUM, SMALL_ALBUM, House
from .kiosks import HABITS, LONGEST_WAIT_SECONDS, Kiosk, Observer
from .rules import Troubles
from .weather import Forecast, Spell, Weather, forecast

_STEP_SECONDS = 0.05
_LATE_SECONDS = 0.2  # a machine on which sleep ends so late did not run the NAS in time either
_SAMPLE_SECONDS = 0.5
_STOP_SECONDS = 15.0


@dataclass(frozen=True)
class Result:
    """All that was seen; `problems` is empty if the soak was passed."""

    seconds: float
    problems: Sequence[str]
    kiosks: Sequence[Kiosk]
    samples: Sequence[Sample]
    dark: Sequence[tuple[float, float]]
    troubles: Troubles
    faults: Mapping[str, int]
    changes: Mapping[str, int]
    pictures_gone: int
    judged: Mapping[str, int]
    sessions_ended: int
    clock_steps: int | None
    logins: int
    nas_calls: int
    nas_concurrency_peak: int
    log: Sequence[str]
    stats: Mapping[str, object]


def soak(seed: int, seconds: float, folder: Path) -> Result:
    """Runs it; `folder` is for the state directory and the like."""
    with ExitStack() as stack:
        return _Soak(seed, seconds, folder, stack).run()


class _Soak:
    def __init__(self, seed: int, seconds: float, folder: Path, stack: ExitStack) -> None:
        self._seconds = seconds
        self._folder = folder
        self._begun_at = time.monotonic()
        self._forecast = forecast(seed, seconds)
        self._weather = Weather(self._forecast.spells, seed, self._clock)
        self._house = House(seed, self._clock)
        self._nas = self._house.nas
        self._calls: Counter[str] = Counter()
        self._dark: list[tuple[float, float]] = []
        self._stalls: list[tuple[float, float]] = []
        self._samples: list[Sample] = []
        self._faketime = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)  # Debian: faketime
        self._wall_offset = 0
        self._stopping = threading.Event()
        self._nas.fault(self._weather.fault())
        stack.enter_context(self._nas)
        self._process = self._service()
        stack.callback(_clear_up, self._process.pid)
        stack.enter_context(self._process)
        port = self._process.port
        self._begun_at = time.monotonic()
        self._observer = Observer(port, self._clock)
        self._kiosks = [Kiosk(one, port, seed, self._house.units, self._begun_at, self._stopping) for one in HABITS]
        stack.callback(self._observer.visitor.close)
        stack.callback(self._stopping.set)

    def run(self) -> Result:
        for kiosk in self._kiosks:
            kiosk.start()
        self._conduct(_timetable(self._forecast, self))
        stats = self._last_look()
        self._stopping.set()
        for kiosk in self._kiosks:
            kiosk.join(LONGEST_WAIT_SECONDS + 5)
        self._process.signal()
        try:
            ended = f"ended with status {status}" if (status := self._process.wait(_STOP_SECONDS)) else ""
        except subprocess.TimeoutExpired:
            ended = f"did not end within {_STOP_SECONDS:g} s of SIGTERM"
        return self._result(stats, [ended] if ended else [])

    def _clock(self) -> float:
        return time.monotonic() - self._begun_at

    def _service(self) -> Process:
        (self._folder / "clock").write_text("+0\n")
        return Process(
            self._nas.url,
            self._folder / "service",
            *("--album", ALBUM, "--album", SMALL_ALBUM, "--max-cache", "3", "--max-disk", "2", "--max-photo", "2"),
            *("--interval", f"{rules.INTERVAL_SECONDS:g}", "--timeout", f"{rules.TIMEOUT_SECONDS:g}"),
            *("--state-dir", str(self._folder / "state")),
            environment=self._faked_time() if self._faketime else None,
        )

    def _faked_time(self) -> dict[str, str]:
        """A wall clock that can be stepped."""
        return {
            "LD_PRELOAD": str(self._faketime),
            "FAKETIME_TIMESTAMP_FILE": str(self._folder / "clock"),
            "FAKETIME_CACHE_DURATION": "1",
            "DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1",
        }

    def _conduct(self, timetable: Sequence[tuple[float, Callable[[], None]]]) -> None:
        waiting = list(timetable)
        next_sample = 0.0
        while (now := self._clock()) < self._seconds:
            while waiting and waiting[0][0] <= now:
                waiting.pop(0)[1]()
            if now >= next_sample:
                next_sample = now + _SAMPLE_SECONDS
                try:
                    self._samples.append(sample(self._process.pid, now))
                except OSError:  # the process has ended, which its status tells
                    break
                with suppress(HTTPException, OSError):
                    self._observer.look()
                self._count_calls()
            self._step()
        if self._dark and self._dark[-1][1] == float("inf"):
            self.light()

    def _step(self) -> None:
        before = self._clock()
        time.sleep(_STEP_SECONDS)
        if self._clock() > before + _STEP_SECONDS + _LATE_SECONDS:
            self._stalls.append((before, self._clock()))

    def _count_calls(self) -> None:
        """The NAS keeps all that it was ever asked, which is too much for a long soak."""
        counted = self._nas.calls[:]
        del self._nas.calls[: len(counted)]
        self._calls.update(f"{call.api} {call.method}" for call in counted)

    def darken(self) -> None:
        self._nas.stop()
        self._dark.append((self._clock(), float("inf")))

    def light(self) -> None:
        self._nas.start()
        self._dark[-1] = (self._dark[-1][0], self._clock())

    def change(self, pick: float) -> None:
        self._house.change(pick)

    def step(self, seconds: int) -> None:
        if self._faketime:
            self._wall_offset = 0 if self._wall_offset else seconds
            new = self._folder / "clock.new"
            new.write_text(f"{self._wall_offset:+d}\n")
            new.replace(self._folder / "clock")

    def end_sessions(self, code: int) -> None:
        self._nas.expire_sessions(code)

    def _last_look(self) -> Mapping[str, object]:
        with suppress(HTTPException, OSError):
            return self._observer.ask("/cache/stats")
        return {}

    def _result(self, stats: Mapping[str, object], problems: list[str]) -> Result:
        self._count_calls()
        spells = [(spell.begin, spell.end) for spell in self._forecast.spells if not spell.is_dark]
        ends = [(at, at + 0.5) for at, _ in self._forecast.session_ends]
        troubles = Troubles([*spells, *self._dark, *ends, *self._stalls], self._seconds)
        log = self._process.log
        for kiosk in self._kiosks:
            problems += [f"{kiosk.name}: {problem}" for problem in self._judge(kiosk, troubles)]
        problems += rules.growth(rules.warm(self._samples))
        problems += [f"log: {line}" for line in rules.unforeseen(log)]
        problems += self._leaks(log)
        return Result(
            seconds=self._seconds,
            problems=problems,
            kiosks=self._kiosks,
            samples=self._samples,
            dark=self._dark,
            troubles=troubles,
            faults=self._weather.hits,
            changes=self._house.changes,
            pictures_gone=len(self._house.retired),
            judged=_judged(self._kiosks, troubles),
            sessions_ended=len(ends),
            clock_steps=len(self._forecast.steps) if self._faketime else None,
            logins=self._calls["SYNO.API.Auth login"],
            nas_calls=self._calls.total(),
            nas_concurrency_peak=self._nas.concurrency_peak,
            log=log,
            stats=stats,
        )

    def _judge(self, kiosk: Kiosk, troubles: Troubles) -> list[str]:
        unwell = {self._house.units[unit]: times for unit, times in list(self._weather.unwell.items())}
        sizes = self._observer.sizes[kiosk.habits.album]
        return [
            *(["did not end"] if kiosk.is_alive() else []),
            *rules.without_photo(kiosk.showings),
            *rules.out_of_date(kiosk.showings, self._house.retired, self._observer.gone, troubles),
            *rules.never_fresh(kiosk.showings, troubles),
            *rules.repeats(kiosk.showings, troubles, unwell, sizes),
            *kiosk.wrong,
        ]

    def _leaks(self, log: Sequence[str]) -> list[str]:
        visitors = [self._observer.visitor, *(kiosk.visitor for kiosk in self._kiosks)]
        files = [path for path in (self._folder / "state").rglob("*") if path.is_file()]
        found = [f"{leak} in an answer" for visitor in visitors for leak in visitor.leaked]
        found += [f"{leak} in the log" for leak in leaks("\n".join(log))]
        return found + [f"{leak} in {path}" for path in files for leak in leaks(path.read_bytes())]


def _clear_up(pid: int) -> None:
    for left_behind in Path("/dev/shm").glob(f"*faketime_s*_{pid}"):  # noqa: S108 - libfaketime's own
        left_behind.unlink()


def _judged(kiosks: Sequence[Kiosk], troubles: Troubles) -> dict[str, int]:
    """How many showings could be held to the rules that hold in calm alone."""
    showings = [one for kiosk in kiosks for one in kiosk.showings if one.photo is not None]
    stretches = [stretch for kiosk in kiosks for stretch in rules.calm_stretches(kiosk.showings, troubles)]
    return {
        "fresh": sum(rules.is_fresh(one, troubles) for one in showings),
        "in rounds": sum(map(len, stretches)),
    }


def _timetable(forecast: Forecast, soak: _Soak) -> list[tuple[float, Callable[[], None]]]:
    def spell_events(spell: Spell) -> list[tuple[float, Callable[[], None]]]:
        return [(spell.begin, soak.darken), (spell.end, soak.light)] if spell.is_dark else []

    events = [event for spell in forecast.spells for event in spell_events(spell)]
    events += [(at, lambda pick=pick: soak.change(pick)) for at, pick in forecast.changes]
    events += [(at, lambda seconds=seconds: soak.step(seconds)) for at, seconds in forecast.steps]
    events += [(at, lambda code=code: soak.end_sessions(code)) for at, code in forecast.session_ends]
    return sorted(events, key=lambda event: event[0])
