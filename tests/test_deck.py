"""Which photo comes next: whole rounds, nothing twice in a row, and catalogs that change under the deck."""

from __future__ import annotations

import json
import random
from collections import Counter
from itertools import pairwise, permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from photosync.catalog import Catalog
from photosync.deck import MAX_DECKS, Deck, Decks, Shuffle
from photosync.models import Photo

seeds = st.integers(0, 2**32)


def photo(number: int, version: str = "v1") -> Photo:
    return Photo(
        id=number,
        unit_id=number + 1000,
        version=version,
        size="xl",
        filename=f"IMG_{number}.JPG",
        taken_seconds=1000 - number,
        width=3,
        height=2,
        album="kitchen-dash",
    )


def catalog(numbers: object, previous: Catalog | None = None) -> Catalog:
    return Catalog.build([photo(number) for number in numbers], {}, previous)  # type: ignore[attr-defined]


def deal(deck: Deck, photos: Catalog, count: int) -> list[int]:
    dealt = []
    for _ in range(count):
        number = deck.draw(photos)
        assert number is not None
        deck.deal(number)
        dealt.append(number)
    return dealt


def test_a_catalog_with_fewer_slots_begins_a_new_round() -> None:
    deck = Deck(random.Random(1))
    deal(deck, catalog(range(1, 40)), 20)
    fewer = catalog(range(1, 6))
    assert sorted(deal(deck, fewer, 5)) == [1, 2, 3, 4, 5]


def rounds(dealt: list[int], size: int) -> list[list[int]]:
    return [dealt[start : start + size] for start in range(0, len(dealt), size)]


class TestShuffle:
    @pytest.mark.parametrize("size", [*range(70), 255, 256, 257, 1023, 1025, 4095, 4097, 20_000])
    def test_it_is_a_permutation(self, size: int) -> None:
        order = Shuffle(size, random.Random(size))
        assert sorted(order[place] for place in range(size)) == list(range(size))

    @given(size=st.integers(1, 2000), seed=seeds)
    @settings(max_examples=60)
    def test_it_is_a_permutation_for_any_seed(self, size: int, seed: int) -> None:
        order = Shuffle(size, random.Random(seed))
        assert sorted(order[place] for place in range(size)) == list(range(size))

    def test_it_knows_its_ends(self) -> None:
        order = Shuffle(5, random.Random(1))
        for place in (-1, 5, 6):
            with pytest.raises(IndexError):
                order[place]
        with pytest.raises(IndexError):
            Shuffle(0, random.Random(1))[0]

    def test_the_six_orders_of_three_come_about_evenly(self) -> None:
        rng = random.Random(7)
        seen = Counter(tuple(Shuffle(3, rng)) for _ in range(3000))
        assert set(seen) == set(permutations(range(3)))
        assert all(390 < count < 610 for count in seen.values())  # five standard deviations

    def test_the_orders_of_five_come_about_evenly(self) -> None:
        rng = random.Random(8)
        seen = Counter(tuple(Shuffle(5, rng)) for _ in range(4000))
        assert len(seen) == 120
        assert all(5 < count < 65 for count in seen.values())

    def test_each_number_comes_first_about_as_often(self) -> None:
        rng = random.Random(9)
        first = Counter(Shuffle(20, rng)[0] for _ in range(10_000))
        assert set(first) == set(range(20))
        assert all(390 < count < 610 for count in first.values())

    def test_neighbours_do_not_stay_neighbours(self) -> None:
        order = list(Shuffle(1000, random.Random(10)))
        assert sum(abs(a - b) == 1 for a, b in pairwise(order)) < 20  # about two are expected


