"""Exact search: every gallery point is compared. bf16 finds a shortlist, fp32 decides."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor

# bf16 keeps 8 bits: it may confuse neighbours in the order, hardly ever beyond this many.
# `bench search` shows the agreement with plain fp32.
SHORTLIST = 256
_BLOCK = 65536  # rows cast at a time, so that a gallery never stands in memory as fp32


class Found(NamedTuple):
    """What a search finds for B queries, best first, and what it cost."""

    rows: np.ndarray  # (B, K)
    cosines: np.ndarray  # (B, K), raw
    comparisons: np.ndarray  # (B,) vectors that each query was compared with


class Search(Protocol):
    """Find the gallery rows that fit best.

    `search` takes (B, D) float32 unit vectors; equal cosines come in the order of their rows. K is
    `top_k` or the gallery's size if smaller.
    """

    def search(self, queries: np.ndarray, top_k: int) -> Found: ...


class ExactSearch:
    """Flat search over (N, D) float16 vectors on one device, or over (A,) rising `rows` of them only."""

    def __init__(self, vectors: np.ndarray, device: str, rows: np.ndarray | None = None) -> None:
        self.device, self._vectors = device, to_tensor(vectors)
        self._rows = None if rows is None else torch.from_numpy(rows)
        size = len(vectors) if rows is None else len(rows)
        self._coarse = torch.empty((size, vectors.shape[1]), dtype=torch.bfloat16, device=device)
        for start in range(0, size, _BLOCK):
            block = slice(start, start + _BLOCK)
            self._coarse[block] = self._vectors[block if self._rows is None else self._rows[block]].to(device)

    @torch.inference_mode()
    def search(self, queries: np.ndarray, top_k: int) -> Found:
        """See Search. Costs a comparison per query and row."""
        wanted = torch.from_numpy(np.ascontiguousarray(queries, dtype=np.float32))  # (B, D)
        size = min(max(SHORTLIST, 4 * top_k), len(self._coarse))
        coarse = wanted.to(self._coarse) @ self._coarse.T  # (B, N)
        shortlist = coarse.topk(size, dim=1).indices.cpu().sort(dim=1).values  # (B, S)
        if self._rows is not None:
            shortlist = self._rows[shortlist]
        return self._rerank(wanted, shortlist, min(top_k, size))

    def _rerank(self, queries: Tensor, shortlist: Tensor, top_k: int) -> Found:
        vectors = self._vectors[shortlist].float()  # (B, S, D)
        cosines = torch.einsum("bsd,bd->bs", vectors, queries)  # (B, S)
        order = cosines.sort(dim=1, descending=True, stable=True).indices[:, :top_k]
        comparisons = np.full(len(queries), len(self._coarse))
        return Found(shortlist.gather(1, order).numpy(), cosines.gather(1, order).numpy(), comparisons)


def to_tensor(array: np.ndarray) -> Tensor:
    """Share an array with torch, also a memory-mapped one, which torch warns that it cannot protect."""
    import warnings

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The given NumPy array is not writable")
        return torch.from_numpy(array)


@torch.inference_mode()
def search_blocks(vectors: np.ndarray, queries: np.ndarray, top_k: int, device: str) -> Found:
    """Exact search in fp32, block by block: slow, but the gallery never stands in memory."""
    wanted = torch.from_numpy(queries).to(device)  # (B, D)
    rows = torch.empty((len(wanted), 0), dtype=torch.int64, device=device)
    cosines = torch.empty((len(wanted), 0), device=device)
    for start in range(0, len(vectors), _BLOCK):
        block = to_tensor(vectors[start : start + _BLOCK]).to(device).float()
        best = (wanted @ block.T).topk(min(top_k, len(block)), dim=1)
        rows, cosines = torch.cat([rows, best.indices + start], 1), torch.cat([cosines, best.values], 1)
        order = cosines.sort(dim=1, descending=True, stable=True).indices[:, :top_k]
        rows, cosines = rows.gather(1, order), cosines.gather(1, order)
    comparisons = np.full(len(queries), len(vectors))
    return Found(rows.cpu().numpy(), cosines.cpu().numpy(), comparisons)
