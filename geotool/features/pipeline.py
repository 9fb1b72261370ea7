"""The engine of one machine: threads read and decode ahead of the image tower, which never waits for them.

What waits for the tower is bounded, so a slow disk, or a fast one, never grows the memory.
"""

from __future__ import annotations

import itertools
import os
from collections import deque
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from operator import itemgetter
from typing import TypeVar

import torch

from geotool.features.blocks import Block
from geotool.features.decode import Decoder
from geotool.features.entries import Entry
from geotool.features.stages import Embedder, decode_entries, find_run_length, in_groups
from geotool.model.geomodel import GeoModel

# Photos that a thread decodes at a time: nvJPEG wants several, a CPU the next one soon.
PHOTOS_AT_ONCE = {"cpu": 2, "mps": 2, "cuda": 16}
_MAX_THREADS = 32

In = TypeVar("In")
Out = TypeVar("Out")


def make_blocks(model: GeoModel, views: int, runs: Iterable[Sequence[Entry]]) -> Generator[Block, None, None]:
    """One block per run, in their order. Close the iterator to stop the threads.

    Raises DeviceError where the device has too little memory.
    """
    decoder = Decoder(model.info.spec["preprocessing"], views, model.device)
    embedder = Embedder(model, views)
    pieces = (
        (number, piece)
        for number, run in enumerate(runs)
        for piece in in_groups(run, PHOTOS_AT_ONCE[model.device])
    )
    ahead = find_run_length(model.device, views) // PHOTOS_AT_ONCE[model.device] + count_threads()
    decoded = map_in_order(lambda piece: (piece[0], decode_entries(piece[1], decoder)), pieces, ahead)
    try:
        for _, parts in itertools.groupby(decoded, key=itemgetter(0)):
            yield embedder.embed(outcome for _, outcomes in parts for outcome in outcomes)
    finally:
        decoded.close()


def map_in_order(
    function: Callable[[In], Out], items: Iterable[In], ahead: int
) -> Generator[Out, None, None]:
    """`function` of each item, in threads, in the items' order; at most `ahead` results wait.

    Each thread computes on one core: the others are for its neighbours and for the tower.
    """
    threads_before = torch.get_num_threads()
    waiting: deque[Future[Out]] = deque()
    with ThreadPoolExecutor(count_threads(), "decode", torch.set_num_threads, (1,)) as pool:
        try:
            for item in items:
                waiting.append(pool.submit(function, item))
                if len(waiting) > ahead:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)
            torch.set_num_threads(threads_before)  # what later threads begin with


def count_threads() -> int:
    """How many threads decode."""
    return min(_MAX_THREADS, os.cpu_count() or 1)