class TestRounds:
    @given(size=st.integers(1, 60), seed=seeds)
    @settings(max_examples=150)
    def test_every_photo_comes_once_before_any_comes_again(self, size: int, seed: int) -> None:
        photos = catalog(range(1, size + 1))
        dealt = deal(Deck(random.Random(seed)), photos, 4 * size)
        assert all(sorted(one) == list(range(1, size + 1)) for one in rounds(dealt, size))

    @given(size=st.integers(2, 12), seed=seeds)
    @settings(max_examples=150)
    def test_no_photo_comes_twice_in_a_row_across_the_seam(self, size: int, seed: int) -> None:
        dealt = deal(Deck(random.Random(seed)), catalog(range(1, size + 1)), 12 * size)
        assert all(a != b for a, b in pairwise(dealt))

    @given(size=st.integers(2, 12), seed=seeds, ahead=st.integers(0, 3))
    @settings(max_examples=100)
    def test_looking_ahead_changes_nothing(self, size: int, seed: int, ahead: int) -> None:
        photos = catalog(range(1, size + 1))
        deck = Deck(random.Random(seed))
        dealt = []
        for _ in range(6 * size):
            deck.upcoming(photos, ahead)
            dealt += deal(deck, photos, 1)
        assert all(sorted(one) == list(range(1, size + 1)) for one in rounds(dealt, size))
        assert all(a != b for a, b in pairwise(dealt))

    def test_each_round_has_an_order_of_its_own(self) -> None:
        dealt = deal(Deck(random.Random(3)), catalog(range(1, 31)), 300)
        assert len({tuple(one) for one in rounds(dealt, 30)}) == 10

    def test_two_decks_deal_differently(self) -> None:
        photos = catalog(range(1, 31))
        decks = Decks(random.Random(4))
        assert deal(decks.deck("kitchen"), photos, 30) != deal(decks.deck("hall"), photos, 30)

    def test_one_photo_comes_again_and_again(self) -> None:
        assert deal(Deck(random.Random(5)), catalog([7]), 5) == [7] * 5

    def test_nothing_comes_of_an_empty_catalog(self) -> None:
        deck = Deck(random.Random(6))
        assert deck.draw(Catalog()) is None
        assert deck.upcoming(Catalog(), 3) == []
        assert sorted(deal(deck, catalog([1, 2]), 2)) == [1, 2]
        assert deck.draw(catalog([])) is None

    def test_what_comes_is_what_was_upcoming(self) -> None:
        photos = catalog(range(1, 21))
        deck = Deck(random.Random(7))
        deal(deck, photos, 3)
        upcoming = deck.upcoming(photos, 5)
        assert upcoming == deck.upcoming(photos, 5)
        assert deal(deck, photos, 5) == upcoming

    def test_a_photo_that_is_put_back_comes_next(self) -> None:
        photos = catalog(range(1, 21))
        for seed in range(20):
            deck = Deck(random.Random(seed))
            dealt = []
            for _ in range(60):
                number = deck.draw(photos)
                assert number is not None
                deck.put_back(number)
                dealt += deal(deck, photos, 1)
                assert dealt[-1] == number
            assert all(sorted(one) == list(range(1, 21)) for one in rounds(dealt, 20))

    def test_a_photo_that_is_left_out_after_that_comes_in_the_next_round(self) -> None:
        photos, deck = catalog(range(1, 21)), Deck(random.Random(1))
        number = deck.draw(photos)
        assert number is not None
        deck.put_back(number)
        deck.leave_out(number)
        deck.leave_out(number)
        assert sorted([*deal(deck, photos, 19), number]) == list(range(1, 21))
        assert number in deal(deck, photos, 20)

    def test_a_hundred_thousand_photos_cost_a_new_deck_next_to_nothing(self) -> None:
        numbers = range(1, 100_001)
        photos = Catalog(
            photos=(photo(1),), by_id=dict.fromkeys(numbers, photo(1)), slots=type(Catalog().slots)("q", numbers)
        )
        dealt = deal(Deck(random.Random(8)), photos, 1000)
        assert len(set(dealt)) == 1000


