"""Views: the same parts of every photo, so that features on disk regain some of what random crops give.

View 0 is the whole photo. The others are its middle and its corners at three quarters and at half of its
width and height, in its own proportions and never mirrored: a mirrored street lies in another country. The
model's preprocessing treats each part as if it were the photo.
"""

from __future__ import annotations

_SIDES = (0.75, 0.5)  # of the photo's width and height
_PLACES = ((0.5, 0.5), (0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1.0, 1.0))  # of the part's free room: x, y
MAX_VIEWS = 1 + len(_SIDES) * len(_PLACES)

Box = tuple[int, int, int, int]  # left, top, right, bottom in pixels


def find_boxes(size_px: tuple[int, int], views: int) -> list[Box]:
    """The first `views` parts of an upright photo of (width, height)."""
    parts = [(side, x, y) for side in _SIDES for x, y in _PLACES]
    return [(0, 0, *size_px), *(_box(size_px, *part) for part in parts[: views - 1])]


def _box(size_px: tuple[int, int], side: float, x: float, y: float) -> Box:
    width, height = (max(1, round(side * length)) for length in size_px)
    left, top = round((size_px[0] - width) * x), round((size_px[1] - height) * y)
    return left, top, left + width, top + height
