import numpy as np
import pytest
from geopy.distance import great_circle
from hypothesis import given
from hypothesis import strategies as st

from geotool.answer.restriction import Box, Circle, Restriction, parse_within
from geotool.core.countries import find_country_codes, load_countries
from geotool.core.errors import UsageError
from geotool.core.geo import LatLon
from geotool.core.regions import find_region, load_outlines

lats, lons = st.floats(-90, 90), st.floats(-180, 179.99)


def allows(text: str, lat: float, lon: float) -> bool:
    restriction = parse_within([text])
    assert restriction is not None
    return bool(restriction.allows(np.array([[lat, lon]]))[0])


@pytest.mark.parametrize(
    ("values", "text", "description"),
    [
        (["IT,fr"], "IT,FR", "Italy, France"),
        (["ita", " Fra ", "IT"], "IT,FR", "Italy, France"),
        (["43.5, 11.9, 50 km"], "43.5,11.9,50", "within 50 km of 43.5, 11.9"),
        (["43,10,45,12"], "43,10,45,12", "between 43 N and 45 N, 10 E and 12 E"),
        (["−20,170,10,-170"], "-20,170,10,-170", "between 20 S and 10 N, 170 E and 170 W"),
        (["0,190,10,200"], "0,-170,10,-160", "between 0 N and 10 N, 170 W and 160 W"),
        (["60,-180,90,180"], "60,-180,90,180", "between 60 N and 90 N"),
        (["1,2,3;LS", "XKX"], "LS,XK;1,2,3", "Lesotho, Kosovo or within 3 km of 1, 2"),
    ],
)
def test_values_are_read_named_and_written_back(values: list[str], text: str, description: str) -> None:
    restriction = parse_within(values)
    assert restriction is not None
    assert (str(restriction), restriction.description) == (text, description)
    assert parse_within([text]) == restriction and hash(restriction) == hash(parse_within([text]))


