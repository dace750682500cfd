"""Turns of the threads that compute: one at a time, judging first, and nobody is left out."""

from __future__ import annotations

import threading
import time

import pytest

from streams.worker.turns import Turns

PATIENCE = 60.0


def test_who_goes_first_goes_before_who_came_before_it() -> None:
    turns = Turns()
    order: list[str] = []
    begun = threading.Event()

    def profiles() -> None:
        begun.set()
        with turns.after():
            order.append("profiles")

    def judging() -> None:
        with turns.first():
            order.append("judging")

    threads = [threading.Thread(target=profiles), threading.Thread(target=judging)]
    with turns.first():
        for thread in threads:
            thread.start()
        assert begun.wait(PATIENCE)
        limit = time.monotonic() + PATIENCE
        while not turns._urgent and time.monotonic() < limit:
            time.sleep(0.001)
        assert turns._urgent == 1
        assert order == []  # nobody computes beside
    for thread in threads:
        thread.join(PATIENCE)
    assert order == ["judging", "profiles"]


def test_a_turn_ends_with_an_error() -> None:
    turns = Turns()
    with pytest.raises(RuntimeError), turns.first():
        raise RuntimeError
    with pytest.raises(RuntimeError), turns.after():
        raise RuntimeError
    with turns.after():
        pass
