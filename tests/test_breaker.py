"""When what has failed is asked again."""

from __future__ import annotations

import random

import pytest
from guest import Clock
from hypothesis import given, settings
from hypothesis import strategies as st

from photosync.breaker import Breaker, Quarantine
from photosync.errors import NasUnreachable

HOUR = 3600.0


def trouble(text: str = "gone") -> NasUnreachable:
    return NasUnreachable("refused", text)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker(clock, random.Random(1), first_seconds=2.0, longest_seconds=60.0)


def fail(breaker: Breaker, subject: object = None) -> None:
    """One try, from its start to its failure."""
    assert breaker.allows
    breaker.start()
    breaker.failure(trouble(), subject)


def test_a_closed_breaker_allows_everything(breaker: Breaker) -> None:
    for _ in range(5):
        assert breaker.allows
        breaker.start()
    assert not breaker.is_open
    assert breaker.wait_seconds == 0
    assert breaker.cause is None


def test_the_first_failure_opens_it_for_one_to_two_seconds(breaker: Breaker, clock: Clock) -> None:
    cause = trouble("the very one")
    breaker.start()
    breaker.failure(cause)
    assert breaker.is_open
    assert not breaker.allows
    assert breaker.cause is cause
    assert 1.0 <= breaker.wait_seconds <= 2.0
    clock.now += breaker.wait_seconds
    assert breaker.allows
    assert breaker.is_open


def test_waits_double_up_to_the_longest_and_are_jittered(breaker: Breaker, clock: Clock) -> None:
    waits = []
    for _ in range(40):
        fail(breaker)
        waits.append(breaker.wait_seconds)
        clock.now += breaker.wait_seconds
    for wait, longest in zip(waits, [2, 4, 8, 16, 32] + [60] * 35, strict=True):
        assert longest / 2 <= wait <= longest
    assert len(set(waits)) == 40


def test_two_breakers_do_not_wait_in_step(clock: Clock) -> None:
    waits = set()
    for seed in range(10):
        breaker = Breaker(clock, random.Random(seed))
        fail(breaker)
        waits.add(breaker.wait_seconds)
    assert len(waits) == 10


def test_only_one_probe_is_under_way(breaker: Breaker, clock: Clock) -> None:
    fail(breaker)
    clock.now += 2.0
    breaker.start()
    assert not breaker.allows
    clock.now += 1000
    assert not breaker.allows


def test_a_probe_that_succeeds_closes_it_and_forgets_the_waits(breaker: Breaker, clock: Clock) -> None:
    for _ in range(5):
        fail(breaker)
        clock.now += breaker.wait_seconds
    breaker.start()
    breaker.success()
    assert (breaker.is_open, breaker.cause, breaker.wait_seconds) == (False, None, 0)
    fail(breaker)
    assert breaker.wait_seconds <= 2.0


def test_a_probe_that_tells_nothing_leaves_the_next_one_free(breaker: Breaker, clock: Clock) -> None:
    fail(breaker)
    clock.now += 2.0
    breaker.start()
    breaker.abandon()
    assert breaker.is_open
    assert breaker.allows


def test_tries_that_were_under_way_when_it_opened_do_not_lengthen_the_wait(breaker: Breaker) -> None:
    for _ in range(4):
        breaker.start()
    breaker.failure(trouble())
    wait = breaker.wait_seconds
    for _ in range(3):
        breaker.failure(trouble())
    assert breaker.wait_seconds == wait


def test_the_wait_that_the_nas_asks_for_is_kept(breaker: Breaker) -> None:
    breaker.start()
    breaker.failure(trouble(), at_least_seconds=45.0)
    assert breaker.wait_seconds == 45.0


def test_with_a_threshold_only_different_subjects_open_it(clock: Clock) -> None:
    breaker = Breaker(clock, random.Random(1), threshold=3)
    for _ in range(10):
        fail(breaker, "one")
    fail(breaker, "two")
    assert not breaker.is_open
    breaker.success()
    fail(breaker, "two")
    fail(breaker, "three")
    assert not breaker.is_open
    fail(breaker, "four")
    assert breaker.is_open
    assert not breaker.allows


ACTIONS = st.lists(
    st.tuples(st.sampled_from(["try", "succeed", "fail", "abandon", "wait"]), st.floats(0, 100)), max_size=60
)


@settings(max_examples=200)
@given(actions=ACTIONS)
def test_it_never_waits_for_ever_and_never_probes_twice(actions: list[tuple[str, float]]) -> None:
    clock = Clock()
    breaker = Breaker(clock, random.Random(7), longest_seconds=60.0)
    under_way = 0
    for action, number in actions:
        if action == "wait":
            clock.now += number
        elif action == "try" and breaker.allows:
            assert not (breaker.is_open and under_way > 8)
            breaker.start()
            under_way += 1
            assert breaker.allows != breaker.is_open
        elif under_way and action != "try":
            under_way -= 1
            {"succeed": breaker.success, "fail": lambda: breaker.failure(trouble()), "abandon": breaker.abandon}[
                action
            ]()
        assert 0 <= breaker.wait_seconds <= 60.0
        assert (breaker.cause is None) == (not breaker.is_open)
        assert breaker.is_open or breaker.allows


@settings(max_examples=25)
@given(seed=st.integers(0, 2**32))
def test_five_minutes_of_failures_are_at_most_twelve_tries(seed: int) -> None:
    clock = Clock()
    breaker = Breaker(clock, random.Random(seed), longest_seconds=300.0)
    tries = 0
    while clock.now < 1300:
        if breaker.allows:
            fail(breaker)
            tries += 1
        clock.now += 0.1
    assert 5 <= tries <= 12


# Photos that fail while others do not


@pytest.fixture
def quarantine(clock: Clock) -> Quarantine:
    return Quarantine(clock)


def test_a_failing_photo_waits_a_second_then_five_minutes_then_up_to_six_hours(quarantine: Quarantine) -> None:
    waits = []
    for _ in range(40):
        quarantine.failure(7, trouble())
        waits.append(quarantine.wait_seconds(7))
    assert waits[:9] == [1, 300, 600, 1200, 2400, 4800, 9600, 19200, 6 * HOUR]
    assert set(waits[8:]) == {6 * HOUR}


def test_a_photo_in_quarantine_comes_back_by_time_and_is_forgotten_by_success(
    quarantine: Quarantine, clock: Clock
) -> None:
    cause = trouble("why")
    quarantine.failure(7, trouble())
    quarantine.failure(7, cause)
    quarantine.failure(8, trouble())
    assert (len(quarantine), quarantine.cause(7), quarantine.wait_seconds(9)) == (2, cause, 0)
    clock.now += 1
    assert (len(quarantine), quarantine.wait_seconds(7)) == (1, 299)
    clock.now += 299
    assert (len(quarantine), quarantine.wait_seconds(7)) == (0, 0)
    quarantine.success(7)
    assert quarantine.cause(7) is None
    quarantine.failure(7, trouble())
    assert quarantine.wait_seconds(7) == 1


def test_photos_that_are_gone_are_forgotten(quarantine: Quarantine) -> None:
    for number in range(10):
        quarantine.failure(number, trouble())
    quarantine.retain(lambda number: number in (3, 4))
    assert len(quarantine) == 2
    assert [quarantine.wait_seconds(number) for number in (2, 3)] == [0, 1]
