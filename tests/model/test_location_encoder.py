"""The variants of the location encoder: plain as GeoCLIP's, gated, on the sphere, one capsule finer."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from torch.nn.functional import cosine_similarity, normalize

from geotool.core import sphere
from geotool.core.errors import UsageError
from geotool.model import geoclip_package
from geotool.model.location_encoder import LocationEncoder, LocationSpec, add_capsule

SMALL = LocationSpec(sigmas=(1.0, 4.0), frequencies=6, hidden=16, dim=5)
VARIANTS = [
    dataclasses.replace(SMALL, gate=gate, input=name)
    for gate in (False, True)
    for name in ("equal_earth", "sphere")
]


def encoder_of(spec: LocationSpec, seed: int = 0) -> LocationEncoder:
    torch.manual_seed(seed)
    return LocationEncoder(spec)


def spread_points(count: int = 50) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    return (2 * torch.rand(count, 2, generator=generator) - 1) * torch.tensor([85.0, 179.0])


def count_weights(spec: LocationSpec) -> int:
    return sum(weight.numel() for weight in LocationEncoder(spec).parameters())


def test_geoclips_weights_load_and_save_bit_for_bit() -> None:
    stored = geoclip_package.read_location_encoder()
    encoder = LocationEncoder(LocationSpec())
    encoder.load_state_dict(stored)
    saved = encoder.state_dict()
    assert saved.keys() == stored.keys()
    assert all(torch.equal(saved[name], stored[name]) for name in stored)


def test_an_older_model_json_means_the_plain_encoder() -> None:
    spec = LocationSpec(**{"sigmas": (4.0, 16.0, 64.0), "frequencies": 128, "hidden": 384, "dim": 256})
    assert (spec.gate, spec.input, spec.width) == (False, "equal_earth", 384)


@pytest.mark.parametrize("shape", [(256, 1024, 512), (128, 384, 256), (64, 128, 64), (256, 512, 512)])
@pytest.mark.parametrize("name", ["equal_earth", "sphere"])
def test_gates_cost_no_parameters(shape: tuple[int, int, int], name: str) -> None:
    frequencies, hidden, dim = shape
    plain = LocationSpec(frequencies=frequencies, hidden=hidden, dim=dim, input=name)
    gated = dataclasses.replace(plain, gate=True)
    assert gated.width < plain.width
    assert abs(count_weights(gated) / count_weights(plain) - 1) < 0.02


@pytest.mark.parametrize("spec", VARIANTS, ids=str)
def test_the_formula_in_numpy_gives_the_same(spec: LocationSpec) -> None:
    encoder, points = encoder_of(spec).double(), spread_points().double()
    expected = sum(compute_capsule(capsule, spec, points.numpy()) for capsule in encoder.capsules)
    np.testing.assert_allclose(encoder(points).detach().numpy(), expected, rtol=1e-9, atol=1e-12)


def compute_capsule(capsule: torch.nn.Module, spec: LocationSpec, latlon_deg: np.ndarray) -> np.ndarray:
    """Fourier features and layers written out, after the projection that the spec names."""
    tensors = {name: value.detach().numpy() for name, value in capsule.state_dict().items()}
    points = sphere.to_xyz(latlon_deg) / np.pi if spec.input == "sphere" else project(latlon_deg)
    phase = 2 * np.pi * points @ tensors["frequencies"].T
    value = np.concatenate([np.cos(phase), np.sin(phase)], axis=1)
    for layer in range(3):
        value = value @ tensors[f"hidden.{layer}.weight"].T + tensors[f"hidden.{layer}.bias"]
        if spec.gate:
            content, gate = np.split(value, 2, axis=1)
            value = content * gate / (1 + np.exp(-gate))
        else:
            value = np.maximum(value, 0)
    return value @ tensors["head.weight"].T + tensors["head.bias"]


def project(latlon_deg: np.ndarray) -> np.ndarray:
    """Equal Earth by its published formulas, in the scaling of GeoCLIP."""
    a1, a2, a3, a4 = 1.340264, -0.081106, 0.000893, 0.003796
    lat, lon = np.radians(latlon_deg).T
    t = np.arcsin(np.sqrt(3) / 2 * np.sin(lat))
    x = 2 * np.sqrt(3) * lon * np.cos(t) / (3 * (9 * a4 * t**8 + 7 * a3 * t**6 + 3 * a2 * t**2 + a1))
    y = a4 * t**9 + a3 * t**7 + a2 * t**3 + a1 * t
    return np.stack([x, y], axis=1) * 66.50336 / 180


@pytest.mark.parametrize("spec", VARIANTS, ids=str)
def test_gradients_are_those_of_finite_differences(spec: LocationSpec) -> None:
    tiny = dataclasses.replace(spec, sigmas=(1.0,), frequencies=3, hidden=8, dim=2)
    encoder, points = encoder_of(tiny).double(), spread_points(3).double().requires_grad_()
    names, weights = zip(*encoder.named_parameters(), strict=True)

    def call(latlon_deg: torch.Tensor, *values: torch.Tensor) -> torch.Tensor:
        return torch.func.functional_call(encoder, dict(zip(names, values, strict=True)), (latlon_deg,))

    assert torch.autograd.gradcheck(call, (points, *weights))


def test_the_sphere_has_no_seam_and_no_poles() -> None:
    encoder = encoder_of(LocationSpec(input="sphere", hidden=64, dim=32))
    here, there = (
        torch.tensor([[0.0, 179.99], [66.0, 179.99]]),
        torch.tensor([[0.0, -179.99], [66.0, -179.99]]),
    )
    same = cosine_similarity(encoder(here), encoder(here - torch.tensor([0.0, 0.02])))
    assert torch.allclose(cosine_similarity(encoder(here), encoder(there)), same, atol=0.02)
    assert encoder(torch.tensor([[5.0, 180.0]])).allclose(encoder(torch.tensor([[5.0, -180.0]])), atol=1e-4)
    for lat in (90.0, -90.0):
        round_the_pole = encoder(torch.tensor([[lat, lon] for lon in (-180.0, -77.0, 0.0, 140.0)]))
        assert round_the_pole.allclose(round_the_pole[:1].expand(4, -1), atol=1e-4)


def test_the_projection_has_a_seam_that_the_sphere_removes() -> None:
    """0.02 degrees apart across the antimeridian, as GeoCLIP's own encoder sees them."""
    spec = LocationSpec(hidden=64, dim=32)
    pair = torch.tensor([[10.0, 179.99], [10.0, -179.99]])

    def cosine(name: str) -> float:
        vectors = encoder_of(dataclasses.replace(spec, input=name))(pair)
        return cosine_similarity(vectors[:1], vectors[1:]).item()

    assert cosine("equal_earth") < cosine("sphere") and cosine("sphere") > 0.99