class TestChanges:
    @given(size=st.integers(2, 40), before=st.integers(1, 60), ahead=st.integers(0, 2), seed=seeds)
    @settings(max_examples=150)
    def test_an_added_photo_is_dealt_within_three_draws(self, size: int, before: int, ahead: int, seed: int) -> None:
        deck = Deck(random.Random(seed))
        old = catalog(range(1, size + 1))
        deal(deck, old, before)
        deck.upcoming(old, ahead)
        new = catalog(range(1, size + 2), old)
        assert size + 1 in deal(deck, new, 3)

    def test_many_added_photos_come_before_the_rest_of_the_round(self) -> None:
        deck = Deck(random.Random(1))
        old = catalog(range(1, 101))
        before = deal(deck, old, 10)
        new = catalog(range(1, 121), old)
        assert sorted(deal(deck, new, 20)) == list(range(101, 121))
        assert sorted(before + deal(deck, new, 90)) == list(range(1, 101))

    @given(size=st.integers(2, 40), before=st.integers(1, 60), ahead=st.integers(0, 2), seed=seeds)
    @settings(max_examples=100)
    def test_a_removed_photo_is_never_dealt_again(self, size: int, before: int, ahead: int, seed: int) -> None:
        rng = random.Random(seed)
        deck = Deck(rng)
        old = catalog(range(1, size + 1))
        deal(deck, old, before)
        coming = deck.upcoming(old, ahead)
        gone = coming[0] if coming else rng.randint(1, size)
        new = catalog(set(range(1, size + 1)) - {gone}, old)
        dealt = deal(deck, new, 3 * size)
        assert gone not in dealt
        assert set(dealt) == set(new.by_id)

    def test_a_photo_that_returns_is_an_added_one(self) -> None:
        deck = Deck(random.Random(2))
        full = catalog(range(1, 31))
        deal(deck, full, 5)
        without = catalog(range(2, 31), full)
        deal(deck, without, 5)
        assert 1 in deal(deck, catalog(range(1, 31), without), 3)

    def test_a_changed_photo_keeps_its_place_in_the_round(self) -> None:
        deck = Deck(random.Random(3))
        old = catalog(range(1, 21))
        before = deal(deck, old, 8)
        new = Catalog.build([photo(number, "v2") for number in range(1, 21)], {}, old)
        assert sorted(before + deal(deck, new, 12)) == list(range(1, 21))

    def test_slots_dealt_anew_start_a_new_round(self) -> None:
        deck = Deck(random.Random(4))
        old = catalog(range(1, 2001))
        deal(deck, old, 100)
        new = catalog(range(1, 101), old)
        assert new.generation == old.generation + 1
        deck.upcoming(new, 2)
        assert sorted(deal(deck, new, 100)) == list(range(1, 101))


class TestMissed:
    @given(size=st.integers(8, 40), place=st.integers(0, 100), seed=seeds)
    @settings(max_examples=150)
    def test_a_missed_photo_comes_back_later(self, size: int, place: int, seed: int) -> None:
        photos = catalog(range(1, size + 1))
        deck = Deck(random.Random(seed))
        deal(deck, photos, place)
        missed = deck.draw(photos)
        assert missed is not None
        deck.miss(missed)
        after = deal(deck, photos, 2 * size)
        assert missed in after

    def test_it_comes_back_in_the_same_round_if_that_is_long_enough(self) -> None:
        photos = catalog(range(1, 21))
        for seed in range(50):
            deck = Deck(random.Random(seed))
            missed = deck.draw(photos)
            assert missed is not None
            deck.miss(missed)
            assert sorted(deal(deck, photos, 20)) == list(range(1, 21))

    def test_a_photo_that_always_fails_keeps_no_other_back(self) -> None:
        photos = catalog(range(1, 11))
        deck = Deck(random.Random(5))
        dealt: Counter[int] = Counter()
        draws = 0
        while dealt.total() < 90:
            number = deck.draw(photos)
            draws += 1
            assert number is not None
            if number == 3:
                deck.miss(number)
            else:
                deck.deal(number)
                dealt[number] += 1
        assert set(dealt.values()) == {10}
        assert draws < 90 * 1.5

    def test_when_all_fail_every_photo_is_still_tried(self) -> None:
        photos = catalog(range(1, 201))
        deck = Deck(random.Random(6))
        tried = set()
        for _ in range(2500):
            number = deck.draw(photos)
            assert number is not None
            deck.miss(number)
            tried.add(number)
        assert tried == set(range(1, 201))

    def test_while_all_fail_the_round_advances_slowly(self) -> None:
        photos = catalog(range(1, 2001))
        deck = Deck(random.Random(8))
        tried = set()
        for _ in range(64 + 800):
            number = deck.draw(photos)
            assert number is not None
            deck.miss(number)
            tried.add(number)
        assert 64 + 80 < len(tried) < 64 + 130

    def test_a_missed_photo_that_was_removed_does_not_come_back(self) -> None:
        old = catalog(range(1, 21))
        deck = Deck(random.Random(7))
        missed = deck.draw(old)
        assert missed is not None
        deck.miss(missed)
        new = catalog(set(range(1, 21)) - {missed}, old)
        assert missed not in deal(deck, new, 60)


