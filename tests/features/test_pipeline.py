"""Threads ahead of the tower: in order, bounded, and gone when nobody wants more."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
import torch

from geotool.features.pipeline import count_threads, map_in_order
from geotool.features.stages import in_groups


def test_results_come_in_the_order_of_the_items() -> None:
    def work(item: int) -> int:
        time.sleep(0.002 * (item % 3))
        return item * item

    assert list(map_in_order(work, range(40), ahead=7)) == [item * item for item in range(40)]


@pytest.mark.parametrize("count", [50, 5000])
def test_no_more_than_a_few_results_wait_however_many_there_are(count: int) -> None:
    taken, most = 0, 0

    def items() -> Iterator[int]:
        nonlocal most
        for item in range(count):
            most = max(most, item - taken)
            yield item

    for _ in map_in_order(abs, items(), ahead=5):
        taken += 1
    assert taken == count and most <= 6


def test_a_failure_reaches_the_caller_in_its_place_and_ends_the_threads() -> None:
    def work(item: int) -> int:
        if item == 3:
            raise ValueError(item)
        return item

    found = []
    with pytest.raises(ValueError, match="3"):
        for result in map_in_order(work, range(100), ahead=4):
            found.append(result)
    assert found == [0, 1, 2]
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("decode")]


def test_closing_early_leaves_no_threads_and_starts_no_more_work() -> None:
    started = []
    results = map_in_order(started.append, range(1000), ahead=4)
    next(results)
    results.close()
    assert len(started) <= 6
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("decode")]


def test_each_thread_computes_on_one_core_and_the_caller_on_all() -> None:
    before = torch.get_num_threads()
    found = list(map_in_order(lambda _: torch.get_num_threads(), range(3 * count_threads()), ahead=2))
    assert set(found) == {1} and torch.get_num_threads() == before


def test_groups_hold_all_in_order() -> None:
    assert list(in_groups(range(7), 3)) == [[0, 1, 2], [3, 4, 5], [6]]
    assert list(in_groups([], 3)) == []
