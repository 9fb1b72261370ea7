"""Exact search: every gallery point is compared. bf16 finds a shortlist, fp32 decides."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import torch
from torch import Tensor

# bf16 keeps 8 bits: it may confuse neighbours in the order, hardly ever beyond this many.
# `bench search` shows the agreement with plain fp32.
SHORTLIST = 256
_BLOCK = 65536  # rows cast at a time, so that a gallery never stands in memory as fp32


class Search(Protocol):
    """Find the gallery rows that fit best.

    `search` takes (B, D) float32 unit vectors and gives rows (B, K) and cosines (B, K), best first;
    equal cosines are in the order of their rows. K is `top_k` or the gallery's size if smaller.
    """

    def search(self, queries: np.ndarray, top_k: int) -> tuple[np.ndarray, np.ndarray]: ...


class ExactSearch:
    """Flat search over (N, D) float16 vectors on one device."""

    def __init__(self, vectors: np.ndarray, device: str) -> None:
        self._vectors = torch.from_numpy(vectors) if vectors.flags.writeable else _from_readonly(vectors)
        self._coarse = torch.empty(vectors.shape, dtype=torch.bfloat16, device=device)
        for start in range(0, len(vectors), _BLOCK):
            self._coarse[start : start + _BLOCK] = self._vectors[start : start + _BLOCK].to(device)

    @torch.inference_mode()
    def search(self, queries: np.ndarray, top_k: int) -> tuple[np.ndarray, np.ndarray]:
        """See Search. Costs N comparisons per query."""
        wanted = torch.from_numpy(np.ascontiguousarray(queries, dtype=np.float32))  # (B, D)
        size = min(max(SHORTLIST, 4 * top_k), len(self._coarse))
        coarse = wanted.to(self._coarse) @ self._coarse.T  # (B, N)
        shortlist = coarse.topk(size, dim=1).indices.cpu()  # (B, S)
        return self._rerank(wanted, shortlist.sort(dim=1).values, min(top_k, size))

    def _rerank(self, queries: Tensor, shortlist: Tensor, top_k: int) -> tuple[np.ndarray, np.ndarray]:
        vectors = self._vectors[shortlist].float()  # (B, S, D)
        cosines = torch.einsum("bsd,bd->bs", vectors, queries)  # (B, S)
        order = cosines.sort(dim=1, descending=True, stable=True).indices[:, :top_k]
        return shortlist.gather(1, order).numpy(), cosines.gather(1, order).numpy()


def _from_readonly(array: np.ndarray) -> Tensor:
    """Share a memory-mapped array with torch, which warns that it cannot keep it read-only."""
    import warnings

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The given NumPy array is not writable")
        return torch.from_numpy(array)
