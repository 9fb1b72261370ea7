"""What is learnt from and what is validated on; features that are no numbers."""

from __future__ import annotations

import numpy as np
import pytest

from geotool.core.errors import MismatchError
from geotool.core.report import SilentReport
from geotool.features.store import load_store
from geotool.training.feature_rows import check_features, split_rows
from tests.training.tiny_features import write_source, write_store


def test_the_sides_are_disjoint_and_of_the_wanted_size(tmp_path):
    store = load_store(write_store(tmp_path / "store", write_source(tmp_path), count=100))
    learnt, held = split_rows(store, 0.2, seed=3)
    assert len(held) == 20 and sorted([*learnt, *held]) == list(range(100))
    assert np.array_equal(split_rows(store, 0.2, seed=3)[1], held)
    assert not np.array_equal(split_rows(store, 0.2, seed=4)[1], held)
    assert len(split_rows(store, 0.0, seed=3)[1]) == 0


def test_an_author_is_on_one_side_only(tmp_path):
    authors = [f"author {i % 20}" if i % 3 else None for i in range(100)]
    store = load_store(write_store(tmp_path / "store", write_source(tmp_path), count=100, authors=authors))
    learnt, held = split_rows(store, 0.3, seed=0)
    assert 10 < len(held) <= 30
    assert not {authors[i] for i in learnt} & {authors[i] for i in held} - {None}


def test_an_author_of_most_rows_is_learnt_from(tmp_path):
    authors = ["busy"] * 80 + [f"author {i}" for i in range(20)]
    store = load_store(write_store(tmp_path / "store", write_source(tmp_path), count=100, authors=authors))
    for seed in range(5):
        assert set(split_rows(store, 0.1, seed)[1]) <= set(range(80, 100))
        assert len(split_rows(store, 0.1, seed)[1]) == 10


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_features_that_are_no_numbers_are_refused_with_their_row(tmp_path, wrong):
    folder = write_store(tmp_path / "store", write_source(tmp_path), count=30)
    check_features(load_store(folder), SilentReport())
    file = folder / "features-00000.npy"
    features = np.load(file)
    features[17, 1, 3] = wrong
    np.save(file, features)
    with pytest.raises(MismatchError, match=r"Row 17 \(0-17\)"):
        check_features(load_store(folder), SilentReport())
