"""Which ids were seen, in 8 bytes each: a hundred million of them fit into memory."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

import numpy as np

_MERGE_EVERY = 1 << 15


class KnownIds:
    """A set of ids by their 64-bit digests.

    That any two of N ids are taken for one has a chance of N^2 / 2^65 (birthday bound): one in two million
    for four million ids.
    """

    def __init__(self) -> None:
        self._sorted = np.empty(0, np.uint64)
        self._recent: set[int] = set()

    def __contains__(self, id: str) -> bool:
        return bool(self.are_known([id])[0])

    def are_known(self, ids: Sequence[str]) -> np.ndarray:
        """Which ids are known, or come earlier among these: (n,) bool."""
        digests = [_digest(id) for id in ids]
        are_recent = np.array([digest in self._recent for digest in digests], bool)
        are_repeated = np.ones(len(digests), bool)
        are_repeated[np.unique(np.array(digests, np.uint64), return_index=True)[1]] = False
        return are_recent | are_repeated | self._are_sorted_in(np.array(digests, np.uint64))

    def add(self, ids: Iterable[str]) -> None:
        self._recent.update(map(_digest, ids))
        if len(self._recent) >= _MERGE_EVERY:
            recent = np.fromiter(self._recent, np.uint64, len(self._recent))
            self._sorted = np.union1d(self._sorted, recent)
            self._recent.clear()

    def _are_sorted_in(self, digests: np.ndarray) -> np.ndarray:
        at = np.searchsorted(self._sorted, digests)
        found = at < len(self._sorted)
        found[found] = self._sorted[at[found]] == digests[found]
        return found


def _digest(id: str) -> int:
    return int.from_bytes(hashlib.blake2b(id.encode(), digest_size=8).digest(), "big")
