"""Coordinates as people type or paste them, read into a LatLon without guessing.

geopy's Point was measured first: it reads "48,85 2,35" as 2, 35 and "48 51.4 N, 2 21.05 W" as
2, -21.05, because it skips whatever it does not understand. A wrong truth is worse than none, so
here the whole text is read in every way it can be read, and exactly one point has to come out.

Rules that decide what can be read:
- an angle is degrees, degrees and minutes, or degrees, minutes and seconds; only its last number
  may have decimals; a minus and a letter (N, S, E, W) exclude each other;
- decimals are written with a point or with a comma, one of the two throughout;
- with decimal commas, the two angles are separated by something else than a bare comma between
  digits: "48,85 2,35" is read, "48,85,2,35" is refused;
- without letters and degree marks both angles have equally many numbers: "48 51 2 21" is read.
"""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from geotool.core.errors import UsageError
from geotool.core.geo import LatLon

# Columns of tables that hold them, in any case; the first is the one geotool writes.
LAT_COLUMNS = ("lat", "latitude")
LON_COLUMNS = ("lon", "lng", "longitude")

EXAMPLE = "Type lat, lon in degrees, for example 48.8584, 2.2945 or 48.8584N 2.2945E."
MAX_LENGTH = 120

Axis = Literal["lat", "lon"]
# Latitude and longitude by name are written as φ and λ while reading: an axis without a sign.
LETTERS: dict[str, tuple[Axis, int]] = {
    "N": ("lat", 1),
    "S": ("lat", -1),
    "E": ("lon", 1),
    "W": ("lon", -1),
    "Φ": ("lat", 1),
    "Λ": ("lon", 1),
}
MARKS = str.maketrans(
    {
        **dict.fromkeys("−–—‒‐‑﹣－", "-"),
        **dict.fromkeys("º˚∘", "°"),
        **dict.fromkeys("′’‘´`ʹ‵", "'"),
        **dict.fromkeys("″”“„ʺ‶", '"'),
        **dict.fromkeys("()[]{}:=|&", " "),
        **dict.fromkeys("，、", ","),
        "；": ";",
        "．": ".",
    }
)
WORDS = (
    (r"\b(?:LATITUDE|LAT)\b", "Φ"),
    (r"\b(?:LONGITUDE|LONG|LON|LNG)\b", "Λ"),
    (r"(?<=[\d\s])(?:DEGREES|DEGREE|DEG)\b\.?", "°"),
    (r"(?<=[\d\s])(?:MINUTES|MINUTE|MIN)\b\.?", "'"),
    (r"(?<=[\d\s])(?:SECONDS|SECOND|SEC)\b\.?", '"'),
    (r"(\d)D\s*(\d+)M\s*([\d.]+)S", r"""\1°\2'\3" """),
    (r"\bNORTH\b", "N"),
    (r"\bSOUTH\b", "S"),
    (r"\bEAST\b", "E"),
    (r"\bWEST\b", "W"),
    ("''", '"'),
)
URL_PAIR = r"(-?\d+(?:\.\d+)?)(?:,|%2C|/|&[a-z]+=|!4d)(-?\d+(?:\.\d+)?)"
# A marked place comes before the centre of the view.
URL_FORMS = ("!3d", "mlat=", r"(?:q|query|ll|destination)=", "@", "#map=[0-9.]+/", "^geo:")


@dataclass(frozen=True, slots=True)
class Angle:
    """One half of what was typed: degrees, how many numbers said so, and the axis if a letter did."""

    degrees: float
    parts: int
    axis: Axis | None
    marked: bool


def parse_latlon(text: str) -> LatLon:
    """The point that `text` says. Raises UsageError when it says none, or more than one.

    Reads decimal degrees (point or comma), degrees-minutes-seconds with the usual signs, letters
    N S E W on either side, either order when letters tell it, and links of map sites.
    """
    if not text.strip():
        raise UsageError("No coordinates were given.", EXAMPLE)
    points = dict.fromkeys(_readings(_tidy(text)))
    if not points:
        raise _not_understood(text)
    if len(points) > 1:
        readings = " or ".join(f"{lat:.6g}, {lon:.6g}" for lat, lon in list(points)[:3])
        raise UsageError(f"The coordinates {_shown(text)} can be read as {readings}.", EXAMPLE)
    return _checked(*next(iter(points)))


