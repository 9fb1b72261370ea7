"""read_photo: what is read, what it becomes, and what is refused with which sentence."""

from __future__ import annotations

import hashlib
import io
import os
import socket
import warnings
from pathlib import Path

import numpy as np
import pictures
import pytest
from PIL import Image

from geotool.core.errors import BadImageError, GeotoolError, NotFoundError
from geotool.photos import read_exif_truth, read_photo
from geotool.photos.formats import prepare_pillow

RED = (255, 0, 0)


def corner(image: Image.Image) -> np.ndarray:
    return np.asarray(image, dtype=int)[2, 2]


def refusal(path: Path | str) -> str:
    with pytest.raises(BadImageError) as caught:
        read_photo(path)
    assert caught.value.hint
    return str(caught.value)


def test_reads_a_jpeg_with_what_the_camera_wrote(tmp_path: Path) -> None:
    block = pictures.exif(pictures.PARIS_GPS, Make="Nokia\0\0", Model="Nokia\x07 3310  ")
    block[0x8769] = {0x9003: "2020:05:17 12:30:01"}
    path = pictures.jpeg(tmp_path / "eiffel.jpg", exif=block, comment=b"secret")
    photo, image = read_photo(path)
    assert photo.path == path and photo.format == "JPEG" and photo.size_px == image.size == (64, 48)
    assert photo.photo_id == hashlib.sha256(path.read_bytes()).hexdigest()
    assert photo.camera == "Nokia 3310" and photo.taken_at == "2020-05-17 12:30:01"
    assert photo.truth and (photo.truth.lat, photo.truth.lon) == pytest.approx(pictures.PARIS, abs=1e-4)
    assert photo.truth_source == "exif" and photo.warnings == ()
    assert read_exif_truth(path) == photo.truth


def test_no_metadata_travels_with_the_pixels(tmp_path: Path) -> None:
    block = pictures.exif(pictures.PARIS_GPS, orientation=1)
    _, image = read_photo(pictures.jpeg(tmp_path / "a.jpg", exif=block, comment=b"secret"))
    assert image.mode == "RGB" and not image.info and not dict(image.getexif())
    assert not hasattr(image, "applist") and not getattr(image, "filename", "")


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "heic", "avif", "gif", "bmp"])
def test_reads_every_accepted_format(tmp_path: Path, suffix: str) -> None:
    prepare_pillow()
    pictures.scene().save(tmp_path / f"photo.{suffix}")
    photo, image = read_photo(tmp_path / f"photo.{suffix}")
    assert image.mode == "RGB" and photo.size_px == image.size == (64, 48) and photo.warnings == ()
    assert np.abs(corner(image) - RED).max() < 40


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "heic", "avif"])
def test_reads_position_and_orientation_from_every_format(tmp_path: Path, suffix: str) -> None:
    prepare_pillow()
    path = tmp_path / f"photo.{suffix}"
    pictures.scene().save(path, exif=pictures.exif(pictures.PARIS_GPS, orientation=6).tobytes())
    photo, image = read_photo(path)
    assert photo.size_px == image.size == (48, 64)
    assert np.abs(np.asarray(image, dtype=int)[2, -3] - RED).max() < 40  # top left went to top right
    assert photo.truth and (photo.truth.lat, photo.truth.lon) == pytest.approx(pictures.PARIS, abs=1e-4)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_turns_upright_like_pillow(tmp_path: Path, orientation: int) -> None:
    from PIL import ImageOps

    path = tmp_path / "a.png"
    pictures.scene().save(path, exif=pictures.exif(orientation=orientation))
    photo, image = read_photo(path)
    with Image.open(path) as reference:
        expected = ImageOps.exif_transpose(reference)
    assert photo.size_px == image.size == expected.size
    assert np.array_equal(np.asarray(image), np.asarray(expected))


@pytest.mark.parametrize("value", [0, 9, 65535])
def test_ignores_an_impossible_orientation(tmp_path: Path, value: int) -> None:
    photo, _ = read_photo(pictures.jpeg(tmp_path / "a.jpg", exif=pictures.exif(orientation=value)))
    assert photo.size_px == (64, 48)


