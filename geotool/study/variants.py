"""The variants that a study compares, and what each of them changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Pixels = Literal["learnt tower", "frozen tower", "features"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One way to train, and to answer.

    `pixels` says what an epoch sees: tiles in random variations through a tower that learns or through
    the frozen one, or stored features. `trained_as` names the variant whose models this one takes.
    """

    name: str
    title: str
    pixels: Pixels = "features"
    views: bool = False
    gate: bool = False
    constraint: bool = False
    guided: bool = False
    trained_as: str


def _variant(name: str, title: str, **changes: object) -> Variant:
    return Variant(**{"name": name, "title": title, "trained_as": name, **changes})  # type: ignore[arg-type]


BASE = "features"  # what the others are compared with
VARIANTS = {
    variant.name: variant
    for variant in (
        _variant("end-to-end", "end-to-end, random augmentation", pixels="learnt tower"),
        _variant("augmented", "frozen tower, random augmentation", pixels="frozen tower"),
        _variant(BASE, "features, no augmentation"),
        _variant("views", "features + several views", views=True),
        _variant("gate", "features + gate", gate=True),
        _variant("constraint", "features + constraint", constraint=True),
        _variant("both", "features + gate + constraint", gate=True, constraint=True),
        _variant(
            "guided", "features + gate + constraint + guidance",
            gate=True, constraint=True, guided=True, trained_as="both",
        ),
        _variant("all", "features + views + gate + constraint", views=True, gate=True, constraint=True),
    )
}  # fmt: skip