class TestHeldPhotos:
    @given(size=st.integers(1, 30), seed=seeds)
    @settings(max_examples=100)
    def test_out_of_those_in_memory_each_comes_once_before_any_comes_again(self, size: int, seed: int) -> None:
        held = tuple(range(1, size + 1))
        deck, photos = Deck(random.Random(seed)), catalog(held)
        dealt = []
        for _ in range(3 * size):
            number = deck.draw_held(held, photos)
            assert number is not None
            deck.deal(number)
            dealt.append(number)
        assert all(dealt.count(number) >= 2 for number in held)
        assert all(dealt.count(number) <= 4 for number in held)
        assert size == 1 or all(a != b for a, b in pairwise(dealt))

    def test_the_first_round_is_whole(self) -> None:
        held = tuple(range(1, 21))
        deck, photos = Deck(random.Random(1)), catalog(held)
        assert sorted(deck.draw_held(held, photos) or 0 for _ in held) == list(held)

    def test_nothing_comes_of_nothing(self) -> None:
        assert Deck(random.Random(1)).draw_held((), Catalog()) is None
        assert Deck(random.Random(1)).draw_held((1, 2), catalog([3])) is None

    def test_photos_of_another_album_are_passed_over(self) -> None:
        held = tuple(range(1, 21))
        deck, photos = Deck(random.Random(1)), catalog([3, 9, 14, 99])
        assert sorted(deck.draw_held(held, photos) or 0 for _ in range(3)) == [3, 9, 14]

    def test_a_photo_that_joins_the_album_is_taken_from_memory_too(self) -> None:
        held = (1, 2, 3)
        deck, before, after = Deck(random.Random(2)), catalog([1, 2]), catalog([2, 3])
        assert {deck.draw_held(held, before) for _ in range(4)} == {1, 2}
        assert {deck.draw_held(held, after) for _ in range(4)} == {2, 3}

    def test_other_photos_in_memory_are_another_round(self) -> None:
        deck, photos = Deck(random.Random(2)), catalog(range(1, 8))
        assert deck.draw_held((1, 2, 3), photos) in (1, 2, 3)
        held = (4, 5, 6, 7)
        assert sorted(deck.draw_held(held, photos) or 0 for _ in held) == [4, 5, 6, 7]


class TestDecks:
    def test_a_client_keeps_its_deck(self) -> None:
        decks = Decks(random.Random(1))
        assert decks.deck("kitchen") is decks.deck("kitchen")
        assert decks.deck("kitchen") is not decks.deck("hall")

    def test_a_client_has_a_deck_for_each_album(self) -> None:
        decks = Decks(random.Random(1))
        assert len({decks.deck("kitchen"), decks.deck("kitchen", "a"), decks.deck("kitchen", "b")}) == 3
        assert decks.deck("kitchen", "a") is decks.deck("kitchen", "a")
        assert len(decks) == 3

    def test_256_are_kept_whatever_their_albums(self) -> None:
        decks = Decks(random.Random(1))
        first = decks.deck("kitchen", "0")
        for number in range(1, MAX_DECKS + 1):
            decks.deck("kitchen", str(number))
        assert len(decks) == MAX_DECKS
        assert decks.deck("kitchen", "0") is not first

    def test_256_are_kept(self) -> None:
        decks = Decks(random.Random(1))
        first = decks.deck("0")
        for number in range(1, MAX_DECKS):
            decks.deck(str(number))
        assert MAX_DECKS == 256
        assert len(decks) == 256
        assert decks.deck("0") is first
        second = decks.deck("1")
        for number in range(255):
            decks.deck(f"new {number}")
        assert len(decks) == 256
        assert decks.deck("1") is second
        assert decks.deck("0") is not first


