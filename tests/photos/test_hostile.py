"""Broken, odd and fuzzed files: each in a child process, each a result or one clean error, in time."""

from __future__ import annotations

import csv
import json
import random
import selectors
import subprocess
import sys
from pathlib import Path
from typing import Any

import pictures
import pytest

from geotool.core.geo import LatLon, haversine_km
from geotool.core.paths import PROJECT_DIR
from geotool.photos import read_photo
from geotool.photos.formats import prepare_pillow

SHARED = PROJECT_DIR.parent / "shared"
TIME_LIMIT_S = 20
# Reads paths from standard input and answers each with one line of JSON.
CHILD = """
import json, sys
from geotool.core.errors import GeotoolError
from geotool.photos import read_photo
for line in sys.stdin:
    path = json.loads(line)
    try:
        photo, image = read_photo(path)
        assert image.mode == "RGB" and min(image.size) > 0
        answer = {"size_px": photo.size_px}
    except GeotoolError as error:
        answer = {"error": str(error), "hint": error.hint, "exit_code": error.exit_code}
    print(json.dumps(answer), flush=True)
"""


def answers(paths: list[Path], log: Path) -> dict[Path, dict[str, Any]]:
    """What a child says about each file. Fails when it dies, or is silent for longer than the limit."""
    with log.open("w") as stderr:
        child = subprocess.Popen(
            [sys.executable, "-c", CHILD],
            cwd=PROJECT_DIR,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            bufsize=1,
        )
    assert child.stdin and child.stdout
    found = {}
    with selectors.DefaultSelector() as selector:
        selector.register(child.stdout, selectors.EVENT_READ)
        for path in paths:
            child.stdin.write(json.dumps(str(path)) + "\n")
            if not selector.select(TIME_LIMIT_S):
                child.kill()
                pytest.fail(f"{path.name} took longer than {TIME_LIMIT_S} s")
            line = child.stdout.readline()
            assert line, f"the child died at {path.name}: {log.read_text()}"
            found[path] = json.loads(line)
        child.stdin.close()
        child.wait(TIME_LIMIT_S)
    return found


def check(paths: list[Path], log: Path) -> dict[Path, dict[str, Any]]:
    found = answers(paths, log)
    for path, answer in found.items():
        if "error" in answer:
            text = answer["error"]
            assert answer["exit_code"] in (3, 5) and answer["hint"], path
            assert text.isprintable() and len(text) < 250 and str(path.parent) not in text, text
    assert log.read_text() == "", "a library wrote to standard error"
    return found


@pytest.mark.skipif(sys.platform == "win32", reason="selectors cannot wait for pipes on Windows")
def test_fuzzed_pictures(tmp_path: Path) -> None:
    prepare_pillow()
    chance, paths = random.Random(0), []
    for suffix in ("jpg", "png", "webp", "heic", "avif", "gif", "bmp"):
        options: dict[str, Any] = (
            {}
            if suffix in ("gif", "bmp")
            else {"exif": pictures.exif(pictures.PARIS_GPS, orientation=6, Make="x").tobytes()}
        )
        pictures.scene().save(tmp_path / f"good.{suffix}", **options)
        good = (tmp_path / f"good.{suffix}").read_bytes()
        for number in range(60):
            data = bytearray(good)
            for _ in range(chance.choice((1, 3, 10))):
                value = chance.choice((0, 1, 127, 128, 255, chance.randrange(256)))
                data[chance.randrange(len(data))] = value
            if chance.random() < 0.2:
                del data[chance.randrange(len(data)) :]
            paths.append(tmp_path / f"{number}.{suffix}")
            paths[-1].write_bytes(data)
    found = check(paths, tmp_path / "stderr.txt")
    assert any("error" in answer for answer in found.values())
    assert any("size_px" in answer for answer in found.values())


@pytest.mark.skipif(sys.platform == "win32", reason="selectors cannot wait for pipes on Windows")
@pytest.mark.parametrize("folder", ["hostile", "photos"])
def test_collected_pictures(tmp_path: Path, folder: str) -> None:
    if not (SHARED / folder).is_dir():
        pytest.skip("the collection of odd files is not on this machine")
    found = check(sorted((SHARED / folder).iterdir()), tmp_path / "stderr.txt")
    readable = sum("size_px" in answer for answer in found.values())
    assert readable >= {"hostile": 60, "photos": 31}[folder]


def test_positions_agree_with_the_published_ones() -> None:
    table = SHARED / "photos" / "photos.csv"
    if not table.is_file():
        pytest.skip("the collection of photos is not on this machine")
    with table.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["coord_source"] == "EXIF GPS"]
    assert rows
    for row in rows:
        photo, _ = read_photo(table.parent / row["file"])
        assert photo.truth, row["file"]
        published = LatLon(lat=float(row["lat"]), lon=float(row["lon"]))
        assert haversine_km(photo.truth, published) < 0.2, row["file"]
