"""What lets a person check an answer: what the camera wrote, where it disagrees, what to look at."""

from __future__ import annotations

from functools import cache
from html import escape

from geotool.core.geo import LatLon, geodesic_km
from geotool.core.paths import ASSETS_DIR
from geotool.core.records import Prediction
from geotool.output.numbers import THIN_SPACE, format_km
from geotool.ui.links_out import links_html
from geotool.ui.markup import facts_html

DISAGREE_KM = 200  # beyond a region: the two cannot both be right about the place
CHECKLIST_FILE = ASSETS_DIR / "help" / "3-checking.md"
NOT_RECORDED = "not recorded"
ORIENTATIONS = {
    1: "upright", 2: "mirrored", 3: "turned by 180 degrees", 4: "mirrored, turned by 180 degrees",
    5: "mirrored, turned by 90 degrees", 6: "turned by 90 degrees to the right",
    7: "mirrored, turned by 90 degrees", 8: "turned by 90 degrees to the left",
}  # fmt: skip


def exif_html(prediction: Prediction | None) -> str:
    """Camera, time, orientation and position as the file has them; never what was typed or clicked."""
    if prediction is None:
        return ""
    photo = prediction.photo
    position = _position(photo.exif_position) if photo.exif_position else NOT_RECORDED
    rows = [
        ("Camera", photo.camera or NOT_RECORDED),
        ("Taken", f"{photo.taken_at}, by the camera's clock" if photo.taken_at else NOT_RECORDED),
        ("Orientation", ORIENTATIONS[photo.orientation]),
        ("Position", position),
        ("Altitude", NOT_RECORDED if photo.altitude_m is None else _metres(photo.altitude_m)),
        ("Picture", f"{photo.format} {photo.size_px[0]} x {photo.size_px[1]} px".strip()),
        ("SHA-256", photo.photo_id),
        *(("Note", warning) for warning in photo.warnings),
    ]
    note = '<p class="gt-note">Anyone can edit these entries. The model sees none of them.</p>'
    return facts_html(rows) + note


def _position(location: LatLon) -> str:
    return f"{location.lat:.6f}, {location.lon:.6f}"


def _metres(altitude_m: float) -> str:
    return f"{altitude_m:,.0f} m".replace(",", THIN_SPACE)


def disagreement_html(prediction: Prediction | None) -> str:
    """A warning where the file's own position and the answer lie far apart; else nothing."""
    distance_km = disagreement_km(prediction)
    if distance_km is None or distance_km <= DISAGREE_KM:
        return ""
    words = (
        f"The photo's EXIF position and this answer are {format_km(distance_km)} apart: they cannot both be"
        " right. EXIF can be edited or left over from another place; the model can be wrong."
    )
    return f'<p class="gt-message" role="status">{escape(words)}</p>'


def disagreement_km(prediction: Prediction | None) -> float | None:
    """Between the file's own position and the answer; None where one of them is missing."""
    if prediction is None or prediction.is_unknown or prediction.best is None:
        return None
    position = prediction.photo.exif_position
    return None if position is None else geodesic_km(position, prediction.best)


def checking_html(prediction: Prediction | None) -> str:
    """The warning, and folded: pages that help to check the best place, and what to look at."""
    if prediction is None or prediction.is_unknown or prediction.best is None:
        return ""
    points = "".join(
        f'<li><label><input type="checkbox"> <span><b>{escape(lead)}</b> {escape(rest)}</span></label></li>'
        for lead, rest in checklist()
    )
    return (
        f"{disagreement_html(prediction)}"
        '<details class="gt-check"><summary>Check this answer</summary>'
        f"<h3>Look at the best place elsewhere</h3>{links_html(prediction.best)}"
        f"<h3>Compare with the photo</h3><ul>{points}</ul></details>"
    )


@cache
def checklist() -> tuple[tuple[str, str], ...]:
    """The points of the help page: each a lead in bold and a sentence."""
    lines = CHECKLIST_FILE.read_text(encoding="utf-8").splitlines()
    points = [line.removeprefix("- **").split("** ", 1) for line in lines if line.startswith("- **")]
    return tuple((lead, rest) for lead, rest in points)