def test_no_value_is_no_restriction() -> None:
    assert parse_within([]) is None


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("UK", r'"UK" is no country code\. Did you mean GB \(United Kingdom\)\?'),
        ("Itlay", r"Did you mean IT \(Italy\)\?"),
        ("qqq", r"Give ISO 3166 codes, for example IT,FR\."),
        ("TK", r"no outline of TK\. Give a box or a circle"),
        ("", r"is no area\. Give country codes"),
        ("IT,43,11,50", r"is no area\. .*semicolons between"),
        ("43,5;11,9;50", r'"43,5" is neither a box .* nor a circle .*decimal points'),
        ("1,2,3,4,5", "neither a box of four numbers nor a circle of three"),
        ("45,10,43,12", r"not below its north, 43\. .*did you mean 43,10,45,12\?"),
        ("45,10,45,12", "south below north"),
        ("45,10,46,10", r"no width.*-180 and 180"),
        ("95,1,96,2", "Latitude 95 is outside"),
        ("0,600,1,601", "Longitude 600 is outside"),
        ("0,600,50", "Longitude 600 is outside"),
        ("nan,1,2,3", "no finite number"),
        ("1,inf,5", "Longitude inf"),
        ("91,2,3", "Latitude 91 is outside"),
        ("1,2,-3", r"cannot be -3 km\. Give a number of km above 0\."),
        ("1,2,0", "cannot be 0 km"),
        ("1,2,nan", "cannot be nan km"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_the_remedy(value: str, message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        parse_within([value])
    assert caught.value.hint


def test_a_box_may_cross_the_antimeridian() -> None:
    for lon in (175, 179.9, -180, -175):
        assert allows("-20,170,-10,-170", -15, lon)
    for lon in (0, 169, -169):
        assert not allows("-20,170,-10,-170", -15, lon)
    assert not allows("-20,170,-10,-170", -21, 180)
    assert allows("0,170,10,180", 5, -180) and allows("0,-180,10,-170", 5, -180)


@given(west=st.integers(-180, 179), width=st.integers(1, 359), lon=st.integers(-180, 179), turn=st.booleans())
def test_a_box_holds_what_lies_eastwards_of_its_west(west: int, width: int, lon: int, turn: bool) -> None:
    shift = 360 if turn else 0
    box = Box(south=-1, west=west, north=1, east=west + width - shift if west + width > 180 else west + width)
    reached = {(west + step + 180) % 360 - 180 for step in range(width + 1)}
    assert bool(box.allows(np.array([[0.0, lon]]))[0]) == (lon in reached)


@given(lat=lats, lon=lons, lat2=lats, lon2=lons, radius_km=st.floats(0.1, 20000))
def test_a_circle_agrees_with_geopy(
    lat: float, lon: float, lat2: float, lon2: float, radius_km: float
) -> None:
    distance_km = great_circle((lat, lon), (lat2, lon2)).km
    if abs(distance_km - radius_km) > 1e-3:
        circle = Circle(center=LatLon(lat=lat, lon=lon), radius_km=radius_km)
        assert bool(circle.allows(np.array([[lat2, lon2]]))[0]) == (distance_km < radius_km)


def test_several_areas_are_a_union() -> None:
    text = "IT;0,0,1,1;-33.9,151.2,20"
    for lat, lon in ((43.47, 11.88), (0.5, 0.5), (-33.8, 151.2)):
        assert allows(text, lat, lon)
    assert not allows(text, 48.86, 2.35)


@pytest.mark.parametrize(
    ("codes", "lat", "lon", "inside"),
    [
        ("FJ", -18.14, 178.44, True),
        ("FJ", -16.85, -179.97, True),
        ("RUS", 66.16, -169.8, True),
        ("LS", -29.31, 27.49, True),
        ("ZA", -29.31, 27.49, False),
        ("FR", 4.92, -52.31, False),  # French Guiana has a code of its own
        ("GF", 4.92, -52.31, True),
        ("IT", 44.31, 8.9, True),  # the harbour of Genoa
        ("IT", 44.04, 8.9, False),
        ("AQ", -80, 0, True),
    ],
)
def test_countries_are_those_of_their_codes(codes: str, lat: float, lon: float, inside: bool) -> None:
    assert allows(codes, lat, lon) == inside


@pytest.fixture(scope="module")
def places() -> np.ndarray:
    """Anywhere, beside outlines, and at the seam."""
    rng = np.random.default_rng(0)
    anywhere = np.stack([np.degrees(np.arcsin(rng.uniform(-1, 1, 400))), rng.uniform(-180, 180, 400)], axis=1)
    corners = load_outlines().start
    beside = corners[rng.integers(len(corners), size=600), ::-1] + rng.normal(scale=0.15, size=(600, 2))
    seam = np.stack([rng.uniform(-90, 90, 200), rng.choice([-180, -179.98, 179.9, 179.99], 200)], axis=1)
    found = np.concatenate([anywhere, beside, seam, [[90, 0], [-90, 0], [51.5, 360]]])
    return found[abs(found[:, 0]) <= 90]


def test_many_places_have_the_codes_they_have_one_by_one(places: np.ndarray) -> None:
    codes = [find_region(lat, lon).country_code or "" for lat, lon in places.tolist()]
    assert find_country_codes(places).tolist() == codes
    for wanted in ({"FR"}, {"RU", "FJ"}, {"US", "CA", "AQ"}, {"GF"}, {"CY"}):
        restriction = Restriction(countries=tuple(wanted))
        assert restriction.allows(places).tolist() == [code in wanted for code in codes]


def test_the_order_of_places_does_not_matter(places: np.ndarray) -> None:
    rows = np.random.default_rng(1).permutation(len(places))
    np.testing.assert_array_equal(find_country_codes(places[rows]), find_country_codes(places)[rows])


def test_no_place_at_all_is_fine() -> None:
    assert find_country_codes(np.empty((0, 2))).tolist() == []
    assert Restriction(countries=("IT",)).allows(np.empty((0, 2))).tolist() == []


def test_every_country_can_be_chosen_once() -> None:
    countries = load_countries()
    assert len({country.code for country in countries}) == len(countries) > 230
    assert len({country.code3 for country in countries}) == len(countries)
    by_code = {country.code: country for country in countries}
    assert (
        by_code["AU"].name == "Australia" and by_code["GF"].code3 == "GUF" and by_code["XK"].name == "Kosovo"
    )
    for country in countries:
        assert parse_within([country.code3]) == Restriction(countries=(country.code,))
