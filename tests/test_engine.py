"""The engine on a fake model: a photo's mean colour is its place. Real reading, gallery and search."""

from __future__ import annotations

import csv
import json
import tarfile
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from geotool import Engine, LatLon, Prediction
from geotool.answer.restriction import parse_within
from geotool.cli import main
from geotool.core.errors import BadImageError, NotFoundError, StoppedError
from geotool.core.geo import haversine_km
from geotool.core.records import ItemError, QueryVector
from geotool.core.report import SilentReport
from geotool.core.sphere import to_xyz
from geotool.gallery.exact import ExactSearch
from geotool.gallery.gallery import ready_gallery
from geotool.gallery.search_plan import open_search
from geotool.output.export import results_document


@dataclass
class ColourModel:
    """Red and green say lat and lon; a picture without blue 128 is unfamiliar."""

    name: str = "colour"
    fingerprint: str = "c0"
    dim: int = 4
    device: str = "cpu"
    precision: str = "fp32"
    logit_scale: float = 50.0
    vote_km: float = 0.0
    info = SimpleNamespace(name="colour")

    def gallery_latlon_deg(self) -> np.ndarray:
        grid = [(lat, lon) for lat in range(-80, 81, 10) for lon in range(-180, 180, 10)]
        return np.array(grid, dtype=np.float32)

    def encode_locations(self, latlon_deg: np.ndarray) -> np.ndarray:
        return np.pad(to_xyz(latlon_deg), ((0, 0), (0, 1))).astype(np.float32)

    def encode_images(self, images: list[Image.Image]) -> list[QueryVector]:
        return [self._encode(np.asarray(image)[0, 0].astype(int)) for image in images]

    def _encode(self, rgb: np.ndarray) -> QueryVector:
        latlon = np.array([[(rgb[0] - 128), (rgb[1] - 128) * 1.4]], dtype=np.float32)
        return QueryVector(
            vector=self.encode_locations(latlon)[0], encoder="c0", familiarity=float(rgb[2] == 128)
        )

    def is_familiar(self, query: QueryVector, best_cosine: float) -> bool:
        return bool(query.familiarity)


def colour_of(lat: int, lon: int, blue: int = 128) -> tuple[int, int, int]:
    return (lat + 128, round(lon / 1.4) + 128, blue)


def write_photo(path: Path, colour: tuple[int, int, int]) -> Path:
    Image.new("RGB", (64, 48), colour).save(path)
    return path


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Engine:
    monkeypatch.setenv("GEOTOOL_HOME", str(tmp_path / "home"))
    model = ColourModel()
    gallery = ready_gallery(model, model.gallery_latlon_deg(), SilentReport())
    return Engine(model, gallery, ExactSearch(gallery.vectors, "cpu"))  # type: ignore[arg-type]


