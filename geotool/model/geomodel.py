"""A model in memory: photos and places become unit vectors of one space."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from geotool.core.errors import DeviceError, MismatchError, NotFoundError
from geotool.core.records import QueryVector
from geotool.core.report import Report, SilentReport, stop_if_asked
from geotool.model import familiarity, zoo
from geotool.model.backbone import VisionTower
from geotool.model.devices import Precision, choose_precision, find_device, to_dtype
from geotool.model.image_head import ImageHead
from geotool.model.location_encoder import LocationEncoder, LocationSpec
from geotool.model.preprocessing import Preprocessing, preprocess_clip
from geotool.model.tile_tower import TileTower
from geotool.model.tile_tower import preprocess as preprocess_tile
from geotool.model.weights import read_tensors

if TYPE_CHECKING:
    from PIL.Image import Image

# What a model.json may name. A new kind of tower or preprocessing is one line here.
IMAGE_TOWERS: dict[str, Callable[..., nn.Module]] = {"open_clip": VisionTower, "tile_tower": TileTower}
PREPROCESSING = {"clip": preprocess_clip, "tile": preprocess_tile}

_IMAGES_AT_ONCE = {"cpu": 4, "cuda": 64, "mps": 16}  # a CPU gains nothing from more
_PLACES_AT_ONCE = 1024  # fits the caches: one batch of 100 000 is slower


class GeoModel:
    """Towers, heads and the gallery's coordinates of one model on one device."""

    def __init__(self, info: zoo.ModelInfo, device: str, precision: Precision) -> None:
        self.info, self.device, self.precision = info, device, precision
        self.name, self.fingerprint = info.name, info.fingerprint
        self.dim: int = info.spec["location_encoder"]["dim"]

    @property
    def logit_scale(self) -> float:
        """What training multiplied cosines with before the softmax."""
        return float(self.info.spec["logit_scale"])

    @property
    def vote_km(self) -> float:
        """How near candidates support one another; 0 where the model leaves that to geotool."""
        return self.info.vote_km

    @property
    def preprocessing(self) -> Preprocessing:
        """How a photo becomes the image tower's input."""
        return PREPROCESSING[self.info.spec["preprocessing"]["kind"]]

    def encode_images(self, images: Sequence[Image]) -> list[QueryVector]:
        """RGB images, already upright -> one unit vector each. Raises DeviceError out of memory."""
        step = _IMAGES_AT_ONCE[self.device]
        batches = [images[start : start + step] for start in range(0, len(images), step)]
        return [query for batch in batches for query in self._encode_batch(batch)]

    @torch.inference_mode()
    def encode_locations(self, latlon_deg: np.ndarray, report: Report | None = None) -> np.ndarray:
        """(N, 2) lat, lon in degrees -> (N, D) float32 unit rows."""
        report = report or SilentReport()
        points = torch.from_numpy(np.ascontiguousarray(latlon_deg, dtype=np.float32))
        rows = np.empty((len(points), self.dim), dtype=np.float32)
        for start in range(0, len(points), _PLACES_AT_ONCE):
            stop_if_asked(report)
            part = slice(start, start + _PLACES_AT_ONCE)
            vectors = self.location_encoder(points[part].to(self.device))  # (B, D)
            rows[part] = functional.normalize(vectors.float(), dim=1).cpu().numpy()
            report.progress(min(part.stop, len(points)), len(points), unit="places")
        return rows

    def gallery_latlon_deg(self) -> np.ndarray:
        """(N, 2) float32 lat, lon in degrees of the model's own gallery, without duplicates."""
        return np.load(zoo.gallery_file(self.info), allow_pickle=False)

    def is_familiar(self, query: QueryVector, best_cosine: float) -> bool:
        """Whether the photo is of the kind the model was trained on; True where it cannot tell.

        `best_cosine` is that of the photo with the gallery point that fits it best.
        """
        if query.familiarity is None:
            return True
        measured = torch.tensor([query.familiarity, best_cosine], device=self.device)  # (2,)
        total = familiarity.add_cosine(measured[:1], measured[1:], self._familiar)
        return total.item() >= float(self.info.spec["familiarity"]["threshold"])

    @torch.inference_mode()
    def find_features(self, images: Sequence[Image]) -> Tensor:
        """RGB images -> (B, F) float32 features of the image tower, before head and normalisation."""
        return self._run_tower(self._preprocess(images))

    @torch.inference_mode()
    def find_features_of_levels(self, levels: Tensor) -> Tensor:
        """(B, 3, S, S) uint8, cut as the model's preprocessing does -> (B, F) float32, as `find_features`.

        All of them at once: the caller chooses B. The result stays on the model's device.
        """
        return self._run_tower(self.preprocessing.to_input(levels.to(self.device, non_blocking=True)))

    @cached_property
    def image_tower(self) -> nn.Module:
        source = zoo.find_tower(self.info)
        arguments = dict(source.spec["image_tower"])
        build = IMAGE_TOWERS[arguments.pop("kind")]
        return self._fill(lambda: build(**arguments), "image_tower.", file=zoo.weights_file(source))

    @cached_property
    def image_head(self) -> nn.Module:
        spec = self.info.spec["image_head"]
        # The head is 0.3 % of the work: in full precision it costs nothing and loses nothing.
        return self._fill(lambda: ImageHead(spec["widths"]), "image_head.", "fp32") if spec else nn.Identity()

    @cached_property
    def location_encoder(self) -> nn.Module:
        """Read when a gallery is encoded, not when a cached one is searched."""
        spec = dict(self.info.spec["location_encoder"])
        spec["sigmas"] = tuple(spec["sigmas"])
        return self._fill(lambda: LocationEncoder(LocationSpec(**spec)), "location_encoder.")

    @cached_property
    def _familiar(self) -> dict[str, Tensor]:
        """What familiarity is measured with; small enough to stay in full precision."""
        tensors = read_tensors(zoo.weights_file(self.info), familiarity.PREFIX)
        return {name: tensor.float().to(self.device) for name, tensor in tensors.items()}

    def _preprocess(self, images: Sequence[Image]) -> Tensor:
        spec = self.info.spec["preprocessing"]
        return torch.stack([self.preprocessing(image, spec) for image in images]).to(self.device)

    def _run_tower(self, pixels: Tensor) -> Tensor:
        try:
            return self.image_tower(pixels).float()
        except torch.OutOfMemoryError as error:
            raise DeviceError(
                f"{self.device} ran out of memory.", "Close other programs or choose --device cpu."
            ) from error

    @torch.inference_mode()
    def _encode_batch(self, images: Sequence[Image]) -> list[QueryVector]:
        pixels = self._preprocess(images)
        features = self._run_tower(pixels)
        vectors = functional.normalize(self.image_head(features), dim=1).cpu().numpy()  # (B, D)
        scores: Sequence[float | None] = [None] * len(images)
        if self.info.spec["familiarity"] is not None:
            scores = familiarity.score(pixels, features, self._familiar).tolist()
        return [
            QueryVector(vector=vector, encoder=self.fingerprint, familiarity=score)
            for vector, score in zip(vectors, scores, strict=True)
        ]

    def _fill(
        self,
        build: Callable[[], nn.Module],
        prefix: str,
        precision: Precision | None = None,
        file: Path | None = None,
    ) -> nn.Module:
        """Build a part without memory, then let it point into the mapped weights file."""
        with torch.device("meta"):
            module = build()
        try:
            tensors = read_tensors(file or zoo.weights_file(self.info), prefix)
            module.load_state_dict(tensors, assign=True)
        except RuntimeError as error:
            first = str(error).splitlines()[-1].strip()
            raise MismatchError(
                f"The weights of {self.name} do not fit its {zoo.SPEC_FILE}: {first}"
            ) from error
        module.eval().requires_grad_(False)
        dtype = to_dtype(precision or self.precision)
        # Parts without `to_half` are small and stay in full precision.
        to_half = getattr(module, "to_half", None) if dtype != torch.float32 else None
        return (to_half(dtype) if to_half else module.float()).to(self.device)


def load_model(name: str | None = None, device: str = "auto", precision: Precision | None = None) -> GeoModel:
    """Load a model by name (None: the default one). `precision` is chosen from the device if not given.

    Raises NotFoundError (unknown, or weights not on disk), DeviceError, MismatchError.
    """
    info = zoo.default_model() if name is None else zoo.find_model(name)
    if not info.is_ready:
        size = f" ({info.download_mb:,.0f} MB)" if info.download_mb else ""
        source = info.spec["image_tower"].get("from", info.name)
        raise NotFoundError(
            f"The weights of {info.name} are not on this machine.",
            f"Run: python -m geotool download {source}{size}, or side-load them with --from PATH.",
        )
    chosen = find_device(device)
    model = GeoModel(info, chosen, precision or choose_precision(chosen))
    _ = model.image_tower, model.image_head  # missing or damaged weights show now, not at the first photo
    return model
