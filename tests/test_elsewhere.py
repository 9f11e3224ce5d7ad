"""Where else on the host Photos may live."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from conftest import PATIENCE_SECONDS, wait_until

from photosync import fakenas
from photosync.elsewhere import PORTS, candidates, find
from photosync.fakenas import FakeNas
from photosync.wire import Wire


def test_the_usual_ports_are_candidates_with_and_without_alias() -> None:
    found = candidates("http://nas:5000/family", PORTS)
    assert {
        "https://nas:5000/family",
        "http://nas:5000",
        "http://nas:5000/photo",
        "https://nas:5001",
        "https://nas:443/family",
        "https://nas:443/photo",
        "http://nas:5080",
        "https://nas:5443",
    } <= set(found)
    assert "http://nas:5000/family" not in found
    assert len(found) == len(set(found)) < 30


def test_every_candidate_is_on_the_same_host() -> None:
    for target in ("https://elsewhere:5001", "https://nas.evil:5001", ""):
        found = candidates("http://nas:5000", PORTS, target)
        assert {base.partition("://")[2].partition(":")[0] for base in found} == {"nas"}


def test_where_the_same_host_redirects_to_is_the_first_candidate() -> None:
    assert candidates("http://nas:5000", PORTS, "https://nas:8443/photo")[0] == "https://nas:8443"
    assert "https://nas:8443/photo" in candidates("http://nas:5000", PORTS, "https://nas:8443/photo")


def test_an_ipv6_address_keeps_its_brackets() -> None:
    assert candidates("http://[fe80::1]:5000", (443,)) == [
        "https://[fe80::1]:5000",
        "https://[fe80::1]:443",
        "https://[fe80::1]:5000/photo",
        "http://[fe80::1]:5000/photo",
        "https://[fe80::1]:443/photo",
    ]


def test_the_first_that_answers_is_found_on_each_port() -> None:
    bases = ["http://nas:1", "http://nas:1/photo", "http://nas:2", "http://nas:2/photo", "https://nas:2"]
    assert find(bases, lambda base: base != "http://nas:2") == ["http://nas:1", "http://nas:2/photo", "https://nas:2"]


def test_four_at_most_are_asked_at_a_time(nas: FakeNas) -> None:
    everybody = threading.Event()
    nas.fault(fakenas.hold(everybody))

    def go_on_when_all_are_there() -> None:
        wait_until(lambda: nas.answering == 4)
        everybody.set()

    def answers(base: str) -> bool:
        return Wire(base, 5.0, None, False).exchange("GET", "x", {}, headers={}, limit_bytes=1000).found

    with ThreadPoolExecutor(1) as other:
        held = other.submit(go_on_when_all_are_there)
        assert find([f"{nas.url}/{number}" for number in range(16)], answers, PATIENCE_SECONDS) == []
        held.result()
    assert len(nas.calls) == 16
    assert nas.concurrency_peak == 4


def test_those_that_do_not_answer_in_time_are_not_waited_for() -> None:
    released = threading.Event()

    def answers(base: str) -> bool:
        if base == "http://nas:1":
            released.wait(PATIENCE_SECONDS)
        return True

    try:
        assert find(["http://nas:1", "http://nas:2"], answers, 1.0) == ["http://nas:2"]
    finally:
        released.set()
