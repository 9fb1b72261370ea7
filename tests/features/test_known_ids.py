"""Known ids against a plain set."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geotool.features import known_ids
from geotool.features.known_ids import KnownIds

ids = st.lists(st.text(alphabet="ab", max_size=3), max_size=12)


@given(st.lists(ids, max_size=8))
def test_it_is_a_set(batches: list[list[str]]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(known_ids, "_MERGE_EVERY", 5)
        known, expected = KnownIds(), set[str]()
        for batch in batches:
            wanted = [id in expected or id in batch[:i] for i, id in enumerate(batch)]
            assert known.are_known(batch).tolist() == wanted
            assert all((id in known) == (id in expected) for id in batch)
            known.add(batch)
            expected.update(batch)
