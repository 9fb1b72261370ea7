"""Answerer: places get names, stay inside a restriction, and what weighs nothing is left out."""

import numpy as np

from geotool.answer.answerer import LEAST_MASS, Answerer
from geotool.answer.restriction import parse_within

AREZZO, LYON, FIJI = (43.46, 11.88), (45.76, 4.84), (-17.8, 178.0)


def answer(answerer: Answerer, points: list[tuple[float, float]], weights: list[float]):
    return answerer.answer(np.array(points), np.array(weights), ())


def test_places_carry_the_names_of_where_they_are() -> None:
    first, second = answer(Answerer(), [AREZZO, LYON], [0.6, 0.4]).places
    assert (first.name, first.admin1, first.country_code) == ("Arezzo", "Tuscany", "IT")
    assert second.country_code == "FR"
    assert answer(Answerer(), [(-40.0, -120.0)], [1.0]).places[0].name is None  # in the Pacific


def test_what_weighs_next_to_nothing_is_no_place_beside_the_first() -> None:
    verdict = answer(Answerer(), [AREZZO, LYON, FIJI], [0.9, 0.1 - LEAST_MASS / 2, LEAST_MASS / 2])
    assert [place.country_code for place in verdict.places] == ["IT", "FR"]


def test_no_centre_lies_outside_the_restriction() -> None:
    around_geneva = [(46.37, 6.48), (46.90, 6.36), (46.25, 5.95), (46.10, 6.30)]  # all of them in France
    free, kept = (
        answer(Answerer(bandwidth_km=300, restriction=within), around_geneva, [0.3, 0.5, 0.1, 0.1]).places[0]
        for within in (None, parse_within(["FR"]))
    )
    assert free.country_code == "CH"
    assert kept.country_code == "FR"


def test_without_a_calibration_there_is_no_confidence() -> None:
    assert answer(Answerer(), [AREZZO], [1.0]).confidence is None
