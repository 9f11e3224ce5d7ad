"""The soak: its rules can tell right from wrong, and half a minute of it is passed."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain, islice, pairwise
from pathlib import Path

import pytest
from conftest import PATIENCE_SECONDS, wait_until
from outside import ROOT
from soak.gauges import Sample
from soak.kiosks import HABITS, Showing
from soak.picture import draw
from soak.rules import (
    Stretch,
    Troubles,
    growth,
    in_rounds,
    memory_slope,
    never_fresh,
    out_of_date,
    repeats,
    slope_of,
    unforeseen,
    warm,
    without_photo,
)
from soak.run import soak
from soak.summary import summary
from soak.weather import FAULTS, SESSION_SECONDS, forecast

from photosync.catalog import Catalog
from photosync.deck import Deck
from photosync.models import Photo

SEED, SECONDS = 31, 24.0


def shown(photo: int | None, at: float, edit: int = 0, **facts: object) -> Showing:
    return Showing(at, at + 0.01, photo, edit, **facts)  # type: ignore[arg-type]


def one_after_the_other(photos: Sequence[int], begin: float = 0.0) -> list[Showing]:
    return [shown(photo, begin + number * 0.1) for number, photo in enumerate(photos)]


def dealt_from_a_deck(size: int, rng: random.Random) -> Iterator[int]:
    photos = [Photo(n, n, "v", "xl", f"{n}.jpg", n, 8, 8, "album") for n in range(1, size + 1)]
    catalog, deck = Catalog.build(photos, {}), Deck(rng)
    while (number := deck.draw(catalog)) is not None:
        deck.deal(number)
        yield number


def measured(count: int, *, bytes_each: int = 0, descriptors: int = 0, threads: int = 0) -> list[Sample]:
    """One sample a second; what is given is added at each (memory) or in the second half (the others)."""
    rng = random.Random(1)
    half = count // 2
    return [
        Sample(
            n,
            40_000_000 + n * bytes_each + rng.randrange(500_000),
            20 + descriptors * (n >= half),
            9 + threads * (n >= half),
        )
        for n in range(count)
    ]


class TestForecast:
    def test_one_seed_makes_one_weather(self) -> None:
        assert forecast(3, 600) == forecast(3, 600)
        assert forecast(3, 600) != forecast(4, 600)

    @pytest.mark.parametrize("seed", range(20))
    def test_it_is_dark_for_a_tenth_of_the_time(self, seed: int) -> None:
        spells = forecast(seed, 600).spells
        dark = sum(spell.end - spell.begin for spell in spells if spell.is_dark)
        assert 50 <= dark <= 61

    @pytest.mark.parametrize("seed", range(20))
    def test_no_dark_spell_begins_before_the_last_is_over_and_all_end_in_time(self, seed: int) -> None:
        dark = [spell for spell in forecast(seed, 600).spells if spell.is_dark]
        assert all(one.end < other.begin for one, other in pairwise(dark))
        assert dark[-1].end < 600

    def test_in_the_long_run_every_fault_has_its_turn(self) -> None:
        assert {spell.kind for spell in forecast(1, 7200).spells if not spell.is_dark} == set(FAULTS)

    @pytest.mark.parametrize("seconds", [24, 300, 3600])
    def test_sessions_end_so_rarely_that_the_service_is_not_kept_from_logging_in(self, seconds: float) -> None:
        ends = [at for at, _ in forecast(1, seconds).session_ends]
        assert len(ends) == max(1, int(seconds / SESSION_SECONDS + 0.99))
        assert all(sum(0 <= other - one < 600 for other in ends) <= 5 for one in ends)


class TestTroubles:
    def test_they_last_a_time_out_longer_than_their_cause(self) -> None:
        troubles = Troubles([(10, 12)], 100)
        assert troubles.meet(9, 10) and troubles.meet(13, 20) and troubles.meet(0, 50)
        assert not troubles.meet(8, 9.9) and not troubles.meet(13.3, 99)

    def test_those_that_meet_are_one(self) -> None:
        assert len(Troubles([(10, 30), (12, 14), (31, 32), (40, 41)], 100).stretches) == 2

    def test_between_them_is_calm(self) -> None:
        assert list(Troubles([], 100).calms()) == [(Stretch(0, 100), 0)]

    def test_after_one_the_nas_is_asked_again_at_last_after_twice_its_time(self) -> None:
        first, second = Troubles([(10, 12)], 100).calms()
        assert first == (Stretch(0, 10), 0)
        assert second[0] == pytest.approx((13.2, 100)) and second[1] == pytest.approx(13.2 + 2 * 3.2 + 2)

    def test_a_calm_in_which_perhaps_nobody_asked_belongs_to_the_trouble(self) -> None:
        *_, (calm, asked_at) = Troubles([(10, 20), (25, 26)], 300).calms()
        assert calm.begin == pytest.approx(27.2) and asked_at == pytest.approx(27.2 + 2 * 17.2 + 2)

    def test_after_the_longest_it_is_asked_within_a_minute(self) -> None:
        *_, (calm, asked_at) = Troubles([(10, 100)], 300).calms()
        assert asked_at - calm.begin == pytest.approx(60)


class TestAnAnswerWithoutAPhoto:
    def test_it_is_a_fault_after_the_first_photo_and_not_before(self) -> None:
        before, photo = shown(None, 0.1, problem="starting"), shown(7, 0.2)
        assert without_photo([before, photo]) == []
        assert without_photo([before, photo, shown(None, 0.3, problem="status 503")]) == [
            "no photo at 0.3 s: status 503"
        ]

    def test_a_kiosk_that_never_had_one_has_a_fault(self) -> None:
        assert without_photo([]) == without_photo([shown(None, 0.1)]) == ["never a photo"]


class TestAPhotoThatWent:
    calm = Troubles([], 100)

    def test_it_may_be_shown_until_the_next_look(self) -> None:
        assert out_of_date([shown(7, 13.9)], {(7, None): 10, (7, 0): 10}, {}, self.calm) == []

    def test_it_must_not_be_shown_after_it(self) -> None:
        (problem,) = out_of_date([shown(7, 14.1)], {(7, None): 10, (7, 0): 10}, {}, self.calm)
        assert problem == "photo 7 (edit 0) was shown at 14.1 s, 0.1 s late"

    def test_it_may_be_shown_in_an_answer_that_says_that_it_is_old_and_in_trouble(self) -> None:
        retired, late = {(7, 0): 10.0}, shown(7, 20)
        assert len(out_of_date([late], retired, {}, self.calm)) == 1
        assert out_of_date([replace(late, stale=True)], retired, {}, self.calm) == []
        assert out_of_date([late], retired, {}, Troubles([(14, 15)], 100)) == []

    def test_the_old_picture_of_an_edited_photo_must_not_be_shown_and_the_new_one_may(self) -> None:
        retired = {(7, 0): 10.0}
        assert out_of_date([shown(7, 20, edit=1), shown(8, 20)], retired, {}, self.calm) == []
        assert len(out_of_date([shown(7, 20)], retired, {}, self.calm)) == 1

    def test_where_only_the_address_is_known_a_removal_counts_and_an_edit_does_not(self) -> None:
        address = Showing(20, 20.1, 7)
        assert out_of_date([address], {(7, 0): 10}, {}, self.calm) == []
        assert len(out_of_date([address], {(7, None): 10}, {}, self.calm)) == 1

    def test_what_the_list_no_longer_has_is_not_shown_even_in_trouble(self) -> None:
        assert len(out_of_date([shown(7, 20)], {(7, None): 10}, {7: 12}, Troubles([(9, 90)], 100))) == 1


class TestAnOldCatalog:
    old = replace(shown(7, 40), stale=True)

    def test_answers_may_come_from_one_while_the_nas_may_not_have_been_asked_again(self) -> None:
        assert never_fresh([self.old], Troubles([(10, 20)], 100)) == []
        assert never_fresh([self.old], Troubles([(39, 41)], 100)) == []

    def test_and_not_once_it_must_have_been(self) -> None:
        (problem,) = never_fresh([self.old], Troubles([(10, 12)], 100))
        assert problem == "still from an old catalog at 40.0 s, 26.8 s after the trouble was over"


class TestRounds:
    @pytest.mark.parametrize("seed", range(10))
    def test_any_part_of_what_a_deck_deals_is_in_rounds(self, seed: int) -> None:
        rng = random.Random(seed)
        dealt = list(islice(dealt_from_a_deck(14, rng), 200))
        begin = rng.randrange(30)
        assert in_rounds(dealt[begin : begin + rng.randrange(2, 150)], least=14)

    @pytest.mark.parametrize("seed", range(10))
    def test_what_dice_deal_is_not(self, seed: int) -> None:
        rng = random.Random(seed)
        assert not in_rounds([rng.randrange(40) for _ in range(60)], least=30)

    @pytest.mark.parametrize("seed", range(10))
    def test_a_deck_that_is_shuffled_anew_too_early_is_found(self, seed: int) -> None:
        rounds = [list(islice(dealt_from_a_deck(30, random.Random(seed + n)), 15)) for n in range(4)]
        assert not in_rounds([*chain(*rounds)], least=27)

    def test_a_round_that_lacks_photos_is_found_between_two_seams(self) -> None:
        assert in_rounds([*range(20), *range(20), *range(20)], least=20)
        assert not in_rounds([*range(20), *range(12), *range(12), *range(20)], least=17)

    def test_three_photos_may_be_left_over_from_a_trouble_before(self) -> None:
        assert in_rounds([1, 2, 3, 1, 2, 3, 4, 5, 6, 7, 8], least=30)
        assert not in_rounds([*range(10), *range(5), *range(10, 20), *range(5)], least=30)

    def test_nothing_dealt_is_in_rounds(self) -> None:
        assert in_rounds([], least=5)


class TestRepeats:
    sizes = ((0.0, 20),)
    calm = Troubles([], 100)

    def test_rounds_are_right(self) -> None:
        assert repeats(one_after_the_other([*range(20), *range(20), *range(20)]), self.calm, {}, self.sizes) == []

    def test_a_repeat_within_a_round_is_told_with_what_was_dealt(self) -> None:
        (problem,) = repeats(one_after_the_other([*range(10)] * 3), self.calm, {}, self.sizes)
        assert problem.startswith("from 0.0 to 2.9 s these are no rounds of 17 or more: [0, 1, 2")

    def test_the_same_photo_twice_in_a_row_is_wrong_across_the_seam_too(self) -> None:
        problems = repeats(one_after_the_other([*range(20), 19, *range(19)]), self.calm, {}, self.sizes)
        assert problems == ["photo 19 was shown twice in a row at 1.9 s"]

    @pytest.mark.parametrize("facts", [{"stale": True}, {"answered": 3.6}])
    def test_old_answers_and_late_ones_do_not_count_and_break_the_stretch(self, facts: dict[str, object]) -> None:
        first, second = one_after_the_other([*range(12), *range(12)]), one_after_the_other(range(12), begin=4.0)
        odd = Showing(**{"began": 2.5, "answered": 2.51, "photo": 11, "edit": 0} | facts)  # type: ignore[arg-type]
        plain = Showing(2.5, 2.51, 11, 0)
        assert repeats([*first, odd, *second], self.calm, {}, self.sizes) == []
        assert len(repeats([*first, plain, *second], self.calm, {}, self.sizes)) == 2

    def test_trouble_between_two_photos_breaks_the_stretch(self) -> None:
        first, second = one_after_the_other([*range(12), *range(12)]), one_after_the_other(range(12), begin=5.0)
        assert len(repeats([*first, *second], self.calm, {}, self.sizes)) == 1
        assert repeats([*first, *second], Troubles([(2.5, 3)], 100), {}, self.sizes) == []

    def test_a_photo_that_was_unwell_does_not_count(self) -> None:
        dealt = one_after_the_other([5, 1, 5, 2, 5, 3, 5, 4, 5, 6, 5, 7])
        assert len(repeats(dealt, self.calm, {}, self.sizes)) == 1
        assert repeats(dealt, self.calm, {5: [[0.0, 0.5]]}, self.sizes) == []
        assert len(repeats(dealt, self.calm, {5: [[50.0, 60.0]]}, self.sizes)) == 1

    def test_a_round_is_as_large_as_the_album_was_at_its_smallest(self) -> None:
        dealt = one_after_the_other([*range(20), *range(10), *range(10), *range(20)])
        assert len(repeats(dealt, self.calm, {}, [(0, 20)])) == 1
        assert repeats(dealt, self.calm, {}, [(0, 20), (2, 12), (3, 20)]) == []


class TestGrowth:
    def test_a_process_that_stays_as_it_is_has_none(self) -> None:
        assert growth(measured(600)) == []

    def test_memory_that_rises_slowly_is_found_among_noise(self) -> None:
        (problem,) = growth(measured(600, bytes_each=5000))
        assert problem == "memory rises by 2.9 MB in 10.0 minutes"

    def test_a_spike_is_not_a_rise(self) -> None:
        spiky = [one if n % 20 else replace(one, resident_bytes=90_000_000 + n) for n, one in enumerate(measured(600))]
        assert growth(spiky) == []

    def test_descriptors_and_threads_that_become_many_more_are_found(self) -> None:
        assert growth(measured(100, descriptors=9, threads=3)) == [
            "descriptors rise from 20 to 29",
            "threads rise from 9 to 12",
        ]
        assert growth(measured(100, descriptors=8, threads=2)) == []

    def test_a_process_that_was_not_measured_is_no_pass(self) -> None:
        assert growth([]) == ["the process was not measured"]

    def test_a_step_is_not_a_rise(self) -> None:
        steps = [replace(one, resident_bytes=one.resident_bytes + 4_000_000 * (one.at > 250)) for one in measured(600)]
        assert growth(steps) == []

    def test_the_slope_is_that_of_a_second(self) -> None:
        assert slope_of([(n, 2.0 * n) for n in range(100)]) == pytest.approx(2)
        assert slope_of([]) == memory_slope([]) == 0

    def test_the_first_third_warms_up_or_two_minutes(self) -> None:
        assert warm(measured(91))[0].at == 30
        assert warm(measured(1000))[0].at == 120


class TestTheLog:
    def test_errors_that_tell_of_the_nas_are_foreseen(self) -> None:
        lines = [
            "2026-01-01 00:00:00 INFO Listening on port 5000, at most 256 connections.",
            "2026-01-01 00:00:00 ERROR The NAS cannot be read: No answer.",
            "2026-01-01 00:00:00 ERROR The album 'Grandparents' cannot be read: It is gone.",
            "2026-01-01 00:00:00 ERROR The NAS gives no pictures: It answered with HTTP status 500.",
        ]
        assert unforeseen(lines) == []

    @pytest.mark.parametrize(
        "line",
        [
            "2026-01-01 00:00:00 ERROR A request failed in a way that was not foreseen.",
            "2026-01-01 00:00:00 CRITICAL The NAS cannot be read: No answer.",
            "Traceback (most recent call last):",
        ],
    )
    def test_all_others_are_not(self, line: str) -> None:
        assert unforeseen([line]) == [line]


def test_half_a_minute_is_passed(tmp_path: Path) -> None:
    result = soak(SEED, SECONDS, tmp_path)
    assert result.problems == []
    assert all(len(kiosk.showings) > 10 for kiosk in result.kiosks)
    assert result.faults and result.dark and result.sessions_ended and result.logins > 1
    # On a slow machine there may be no moment that is far enough from all trouble for an answer to be held as fresh.
    assert result.judged["in rounds"] > 0 and int(str(result.stats["evictions"])) > 0
    assert {"photos shown", "faults", "memory", "latency"} <= {
        line[:18].strip() for line in summary(result).splitlines()
    }
    picture = tmp_path / "soak.png"
    assert not draw(result, picture) or picture.read_bytes().startswith(b"\x89PNG")


def test_who_interrupts_it_leaves_nothing_running() -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "tests")}
    command = [sys.executable, "-m", "soak", "--minutes", "1", "--seed", "1"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline().endswith("make soak MINUTES=1 SEED=1\n")
        service = child_of(process.pid)
        wait_until(lambda: len(threads_of(process.pid)) > len(HABITS))
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_SECONDS) == 128 + signal.SIGTERM
    assert not Path(f"/proc/{service}").exists()
    assert not list(Path("/dev/shm").glob(f"*_{service}"))  # noqa: S108 - libfaketime's


def child_of(pid: int) -> str:
    children = Path(f"/proc/{pid}/task/{pid}/children")
    wait_until(lambda: children.read_text() != "")
    return children.read_text().split()[0]


def threads_of(pid: int) -> list[str]:
    return os.listdir(f"/proc/{pid}/task")