def _tidy(text: str) -> str:
    """Upper case, one kind of each sign, words as signs; of a link only its coordinates."""
    for form in URL_FORMS if re.match(r"\s*(https?://|geo:|www\.|@)", text) else ():
        if found := re.search(form + URL_PAIR, urllib.parse.unquote(text.strip()[:4000])):
            return f"{found[1]}, {found[2]}"
    if len(text) > MAX_LENGTH:
        raise _not_understood(text)
    text = text.upper().translate(MARKS)
    if re.search(r"\bLAT", text):  # as in JSON: "lat": 48.85, where the quotes are no seconds
        text = re.sub(r"""["'](?=\s*LA?[TO])|(?<=[TGNE])["']""", " ", text)
    for word, sign in WORDS:
        text = re.sub(word, sign, text)
    return " ".join(text.split())


def _readings(text: str) -> Iterator[tuple[float, float]]:
    """Every pair (lat, lon) that the whole text can mean."""
    for decimal in ".,":
        for first, second in _halves(text, decimal):
            a, b = _angle(first, decimal), _angle(second, decimal)
            if a is None or b is None or (a.axis and a.axis == b.axis):
                continue
            if a.parts != b.parts and not (a.marked or b.marked):
                continue
            swapped = a.axis == "lon" or b.axis == "lat"
            yield (b.degrees, a.degrees) if swapped else (a.degrees, b.degrees)


def _halves(text: str, decimal: str) -> Iterator[tuple[str, str]]:
    """Every way to cut the text in two: at a separator, or beside a letter where there are two."""
    both_letters = sum(letter in LETTERS for letter in text) >= 2
    for i, sign in enumerate(text):
        between_digits = text[i - 1 : i].isdigit() and text[i + 1 : i + 2].isdigit()
        if sign in " ;/" or (sign == "," and not (decimal == "," and between_digits)):
            yield text[:i].strip(" "), text[i + 1 :].strip(" ")
        elif both_letters and sign in LETTERS:
            yield text[:i], text[i:]
            yield text[: i + 1], text[i + 1 :]


def _angle(text: str, decimal: str) -> Angle | None:
    """One angle that fills the whole text, else None. Range of minutes and seconds is checked here."""
    number = r"(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)" if decimal == "." else "[0-9]+(?:,[0-9]+)?"
    pattern = (
        rf"([ΦΛ]?) ?([NSEW]?) ?([+-]?)({number})(?:(?: ?° ?| (?=[0-9]))"
        rf"(?:({number})(?:(?: ?' ?| (?=[0-9]))(?:({number}) ?\"?)?)?)?)? ?([NSEW]?)"
    )
    found = re.fullmatch(pattern, text)
    if found is None:
        return None
    name, front, sign, *numbers, back = found.groups()
    return _to_angle(name, front + back, sign, [n for n in numbers if n], bool(re.search("[°'\"]", text)))


def _to_angle(name: str, letter: str, sign: str, numbers: list[str], marks: bool) -> Angle | None:
    if len(letter) > 1 or (letter and sign == "-"):
        return None
    axes = sorted({LETTERS[key][0] for key in name + letter})
    if len(axes) > 1 or not all(n.isdigit() for n in numbers[:-1]):
        return None
    values = [float(n.replace(",", ".")) for n in numbers]
    if any(value >= 60 for value in values[1:]):
        return None
    negative = sign == "-" or (letter and LETTERS[letter][1] < 0)
    degrees = sum(value / 60**i for i, value in enumerate(values))
    axis = axes[0] if axes else None
    return Angle(-degrees if negative else degrees, len(values), axis, marks or bool(letter))


def _checked(lat: float, lon: float) -> LatLon:
    """The point, or a UsageError that says which value is out of range and whether they look swapped."""
    if abs(lat) > 90 and abs(lon) <= 90 and abs(lat) <= 180:
        raise UsageError(
            f"Latitude {lat:g} is outside -90..90.", f"Latitude comes first: did you mean {lon:g}, {lat:g}?"
        )
    if abs(lat) > 90:
        raise UsageError(f"Latitude {lat:g} is outside -90..90.", EXAMPLE)
    if abs(lon) > 180:
        raise UsageError(f"Longitude {lon:g} is outside -180..180.", EXAMPLE)
    return LatLon(lat=lat, lon=lon)


def _not_understood(text: str) -> UsageError:
    hint = EXAMPLE
    if re.search(r"[0-9°'\"′″] ?O\b", text):
        hint = f"The letter O means east in some languages and west in others: use E or W. {EXAMPLE}"
    elif re.fullmatch(r"\s*[0-9]+,[0-9]+,[0-9]+,[0-9]+\s*", text):
        hint = f"With decimal commas, put a space or a semicolon between the two. {EXAMPLE}"
    return UsageError(f"The coordinates {_shown(text)} cannot be read.", hint)


def _shown(text: str) -> str:
    """The typed text in quotes, printable and short enough for one sentence."""
    clean = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return f'"{clean[:60]}..."' if len(clean) > 60 else f'"{clean}"'
