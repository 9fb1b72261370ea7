"""Beam search down the tree of a gallery: the best cells of each level are opened, the rest is left out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from geotool.gallery.exact import Found, to_tensor
from geotool.gallery.tree import Tree

_AT_ONCE = 1 << 24  # numbers gathered at a time: 32 MB as float16
# A batch has to be filled up to its widest beam. That costs a CPU more than calling it query by query.
ONE_BY_ONE = ("cpu",)
# A cosine of unit vectors in half precision is off by less than 0.001, if the sum is kept in single
# precision: 2^-11 for rounding the query and as much for rounding the result.
_HALF_ERROR = 1e-3


class Leaves(NamedTuple):
    """The leaves that a beam reaches for B queries, best first, and what reaching them cost."""

    numbers: np.ndarray  # (B, b) from 0, as `Tree.assign` counts them; -1 where there are fewer
    comparisons: np.ndarray  # (B,)


class _Opened(NamedTuple):
    """What (B, b) cells hold, W at most: cells of the next level or rows of the gallery."""

    numbers: Tensor  # (B, W)
    cosines: Tensor  # (B, W) in half precision; minus infinity where a number only fills the row
    counts: Tensor  # (B,) numbers that count


class BeamSearch:
    """Search (N, D) float16 vectors that lie in the order of the tree's leaves.

    `beams` says how many cells of each level are opened. With beams as wide as the levels the result
    is that of exact search. Vectors stay where they are, memory-mapped or not, unless a GPU can hold
    them. What a query opens is compared in half precision, and in fp32 what may be among the best.

    With (A,) rising `rows` of the gallery the tree is one over these rows alone, counted from 0, and no
    other row is ever read.
    """

    def __init__(
        self,
        vectors: np.ndarray | Tensor,
        tree: Tree,
        beams: Sequence[int],
        device: str,
        rows: np.ndarray | None = None,
    ) -> None:
        if len(beams) != len(tree.cells):
            raise ValueError(f"{len(tree.cells)} levels of cells need as many beams, not {len(beams)}.")
        self.tree, self.beams, self.device = tree, tuple(beams), device
        self._vectors = vectors if isinstance(vectors, Tensor) else _place(vectors, device)
        self._rows = None if rows is None else torch.from_numpy(rows).to(device)
        self._centroids = to_tensor(tree.centroids).to(device)
        first, last = torch.from_numpy(tree.children).to(device).unbind(1)
        self._first, self._sizes = first.contiguous(), last - first  # (M,) of the children
        widest = max(self.beams) * int(self._sizes.max())
        fitting = max(1, _AT_ONCE // (widest * vectors.shape[1]))
        self._queries_at_once = 1 if device in ONE_BY_ONE else fitting

    def within(self, tree: Tree, beams: Sequence[int], rows: np.ndarray) -> BeamSearch:
        """A search among some rows only, down a tree over them; the vectors are shared."""
        return BeamSearch(self._vectors, tree, beams, self.device, rows)

    @torch.inference_mode()
    def search(self, queries: np.ndarray, top_k: int) -> Found:
        """See Search."""
        top_k = min(top_k, int(self.tree.children[-1, 1]))  # rows under the tree
        parts = [self._find_rows(part, top_k, self.beams) for part in self._split(queries)]
        return Found(*(torch.cat(column).cpu().numpy() for column in zip(*parts, strict=True)))

    @torch.inference_mode()
    def find_leaves(self, queries: np.ndarray) -> Leaves:
        """The leaves whose rows `search` compares first, for searches that hold the rows themselves."""
        parts = [self._descend(part, self.beams) for part in self._split(queries)]
        before = int(self.tree.offsets[-2])  # cells of the levels above
        numbers = [
            functional.pad((nodes - before).clamp(min=-1), (0, self.beams[-1] - nodes.shape[1]), value=-1)
            for nodes, _ in parts
        ]
        comparisons = torch.cat([compared for _, compared in parts])
        return Leaves(torch.cat(numbers).cpu().numpy(), comparisons.cpu().numpy())

    def _split(self, queries: np.ndarray) -> tuple[Tensor, ...]:
        """The queries on the device, as many at a time as fit in memory."""
        wanted = torch.from_numpy(np.ascontiguousarray(queries, dtype=np.float32))
        return wanted.to(self.device).split(self._queries_at_once)

    def _find_rows(self, queries: Tensor, top_k: int, beams: Sequence[int]) -> tuple[Tensor, Tensor, Tensor]:
        """(B, K) rows and cosines, best first, and (B,) comparisons."""
        leaves, comparisons = self._descend(queries, beams)
        opened = self._open(self._vectors, leaves, queries.half(), self._rows)
        if int(opened.counts.min()) < top_k:  # too few rows in these leaves: open more
            return self._find_rows(queries, top_k, [2 * beam for beam in beams])
        return *self._rerank(opened, queries, top_k), comparisons + opened.counts

    def _descend(self, queries: Tensor, beams: Sequence[int]) -> tuple[Tensor, Tensor]:
        """(B, b) leaves as node numbers, best first and -1 where there are fewer, and (B,) comparisons."""
        wanted, top = queries.half(), self.tree.cells[0]
        cosines = wanted @ self._centroids[:top].T  # (B, C)
        nodes = _choose(torch.arange(top, device=self.device).expand_as(cosines), cosines, beams[0])
        comparisons = torch.full((len(queries),), top, device=self.device)
        for beam in beams[1:]:
            opened = self._open(self._centroids, nodes, wanted)
            nodes = _choose(opened.numbers, opened.cosines, beam)
            comparisons = comparisons + opened.counts
        return nodes, comparisons

    def _open(self, table: Tensor, nodes: Tensor, queries: Tensor, rows: Tensor | None = None) -> _Opened:
        """Compare the (B, D) half queries with the children of their (B, b) cells.

        The children are rows of the table, or numbers of those `rows` of it.
        """
        first, sizes = self._first[nodes], self._sizes[nodes].masked_fill_(nodes < 0, 0)  # (B, b)
        if len(nodes) == 1:
            numbers = _list_ranges(first[0], sizes[0])
            numbers = numbers if rows is None else rows[numbers]
            cosines = torch.mv(table.index_select(0, numbers.to(table.device)).to(self.device), queries[0])
            return _Opened(numbers[None], cosines[None], sizes.sum(dim=1))
        step = torch.arange(int(sizes.max()), device=self.device)
        is_real = (step < sizes[..., None]).flatten(1)  # (B, W)
        numbers = (first[..., None] + step).flatten(1).where(is_real, 0)
        numbers = numbers if rows is None else rows[numbers]
        vectors = table[numbers.to(table.device)].to(self.device)  # (B, W, D)
        cosines = torch.bmm(vectors, queries[..., None]).squeeze(-1).masked_fill_(~is_real, -torch.inf)
        return _Opened(numbers, cosines, sizes.sum(dim=1))

    def _rerank(self, opened: _Opened, queries: Tensor, top_k: int) -> tuple[Tensor, Tensor]:
        """(B, K) rows and cosines: all that may be among the best, in fp32, equal ones by row."""
        least = opened.cosines.topk(top_k, dim=1).values[:, -1:] - 2 * _HALF_ERROR
        count = int((opened.cosines >= least).sum(dim=1).max())
        shortlist = opened.cosines.topk(count, dim=1)  # (B, S)
        rows = opened.numbers.gather(1, shortlist.indices).sort(dim=1)
        vectors = self._vectors[rows.values.to(self._vectors.device)].to(self.device).float()  # (B, S, D)
        cosines = torch.bmm(vectors, queries[..., None]).squeeze(-1)
        is_filling = shortlist.values.gather(1, rows.indices) == -torch.inf
        best = cosines.masked_fill_(is_filling, -torch.inf).sort(dim=1, descending=True, stable=True)
        return rows.values.gather(1, best.indices)[:, :top_k], best.values[:, :top_k]


def _place(vectors: np.ndarray, device: str) -> Tensor:
    """The vectors on a GPU if they take less than half of its free memory, else where they are."""
    shared = to_tensor(vectors)
    if device == "cuda" and vectors.nbytes < torch.cuda.mem_get_info()[0] / 2:
        return shared.to(device)
    return shared


def _choose(nodes: Tensor, cosines: Tensor, beam: int) -> Tensor:
    """(B, b) the best of (B, C) cells, best first; -1 where a row has fewer."""
    best = cosines.topk(min(beam, cosines.shape[1]), dim=1)
    return nodes.gather(1, best.indices).masked_fill_(best.values == -torch.inf, -1)


def _list_ranges(first: Tensor, sizes: Tensor) -> Tensor:
    """The numbers of all ranges, (b,) starts and sizes, one range behind the other."""
    stops = sizes.cumsum(0)
    total = int(stops[-1])
    starts = torch.repeat_interleave(first - stops + sizes, sizes, output_size=total)
    return starts + torch.arange(total, device=first.device)
