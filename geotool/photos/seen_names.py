"""Which names of a long list came before: eight bytes each, so that millions fit into memory."""

from __future__ import annotations

import hashlib
from array import array

_START_SLOTS = 1 << 10  # a power of two, as are all later sizes


def name_hash(name: str) -> int:
    """64 bits of a name's hash, never 0. Among 4 million names the chance of a collision is 5e-7."""
    digest = hashlib.blake2b(name.encode("utf-8", "surrogateescape"), digest_size=8).digest()
    return int.from_bytes(digest, "little") or 1


class SeenNames:
    """A set of names that only grows: a hash table with open addresses, at most half full."""

    def __init__(self) -> None:
        self._slots = array("Q", bytes(8 * _START_SLOTS))  # 0: free
        self._count = 0

    def add(self, name: str) -> bool:
        """Remember a name; whether it is new."""
        key = name_hash(name)
        slot = self._find(key)
        if self._slots[slot]:
            return False
        self._slots[slot] = key
        self._count += 1
        if 2 * self._count > len(self._slots):
            self._grow()
        return True

    def _find(self, key: int) -> int:
        """The slot with this key, or the free one where it belongs."""
        slots, mask = self._slots, len(self._slots) - 1
        slot = key & mask
        while slots[slot] not in (0, key):
            slot = (slot + 1) & mask
        return slot

    def _grow(self) -> None:
        old, self._slots = self._slots, array("Q", bytes(16 * len(self._slots)))
        for key in old:
            if key:
                self._slots[self._find(key)] = key
