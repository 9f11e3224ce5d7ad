"""Which photo comes next, for each client: a deck, not dice. Pure, given a random.Random; loop thread only."""

from __future__ import annotations

import random
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from .catalog import Catalog

MAX_DECKS = 256
_ROUNDS = 4
_MIN_HALF_BITS = 4
_MAX_MISSED = 64
_DRAWS_BETWEEN_MISSED = 3
_MAX_MISSED_IN_A_ROW = 7
_LONGEST_SEAM = 8  # so often can one photo stand in a row: put back, missed, at the end of a round and at a start


class Shuffle:
    """A random order of range(size), computed one place at a time, so that a deck of 100,000 photos costs
    neither memory nor a pause.

    A Feistel network permutes the numbers below a power of four (M. Luby and C. Rackoff, 1988); results that are
    not below `size` are permuted on (cycle walking: J. Black and P. Rogaway, 2002). The domain has at least 256
    numbers, since four rounds over fewer could not make every order of a small album.
    """

    __slots__ = ("_half", "_mask", "keys", "size")

    def __init__(self, size: int, rng: random.Random) -> None:
        self.size = size
        self._half = max(_MIN_HALF_BITS, (max(size - 1, 0).bit_length() + 1) // 2)
        self._mask = (1 << self._half) - 1
        self.keys = tuple(rng.getrandbits(32) for _ in range(_ROUNDS))

    def __getitem__(self, place: int) -> int:
        if not 0 <= place < self.size:
            raise IndexError(place)
        half, mask = self._half, self._mask
        while True:
            left, right = place >> half, place & mask
            for key in self.keys:
                mixed = (right ^ key) * 0x9E3779B1 & 0xFFFFFFFF
                mixed = (mixed ^ mixed >> 15) * 0x85EBCA77 & 0xFFFFFFFF
                left, right = right, left ^ (mixed >> 13 & mask)
            place = left << half | right
            if place < self.size:
                return place


class _Run:
    """Some neighbouring slots in a random order, and how far they have been dealt."""

    __slots__ = ("_order", "_place", "_start")

    def __init__(self, start: int, stop: int, rng: random.Random) -> None:
        self._start = start
        self._order = Shuffle(stop - start, rng)
        self._place = 0

    @property
    def stop(self) -> int:
        return self._start + self._order.size

    def to_list(self) -> list[object]:
        return [self._start, self._order.size, self._place, *self._order.keys]

    @classmethod
    def of_list(cls, row: list[int], rng: random.Random) -> _Run:
        """The run that `to_list` told. Raises ValueError."""
        start, size, place, *keys = _whole(row)
        run = cls(start, start + size, rng)
        if min(start, size) < 0 or not 0 <= place <= size or len(keys) != _ROUNDS:
            raise ValueError(row)
        run._order.keys, run._place = tuple(keys), place
        return run

    def next(self) -> int | None:
        if self._place == self._order.size:
            return None
        slot = self._start + self._order[self._place]
        self._place += 1
        return slot


class Deck:
    """One client's deck: every photo of the catalog once before any comes again.

    It is a stack of runs: the round through the whole album lies at the bottom, and photos added since are
    runs above it, dealt first. `last` is the photo that the client was given last.
    """

    def __init__(self, rng: random.Random) -> None:
        self.last: int | None = None
        self._rng = rng
        self._runs: list[_Run] = []
        self._known_slots = 0
        self._generation = -1
        self._ahead: deque[int] = deque()
        self._missed: deque[int] = deque()
        self._draws_since_missed = 0
        self._missed_in_a_row = 0
        self._held: Sequence[int] = ()
        self._held_in = Catalog()
        self._held_numbers: Sequence[int] = ()
        self._held_run = _Run(0, 0, rng)

    def draw(self, catalog: Catalog) -> int | None:
        """The id of the next photo; None if there is none. Tell `deal`, `miss` or `put_back` what became of it.

        It is not the one dealt last, unless there is no other.
        """
        for count in range(1, _LONGEST_SEAM + 1 if len(catalog.photos) > 1 else 2):
            for number in self.upcoming(catalog, count):
                if number != self.last:
                    self._ahead.remove(number)
                    if count > 1:  # the one dealt last waits once, however often it was met on the way
                        self._ahead = deque(dict.fromkeys(self._ahead))
                    return number
        return self._ahead.popleft() if self._ahead else None

    def upcoming(self, catalog: Catalog, count: int) -> list[int]:
        """The ids of the next photos, without drawing them; at most `count`."""
        self._follow(catalog)
        if not all(number in catalog.by_id for number in self._ahead):
            self._ahead = deque(number for number in self._ahead if number in catalog.by_id)
        while len(self._ahead) < count:
            number = self._next(catalog)
            if number is None:
                break
            self._ahead.append(number)
        return list(self._ahead)[:count]

    def deal(self, number: int) -> None:
        """The client was given that photo."""
        self.last = number

    def miss(self, number: int) -> None:
        """That photo could not be had now; it comes back in a few draws, or in the next round if many are missed."""
        if number not in self._missed:
            self._missed.append(number)
        if len(self._missed) > _MAX_MISSED:
            self._missed.popleft()

    def put_back(self, number: int) -> None:
        """That photo comes next."""
        self._ahead.appendleft(number)

    def leave_out(self, number: int) -> None:
        """That photo, which was put back, does not come next after all."""
        if number in self._ahead:
            self._ahead.remove(number)

    def draw_held(self, held: Sequence[int], catalog: Catalog) -> int | None:
        """A photo of the catalog out of `held` alone, each once before any comes again; None if there is none."""
        if held is not self._held or catalog is not self._held_in:
            self._held, self._held_in = held, catalog
            self._held_numbers = [number for number in held if number in catalog.by_id]
            self._held_run = _Run(0, len(self._held_numbers), self._rng)
        number = None
        for _ in range(min(3, 2 * len(self._held_numbers) - 1)):  # one run may end with it and the next begin with it
            place = self._held_run.next()
            if place is None:
                self._held_run = _Run(0, len(self._held_numbers), self._rng)
                place = self._held_run.next()
            number = self._held_numbers[place or 0]
            if number != self.last:
                break
        return number

    def to_dict(self) -> dict[str, object]:
        """What a later run needs to go on with this deck, of numbers alone."""
        return {
            "last": self.last,
            "slots": self._known_slots,
            "generation": self._generation,
            "runs": [run.to_list() for run in self._runs],
            "ahead": list(self._ahead),
            "missed": list(self._missed),
        }

    def restore(self, told: Mapping[str, Any], catalog: Catalog) -> None:
        """Goes on where `to_dict` was told, if the catalog has the slots of then. Raises ValueError, KeyError or
        TypeError, and then the deck is of no use.
        """
        if told["generation"] != catalog.generation or told["slots"] > len(catalog.slots):
            raise ValueError("of another catalog")
        self._generation, self._known_slots = told["generation"], told["slots"]
        self._runs = [_Run.of_list(row, self._rng) for row in told["runs"]]
        if any(run.stop > self._known_slots for run in self._runs):
            raise ValueError("beyond the slots")
        self._ahead, self._missed = deque(_whole(told["ahead"])), deque(_whole(told["missed"]))
        (self.last,) = _whole([told["last"]]) if told["last"] is not None else (None,)

    def _follow(self, catalog: Catalog) -> None:
        """Takes note of photos that have joined since the last draw."""
        if catalog.generation != self._generation or len(catalog.slots) < self._known_slots:
            self._generation = catalog.generation
            self._runs.clear()
            self._known_slots = 0
        slots = len(catalog.slots)
        if self._known_slots and slots > self._known_slots:
            self._runs.append(_Run(self._known_slots, slots, self._rng))
        self._known_slots = slots

    def _next(self, catalog: Catalog) -> int | None:
        self._draws_since_missed += 1
        # With many missed the round slows down: while the NAS is away it must not run through the album unseen.
        # It never stands still, or that many broken photos would keep all others from coming.
        full = len(self._missed) >= _MAX_MISSED and self._missed_in_a_row < _MAX_MISSED_IN_A_ROW
        due = self._draws_since_missed > _DRAWS_BETWEEN_MISSED or full
        self._missed_in_a_row += 1
        if not (self._missed and len(self._runs) <= 1 and due):
            self._missed_in_a_row = 0
        else:
            self._draws_since_missed = 0
            number = self._missed.popleft()
            if number in catalog.by_id:
                return number
        while catalog.photos:
            slot = self._runs[-1].next() if self._runs else None
            if slot is not None:
                if number := catalog.slots[slot]:
                    return number
            elif len(self._runs) > 1:
                self._runs.pop()
            else:
                self._runs = [_Run(0, self._known_slots, self._rng)]
                self._missed.clear()
        return None


def _whole(numbers: Iterable[Any]) -> list[int]:
    found = list(numbers)
    if not all(type(number) is int for number in found):
        raise ValueError(found)
    return found


class Decks:
    """The decks of the clients that asked last, one for each album; the one asked for longest ago goes first."""

    def __init__(self, rng: random.Random, max_decks: int = MAX_DECKS) -> None:
        self._rng = rng
        self._max_decks = max_decks
        self._decks: OrderedDict[tuple[str, str], Deck] = OrderedDict()

    def __len__(self) -> int:
        return len(self._decks)

    def deck(self, client: str, album: str = "") -> Deck:
        """The client's deck of that album; "" stands for all albums together."""
        deck = self._decks.get((client, album))
        if deck is None:
            deck = self._decks[client, album] = Deck(self._rng)
        self._decks.move_to_end((client, album))
        if len(self._decks) > self._max_decks:
            self._decks.popitem(last=False)
        return deck

    def to_list(self) -> list[dict[str, object]]:
        """The decks of all clients, longest unused first."""
        return [{"client": client, "album": album} | deck.to_dict() for (client, album), deck in self._decks.items()]

    def restore(self, rows: Iterable[Any], catalog_of: Callable[[str], Catalog]) -> None:
        """Goes on with the decks that `to_list` told; those that do not fit to the catalogs begin anew."""
        for row in rows:
            deck = Deck(self._rng)
            try:
                client, album = str(row["client"]), str(row["album"])
                deck.restore(row, catalog_of(album))
            except (ValueError, KeyError, TypeError):
                continue
            self._decks[client, album] = deck
            if len(self._decks) > self._max_decks:
                self._decks.popitem(last=False)
