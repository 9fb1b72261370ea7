"""CLIP's visual tower (arXiv 2103.00020), alone and lean, in the tensor layout of open_clip.

open_clip is the reference, not a dependency of the hot path: importing it costs 3.7 s more than
torch (it brings torchvision, timm and the text side), and its `create_model` 2.4 s of random numbers
before the first weight is read. This module gives the same features (a test loads one set of weights
into both) from a file that open_clip's own `ViT-L-14-quickgelu` tower can load as well.
"""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor, nn
from torch.nn import functional


class QuickGelu(nn.Module):
    """x * sigmoid(1.702 x): the approximation OpenAI trained with; plain GELU gives other features."""

    def forward(self, x: Tensor) -> Tensor:
        return (1.702 * x).sigmoid_().mul_(x)  # in place: a third faster, and nothing here is trained


class Attention(nn.Module):
    """Self-attention with q, k and v as one matrix: (B, T, W) -> (B, T, W), T tokens of width W."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.in_proj_weight = nn.Parameter(torch.empty(3 * width, width))
        self.in_proj_bias = nn.Parameter(torch.empty(3 * width))
        self.out_proj = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        qkv = functional.linear(x, self.in_proj_weight, self.in_proj_bias)  # (B, T, 3W)
        if x.device.type == "cpu":
            qkv = qkv.float()  # these products are small: a fifth faster in float32 than in bf16
        q, k, v = qkv.unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)  # (B, heads, T, W / heads)
        mixed = functional.scaled_dot_product_attention(q, k, v)
        return self.out_proj(mixed.transpose(1, 2).flatten(2).to(x.dtype))  # (B, T, W)


class Block(nn.Module):
    """One transformer block. The residual stream stays float32 whatever the linear layers compute in."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.ln_1 = nn.LayerNorm(width)
        self.attn = Attention(width, heads)
        self.ln_2 = nn.LayerNorm(width)
        layers = [("c_fc", nn.Linear(width, 4 * width)), ("gelu", QuickGelu())]
        self.mlp = nn.Sequential(OrderedDict([*layers, ("c_proj", nn.Linear(4 * width, width))]))

    def forward(self, x: Tensor, keep: slice) -> Tensor:
        """(B, T, W) -> (B, kept tokens, W)."""
        dtype = self.attn.in_proj_weight.dtype
        x = x + self.attn(self.ln_1(x).to(dtype))
        x = x[:, keep]
        return x + self.mlp(self.ln_2(x).to(dtype))


class VisionTower(nn.Module):
    """(B, 3, size_px, size_px) normalised pixels -> (B, dim) float32 features, not normalised.

    The defaults are ViT-L/14. `to_half` casts what multiplies matrices; norms, embeddings and the
    residual stream stay float32, because CLIP's stream has outlier channels that 8 bits cannot hold.
    """

    def __init__(
        self, *, size_px: int = 224, patch_px: int = 14, width: int = 1024, layers: int = 24,
        heads: int = 16, dim: int = 768,
    ) -> None:  # fmt: skip
        super().__init__()
        tokens = (size_px // patch_px) ** 2 + 1
        self.conv1 = nn.Conv2d(3, width, patch_px, stride=patch_px, bias=False)
        self.class_embedding = nn.Parameter(torch.empty(width))
        self.positional_embedding = nn.Parameter(torch.empty(tokens, width))
        self.ln_pre = nn.LayerNorm(width)
        blocks = nn.ModuleList(Block(width, heads) for _ in range(layers))
        self.transformer = nn.ModuleDict({"resblocks": blocks})
        self.ln_post = nn.LayerNorm(width)
        self.proj = nn.Parameter(torch.empty(width, dim))

    def forward(self, pixels: Tensor) -> Tensor:
        patches = self.conv1(pixels.to(self.conv1.weight.dtype)).flatten(2).transpose(1, 2)  # (B, T - 1, W)
        first = self.class_embedding.expand(len(pixels), 1, -1)  # (B, 1, W)
        x = torch.cat([first, patches.float()], dim=1) + self.positional_embedding  # (B, T, W)
        x = self.ln_pre(x)
        *most, last = self.transformer["resblocks"].children()
        for block in most:
            x = block(x, keep=slice(None))
        x = last(x, keep=slice(1))  # only the class token is read afterwards
        return self.ln_post(x[:, 0]) @ self.proj.float()  # (B, D)

    def to_half(self, dtype: torch.dtype) -> VisionTower:
        """Cast the weights of matrix products to `dtype`, all others to float32; a no-op where they are."""
        for name, parameter in self.named_parameters():
            parameter.data = parameter.data.to(dtype if is_matrix(name) else torch.float32)
        return self


def is_matrix(name: str) -> bool:
    """Whether a parameter of the tower takes part in a matrix product (and may be stored in bf16)."""
    return name.startswith("conv1.") or ".attn." in name or ".mlp." in name
