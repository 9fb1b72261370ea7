"""Pixels of any kind to 8-bit RGB, the right way up."""

from __future__ import annotations

from PIL import Image, ImageChops

# EXIF orientation -> what has to be done to see the picture upright. Own table, because
# ImageOps.exif_transpose also rewrites the EXIF block and fails where that block is damaged.
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def turn_upright(image: Image.Image, orientation: int) -> Image.Image:
    """Apply an EXIF orientation (1-8); other values leave the image as it is."""
    return image.transpose(UPRIGHT[orientation]) if orientation in UPRIGHT else image


def to_rgb(picture: Image.Image) -> Image.Image:
    """A new RGB image: transparency on white, 16 bits scaled to 8, CMYK the right way round."""
    if picture.mode.startswith("I"):
        return _from_16_bit(picture).convert("RGB")
    if picture.has_transparency_data:
        return _on_white(picture)
    if picture.mode == "CMYK" and picture.format == "JPEG" and "adobe" not in picture.info:
        return ImageChops.invert(picture).convert("RGB")  # Pillow takes every CMYK JPEG for Adobe's
    return picture.convert("RGB")


def _from_16_bit(picture: Image.Image) -> Image.Image:
    """Greyscale of 16 bits to 8 bits: 65535 becomes 255 (Pillow's own way clips at 255)."""
    return picture.convert("I").point(lambda value: value * (1 / 257) + 0.5).convert("L")


def _on_white(picture: Image.Image) -> Image.Image:
    rgba = picture.convert("RGBA")
    alpha = rgba.getchannel("A")
    if alpha.getextrema() == (255, 255):
        return rgba.convert("RGB")
    white = Image.new("RGB", rgba.size, "white")
    white.paste(rgba, mask=alpha)
    return white
