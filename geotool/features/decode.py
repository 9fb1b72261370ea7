"""A photo's bytes to the image tower's input, before normalising: (V, 3, S, S) uint8, one part per view.

Plain JPEGs for a model with CLIP's preprocessing take a quick way: torchcodec decodes them (the pixels are
Pillow's), torch scales them (as Pillow but for the rounding: each level within 1 of 255, within 2 where it
enlarges). All others go through photos.read and the model's own preprocessing. Both ways check the same
limits before any pixel.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from PIL import ExifTags, Image
from torch import Tensor
from torch.nn import functional

from geotool.core.errors import BadImageError, NotFoundError
from geotool.features.views import find_boxes
from geotool.model.geomodel import PREPROCESSING
from geotool.photos.files import open_bytes, shown_name, start_clock
from geotool.photos.formats import HALVE_ABOVE_MEGAPIXELS, open_picture
from geotool.photos.read import read_photo_bytes
from geotool.photos.tags import read_tags

_MAX_RATIO = 10  # of the sides, for the quick way: it scales the whole picture, not only what is kept


@dataclass(frozen=True, slots=True)
class Encoded:
    """A photo as it was stored; `name` is for messages."""

    data: bytes
    name: str


class Decoder:
    """Decodes for one preprocessing (of a model.json) and number of views. Any thread may call it.

    With `device` "cuda", nvJPEG decodes plain JPEGs and their pixels stay there; it rounds differently.
    """

    def __init__(self, spec: dict[str, Any], views: int, device: str = "cpu") -> None:
        self._spec, self._views, self._device = spec, views, device
        self._preprocessing = PREPROCESSING[spec["kind"]]
        self._has_quick_way = spec["kind"] == "clip"

    def decode(self, photo: Encoded) -> Tensor:
        """(V, 3, S, S) uint8. Raises BadImageError."""
        if self._has_quick_way and _read_header(photo, _is_plain):
            try:
                return self._cut(_load_jpeg_decoder()(photo.data))
            except RuntimeError:
                pass  # damaged: what reads it below finds the words for it, or more patience
        _, image = read_photo_bytes(photo.data, photo.name)
        parts = [image.crop(box) for box in find_boxes(image.size, self._views)]
        return torch.stack([self._preprocessing.to_levels(part, self._spec) for part in parts])

    def decode_all(self, photos: Sequence[Encoded]) -> list[Tensor | BadImageError]:
        """The same for several; one that cannot be decoded does not cost the others."""
        found = self._decode_together(photos) if self._device == "cuda" and self._has_quick_way else {}
        return [found[i] if i in found else self._try_decode(photo) for i, photo in enumerate(photos)]

    def _try_decode(self, photo: Encoded) -> Tensor | BadImageError:
        try:
            return self.decode(photo)
        except BadImageError as error:
            return error

    def _decode_together(self, photos: Sequence[Encoded]) -> dict[int, Tensor]:
        """Those of the photos that nvJPEG takes, in one call, by their index; none where it fails."""
        plain = [i for i, photo in enumerate(photos) if _is_for_nvjpeg(photo)]
        if not plain:
            return {}
        try:
            pictures = _load_jpeg_decoder()([photos[i].data for i in plain], device=self._device)
            return {i: self._cut(picture) for i, picture in zip(plain, pictures, strict=True)}
        except RuntimeError:  # it does not say which one is damaged
            return {}

    def _cut(self, pixels: Tensor) -> Tensor:
        """(3, H, W) uint8, upright -> (V, 3, S, S)."""
        height, width = pixels.shape[1:]
        parts = [
            pixels[:, top:low, left:right]
            for left, top, right, low in find_boxes((width, height), self._views)
        ]
        return torch.stack([_scale_and_cut(part, self._spec["size_px"]) for part in parts])


def _scale_and_cut(part: Tensor, size_px: int) -> Tensor:
    """(3, H, W) uint8 -> (3, S, S): CLIP's own steps, as preprocessing.cut_clip takes them."""
    height, width = part.shape[1:]
    short = min(height, width)
    scaled = int(size_px * height / short), int(size_px * width / short)
    top, left = ((length - size_px) // 2 for length in scaled)
    is_cpu = part.device.type == "cpu"  # CUDA scales floats alone
    levels = functional.interpolate(
        part[None] if is_cpu else part[None].float(), scaled, mode="bicubic", antialias=True
    )[0, :, top : top + size_px, left : left + size_px]
    return levels if is_cpu else levels.round().clamp(0, 255).to(torch.uint8)


def _read_header(photo: Encoded, ask: Callable[[Image.Image], bool]) -> bool:
    """What `ask` says of the picture, whose pixels are not decoded. Raises BadImageError."""
    with open_bytes(photo.data, photo.name) as file:
        start_clock(file)
        with open_picture(file, shown_name(photo.name)) as picture:
            return ask(picture)


def _is_plain(picture: Image.Image) -> bool:
    """Whether the quick way gives what the other one does."""
    width, height = picture.size
    return (
        picture.format in ("JPEG", "MPO")
        and picture.mode in ("RGB", "L")
        and width * height <= HALVE_ABOVE_MEGAPIXELS * 1_000_000
        and max(width, height) <= _MAX_RATIO * min(width, height)
        and b"Orientation" not in picture.info.get("xmp", b"")  # torchcodec looks for it in EXIF alone
    )


def _is_for_nvjpeg(photo: Encoded) -> bool:
    """Whether it is plain and upright as it is stored: nvJPEG does not turn."""
    try:
        return _read_header(
            photo, lambda p: _is_plain(p) and read_tags(p).get(ExifTags.Base.Orientation, 1) == 1
        )
    except BadImageError:
        return False


@functools.cache
def _load_jpeg_decoder() -> Callable[..., Any]:
    try:
        from torchcodec.decoders import decode_jpeg
    except (ImportError, OSError, RuntimeError) as error:  # its libraries are those of one build of torch
        raise NotFoundError(
            f"The JPEG decoder torchcodec cannot be loaded ({str(error).splitlines()[0]}).",
            "Run: python -m pip install -r requirements.txt.",
        ) from error
    return decode_jpeg