class ChangingCatalog(RuleBasedStateMachine):
    """One deck, while photos come and go as they please and some cannot be had."""

    @initialize(seed=seeds, size=st.integers(0, 12))
    def begin(self, seed: int, size: int) -> None:
        self.deck = Deck(random.Random(seed))
        self.catalog = catalog(range(1, size + 1))
        self.next_id = size + 1
        self.added: int | None = None
        self.added_since_draw = 0
        self.draws_since_added = 0
        self.dealt: Counter[int] = Counter()
        self.has_dealt = False

    def replace(self, numbers: set[int]) -> None:
        self.catalog = catalog(numbers, self.catalog)

    @rule()
    def add_one(self) -> None:
        self.replace({*self.catalog.by_id, self.next_id})
        # Promised to a deck in use, for one photo: of several between two draws not all can be dealt at once.
        self.added_since_draw += 1
        self.added = self.next_id if self.has_dealt and self.added_since_draw == 1 else None
        self.draws_since_added = 0
        self.next_id += 1
        self.dealt.clear()

    @rule(count=st.integers(2, 6))
    def add_many(self, count: int) -> None:
        self.replace({*self.catalog.by_id, *range(self.next_id, self.next_id + count)})
        self.next_id += count
        self.added = None
        self.added_since_draw += count
        self.dealt.clear()

    @precondition(lambda self: self.catalog.photos)
    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from(sorted(self.catalog.by_id)))
        self.replace(set(self.catalog.by_id) - {number})
        self.added = None if self.added == number else self.added
        del self.dealt[number]

    @rule(count=st.integers(0, 2))
    def look_ahead(self, count: int) -> None:
        upcoming = self.deck.upcoming(self.catalog, count)
        self.added_since_draw = 0
        assert set(upcoming) <= set(self.catalog.by_id)

    def draw(self) -> int | None:
        number = self.deck.draw(self.catalog)
        self.added_since_draw = 0
        assert (number is None) == (not self.catalog.photos)
        if number is not None:
            assert number in self.catalog.by_id
            assert number != self.deck.last or len(self.catalog.photos) == 1
        return number

    def count_draw(self, number: int) -> None:
        self.draws_since_added += 1
        if number == self.added:
            self.added = None
        assert self.added is None or self.draws_since_added < 3

    @rule(times=st.integers(1, 8))
    def deal(self, times: int) -> None:
        for _ in range(times):
            number = self.draw()
            if number is not None:
                self.count_draw(number)
                self.deck.deal(number)
                self.has_dealt = True
                self.dealt[number] += 1

    @rule()
    def miss(self) -> None:
        number = self.draw()
        if number is not None:
            self.count_draw(number)
            self.deck.miss(number)
            self.has_dealt = True
            self.dealt.clear()

    @rule()
    def put_back(self) -> None:
        number = self.draw()
        if number is not None:
            self.deck.put_back(number)
            self.has_dealt = True

    @invariant()
    def none_is_dealt_much_more_often_than_another(self) -> None:
        """Since photos were last added or missed. A round may have begun before that, and with very few photos the
        one shown last waits several times while others are missed.
        """
        counts = [self.dealt[number] for number in self.catalog.by_id] if hasattr(self, "catalog") else []
        assert not counts or max(counts) - min(counts) <= 6


