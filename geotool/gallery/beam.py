"""Beam search down the tree of a gallery: the best cells of each level are opened, the rest is left out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from geotool.gallery.exact import Found, to_tensor
from geotool.gallery.hierarchy import Tree

_AT_ONCE = 1 << 24  # numbers gathered at a time: 64 MB as float32


class BeamSearch:
    """Search (N, D) float16 vectors that lie in the order of the tree's leaves.

    `beams` says how many cells of each level are opened. With beams as wide as the levels the result
    is that of exact search. Vectors stay where they are, memory-mapped or not; what a query opens is
    compared in fp32.
    """

    def __init__(self, vectors: np.ndarray, tree: Tree, beams: Sequence[int], device: str) -> None:
        if len(beams) != len(tree.cells):
            raise ValueError(f"{len(tree.cells)} levels of cells need as many beams, not {len(beams)}.")
        self.tree, self.beams, self._device = tree, tuple(beams), device
        self._vectors = to_tensor(vectors)
        self._centroids = torch.from_numpy(tree.centroids).to(device)
        self._children = torch.from_numpy(tree.children).to(device)
        self._top = self._centroids[: tree.cells[0]].float().T.contiguous()  # (D, C)

    @torch.inference_mode()
    def search(self, queries: np.ndarray, top_k: int) -> Found:
        """See Search."""
        wanted = torch.from_numpy(np.ascontiguousarray(queries, dtype=np.float32)).to(self._device)
        top_k = min(top_k, len(self._vectors))
        parts = [self._descend(part, top_k, self.beams) for part in wanted.split(self._batch())]
        return Found(*(torch.cat(column).cpu().numpy() for column in zip(*parts, strict=True)))

    def _batch(self) -> int:
        """Queries that fit in memory at a time."""
        sizes = self._children[:, 1] - self._children[:, 0]
        widest = max(beam for beam in self.beams) * int(sizes.max())
        return max(1, _AT_ONCE // (widest * self._vectors.shape[1]))

    def _descend(self, queries: Tensor, top_k: int, beams: Sequence[int]) -> tuple[Tensor, Tensor, Tensor]:
        """(B, K) rows and cosines, best first, and (B,) comparisons."""
        cosines = queries @ self._top  # (B, C)
        nodes = torch.arange(self._top.shape[1], device=self._device).expand(len(queries), -1)
        comparisons = torch.full((len(queries),), nodes.shape[1], device=self._device)
        for level, beam in enumerate(beams):
            best = cosines.topk(min(beam, cosines.shape[1]), dim=1)
            opened, is_real = self._open(nodes.gather(1, best.indices), best.values > -torch.inf)
            table = self._vectors if level == len(beams) - 1 else self._centroids
            nodes, cosines = opened, self._compare(table, opened, is_real, queries)
            comparisons = comparisons + is_real.sum(dim=1)
        if int(is_real.sum(dim=1).min()) < top_k:  # too few rows in the opened leaves: open more
            return self._descend(queries, top_k, [2 * beam for beam in beams])
        return *_order(nodes, cosines, top_k), comparisons

    def _open(self, nodes: Tensor, is_real: Tensor) -> tuple[Tensor, Tensor]:
        """The children of (B, b) cells: (B, W) numbers and whether each is one or only fills the row."""
        first, last = self._children[nodes].unbind(-1)  # (B, b)
        last = torch.where(is_real, last, first)
        step = torch.arange(int((last - first).max()), device=self._device)
        children = first[..., None] + step  # (B, b, w)
        found = (children < last[..., None]).flatten(1)  # (B, W)
        children = children.flatten(1)
        if len(nodes) == 1:
            return children[found][None], found[found][None]
        return children.where(found, 0), found

    def _compare(self, table: Tensor, rows: Tensor, is_real: Tensor, queries: Tensor) -> Tensor:
        """(B, W) cosines of the queries with those rows of a table; minus infinity for filling."""
        vectors = table[rows.to(table.device).flatten()].to(self._device).float()
        vectors = vectors.view(*rows.shape, -1)  # (B, W, D)
        cosines = torch.bmm(vectors, queries[..., None]).squeeze(-1)
        return cosines.masked_fill_(~is_real, -torch.inf)


def _order(rows: Tensor, cosines: Tensor, top_k: int) -> tuple[Tensor, Tensor]:
    """The best `top_k`, equal cosines in the order of their rows."""
    rows, by_row = rows.sort(dim=1)
    cosines, order = cosines.gather(1, by_row).sort(dim=1, descending=True, stable=True)
    return rows.gather(1, order)[:, :top_k], cosines[:, :top_k]