def test_a_sigma_means_the_same_distance_on_both_inputs() -> None:
    """How fast the features of two places part depends on sigma and kilometres alone, at the equator."""
    places = torch.tensor([[0.0, lon] for lon in np.linspace(0, 1, 40)])
    phases = {}
    for name in ("equal_earth", "sphere"):
        torch.manual_seed(0)
        spec = LocationSpec(sigmas=(16.0,), frequencies=4000, hidden=8, dim=2, input=name)
        capsule = LocationEncoder(spec).capsules[0]
        points = project(places.numpy()) if name == "equal_earth" else sphere.to_xyz(places.numpy()) / np.pi
        phase = 2 * np.pi * points @ capsule.frequencies.numpy().T
        phases[name] = np.cos(phase - phase[:1]).mean(axis=1)
    np.testing.assert_allclose(phases["sphere"], phases["equal_earth"], atol=0.05)


@pytest.mark.parametrize("spec", VARIANTS, ids=str)
def test_half_precision_keeps_phases_and_direction(spec: LocationSpec) -> None:
    encoder, points = encoder_of(dataclasses.replace(spec, sigmas=(1.0, 256.0), hidden=64)), spread_points()
    full = encoder(points)
    half = encoder.to_half(torch.bfloat16)(points)
    assert half.dtype == torch.float32
    assert all(capsule.frequencies.dtype == torch.float32 for capsule in encoder.capsules)
    assert cosine_similarity(half, full).min() > 0.999


def test_places_differ_before_a_gated_encoder_learns() -> None:
    """With PyTorch's own first weights every place had the same vector, to 0.0001."""
    spec = LocationSpec(hidden=256, dim=64, frequencies=64)
    means = []
    for gate in (False, True):
        unit = normalize(encoder_of(dataclasses.replace(spec, gate=gate))(spread_points()), dim=1)
        means.append((unit @ unit.T).mean().item())
    assert means[1] < means[0] < 0.95


@pytest.mark.parametrize("spec", VARIANTS, ids=str)
def test_a_new_capsule_changes_nothing_until_it_learns(spec: LocationSpec) -> None:
    encoder, points = encoder_of(spec), spread_points()
    before = encoder(points)
    grown = add_capsule(encoder, 64.0)
    assert grown.spec.sigmas == (*spec.sigmas, 64.0) and encoder.spec == spec
    assert torch.equal(grown(points), before)
    assert 20 < grown.capsules[-1].frequencies.std() < 200
    optimiser = torch.optim.SGD(grown.parameters(), lr=0.1)
    for _ in range(2):
        optimiser.zero_grad()
        grown(points).square().sum().backward()
        optimiser.step()
    assert all(weight.grad.abs().sum() > 0 for weight in grown.capsules[-1].parameters())
    assert torch.equal(encoder(points), before)


def test_a_capsule_of_a_half_encoder_is_half_too() -> None:
    grown = add_capsule(encoder_of(SMALL).to_half(torch.bfloat16), 9.0)
    assert {capsule.head.weight.dtype for capsule in grown.capsules} == {torch.bfloat16}
    assert grown.capsules[-1].frequencies.dtype == torch.float32


@pytest.mark.parametrize("sigma", [4.0, 0.5, float("inf"), float("nan")])
def test_a_capsule_that_is_no_finer_is_refused(sigma: float) -> None:
    with pytest.raises(UsageError, match="finer"):
        add_capsule(encoder_of(SMALL), sigma)


def test_an_unknown_input_is_refused() -> None:
    with pytest.raises(UsageError, match="mercator"):
        LocationSpec(input="mercator")