TestAChangingCatalog = ChangingCatalog.TestCase
TestAChangingCatalog.settings = settings(max_examples=60, stateful_step_count=40)


@pytest.mark.parametrize("held", [(1, 2), (1, 2, 3), tuple(range(1, 30))])
def test_photos_from_memory_alone_never_come_twice_in_a_row(held: tuple[int, ...]) -> None:
    photos = catalog(held)
    for seed in range(200):
        deck = Deck(random.Random(seed))
        for _ in range(3 * len(held)):
            number = deck.draw_held(held, photos)
            assert number is not None
            assert number != deck.last
            deck.deal(number)


# Over a restart


def told(decks: Decks) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = json.loads(json.dumps(decks.to_list()))
    return rows


@pytest.mark.parametrize("dealt", [0, 1, 7, 19, 20, 21, 33])
def test_a_restored_deck_goes_on_where_it_was(dealt: int) -> None:
    photos, decks = catalog(range(1, 21)), Decks(random.Random(1))
    deck = decks.deck("kitchen")
    for _ in range(dealt):
        number = deck.draw(photos)
        assert number is not None
        deck.deal(number)
    deck.upcoming(photos, 2)
    later = Decks(random.Random(2))
    later.restore(told(decks), lambda album: photos)
    again = later.deck("kitchen")
    for _ in range(20 - dealt % 20):
        number = deck.draw(photos)
        assert again.draw(photos) == number
        assert number is not None
        deck.deal(number)
        again.deal(number)


def test_a_restored_deck_deals_added_photos_soon_and_keeps_those_that_were_missed() -> None:
    photos, decks = catalog(range(1, 41)), Decks(random.Random(1))
    deck = decks.deck("kitchen")
    seen = [deck.draw(photos) for _ in range(10)]
    deck.miss(seen[-1] or 0)
    later = Decks(random.Random(2))
    later.restore(told(decks), lambda album: photos)
    larger = Catalog.build([*photos.photos, photo(99)], {}, photos)
    assert 99 in [later.deck("kitchen").draw(larger) for _ in range(3)]
    assert seen[-1] in [later.deck("kitchen").draw(larger) for _ in range(6)]


@pytest.mark.parametrize(
    "change",
    [
        {"generation": 1},
        {"slots": 21},
        {"slots": "20"},
        {"runs": [[0, 30, 0, 1, 2, 3, 4]]},
        {"runs": [[0, 20, 21, 1, 2, 3, 4]]},
        {"runs": [[-1, 5, 0, 1, 2, 3, 4]]},
        {"runs": [[0, 20, 0, 1, 2, 3]]},
        {"runs": [[0, 20, 0, 1, 2, 3, 4.5]]},
        {"runs": [["0", 20, 0, 1, 2, 3, 4]]},
        {"runs": 5},
        {"runs": [[]]},
        {"ahead": ["x"]},
        {"missed": None},
        {"last": "5"},
        {"last": 5.0},
    ],
    ids=str,
)
def test_a_deck_that_does_not_fit_begins_anew(change: dict[str, object]) -> None:
    photos, decks = catalog(range(1, 21)), Decks(random.Random(1))
    decks.deck("kitchen").draw(photos)
    (row,) = told(decks)
    later = Decks(random.Random(2))
    later.restore([row | change, 7, None, [], {}], lambda album: photos)
    assert len(later) == 0
    assert sorted(later.deck("kitchen").draw(photos) or 0 for _ in range(20)) == list(range(1, 21))


def test_decks_of_albums_that_are_gone_and_those_beyond_the_limit_are_not_restored() -> None:
    photos, decks = catalog(range(1, 21)), Decks(random.Random(1))
    for client in range(10):
        decks.deck(f"client {client}").draw(photos)
    decks.deck("kitchen", "gone").draw(photos)
    later = Decks(random.Random(2), max_decks=4)
    later.restore(told(decks), {"": photos}.__getitem__)
    assert [row["client"] for row in told(later)] == [f"client {client}" for client in range(6, 10)]
