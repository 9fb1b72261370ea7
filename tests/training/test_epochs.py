"""Epochs end, show every row once whatever reads them, and rows keep their features.

The training code of G3 showed each batch once per worker, began anew at the same photos, and had no
end of an epoch; see the four tests on that.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch

from geotool.features.store import load_store
from geotool.training.epochs import ResidentFeatures, StreamedFeatures, shares, shuffle
from geotool.training.processes import Processes
from tests.training.tiny_features import draw_rows, write_source, write_store


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    return load_store(write_store(home / "store", write_source(home), count=53, views=2))


def as_rank(rank: int, count: int) -> Processes:
    processes = Processes("cpu")
    processes.rank, processes.count = rank, count
    return processes


@pytest.mark.filterwarnings("ignore:This DataLoader will create")  # where there are fewer cores
@pytest.mark.parametrize("workers", [0, 1, 3])
def test_every_row_is_seen_once_and_in_one_order_for_any_number_of_workers(store, workers):
    epoch = shuffle(torch.arange(53), store.views, seed=1, epoch=0)
    batches = epoch.batches(8)
    read = list(StreamedFeatures(store, "cpu", workers).read(batches))
    assert [len(part) for part in read] == [8] * 6 + [5]  # the last, smaller batch is no less worth
    assert sorted(torch.cat([b.rows for b in batches]).tolist()) == list(range(53))
    _, features = draw_rows(53, views=2)
    wanted = features[epoch.rows.numpy(), epoch.views.numpy()].astype(np.float32)
    assert np.array_equal(torch.cat(read).numpy(), wanted)


def test_features_in_memory_are_those_on_disk(store):
    batches = shuffle(torch.arange(53), store.views, seed=1, epoch=0).batches(8)
    pairs = zip(
        ResidentFeatures(store, "cpu").read(batches),
        StreamedFeatures(store, "cpu", 0).read(batches),
        strict=True,
    )
    assert all(torch.equal(a, b) for a, b in pairs)


def test_an_epoch_has_its_own_order_and_a_seed_repeats_it():
    rows = torch.arange(10, 60)
    first, second = (shuffle(rows, 3, seed=5, epoch=e) for e in (0, 1))
    assert not torch.equal(first.rows, second.rows)
    assert torch.equal(first.rows.sort().values, rows) and torch.equal(second.rows.sort().values, rows)
    again = shuffle(rows, 3, seed=5, epoch=1)
    assert torch.equal(second.rows, again.rows) and torch.equal(second.views, again.views)
    assert set(first.views.tolist()) == {0, 1, 2}
    assert not torch.equal(first.rows, shuffle(rows, 3, seed=6, epoch=0).rows)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_processes_share_every_batch_without_overlap(count):
    batches = shuffle(torch.arange(53), 1, seed=0, epoch=0).batches(8 * count)
    parts = [shares(batches, as_rank(rank, count)) for rank in range(count)]
    for batch, *own in zip(batches, *parts, strict=True):
        assert torch.equal(torch.cat([part.rows for part in own]), batch.rows)
        sizes = [len(part.rows) for part in own]
        assert max(sizes) - min(sizes) <= 1
