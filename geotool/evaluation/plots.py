"""Two pictures of a calibrated run, as SVG: are the radii honest, and what do they save."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from geotool.core.records import Confidence
from geotool.evaluation.coverage import MARKS, group_coverage, pick_calibrated, recall_by_area, wilson

RELIABILITY_FILE, RECALL_FILE = "reliability.svg", "recall_area.svg"
_WIDTH, _HEIGHT = 640, 400  # px
_LEFT, _RIGHT, _TOP, _BOTTOM = 60, 620, 50, 345  # of the plotting area
_COLOURS = ("#0b6e99", "#c2571a")


class Chart:
    """A chart with a logarithmic x axis of whole powers of ten and percent upwards."""

    def __init__(self, title: str, x_label: str, y_label: str, low: float, high: float) -> None:
        self._low, self._high = math.floor(math.log10(low)), math.ceil(math.log10(high))
        self._high = max(self._high, self._low + 1)
        self._parts = [_text(_LEFT, 24, title, "start", 15), _text(_LEFT, 42, y_label, "start")]
        self._parts.append(_text((_LEFT + _RIGHT) / 2, _HEIGHT - 16, x_label, "middle"))
        for percent in range(0, 101, 20):
            y = self.y(percent)
            self._parts.append(_line([(_LEFT, y), (_RIGHT, y)], "#d9d9d9"))
            self._parts.append(_text(_LEFT - 8, y + 4, f"{percent} %", "end"))
        for power in range(self._low, self._high + 1):
            label = f"{10.0**power:g}" if -3 < power < 5 else f"1e{power}"
            self._parts.append(_text(self.x(10.0**power), _BOTTOM + 18, label, "middle"))

    def x(self, value: float) -> float:
        share = (math.log10(value) - self._low) / (self._high - self._low)
        return _LEFT + (_RIGHT - _LEFT) * min(1.0, max(0.0, share))

    def y(self, percent: float) -> float:
        return _BOTTOM - (_BOTTOM - _TOP) * percent / 100

    def add_level(self, percent: float, colour: str) -> None:
        """A dashed line over the whole width: what should be."""
        y = self.y(percent)
        self._parts.append(_line([(_LEFT, y), (_RIGHT, y)], colour, 'stroke-dasharray="5 4"'))

    def add_curve(self, xs: Sequence[float], percents: Sequence[float], colour: str) -> None:
        points = [(self.x(x), self.y(percent)) for x, percent in zip(xs, percents, strict=True)]
        self._parts.append(_line(points, colour, 'stroke-width="2"'))

    def add_point(self, x: float, percent: float, low: float, high: float, colour: str) -> None:
        """A dot with its interval."""
        left = self.x(x)
        self._parts.append(_line([(left, self.y(low)), (left, self.y(high))], colour))
        self._parts.append(f'<circle cx="{left:.1f}" cy="{self.y(percent):.1f}" r="4" fill="{colour}"/>')

    def add_legend(self, row: int, words: str, colour: str) -> None:
        x, y = _LEFT + 12, _TOP + 16 + 18 * row
        self._parts.append(f'<rect x="{x}" y="{y - 9}" width="10" height="10" fill="{colour}"/>')
        self._parts.append(_text(x + 16, y, words, "start"))

    def to_svg(self) -> str:
        head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        head += f'width="{_WIDTH}" height="{_HEIGHT}" font-family="sans-serif">'
        return "\n".join([head, '<rect width="100%" height="100%" fill="white"/>', *self._parts, "</svg>\n"])


def write_plots(folder: Path, confidences: Sequence[Confidence | None], error_km: np.ndarray) -> list[Path]:
    """Write both pictures into `folder` and give their paths; none where no answer has radii."""
    radii_km, errors_km, _ = pick_calibrated(confidences, error_km)
    if not len(errors_km):
        return []
    pictures = {
        RELIABILITY_FILE: draw_reliability(radii_km, errors_km),
        RECALL_FILE: draw_recall(radii_km, errors_km),
    }
    for name, svg in pictures.items():
        (folder / name).write_text(svg, encoding="utf-8")
    return [folder / name for name in pictures]


def draw_reliability(radii_km: np.ndarray, error_km: np.ndarray) -> str:
    """Percent of truths inside the 50 % and the 80 % circle, from easy to hard photos, as SVG."""
    groups = group_coverage(radii_km, error_km)
    middles = [max(group["radius50_km"], 0.01) for group in groups]
    chart = Chart(
        "Reliability of the radii", "50 % radius of the photos, km", "Truths inside (95 % interval)",
        min(middles), max(middles),
    )  # fmt: skip
    for column, (mark, colour) in enumerate(zip(MARKS, _COLOURS, strict=True)):
        chart.add_level(mark, colour)
        chart.add_legend(column, f"{mark} % circle", colour)
        for x, group in zip(middles, groups, strict=True):
            hits, n = group["hits"][column], group["n"]
            low, high = wilson(hits, n)
            chart.add_point(x, 100 * hits / n, 100 * low, 100 * high, colour)
    return chart.to_svg()


def draw_recall(radii_km: np.ndarray, error_km: np.ndarray) -> str:
    """Percent of truths found against the area searched per photo, as SVG."""
    areas_km2, found = recall_by_area(radii_km, error_km)
    chart = Chart(
        "Recall against searched area", "area searched for a typical photo (geometric mean), km²",
        "Truths inside", float(areas_km2.min()), float(areas_km2.max()),
    )  # fmt: skip
    words = ("the same circle around every answer", "circles in proportion to the 50 % radius")
    for column, (text, colour) in enumerate(zip(words, _COLOURS, strict=True)):
        chart.add_curve(areas_km2[:, column].tolist(), found[:, column].tolist(), colour)
        chart.add_legend(column, text, colour)
    return chart.to_svg()


def _line(points: Sequence[tuple[float, float]], colour: str, style: str = "") -> str:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline points="{path}" fill="none" stroke="{colour}" {style}/>'


def _text(x: float, y: float, words: str, anchor: str, size: int = 12) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}">{words}</text>'
