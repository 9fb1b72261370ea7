"""One training in several processes (torchrun): who has which rows, what they tell one another.

Vectors of all processes are compared with each other. Each process knows the rows of all, encodes its
own share, and takes the other vectors as constants; the gradients summed over the processes are then
those that one process would have found.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

import torch
import torch.distributed as dist
from torch import Tensor, nn

from geotool.core.errors import UsageError


class Processes:
    """The processes of this training; one, unless torchrun started it. `close` when done."""

    def __init__(self, device: str) -> None:
        self.count, self.rank = int(os.environ.get("WORLD_SIZE", 1)), int(os.environ.get("RANK", 0))
        self.is_first, self._device = self.rank == 0, device
        if self.count == 1:
            return
        if device == "mps":
            raise UsageError("Several processes cannot share one Apple GPU.", "Start without torchrun.")
        if device == "cuda":
            torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", 0)))
        dist.init_process_group("nccl" if device == "cuda" else "gloo")

    def share(self, size: int) -> slice:
        """This process's part of `size` things; the parts are in order and differ by one at most."""
        return self._share(size, self.rank)

    def gather(self, own: Tensor, size: int) -> Tensor:
        """(own share, D) vectors of each process -> (size, D), with gradient for those of this one."""
        if self.count == 1:
            return own
        widest = -(-size // self.count)
        padded = torch.zeros(widest, own.shape[1], dtype=own.dtype, device=own.device)
        padded[: len(own)] = own.detach()
        parts = [torch.empty_like(padded) for _ in range(self.count)]
        dist.all_gather(parts, padded)
        kept = [self._share(size, rank) for rank in range(self.count)]
        parts = [part[: share.stop - share.start] for part, share in zip(parts, kept, strict=True)]
        parts[self.rank] = own
        return torch.cat(parts)

    def once(self, value: Tensor) -> Tensor:
        """A parameter that every process uses in the same way: its gradient counts in the first alone."""
        return value if self.is_first else value.detach()

    def sum_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Give every process the sum of the gradients of all."""
        if self.count == 1:
            return
        trained = list(parameters)
        for parameter in trained:
            if parameter.grad is None:  # here, but not in every process
                parameter.grad = torch.zeros_like(parameter)
        gradients = [parameter.grad for parameter in trained if parameter.grad is not None]
        total = torch.cat([gradient.flatten() for gradient in gradients])  # one message for all of them
        dist.all_reduce(total)
        parts = total.split([gradient.numel() for gradient in gradients])
        for gradient, part in zip(gradients, parts, strict=True):
            gradient.copy_(part.view_as(gradient))

    def agree(self, wish: bool) -> bool:
        """Whether any process has this wish, so that all stop after the same step."""
        if self.count == 1:
            return wish
        flag = torch.tensor(int(wish), device=self._device)
        dist.all_reduce(flag, dist.ReduceOp.MAX)
        return bool(flag)

    def tell(self, value: float) -> float:
        """The value that the first process has."""
        if self.count == 1:
            return value
        told = torch.tensor(value, dtype=torch.float64, device=self._device)
        dist.broadcast(told, src=0)
        return told.item()

    def close(self) -> None:
        if self.count > 1:
            dist.destroy_process_group()

    def _share(self, size: int, rank: int) -> slice:
        each, more = divmod(size, self.count)
        start = rank * each + min(rank, more)
        return slice(start, start + each + (rank < more))