# Pixels of every kind


@pytest.mark.parametrize(
    ("mode", "value", "expected"),
    [("1", 1, 255), ("L", 77, 77), ("P", 77, 77), ("I;16", 0, 0), ("I;16", 25700, 100), ("I;16", 65535, 255)],
)
def test_greyscale_of_every_depth(tmp_path: Path, mode: str, value: int, expected: int) -> None:
    image = Image.new(mode, (32, 32), value)
    if mode == "P":
        image.putpalette([level for level in range(256) for _ in range(3)])
    image.save(tmp_path / "grey.png")
    _, read = read_photo(tmp_path / "grey.png")
    assert corner(read).tolist() == [expected] * 3


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparency_is_seen_on_white(tmp_path: Path, mode: str) -> None:
    image = Image.new("RGBA", (32, 32), (0, 0, 0, 0))
    image.paste((0, 0, 0, 255), (16, 0, 32, 32))
    image.convert(mode).save(tmp_path / "a.png")
    _, read = read_photo(tmp_path / "a.png")
    assert read.getpixel((2, 2)) == (255, 255, 255) and read.getpixel((30, 2)) == (0, 0, 0)


def test_a_transparent_palette_colour_is_white(tmp_path: Path) -> None:
    image = Image.new("P", (32, 32), 1)
    image.putpalette([10, 10, 10, 200, 0, 0])
    image.paste(0, (16, 0, 32, 32))
    image.save(tmp_path / "a.png", transparency=bytes([0, 255]))
    _, read = read_photo(tmp_path / "a.png")
    assert read.getpixel((30, 2)) == (255, 255, 255) and read.getpixel((2, 2)) == (200, 0, 0)


@pytest.mark.parametrize("adobe", [True, False])
def test_cmyk_comes_out_the_right_way_round(tmp_path: Path, adobe: bool) -> None:
    image = Image.new("CMYK", (32, 32), (0, 255, 255, 0))  # red
    buffer = io.BytesIO()
    if adobe:
        image.save(buffer, "JPEG", quality=95)
        data = buffer.getvalue()
    else:  # Pillow writes inverted values, as Adobe does; without the marker they count as they are
        from PIL import ImageChops

        ImageChops.invert(image).save(buffer, "JPEG", quality=95)
        data = pictures.without_adobe_marker(buffer.getvalue())
    (tmp_path / "a.jpg").write_bytes(data)
    _, read = read_photo(tmp_path / "a.jpg")
    assert np.abs(corner(read) - RED).max() < 8


@pytest.mark.parametrize("suffix", ["gif", "png", "webp", "avif"])
def test_of_an_animation_the_first_picture_counts(tmp_path: Path, suffix: str) -> None:
    first, second = Image.new("RGB", (32, 32), "red"), Image.new("RGB", (32, 32), "blue")
    first.save(tmp_path / f"a.{suffix}", save_all=True, append_images=[second], duration=100)
    photo, read = read_photo(tmp_path / f"a.{suffix}")
    assert np.abs(corner(read) - RED).max() < 20
    assert len(photo.warnings) == 1 and "only the main one" in photo.warnings[0]


def test_the_second_picture_of_an_mpo_is_no_animation(tmp_path: Path) -> None:
    pictures.scene().save(tmp_path / "a.jpg", "MPO", save_all=True, append_images=[pictures.scene()])
    photo, _ = read_photo(tmp_path / "a.jpg")
    assert photo.format == "JPEG" and photo.warnings == ()


@pytest.mark.parametrize(("size", "word"), [((640, 32), "wide"), ((32, 640), "high")])
def test_a_panorama_works_with_a_warning(tmp_path: Path, size: tuple[int, int], word: str) -> None:
    photo, image = read_photo(pictures.jpeg(tmp_path / "a.jpg", pictures.scene(*size)))
    assert image.size == size
    assert photo.warnings == (
        f"The picture is 20 times as {word} as it is "
        f"{'high' if word == 'wide' else 'wide'}; the model sees only its middle.",
    )


