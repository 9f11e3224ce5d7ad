"""When the NAS fails and how: a forecast that follows from the seed alone, and the one fault that acts on it.

The forecast is drawn on the main thread, `Weather` acts on the simulated NAS's own.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from photosync import fakenas
from photosync.fakenas import Call, Fault
from photosync.fakenas.exchange import Exchange

NONSENSE = ([1], "{", {"success": "yes", "data": 7}, {"success": True, "data": None}, {"success": True, "data": [[]]})

FAULTS: Mapping[str, Callable[[random.Random], Fault]] = {
    "reset": lambda rng: fakenas.reset(),
    "reset midway": lambda rng: fakenas.reset(rng.randrange(1, 4000)),
    "cut": lambda rng: fakenas.cut(rng.randrange(4000)),
    "cut without a length": lambda rng: fakenas.close_delimited(rng.randrange(100)),
    "hang": lambda rng: fakenas.hang(),
    "drip": lambda rng: fakenas.drip(0.05, header=rng.random() < 0.5, chunk=16),
    "slow": lambda rng: fakenas.delay(rng.uniform(0.1, 0.6)),
    "500": lambda rng: fakenas.status(500),
    "503": lambda rng: fakenas.status(503, headers={"Retry-After": str(rng.randint(1, 3))}),
    "busy": lambda rng: fakenas.error(rng.choice((109, 117, 498))),
    "html": lambda rng: fakenas.html(),
    "nonsense": lambda rng: fakenas.json_body(rng.choice(NONSENSE)),
    "garbage": lambda rng: fakenas.raw(rng.randbytes(300)),
    "redirect": lambda rng: fakenas.redirect("http://127.0.0.1:9/elsewhere"),
    "other type": lambda rng: fakenas.bytes_body(b"GIF89a" + bytes(500), "image/gif"),
    "no picture": lambda rng: fakenas.bytes_body(b"<svg/>", "image/jpeg"),
    "compressed": lambda rng: fakenas.gzip_bomb(5),
    "endless": lambda rng: fakenas.endless(limit_bytes=64 << 20),
}
SCOPES: Mapping[str, Callable[[Call, int], bool]] = {
    "all calls": lambda call, pick: True,
    "albums": lambda call, pick: call.api.startswith("SYNO.Foto.Browse."),
    "photos": lambda call, pick: call.api.endswith(".Thumbnail"),
    "some photos": lambda call, pick: call.api.endswith(".Thumbnail") and _unit(call) % 7 == pick,
    "logins": lambda call, pick: call.api in ("SYNO.API.Auth", "SYNO.API.Info"),
}
_PICTURE_ONLY = frozenset({"other type", "no picture"})

FAIR_SECONDS = 7.0
SESSION_CODES = (105, 106, 107, 119)
SESSION_SECONDS = (
    150.0  # between two ends, at least: after six logins in ten minutes the service makes none for a while
)
STEPS_SECONDS = (3600, -3600, 86_400, -86_400, 400_000_000, -400_000_000, 7, -7)


@dataclass(frozen=True)
class Spell:
    """Bad weather: `share` of the calls in `scope` meet with the fault `kind`; a dark one has neither."""

    begin: float
    end: float
    kind: str = ""
    scope: str = ""
    share: float = 1.0
    pick: int = 0

    @property
    def is_dark(self) -> bool:
        return not self.kind


@dataclass(frozen=True)
class Forecast:
    """All that will happen. `changes` are (time, pick), `steps` (time, seconds), `session_ends` (time, code)."""

    spells: Sequence[Spell]
    changes: Sequence[tuple[float, float]]
    steps: Sequence[tuple[float, int]]
    session_ends: Sequence[tuple[float, int]]


def forecast(seed: int, seconds: float) -> Forecast:
    """Dark for a tenth of the time, in spells of 2 to 8 seconds; other bad weather for about a fifth.

    It begins with fair weather, so that a short run, too, sees rounds and what becomes of photos that went.
    """
    rng = random.Random(seed)
    ends = _session_ends(rng, seconds)
    spells = [*_spells(rng, seconds)]
    spells += [_spell(rng, at, scope="logins") for at, _ in ends if rng.random() < 0.5]
    changes = [(at, rng.random()) for at in _moments(rng, seconds, 3.0)]
    steps = [(at, rng.choice(STEPS_SECONDS)) for at in _moments(rng, seconds, 12.0)]
    return Forecast(sorted(spells, key=lambda spell: spell.begin), changes, steps, ends)


def _spells(rng: random.Random, seconds: float) -> Sequence[Spell]:
    """One after the other, dark whenever less than a tenth of the time up to its end has been."""
    spells: list[Spell] = []
    dark, now = 0.0, FAIR_SECONDS
    while now < seconds:
        now += rng.uniform(2.0, min(12.0, max(seconds / 6, 3.0)))
        wanted = seconds / 10 - dark
        if wanted > 0.5 and dark < now / 10:
            spell = Spell(now, now + min(wanted, rng.uniform(2.0, 8.0), max(seconds / 12, 2.0)))
            dark += spell.end - spell.begin
        else:
            spell = _spell(rng, now, rng.choice([scope for scope in SCOPES if scope != "logins"]))
        if spell.end < seconds:
            spells.append(spell)
        now = spell.end
    return spells


def _spell(rng: random.Random, begin: float, scope: str) -> Spell:
    kinds = [kind for kind in FAULTS if scope in ("photos", "some photos") or kind not in _PICTURE_ONLY]
    length = rng.uniform(0.5, 4.0)
    return Spell(begin, begin + length, rng.choice(kinds), scope, rng.choice((1.0, 1.0, 0.3)), rng.randrange(7))


def _moments(rng: random.Random, seconds: float, every: float) -> list[float]:
    moments, now = [], 0.0
    while (now := now + rng.uniform(0.2, 1.8) * every) < seconds:
        moments.append(now)
    return moments


def _session_ends(rng: random.Random, seconds: float) -> list[tuple[float, int]]:
    """One in the first half of every SESSION_SECONDS, and one in a shorter run."""
    ends = []
    for number in range(max(1, math.ceil((seconds - 10) / SESSION_SECONDS))):
        begin = number * SESSION_SECONDS
        latest = min(begin + SESSION_SECONDS / 2, seconds - 4.0)
        ends.append((rng.uniform(begin + FAIR_SECONDS, max(latest, begin + FAIR_SECONDS)), rng.choice(SESSION_CODES)))
    return ends


class Weather:
    """Does to the calls what the forecast says, and notes what it did.

    `hits` counts faults by kind; `unwell` holds, for each unit, the stretches from a fault that hit its picture to
    the next one that came through.
    """

    def __init__(self, spells: Sequence[Spell], seed: int, clock: Callable[[], float]) -> None:
        self.hits: Counter[str] = Counter()
        self.unwell: dict[int, list[list[float]]] = {}
        self._spells = [spell for spell in spells if not spell.is_dark]
        self._rng = random.Random(seed + 1)
        self._clock = clock

    def fault(self) -> Fault:
        return Fault(self._act)

    async def _act(self, exchange: Exchange) -> None:
        spell = next((spell for spell in self._spells if self._strikes(spell, exchange.call)), None)
        if exchange.call.api.endswith(".Thumbnail"):
            self._note_picture(_unit(exchange.call), hit=spell is not None)
        if spell is not None:
            self.hits[spell.kind] += 1
            await FAULTS[spell.kind](self._rng).act(exchange)

    def _strikes(self, spell: Spell, call: Call) -> bool:
        now = self._clock()
        matches = spell.begin <= now < spell.end and SCOPES[spell.scope](call, spell.pick)
        return matches and self._rng.random() < spell.share

    def _note_picture(self, unit: int, *, hit: bool) -> None:
        stretches = self.unwell.setdefault(unit, [])
        ill = bool(stretches) and stretches[-1][1] == float("inf")
        if hit and not ill:
            stretches.append([self._clock(), float("inf")])
        elif ill and not hit:
            stretches[-1][1] = self._clock()


def _unit(call: Call) -> int:
    return int(call.params.get("id", "0").strip('"') or 0)
