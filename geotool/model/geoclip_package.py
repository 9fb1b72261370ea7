"""GeoCLIP's heads and gallery, read as data from the installed `geoclip` package.

The package is never imported (that costs 5 s and brings transformers); its files are plain tensors
and a CSV under the MIT licence. Their checksums are known, so a changed release shows at once.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from geotool.core.artifacts import file_sha256
from geotool.core.errors import MismatchError, NotFoundError

IMAGE_HEAD_FILE = "weights/image_encoder_mlp_weights.pth"
LOCATION_FILE = "weights/location_encoder_weights.pth"
GALLERY_FILE = "gps_gallery/coordinates_100K.csv"

SHA256 = {  # of geoclip 1.2.3
    IMAGE_HEAD_FILE: "5342c391eec961796d04d02f2bd670bfa97b34ce32c656d0e0676581103c2c14",
    LOCATION_FILE: "94b80ae3af89fca78539e129dd2929d321247f5ceeeb0a31bc2c31041a253394",
    GALLERY_FILE: "3a00b1ba58f13443db726533b6399b39609e292df09d4e58792fa5949d1838b1",
}
_REMEDY = "Run: python -m pip install -r requirements.txt."
_LAYERS = {  # the package's names inside a capsule -> ours
    "capsule.0.b": "frequencies",
    "capsule.1": "hidden.0",
    "capsule.3": "hidden.1",
    "capsule.5": "hidden.2",
    "head.0": "head",
}


def find_package_file(name: str) -> Path:
    """The path of one of the files above, checked. Raises NotFoundError or MismatchError."""
    spec = importlib.util.find_spec("geoclip")  # finds, does not import
    if spec is None or not spec.submodule_search_locations:
        raise NotFoundError("The package geoclip, which holds GeoCLIP's heads, is not installed.", _REMEDY)
    path = Path(spec.submodule_search_locations[0]) / "model" / name
    if not path.is_file():
        raise NotFoundError(f"The installed package geoclip lacks {name}.", _REMEDY)
    found = file_sha256(path)
    if found != SHA256[name]:
        raise MismatchError(
            f"{path} has the sha256 {found[:12]}..., expected {SHA256[name][:12]}....", _REMEDY
        )
    return path


def read_image_head() -> dict[str, Tensor]:
    """The tensors of the image head, named as in `ImageHead`."""
    return torch.load(find_package_file(IMAGE_HEAD_FILE), weights_only=True)


def read_location_encoder() -> dict[str, Tensor]:
    """The tensors of the location encoder, named as in `LocationEncoder`."""
    tensors = torch.load(find_package_file(LOCATION_FILE), weights_only=True)
    return {_to_our_name(name): tensor for name, tensor in tensors.items()}


def read_gallery() -> np.ndarray:
    """(N, 2) float32 lat, lon in degrees: the distinct points (as float32) in their first order."""
    points = np.loadtxt(find_package_file(GALLERY_FILE), delimiter=",", skiprows=1, dtype=np.float32)
    _, first = np.unique(points, axis=0, return_index=True)
    return points[np.sort(first)]


def _to_our_name(name: str) -> str:
    capsule, _, rest = name.partition(".")  # "LocEnc0", "capsule.1.weight"
    for theirs, ours in _LAYERS.items():
        if rest == theirs or rest.startswith(theirs + "."):
            return f"capsules.{capsule.removeprefix('LocEnc')}.{ours}{rest.removeprefix(theirs)}"
    raise MismatchError(f"The package geoclip has an unknown tensor {name}.", _REMEDY)