def test_a_huge_jpeg_is_read_at_half_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = pictures.jpeg(tmp_path / "a.jpg", pictures.scene(1001, 600), exif=pictures.exif(orientation=6))
    _, full = read_photo(path)
    monkeypatch.setattr("geotool.photos.read.HALVE_ABOVE_MEGAPIXELS", 0.5)
    photo, half = read_photo(path)
    assert photo.size_px == (600, 1001) and half.size == (300, 501)
    a, b = (np.asarray(im.resize((112, 112), Image.Resampling.BICUBIC), dtype=int) for im in (full, half))
    assert np.abs(a - b).mean() < 1


# Files that are no pictures


def test_a_missing_file(tmp_path: Path) -> None:
    for path in (tmp_path / "no.jpg", tmp_path / "no" / "no.jpg", "zero\0byte.jpg", ""):
        with pytest.raises(GeotoolError) as caught:
            read_photo(path)
        assert isinstance(caught.value, NotFoundError) or path == ""
        assert str(tmp_path) not in str(caught.value) and caught.value.hint


def test_a_folder(tmp_path: Path) -> None:
    assert "is a folder" in refusal(tmp_path)


def test_an_empty_file(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").touch()
    assert "a.jpg is empty." in refusal(tmp_path / "a.jpg")


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"hello, this is no picture", "no picture"),
        (b"%PDF-1.7 ...", "a PDF"),
        (b"8BPS\0\1", "Photoshop"),
        (b"II*\0" + bytes(100), "TIFF"),
        (b"MM\0*" + bytes(100), "TIFF"),
        (b"\0\0\1\0" + bytes(50), "icon"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
        (b"\x7fELF" + bytes(64), "no picture"),
        (b"P6 64 64 255\n" + bytes(64 * 64 * 3), "no picture"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", "no picture"),
    ],
)
def test_another_kind_of_file_called_jpg(tmp_path: Path, data: bytes, kind: str) -> None:
    (tmp_path / "a.jpg").write_bytes(data)
    message = refusal(tmp_path / "a.jpg")
    assert kind in message and "Use JPEG, PNG, WebP, HEIC" in message


def test_pillow_itself_would_have_opened_some_of_them(tmp_path: Path) -> None:
    for suffix in ("tif", "pdf", "ico", "pcx", "ppm", "tga", "jp2", "eps", "sgi", "dds"):
        pictures.scene().save(tmp_path / f"a.{suffix}")
        assert "Use JPEG" in refusal(tmp_path / f"a.{suffix}")


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "heic", "avif", "gif", "bmp"])
@pytest.mark.parametrize("share", [0.1, 0.6, 0.9])
def test_a_truncated_picture(tmp_path: Path, suffix: str, share: float) -> None:
    prepare_pillow()
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 255, (96, 96, 3), dtype=np.uint8))
    noise.save(tmp_path / f"a.{suffix}")
    data = (tmp_path / f"a.{suffix}").read_bytes()
    (tmp_path / f"a.{suffix}").write_bytes(data[: int(len(data) * share)])
    assert refusal(tmp_path / f"a.{suffix}") == (
        f"a.{suffix} is damaged or incomplete. Copy it again from where it came from."
    )


@pytest.mark.parametrize("size", [(1, 1), (15, 200), (200, 15)])
def test_a_tiny_picture(tmp_path: Path, size: tuple[int, int]) -> None:
    assert "too small" in refusal(pictures.jpeg(tmp_path / "a.jpg", Image.new("RGB", size)))


def test_the_smallest_picture_works(tmp_path: Path) -> None:
    assert read_photo(pictures.jpeg(tmp_path / "a.jpg", pictures.scene(16, 16)))[1].size == (16, 16)


