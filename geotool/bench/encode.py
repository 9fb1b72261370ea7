"""`bench encode`: one photo through GeoCLIP, ours against the `geoclip` package and open_clip.

CLIP gets random weights, the same on every side: speed and agreement do not depend on what was
learned, and nothing has to be downloaded. Heads and gallery are the real ones.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cosine_similarity, normalize

from geotool.bench.timing import least_seconds
from geotool.core.errors import NotFoundError
from geotool.core.paths import HOME_VARIABLE, PROJECT_DIR
from geotool.core.report import Report
from geotool.engine import Engine
from geotool.model import zoo
from geotool.model.devices import choose_precision, find_device
from geotool.model.geomodel import GeoModel
from geotool.model.install import build_model, side_load

MODEL, OPEN_CLIP_NAME = "geoclip", "ViT-L-14-quickgelu"
SEED, PICTURES, TOP_K = 0, 4, 5
PHOTO_SIZE_PX = (640, 480)


def run_encode(device: str, rounds: int, report: Report) -> list[dict[str, Any]]:
    """Rows of reference and ours: least seconds, their ratio, and how far the vectors agree.

    Raises NotFoundError where the reference packages are not installed.
    """
    place = find_device(device)
    with tempfile.TemporaryDirectory(prefix="geotool-bench-") as name, _home(Path(name)) as home:
        photo = _write_photo(home / "photo.jpg")
        report.event("building the references with random weights")
        package = _build_package(home / "clip.safetensors")
        half = side_load(MODEL, home / "clip.safetensors", report)
        full = build_model(
            half, home / "clip.safetensors", home / "reference" / "full", report, "fp32"
        )  # deeper than models are looked for
        ours = GeoModel(half, place, choose_precision(place)), GeoModel(full, place, "fp32")
        report.event("comparing the towers")
        rows = [_compare_towers(*ours, rounds), _compare_package(package, ours[1], rounds)]
        report.event("comparing whole queries")
        rows.append(_compare_queries(package, photo, place, rounds, report))
        report.event("comparing loading")
        rows.append(_compare_loading(half, place, home, rounds))
        return [*rows, *_measure_command(photo, place)]


def _compare_towers(half: GeoModel, full: GeoModel, rounds: int) -> dict[str, Any]:
    pixels = torch.rand(PICTURES, 3, 224, 224, device=half.device) * 4 - 2
    sides = {
        "reference": lambda: _run(full.image_tower, pixels[:1]),
        "ours": lambda: _run(half.image_tower, pixels[:1]),
    }
    cosines = cosine_similarity(_run(half.image_tower, pixels), _run(full.image_tower, pixels))
    return _row("image tower", "fp32, ours", half.precision, least_seconds(sides, rounds), cosines)


def _compare_package(package: nn.Module, full: GeoModel, rounds: int) -> dict[str, Any]:
    pixels = torch.rand(PICTURES, 3, 224, 224) * 4 - 2
    reference = package.image_encoder

    def ours(pixels: Tensor) -> Tensor:
        return _run(full.image_head, _run(full.image_tower, pixels.to(full.device)))

    sides = {"reference": lambda: _run(reference, pixels[:1]), "ours": lambda: ours(pixels[:1])}
    cosines = cosine_similarity(ours(pixels).cpu(), _run(reference, pixels))
    return _row("image embedding", "geoclip package, fp32", "fp32", least_seconds(sides, rounds), cosines)


def _compare_queries(package: Any, photo: Path, device: str, rounds: int, report: Report) -> dict[str, Any]:
    engine = Engine.load(MODEL, device, report)
    sides: dict[str, Callable[[], object]] = {
        "reference": lambda: package.predict(photo, TOP_K),
        "ours": lambda: engine.locate(photo, top_k=TOP_K),
    }
    [query] = engine.model.encode_images([_open(photo)])
    with torch.inference_mode():
        reference = normalize(
            package.image_encoder(package.image_encoder.preprocess_image(_open(photo))), dim=1
        )
    cosines = cosine_similarity(torch.from_numpy(query.vector[None]), reference)
    side = f"{engine.model.precision} and a cached gallery"
    return _row("warm query", "geoclip package, predict", side, least_seconds(sides, rounds), cosines)


def _compare_loading(info: zoo.ModelInfo, device: str, home: Path, rounds: int) -> dict[str, Any]:
    import open_clip
    from safetensors.torch import save_file

    checkpoint = home / "open_clip.safetensors"
    save_file(open_clip.create_model(OPEN_CLIP_NAME).state_dict(), checkpoint)

    def load() -> GeoModel:
        model = GeoModel(info, device, choose_precision(device))
        _ = model.image_tower, model.image_head
        return model

    sides: dict[str, Callable[[], object]] = {
        "reference": lambda: open_clip.create_model(
            OPEN_CLIP_NAME, pretrained=str(checkpoint), device=device
        ),
        "ours": load,
    }
    return _row(
        "load the model", "open_clip, create_model", "mapped file", least_seconds(sides, rounds), None
    )


_COMMAND = """
import sys
from geotool.bench.timing import peak_memory_mb
from geotool.cli import main
code = main(sys.argv[1:])
print("peak", peak_memory_mb(), file=sys.stderr)
sys.exit(code)
"""


def _measure_command(photo: Path, device: str) -> list[dict[str, Any]]:
    """The peak memory of `locate` with a cached gallery, as a process of its own that measures itself."""
    arguments = ["locate", str(photo), "--model", MODEL, "--device", device]
    done = subprocess.run(
        [sys.executable, "-c", _COMMAND, *arguments], cwd=PROJECT_DIR, capture_output=True, text=True
    )
    peaks = [line.split()[1] for line in done.stderr.splitlines() if line.startswith("peak ")]
    peak_mb = float(peaks[0]) if peaks and peaks[0] != "None" else None
    return [{"measure": "locate, command line", "exit_code": done.returncode, "peak_memory_mb": peak_mb}]


def _row(
    measure: str, reference: str, ours: str, seconds: dict[str, float], cosines: Tensor | None
) -> dict[str, Any]:
    return {
        "measure": measure,
        "reference": reference,
        "ours": ours,
        "reference_s": seconds["reference"],
        "ours_s": seconds["ours"],
        "speedup": seconds["reference"] / seconds["ours"],
        "cosine_gap": None if cosines is None else max(0.0, 1 - cosines.min().item()),  # of the worst picture
    }


def _build_package(checkpoint: Path) -> Any:
    """The package's model with seeded random CLIP weights, which are also written to `checkpoint`."""
    try:
        from geoclip import GeoCLIP
        from safetensors.torch import save_file
    except ImportError as error:
        raise NotFoundError(
            f"The reference cannot be imported ({error}).", "Run: python -m pip install -r requirements.txt."
        ) from error
    torch.manual_seed(SEED)
    package = GeoCLIP(clip_pretrained=False).eval()
    state = package.image_encoder.CLIP.state_dict()
    save_file({name: value for name, value in state.items() if name.startswith("vis")}, checkpoint)
    return package


@torch.inference_mode()
def _run(module: Any, inputs: Tensor) -> Tensor:
    return module(inputs)


def _open(photo: Path) -> Any:
    from PIL import Image

    with Image.open(photo) as image:
        return image.convert("RGB")


def _write_photo(path: Path) -> Path:
    from PIL import Image

    Image.effect_mandelbrot(PHOTO_SIZE_PX, (-2, -1.5, 1, 1.5), 100).convert("RGB").save(path)
    return path


@contextmanager
def _home(folder: Path) -> Iterator[Path]:
    """Let a temporary folder be the home, so that nothing of the user's is touched."""
    before = os.environ.get(HOME_VARIABLE)
    os.environ[HOME_VARIABLE] = str(folder)
    try:
        yield folder
    finally:
        if before is None:
            del os.environ[HOME_VARIABLE]
        else:
            os.environ[HOME_VARIABLE] = before
