"""Beam search down the tree of a gallery: the best cells of each level are opened, the rest is left out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from geotool.gallery.exact import Found, to_tensor
from geotool.gallery.hierarchy import Tree

_AT_ONCE = 1 << 24  # numbers gathered at a time: 64 MB as float32
# A batch has to be filled up to its widest beam. That costs a CPU more than calling it query by query.
ONE_BY_ONE = ("cpu",)


class Leaves(NamedTuple):
    """The leaves that a beam reaches for B queries, best first, and what reaching them cost."""

    numbers: np.ndarray  # (B, b) from 0, as `Tree.assign` counts them; -1 where there are fewer
    comparisons: np.ndarray  # (B,)


class BeamSearch:
    """Search (N, D) float16 vectors that lie in the order of the tree's leaves.

    `beams` says how many cells of each level are opened. With beams as wide as the levels the result
    is that of exact search. Vectors stay where they are, memory-mapped or not, unless a GPU can hold
    them; what a query opens is compared in fp32.
    """

    def __init__(self, vectors: np.ndarray, tree: Tree, beams: Sequence[int], device: str) -> None:
        if len(beams) != len(tree.cells):
            raise ValueError(f"{len(tree.cells)} levels of cells need as many beams, not {len(beams)}.")
        self.tree, self.beams, self._device = tree, tuple(beams), device
        self._vectors = _place(vectors, device)
        self._centroids = torch.from_numpy(tree.centroids).to(device)
        self._children = torch.from_numpy(tree.children).to(device)
        self._top = self._centroids[: tree.cells[0]].float().T.contiguous()  # (D, C)
        widest = max(self.beams) * int((tree.children[:, 1] - tree.children[:, 0]).max())
        fitting = max(1, _AT_ONCE // (widest * vectors.shape[1]))
        self._queries_at_once = 1 if device in ONE_BY_ONE else fitting

    @torch.inference_mode()
    def search(self, queries: np.ndarray, top_k: int) -> Found:
        """See Search."""
        top_k = min(top_k, len(self._vectors))
        parts = [self._find_rows(part, top_k, self.beams) for part in self._split(queries)]
        return Found(*(torch.cat(column).cpu().numpy() for column in zip(*parts, strict=True)))

    @torch.inference_mode()
    def find_leaves(self, queries: np.ndarray) -> Leaves:
        """The leaves whose rows `search` compares first, for searches that hold the rows themselves."""
        parts = [self._descend(part, self.beams) for part in self._split(queries)]
        before = len(self._children) - self.tree.leaf_count  # cells of the levels above
        numbers = [
            functional.pad(
                (nodes - before).where(is_real, -1), (0, self.beams[-1] - nodes.shape[1]), value=-1
            )
            for nodes, is_real, _ in parts
        ]
        comparisons = torch.cat([compared for *_, compared in parts])
        return Leaves(torch.cat(numbers).cpu().numpy(), comparisons.cpu().numpy())

    def _split(self, queries: np.ndarray) -> tuple[Tensor, ...]:
        """The queries on the device, as many at a time as fit in memory."""
        wanted = torch.from_numpy(np.ascontiguousarray(queries, dtype=np.float32))
        return wanted.to(self._device).split(self._queries_at_once)

    def _find_rows(self, queries: Tensor, top_k: int, beams: Sequence[int]) -> tuple[Tensor, Tensor, Tensor]:
        """(B, K) rows and cosines, best first, and (B,) comparisons."""
        leaves, is_leaf, comparisons = self._descend(queries, beams)
        rows, is_real = self._open(leaves, is_leaf)
        counts = is_real.sum(dim=1)
        if int(counts.min()) < top_k:  # too few rows in these leaves: open more
            return self._find_rows(queries, top_k, [2 * beam for beam in beams])
        cosines = self._compare(self._vectors, rows, is_real, queries)
        return *_order(rows, cosines, top_k), comparisons + counts

    def _descend(self, queries: Tensor, beams: Sequence[int]) -> tuple[Tensor, Tensor, Tensor]:
        """(B, b) leaves as node numbers, best first, whether each is one or only fills, (B,) comparisons."""
        cosines = queries @ self._top  # (B, C)
        nodes = torch.arange(self._top.shape[1], device=self._device).expand(len(queries), -1)
        comparisons = torch.full((len(queries),), nodes.shape[1], device=self._device)
        for beam in beams[:-1]:
            nodes, is_real = self._open(*_choose(nodes, cosines, beam))
            cosines = self._compare(self._centroids, nodes, is_real, queries)
            comparisons = comparisons + is_real.sum(dim=1)
        return *_choose(nodes, cosines, beams[-1]), comparisons

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


def _place(vectors: np.ndarray, device: str) -> Tensor:
    """The vectors on a GPU if they take less than half of its free memory, else where they are."""
    shared = to_tensor(vectors)
    if device == "cuda" and vectors.nbytes < torch.cuda.mem_get_info()[0] / 2:
        return shared.to(device)
    return shared


def _choose(nodes: Tensor, cosines: Tensor, beam: int) -> tuple[Tensor, Tensor]:
    """The best `beam` of (B, C) cells, best first, and whether each is one or only fills the row."""
    best = cosines.topk(min(beam, cosines.shape[1]), dim=1)
    return nodes.gather(1, best.indices), best.values > -torch.inf


def _order(rows: Tensor, cosines: Tensor, top_k: int) -> tuple[Tensor, Tensor]:
    """The best `top_k`, equal cosines in the order of their rows."""
    rows, by_row = rows.sort(dim=1)
    cosines, order = cosines.gather(1, by_row).sort(dim=1, descending=True, stable=True)
    return rows.gather(1, order)[:, :top_k], cosines[:, :top_k]
