"""A scrape gets in while the worker steps without a pause."""

from __future__ import annotations

import threading
import time

from consumers.metrics.gate import StateGate


def test_a_scrape_is_let_in_after_the_record_in_hand() -> None:
    """With a bare lock the stepping thread takes it again before the waiting scrape wakes up."""
    gate = StateGate()
    stop = threading.Event()
    value = [0, 0]

    def step() -> None:
        while not stop.is_set():
            with gate.stepping():
                for _ in range(100_000):
                    value[0] += 1
                    value[1] += 1
                    if gate.scrape_waits:
                        break

    worker = threading.Thread(target=step)
    worker.start()
    try:
        waits = []
        for _ in range(20):
            asked = time.monotonic()
            with gate.scraping():
                waits.append(time.monotonic() - asked)
                assert value[0] == value[1]
    finally:
        stop.set()
        worker.join()
    assert value[0] > 0
    assert max(waits) < 5.0


def test_an_exception_in_a_slice_gives_the_state_back() -> None:
    gate = StateGate()
    try:
        with gate.stepping():
            raise KeyError("step")
    except KeyError:
        pass
    with gate.scraping():
        assert not gate.scrape_waits
