"""parse_latlon: what people type, what they paste, and what must not be guessed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geotool.core.coordinates import parse_latlon
from geotool.core.errors import UsageError

PARIS = (48.85, 2.35)
READABLE = {
    "48.85, 2.35": PARIS,
    "48.85,2.35": PARIS,
    "48.85 2.35": PARIS,
    "48.85; 2.35": PARIS,
    "48.85\t2.35": PARIS,
    "48.85 / 2.35": PARIS,
    "48,85 2,35": PARIS,
    "48,85; 2,35": PARIS,
    "48,85, 2,35": PARIS,
    "48,85N 2,35E": PARIS,
    "48,85N,2,35E": PARIS,
    "(48.85, 2.35)": PARIS,
    "[48.85, 2.35]": PARIS,
    "48.85N 2.35E": PARIS,
    "48.85n, 2.35e": PARIS,
    "48.85 N 2.35 E": PARIS,
    "48.85N2.35E": PARIS,
    "N48.85 E2.35": PARIS,
    "N48.85E2.35": PARIS,
    "N 48.85, E 2.35": PARIS,
    "2.35E 48.85N": PARIS,
    "2.35 E, 48.85": PARIS,
    "48.85, 2.35E": PARIS,
    "+48.85 +2.35": PARIS,
    "lat 48.85 lon 2.35": PARIS,
    "Latitude: 48.85, Longitude: 2.35": PARIS,
    "lon=2.35, lat=48.85": PARIS,
    '{"lat": 48.85, "lon": 2.35}': PARIS,
    "48.85 North, 2.35 East": PARIS,
    "48.85°, 2.35°": PARIS,
    "48.85° N, 2.35° E": PARIS,
    "48°51'N 2°21'E": PARIS,
    "48°51′ N, 2°21′ E": PARIS,
    "48º51’00”N 2º21’00”E": PARIS,
    "48°51'0.0\"N 2°21'0.0\"E": PARIS,
    "48°51'00''N 2°21'00''E": PARIS,
    "48°51'00\"N2°21'00\"E": PARIS,
    "N48°51'00\" E2°21'00\"": PARIS,
    "48 51 0 N 2 21 0 E": PARIS,
    "48 51 N 2 21 E": PARIS,
    "48 51.0, 2 21.0": PARIS,
    "48 51,0 2 21,0": PARIS,
    "48 51 2 21": PARIS,
    "48 51 00 2 21 00": PARIS,
    "48:51:00N 2:21:00E": PARIS,
    "48d51m00s N, 2d21m00s E": PARIS,
    "48 deg 51 min N, 2 deg 21 min E": PARIS,
    "https://www.google.com/maps/@48.85,2.35,15z": PARIS,
    "@48.85,2.35,15z": PARIS,
    "https://www.google.com/maps/place/X/@1,1,15z/data=!3m1!4b1!3d48.85!4d2.35": PARIS,
    "https://maps.google.com/?q=48.85,2.35": PARIS,
    "https://maps.apple.com/?ll=48.85%2C2.35": PARIS,
    "https://www.openstreetmap.org/?mlat=48.85&mlon=2.35#map=5/1/1": PARIS,
    "https://www.openstreetmap.org/#map=15/48.85/2.35": PARIS,
    "geo:48.85,2.35?z=15": PARIS,
    "-33.9, 18.4": (-33.9, 18.4),
    "−33.9, –18.4": (-33.9, -18.4),
    "33.9S 18.4W": (-33.9, -18.4),
    "33°54′S 18°24′W": (-33.9, -18.4),
    "-0°30', 0°30'": (-0.5, 0.5),
    "-12,5 100": (-12.5, 100),
    "10,20": (10, 20),
    "48°, 2°21'": (48, 2.35),
    "0, 0": (0, 0),
    "90, 180": (90, -180),
    "-90, -180": (-90, -180),
    ".5, .25": (0.5, 0.25),
}


@pytest.mark.parametrize("text", READABLE)
def test_reads(text: str) -> None:
    point = parse_latlon(text)
    assert (point.lat, point.lon) == pytest.approx(READABLE[text], abs=1e-9)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "Paris",
        "48.85",
        "48.85N",
        "48.85,",
        ",",
        "NaN, NaN",
        "inf, 2",
        "1e2, 3",
        "48.85, 2.35, 120",
        "48.85.1, 2",
        "48,85,2,35",
        "48.85N 2.35S",
        "48.85E 2.35E",
        "-48.85N 2.35E",
        "-48.85S, 2.35",
        "N48.85S 2E",
        "48 75 N 2 21 E",
        "48 51 75 N 2 21 3 E",
        "48.5 30 N 2 E",
        "48 2 21",
        "48 51 24 2 21",
        "48.85 - 2.35",
        "48.85-2.35",
        "48.85; 2.35; 1",
        "4851 221 7",
        "91, 200",
        "48, 181",
        "181E 48N",
        "٤٨, ٢",
        "48.85 O, 2.35 N",
        "N, E",
        "° °",
        "48.85, 2.35 metres",
        "48N 2 21 E 7",
        "\x00",
        "😀, 😀",
        "https://example.org/",
        "9" * 5000,
        "48.85, " + "2" * 400,
        "48.85 N 2.35",
        "48 2 21 E",
    ],
)
def test_refuses_with_an_example(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_latlon(text)
    assert caught.value.hint and len(str(caught.value)) < 400
    assert str(caught.value).isprintable()


def test_suggests_the_swap() -> None:
    with pytest.raises(UsageError, match=r"did you mean 35.7, 139.7\?"):
        parse_latlon("139.7, 35.7")


def test_shows_the_readings_of_what_is_ambiguous() -> None:
    with pytest.raises(UsageError, match=r"2\.35, 48\.85 or 48\.85, 2\.35"):
        parse_latlon("48.85 N 2.35")


def test_says_how_to_separate_decimal_commas() -> None:
    with pytest.raises(UsageError, match="semicolon"):
        parse_latlon("48,85,2,35")


def test_says_why_the_letter_o_is_refused() -> None:
    with pytest.raises(UsageError, match="use E or W"):
        parse_latlon("48.85N 2.35O")


lats = st.floats(-90, 90)
lons = st.floats(-180, 179.999)


@given(lats, lons, st.sampled_from(["{}, {}", "{} {}", "{};{}", "({},{})", "lat {} lon {}", "geo:{},{}"]))
def test_decimal_degrees_round_trip(lat: float, lon: float, form: str) -> None:
    point = parse_latlon(form.format(f"{lat:.7f}", f"{lon:.7f}"))
    assert (point.lat, point.lon) == pytest.approx((lat, lon), abs=1e-7)


@given(lats, lons, st.sampled_from(["{} {}", "{}; {}", "{}, {}"]))
def test_decimal_commas_round_trip(lat: float, lon: float, form: str) -> None:
    point = parse_latlon(form.format(f"{lat:.6f}".replace(".", ","), f"{lon:.6f}".replace(".", ",")))
    assert (point.lat, point.lon) == pytest.approx((lat, lon), abs=1e-6)


@given(
    st.integers(0, 89),
    st.integers(0, 179),
    st.integers(0, 59),
    st.integers(0, 599),
    st.sampled_from("NS"),
    st.sampled_from("EW"),
    st.booleans(),
    st.booleans(),
)
def test_degrees_minutes_seconds_round_trip(
    lat: int, lon: int, minute: int, tenths: int, ns: str, ew: str, marks: bool, lon_first: bool
) -> None:
    form = "{}°{}'{}\"{}" if marks else "{} {} {} {}"
    halves = [form.format(lat, minute, tenths / 10, ns), form.format(lon, minute, tenths / 10, ew)]
    point = parse_latlon(" ".join(reversed(halves) if lon_first else halves))
    rest = minute / 60 + tenths / 36000
    expected = ((lat + rest) * (1 if ns == "N" else -1), (lon + rest) * (1 if ew == "E" else -1))
    assert (point.lat, point.lon) == pytest.approx(expected, abs=1e-9)


@given(st.text(max_size=40) | st.text("0123456789.,;:-+ NSEW°'\"/", max_size=30))
def test_any_text_gives_a_point_or_one_clean_error(text: str) -> None:
    try:
        point = parse_latlon(text)
    except UsageError as error:
        assert error.hint and "\n" not in str(error)
    else:
        assert -90 <= point.lat <= 90 and -180 <= point.lon < 180
