"""PhotoCache against a plain model: what is held, what is counted, what has to go."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from photosync.cache import PhotoCache
from photosync.models import PhotoKey


def key(number: int, version: str = "v1") -> PhotoKey:
    return (number, version, "xl")


class TestOnePhoto:
    def test_it_is_kept_and_counted(self) -> None:
        cache = PhotoCache(100)
        data = bytes(30)
        assert cache.put(key(1), data) is data
        assert (len(cache), cache.bytes, cache.reserved_bytes) == (1, 30, 0)
        assert key(1) in cache and list(cache) == [key(1)]

    def test_a_hit_gives_the_very_object(self) -> None:
        cache = PhotoCache(100)
        data = bytes(30)
        cache.put(key(1), data)
        assert cache.hold(key(1)) is data
        assert cache.hold(key(1)) is data
        assert (cache.hits, cache.misses, cache.bytes) == (2, 0, 30)

    def test_to_ask_for_its_size_is_no_use_of_it(self) -> None:
        cache = PhotoCache(60)
        cache.put(key(1), bytes(30))
        cache.put(key(2), bytes(20))
        assert (cache.size(key(2)), cache.size(key(1)), cache.hits) == (20, 30, 0)
        cache.put(key(3), bytes(30), holders=1)
        assert set(cache) == {key(2), key(3)} and cache.size(key(3)) == 30

    def test_a_miss_is_counted(self) -> None:
        cache = PhotoCache(100)
        assert cache.hold(key(1)) is None
        assert (cache.hits, cache.misses) == (0, 1)

    def test_another_version_is_another_photo(self) -> None:
        cache = PhotoCache(100)
        cache.put(key(1, "v1"), b"old")
        assert cache.hold(key(1, "v2")) is None

    @pytest.mark.parametrize("size", [100, 0])
    def test_one_that_just_fits_is_kept(self, size: int) -> None:
        assert PhotoCache(100).put(key(1), bytes(size)) == bytes(size)

    def test_one_that_is_too_large_evicts_nothing(self) -> None:
        cache = PhotoCache(100)
        cache.put(key(1), bytes(60))
        assert cache.put(key(2), bytes(101)) is None
        assert list(cache) == [key(1)] and cache.evictions == 0

    def test_putting_it_again_replaces_it(self) -> None:
        cache = PhotoCache(100)
        cache.put(key(1), bytes(60))
        assert cache.put(key(1), b"newer", holders=1) == b"newer"
        assert (len(cache), cache.bytes) == (1, 5)
        cache.release(key(1))
        assert (len(cache), cache.bytes) == (1, 5)

    def test_putting_it_again_costs_no_other_its_room(self) -> None:
        cache = PhotoCache(90)
        for number in (1, 2, 1):
            cache.put(key(number), bytes(45))
        assert set(cache) == {key(1), key(2)} and cache.evictions == 0


class TestEviction:
    def test_the_least_recently_used_goes_first(self) -> None:
        cache = PhotoCache(90)
        for number in (1, 2, 3):
            cache.put(key(number), bytes(30))
        cache.hold(key(1))
        cache.release(key(1))
        cache.put(key(4), bytes(30))
        assert set(cache) == {key(1), key(3), key(4)}
        assert cache.evictions == 1

    def test_a_sparing_one_takes_the_place_of_what_was_made_before_that_of_photos(self) -> None:
        cache = PhotoCache(90)
        made = [(number, "v1", "xl-800x480-cover-85-1") for number in range(1, 4)]
        for name in (key(1), made[0], made[1]):
            cache.put(name, bytes(30))
        cache.touch(made[0])
        cache.put(made[2], bytes(30), sparing=True)
        assert set(cache) == {key(1), made[0], made[2]}
        cache.put(key(2), bytes(90), sparing=True)
        assert list(cache) == [key(2)]

    def test_a_photo_that_is_being_sent_stays(self) -> None:
        cache = PhotoCache(90)
        for number in (1, 2, 3):
            cache.put(key(number), bytes(30))
        held = cache.hold(key(1))
        cache.put(key(4), bytes(60))
        assert set(cache) == {key(1), key(4)}
        assert cache.hold(key(1)) is held

    def test_nothing_gets_in_while_all_room_is_taken_by_what_is_being_sent(self) -> None:
        cache = PhotoCache(90)
        cache.put(key(1), bytes(60), holders=1)
        assert cache.put(key(2), bytes(31)) is None
        assert cache.put(key(2), bytes(30)) is not None
        cache.release(key(1))
        assert cache.put(key(3), bytes(31)) is not None

    def test_a_discarded_photo_counts_until_the_last_holder_has_released_it(self) -> None:
        cache = PhotoCache(90)
        cache.put(key(1), bytes(60), holders=2)
        cache.discard(key(1))
        assert key(1) not in cache and cache.hold(key(1)) is None and list(cache) == []
        cache.release(key(1))
        assert cache.bytes == 60
        cache.release(key(1))
        assert cache.bytes == 0

    def test_a_discarded_photo_that_is_back_is_kept_once(self) -> None:
        cache = PhotoCache(90)
        data = bytes(60)
        cache.put(key(1), data, holders=1)
        cache.discard(key(1))
        assert cache.put(key(1), bytes(60), holders=1) is data
        assert (len(cache), cache.bytes) == (1, 60)
        cache.release(key(1))
        cache.release(key(1))
        assert cache.hold(key(1)) is data


class TestReservations:
    def test_they_make_room_at_once(self) -> None:
        cache = PhotoCache(90)
        for number in (1, 2, 3):
            cache.put(key(number), bytes(30))
        assert cache.reserve(key(4), 31)
        assert (cache.bytes, cache.reserved_bytes, cache.evictions) == (30, 31, 2)

    def test_a_new_one_replaces_the_old_one(self) -> None:
        cache = PhotoCache(90)
        assert cache.reserve(key(1), 50)
        assert cache.reserve(key(1), 90)
        assert not cache.reserve(key(1), 91)
        assert cache.reserved_bytes == 0

    def test_two_downloads_share_the_limit(self) -> None:
        cache = PhotoCache(90)
        assert cache.reserve(key(1), 50)
        assert not cache.reserve(key(2), 41)
        assert cache.reserve(key(2), 40)
        cache.cancel(key(1))
        cache.cancel(key(3))
        assert cache.reserved_bytes == 40

    def test_a_download_that_ends_gives_its_room_back(self) -> None:
        cache = PhotoCache(90)
        cache.reserve(key(1), 90)
        cache.put(key(1), bytes(20))
        assert (cache.bytes, cache.reserved_bytes) == (20, 0)

    def test_room_without_eviction_counts_downloads(self) -> None:
        cache = PhotoCache(90)
        cache.put(key(1), bytes(30))
        cache.reserve(key(2), 30)
        assert cache.has_room(30)
        assert not cache.has_room(31)


def test_the_generation_changes_with_what_is_held() -> None:
    cache = PhotoCache(60)
    seen = [cache.generation]
    cache.put(key(1), bytes(30))
    seen.append(cache.generation)
    cache.put(key(2), bytes(60))
    seen.append(cache.generation)
    cache.discard(key(2))
    seen.append(cache.generation)
    assert len(set(seen)) == 4
    cache.hold(key(9))
    assert cache.generation == seen[-1]


def test_the_generation_does_not_change_with_what_was_made_of_photos() -> None:
    cache = PhotoCache(60)
    made = [(number, "v1", "xl-800x480-cover-85-1") for number in range(4)]
    for name in made[:3]:
        cache.put(name, bytes(30))  # the last one evicts the first
    cache.discard(made[2])
    cache.resize(10)
    assert (cache.generation, cache.evictions, len(cache)) == (0, 2, 0)
    cache.put(made[3], bytes(10))
    cache.resize(60)
    cache.put(key(1), bytes(10))
    before = cache.generation
    cache.resize(10)
    assert (list(cache), cache.generation) == ([key(1)], before)
    cache.resize(0)
    assert cache.generation != before


numbers = st.integers(1, 8)
sizes = st.integers(0, 60)


class TestAnotherLimit:
    def full(self) -> PhotoCache:
        cache = PhotoCache(100)
        for number in range(1, 6):
            cache.put(key(number), bytes(20))
        return cache

    def test_a_smaller_one_lets_the_least_recently_used_go_at_once(self) -> None:
        cache = self.full()
        cache.touch(key(1))
        before = cache.generation
        cache.resize(50)
        assert set(cache) == {key(5), key(1)}
        assert (cache.bytes, cache.max_bytes, cache.evictions) == (40, 50, 3)
        assert cache.generation != before

    def test_a_larger_one_keeps_all_in_their_order(self) -> None:
        cache = self.full()
        cache.resize(120)
        assert (cache.bytes, cache.evictions) == (100, 0)
        cache.put(key(6), bytes(20))
        cache.put(key(7), bytes(20))
        assert key(1) not in cache and key(2) in cache

    def test_what_is_being_sent_goes_when_it_is_released_if_it_fits_no_more(self) -> None:
        cache = self.full()
        for number in (1, 2, 3):
            cache.hold(key(number))
        cache.resize(50)
        assert set(cache) == {key(1), key(2), key(3)}
        cache.release(key(1))
        assert (set(cache), cache.bytes) == ({key(2), key(3)}, 40)
        cache.release(key(2))
        assert (set(cache), cache.bytes) == ({key(2), key(3)}, 40)

    def test_a_download_counts_too(self) -> None:
        cache = self.full()
        cache.reserve(key(9), 30)
        cache.resize(60)
        assert cache.bytes + cache.reserved_bytes <= 60


class Accounting(RuleBasedStateMachine):
    """The same steps in lists and dictionaries. `resting` is in order of use, the oldest first."""

    @initialize(limit=st.integers(0, 150))
    def begin(self, limit: int) -> None:
        self.cache = PhotoCache(limit)
        self.limit = limit
        self.resting: dict[PhotoKey, bytes] = {}
        self.lent: dict[PhotoKey, bytes] = {}
        self.holders: dict[PhotoKey, int] = {}
        self.discarded: set[PhotoKey] = set()
        self.reserved: dict[PhotoKey, int] = {}
        self.calls = self.hits = self.evictions = 0

    def model_reserve(self, name: PhotoKey, size: int) -> bool:
        self.reserved.pop(name, None)
        firm = sum(map(len, self.lent.values())) + sum(self.reserved.values()) + size
        if firm > self.limit:
            return False
        while firm + sum(map(len, self.resting.values())) > self.limit:
            del self.resting[next(iter(self.resting))]
            self.evictions += 1
        self.reserved[name] = size
        return True

    @rule(number=numbers)
    def hold(self, number: int) -> None:
        name = key(number)
        self.calls += 1
        held = self.cache.hold(name)
        if name in self.resting:
            self.lent[name], self.holders[name] = self.resting.pop(name), 0
        if name in self.lent and name not in self.discarded:
            self.hits += 1
            self.holders[name] += 1
            assert held is self.lent[name]
        else:
            assert held is None

    @precondition(lambda self: self.holders)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.holders)))
        self.cache.release(name)
        self.holders[name] -= 1
        if self.holders[name] == 0:
            del self.holders[name]
            photo = self.lent.pop(name)
            if name in self.discarded:
                self.discarded.remove(name)
            else:
                self.resting[name] = photo

    @rule(number=numbers, size=sizes)
    def reserve(self, number: int, size: int) -> None:
        assert self.cache.reserve(key(number), size) == self.model_reserve(key(number), size)

    @rule(number=numbers)
    def cancel(self, number: int) -> None:
        self.cache.cancel(key(number))
        self.reserved.pop(key(number), None)

    @rule(number=numbers, size=sizes, holders=st.integers(0, 2))
    def put(self, number: int, size: int, holders: int) -> None:
        name, photo = key(number), b"x" * size
        kept = self.cache.put(name, photo, holders)
        if name in self.lent:
            self.reserved.pop(name, None)
            self.discarded.discard(name)
            self.holders[name] += holders
            assert kept is self.lent[name]
            return
        former = self.resting.pop(name, None)
        if not self.model_reserve(name, size):
            assert kept is None
            if former is not None:
                self.resting[name] = former
        else:
            del self.reserved[name]
            assert kept is photo
            if holders:
                self.lent[name], self.holders[name] = photo, holders
            else:
                self.resting[name] = photo

    @rule(number=numbers)
    def discard(self, number: int) -> None:
        name = key(number)
        self.cache.discard(name)
        self.resting.pop(name, None)
        if name in self.lent:
            self.discarded.add(name)

    @invariant()
    def the_sums_are_right(self) -> None:
        held = [*self.resting.values(), *self.lent.values()]
        assert self.cache.bytes == sum(map(len, held))
        assert len(self.cache) == len(held)
        assert self.cache.reserved_bytes == sum(self.reserved.values())
        assert self.cache.bytes + self.cache.reserved_bytes <= self.cache.max_bytes == self.limit

    @invariant()
    def the_same_photos_are_here(self) -> None:
        here = set(self.resting) | (set(self.lent) - self.discarded)
        assert set(self.cache) == here
        assert {key(number) for number in range(10) if key(number) in self.cache} == here

    @invariant()
    def every_call_was_a_hit_or_a_miss(self) -> None:
        assert self.cache.hits == self.hits
        assert self.cache.hits + self.cache.misses == self.calls
        assert self.cache.evictions == self.evictions

    @invariant()
    def room_is_what_is_left(self) -> None:
        left = self.limit - self.cache.bytes - self.cache.reserved_bytes
        assert self.cache.has_room(left) and not self.cache.has_room(left + 1)


TestAccountingStaysRight = Accounting.TestCase
TestAccountingStaysRight.settings = settings(max_examples=120, stateful_step_count=40)