@pytest.mark.parametrize("size", [(10_001, 10_000), (20_000, 9_000), (40_000, 40_000), (2**31 - 1,) * 2])
def test_a_decompression_bomb_is_refused_by_its_header(tmp_path: Path, size: tuple[int, int]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert "The limit is 100 megapixels" in refusal(pictures.png_claiming(tmp_path / "a.png", *size))


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_a_jpeg_bomb(tmp_path: Path) -> None:
    assert "limit is" in refusal(pictures.jpeg_claiming(tmp_path / "a.jpg", 65_000, 65_000))
    progressive = pictures.jpeg_claiming(tmp_path / "b.jpg", 14_000, 14_000, progressive=True)
    assert "196 megapixels. The limit is 100" in refusal(progressive)


def test_a_png_that_promises_more_than_it_holds(tmp_path: Path) -> None:
    assert "damaged or incomplete" in refusal(pictures.png_claiming(tmp_path / "a.png", 4_000, 4_000))


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "a.jpg").open("wb") as file:
        file.truncate(201_000_000)  # a hole: takes no space
    assert refusal(tmp_path / "a.jpg") == "a.jpg has 201 MB. The limit is 200 MB: make it smaller."


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_pipes_devices_and_sockets_do_not_hang(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    assert "device or pipe" in refusal(tmp_path / "pipe.jpg")
    for device in ("/dev/zero", "/dev/tty"):
        if Path(device).exists():
            refusal(device)
    with socket.socket(socket.AF_UNIX) as server:
        monkeypatch.chdir(tmp_path)  # the name of a socket must be short
        server.bind("s.jpg")
        refusal(tmp_path / "s.jpg")


@pytest.mark.skipif(os.name == "nt", reason="links need special rights on Windows")
def test_links_are_followed_and_loops_refused(tmp_path: Path) -> None:
    (tmp_path / "link.jpg").symlink_to(pictures.jpeg(tmp_path / "a.jpg"))
    assert read_photo(tmp_path / "link.jpg")[1].size == (64, 48)
    (tmp_path / "x.jpg").symlink_to(tmp_path / "y.jpg")
    (tmp_path / "y.jpg").symlink_to(tmp_path / "x.jpg")
    assert "cannot be opened" in refusal(tmp_path / "x.jpg")


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="the administrator may read everything")
def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    pictures.jpeg(tmp_path / "a.jpg").chmod(0)
    assert "may not be read" in refusal(tmp_path / "a.jpg")


@pytest.mark.skipif(os.name == "nt", reason="Windows allows no such names")
@pytest.mark.parametrize("name", [b"\xff\xfe.jpg", b"two\nlines.jpg", b"\x1b[2J.jpg", "東京.jpg".encode()])
def test_odd_names_work_and_are_printable_in_messages(tmp_path: Path, name: bytes) -> None:
    path = tmp_path / os.fsdecode(name)
    try:
        pictures.jpeg(path)
    except OSError:
        pytest.skip("this file system refuses the name")
    assert read_photo(path)[1].size == (64, 48)
    path.write_bytes(b"no picture")
    message = refusal(path)
    assert message.isprintable() and message.encode("utf-8")


def test_pillow_is_silent(tmp_path: Path, recwarn: pytest.WarningsRecorder) -> None:
    prepare_pillow.cache_clear()
    refusal(pictures.png_claiming(tmp_path / "a.png", 15_000, 10_000))
    assert not [w for w in recwarn if "PIL" in str(w.filename)]


@pytest.mark.parametrize("suffix", ["png", "jpg", "gif"])
def test_a_file_that_keeps_the_reader_busy_is_given_up(
    tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("geotool.photos.files.MAX_READ_S", -1)
    noise = np.random.default_rng(0).integers(0, 255, (300, 300, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / f"a.{suffix}")
    assert "takes too long to read" in refusal(tmp_path / f"a.{suffix}")


def test_a_jpeg_of_endless_passes_is_refused_before_decoding(tmp_path: Path) -> None:
    path = pictures.jpeg_of_many_passes(tmp_path / "a.jpg", 1000, 1000, 2100)
    assert "takes too long to read" in refusal(path)
    assert read_photo(pictures.jpeg_of_many_passes(path, 1000, 1000, 20))[1].size == (1000, 1000)