@pytest.fixture
def cli_engine(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Engine:
    monkeypatch.setattr(Engine, "load", classmethod(lambda cls, *a, **k: engine))
    return engine


def test_a_photo_is_placed_and_its_candidates_are_ranked(engine: Engine, tmp_path: Path) -> None:
    prediction = engine.locate(write_photo(tmp_path / "a.png", colour_of(40, 14)), top_k=3)
    assert prediction.best == LatLon(lat=40, lon=10) or prediction.best == LatLon(lat=40, lon=20)
    assert [candidate.rank for candidate in prediction.candidates] == [1, 2, 3]
    cosines = [candidate.cosine for candidate in prediction.candidates]
    assert cosines == sorted(cosines, reverse=True)
    assert set(prediction.timings_s) == {"read", "encode", "search", "answer", "total"}


def test_an_answer_says_what_was_compared_and_leads_from_the_continent_to_the_place(
    engine: Engine, tmp_path: Path
) -> None:
    prediction = engine.locate(write_photo(tmp_path / "a.png", colour_of(50, 11)))
    trace = prediction.search
    assert trace is not None and prediction.best is not None
    assert (trace.comparisons, trace.gallery_size) == (612, 612)  # exact search: all of them
    assert [level.name for level in trace.path][:2] == ["Europe", "Germany"]
    masses = [level.mass for level in trace.path]
    assert masses == sorted(masses, reverse=True) and 0 < masses[-1] <= masses[0] <= 1 + 1e-9
    [result] = results_document([prediction])["results"]
    assert result["search"]["comparisons"] == 612
    assert set(result["search"]["path"][0]) == {"name", "mass", "lat", "lon", "width_km"}
    assert [bars["level"] for bars in result["search"]["bars"]] == ["continent", "country", "region"]
    for bars in result["search"]["bars"]:
        assert sum(share["mass"] for share in bars["shares"]) + bars["others"] == pytest.approx(1)
    [continent, *_] = trace.bars
    assert continent.shares[0] == ("Europe", pytest.approx(masses[0]))


def test_the_heat_is_strongest_at_the_place_and_keeps_to_a_restriction(
    engine: Engine, tmp_path: Path
) -> None:
    photo = write_photo(tmp_path / "a.png", colour_of(40, 14))
    rows, columns = (heat := engine.find_heat(photo)).mass.shape
    row, column = np.unravel_index((heat.mass * heat.coverage).argmax(), heat.mass.shape)
    hottest = LatLon(lat=90 - (row + 0.5) * 180 / rows, lon=(column + 0.5) * 360 / columns - 180)
    assert (
        haversine_km(hottest, LatLon(lat=40, lon=10)) < 60
        or haversine_km(hottest, LatLon(lat=40, lon=20)) < 60
    )
    south = engine.within(parse_within(["-60,-180,-20,180"])).find_heat(photo)
    is_south = np.arange(rows) > rows / 2
    assert south.mass[is_south].sum() == pytest.approx(1) and heat.mass[is_south].sum() < 0.01
    with pytest.raises(NotFoundError):
        engine.find_heat(tmp_path / "none.jpg")


def test_the_hierarchy_gives_the_places_of_exact_search_for_fewer_comparisons(
    engine: Engine, tmp_path: Path
) -> None:
    photo = write_photo(tmp_path / "a.png", colour_of(-30, 142))
    exact = engine.locate(photo)
    coarse = replace(engine, search=open_search(engine.gallery, "cpu", "hierarchy")).locate(photo)
    assert coarse.best == exact.best
    assert coarse.search is not None and coarse.search.comparisons < 612


def test_zoom_finds_a_place_between_the_gallery_points(engine: Engine, tmp_path: Path) -> None:
    photo = write_photo(tmp_path / "a.png", colour_of(44, 14))
    truth = LatLon(lat=44, lon=14)
    plain = engine.locate(photo, truth=truth)
    zoomed = replace(engine, zoom=True).locate(photo, truth=truth)
    assert plain.error_km is not None and zoomed.error_km is not None
    assert zoomed.error_km < plain.error_km / 2
    assert zoomed.best == zoomed.places[0].center != plain.best
    assert zoomed.candidates == plain.candidates  # they stay what the search found
    assert zoomed.places[0].candidates[0] == plain.places[0].candidates[0]
    assert zoomed.places[0].mass >= plain.places[0].mass
    assert sum(place.mass for place in zoomed.places) <= 1 + 1e-9


def test_where_candidates_vote_the_answer_lies_among_them(engine: Engine, tmp_path: Path) -> None:
    photo, truth = write_photo(tmp_path / "a.png", colour_of(44, 14)), LatLon(lat=44, lon=14)
    plain = engine.locate(photo, truth=truth)
    voting = replace(engine, model=replace(engine.model, vote_km=1000, logit_scale=200.0))  # type: ignore[type-var]
    voted = voting.locate(photo, truth=truth)
    assert plain.error_km is not None and voted.error_km is not None
    assert voted.error_km < plain.error_km
    assert voted.candidates == plain.candidates  # they stay what the search found
    assert len(voted.places[0].candidates) > 1 == len(plain.places[0].candidates)


def test_every_answer_has_places_that_share_the_candidates(engine: Engine, tmp_path: Path) -> None:
    photo = write_photo(tmp_path / "a.png", colour_of(-16, 179))  # beside the antimeridian
    prediction = replace(engine, vote_km=900.0).locate(photo, top_k=8)
    assert prediction.best == prediction.places[0].center
    masses = [place.mass for place in prediction.places]
    assert min(masses) > 0 and sum(masses) <= 1 + 1e-9
    owned = [candidate.rank for place in prediction.places for candidate in place.candidates]
    assert len(owned) == len(set(owned)) and set(owned) <= set(range(1, 9))
    [result] = results_document([prediction])["results"]
    assert len(result["places"]) == len(prediction.places) <= 10


def test_the_path_leads_to_the_answer_where_the_vote_overrules_the_first_candidate(
    engine: Engine, tmp_path: Path
) -> None:
    photo = write_photo(tmp_path / "a.png", colour_of(58, 60))
    model = replace(engine.model, vote_km=2000, logit_scale=5.0)  # type: ignore[type-var]
    prediction = replace(engine, model=model).locate(photo)
    assert prediction.search is not None and prediction.best is not None
    finest = prediction.search.path[-1]
    assert haversine_km(LatLon(lat=finest.lat, lon=finest.lon), prediction.best) < 1200
    assert haversine_km(prediction.candidates[0].location, prediction.best) > 1200


def test_a_typed_truth_gives_the_error_and_changes_nothing_else(engine: Engine, tmp_path: Path) -> None:
    photo = write_photo(tmp_path / "a.png", colour_of(40, 0))
    without = engine.locate(photo)
    given = engine.locate(photo, truth=LatLon(lat=41, lon=0))
    assert without.error_km is None
    assert given.error_km == pytest.approx(111, abs=1)
    assert given.candidates == without.candidates


def test_an_unfamiliar_picture_has_no_candidates(engine: Engine, tmp_path: Path) -> None:
    prediction = engine.locate(write_photo(tmp_path / "a.png", colour_of(40, 0, blue=7)))
    assert prediction.is_unknown and prediction.candidates == () == prediction.places
    assert prediction.best is None


def test_one_result_or_error_per_input_in_order(engine: Engine, tmp_path: Path) -> None:
    good = write_photo(tmp_path / "good.png", colour_of(0, 0))
    (tmp_path / "bad.jpg").write_text("no picture")
    results = engine.locate_many([tmp_path / "none.jpg", good, tmp_path / "bad.jpg"])
    assert [type(result) for result in results] == [ItemError, Prediction, ItemError]
    assert isinstance(results[0], ItemError) and results[0].exit_code == NotFoundError.exit_code
    assert isinstance(results[2], ItemError) and results[2].exit_code == BadImageError.exit_code


def test_a_bug_in_one_photo_does_not_end_the_batch(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo = write_photo(tmp_path / "a.png", colour_of(0, 0))
    monkeypatch.setattr(ColourModel, "encode_images", lambda *_: 1 / 0)
    [result] = engine.locate_many([photo])
    assert isinstance(result, ItemError) and "ZeroDivisionError" in result.message


def test_a_batch_can_be_stopped(engine: Engine, tmp_path: Path) -> None:
    report = SilentReport()
    report.stop_requested = True
    with pytest.raises(StoppedError):
        engine.locate_many([tmp_path / "a.png"], report=report)


def test_command_line_and_python_say_the_same(
    cli_engine: Engine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photo = write_photo(tmp_path / "a.png", colour_of(-30, 100))
    assert main(["locate", str(photo), "--format", "json", "--truth", "-30, 100"]) == 0
    [result] = json.loads(capsys.readouterr().out)["results"]
    expected = cli_engine.locate(photo, truth=LatLon(lat=-30, lon=100))
    assert result["error_km"] == expected.error_km
    assert [c["cosine"] for c in result["candidates"]] == [c.cosine for c in expected.candidates]
    assert result["photo"]["truth"] == {"lat": -30.0, "lon": 100.0, "source": "typed"}
    assert result["model"] == {"name": "colour", "fingerprint": cli_engine.stamp.fingerprint}


def test_a_failed_photo_is_an_error_and_an_exit_code(
    cli_engine: Engine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = write_photo(tmp_path / "good.png", colour_of(0, 0))
    (tmp_path / "bad.jpg").write_bytes(b"")
    code = main(["locate", str(tmp_path / "bad.jpg"), str(good), "--format", "json"])
    document = json.loads(capsys.readouterr().out)
    assert code == BadImageError.exit_code
    assert len(document["results"]) == 1 and document["errors"][0]["path"].endswith("bad.jpg")


def test_unknown_is_said_in_json(
    cli_engine: Engine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photo = write_photo(tmp_path / "a.png", colour_of(0, 0, blue=1))
    assert main(["locate", str(photo), "--format", "json"]) == 0
    [result] = json.loads(capsys.readouterr().out)["results"]
    assert result["candidates"] == [] and result["confidence"]["level"] == "unknown"


@pytest.mark.parametrize(
    "arguments, code",
    [(["locate"], 2), (["locate", "a.jpg", "--top-k", "0"], 2), (["nonsense"], 2), ([], 2), (["--help"], 0)],
)
def test_mistakes_have_their_exit_code(arguments: list[str], code: int) -> None:
    try:
        assert main(arguments) == code
    except SystemExit as stop:
        assert (stop.code or 0) == code


def test_evaluate_counts_every_photo(
    cli_engine: Engine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, places = tmp_path / "data", [(40, 0, 128), (0, 20, 128), (-40, 50, 3)]
    (data / "images").mkdir(parents=True)
    for index, (lat, lon, blue) in enumerate(places):
        write_photo(data / "images" / f"{index}.png", colour_of(lat, lon, blue))
    (data / "images" / "9.png").write_bytes(b"broken")
    rows = [[f"{i}.png", lat, lon] for i, (lat, lon, _) in enumerate(places)] + [["9.png", 1, 1]]
    with open(data / "metadata.csv", "w", newline="") as file:
        csv.writer(file).writerows([["IMG_ID", "LAT", "LON"], *rows])
    assert main(["evaluate", str(data), "--format", "json", "--out", str(tmp_path / "run")]) == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["n"], result["failed"], result["unknown"]) == (4, 1, 1)
    assert result["within_km"]["200"] == 50.0 and result["median_km"] is None
    assert json.loads((tmp_path / "run" / "metrics.json").read_text()) == result
    assert "9.png" in (tmp_path / "run" / "errors.csv").read_text()
    with open(tmp_path / "run" / "answers.csv", newline="") as file:
        answers = list(csv.DictReader(file))
    assert [row["IMG_ID"] for row in answers] == ["0.png", "1.png", "2.png", "9.png"]
    assert [bool(row["lat"]) for row in answers] == [True, True, False, False]
    assert float(answers[0]["error_km"]) < 200 and 0 < float(answers[0]["mass"]) <= 1


def test_evaluate_reads_photos_in_tars(
    cli_engine: Engine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    photo = write_photo(tmp_path / "a.png", colour_of(40, 0))
    with tarfile.open(data / "part.tar", "w") as tar:
        tar.add(photo, "a.png")
    (data / "metadata.csv").write_text("IMG_ID,LAT,LON\na.png,40,0\n")
    assert main(["evaluate", str(data), "--format", "json", "--out", str(tmp_path / "run")]) == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["n"], result["failed"], result["within_km"]["200"]) == (1, 0, 100.0)
    assert (tmp_path / "run" / "thumbnails" / "000000.jpg").is_file()
