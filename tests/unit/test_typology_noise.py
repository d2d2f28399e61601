"""Moves that noise makes: probabilities of the normal law, recovered errors, vintages without change."""

import numpy as np
import polars as pl
import pytest
from scipy.stats import norm

from observatory.typology import TypologyError, classify
from observatory.typology.noise import Noise, moves_from_noise, residual_noise, share_sampling_sd
from observatory.typology.trajectories import Trajectories, trace


def followed(first: np.ndarray, second: np.ndarray, n_classes: int = 2) -> Trajectories:
    names = [f"v{column}" for column in range(first.shape[1])]
    before, after = (
        pl.DataFrame(values, schema=names, orient="row").with_row_index("code") for values in (first, second)
    )
    reference = classify(before, "code", names, n_axes=2, n_classes=n_classes)
    return trace(reference, after, "code", reference_year=2017, other_year=2022)


# Two classes, centres (-5, -5) and (5, 5): every point is 10/√2 away from the border x + y = 0.
SQUARE = np.array([[-6.0, -4.0], [-4.0, -6.0], [4.0, 6.0], [6.0, 4.0]])
MARGIN = 10 / np.sqrt(2)


@pytest.mark.parametrize("correlation", [None, 0.8, -0.8])
def test_probability_of_crossing_the_border(correlation: float | None) -> None:
    # Along the normal of the border, (1, 1)/√2, the error of one vintage has variance 9 (1 + ρ).
    matrix = None if correlation is None else np.array([[1, correlation], [correlation, 1]])
    result = moves_from_noise(followed(SQUARE, SQUARE), Noise(np.array([3.0, 3.0]), matrix), 4000)
    expected = norm.cdf(-MARGIN / np.sqrt(2 * 9 * (1 + (correlation or 0))))
    error = np.sqrt(expected * (1 - expected) / 4000)
    np.testing.assert_allclose(result.individuals_frame()["probability"], expected, atol=4 * error + 1e-3)
    assert result.counts.mean() == pytest.approx(result.probabilities.sum())
    assert result.observed == 0
    summary = result.summary_frame().row(0, named=True)
    assert summary["individuals"] == 4
    assert summary["share_low"] is summary["share_median"] is summary["share_high"] is None
    assert summary["share_as_many"] == 1


def test_noise_of_each_individual_and_variable() -> None:
    # Only D's x is uncertain: it crosses where the error exceeds its 10 units to the border.
    sds = np.zeros((4, 2))
    sds[3, 0] = 8.0
    result = moves_from_noise(followed(SQUARE, SQUARE), Noise(sds), 4000)
    expected = norm.cdf(-10 / (8 * np.sqrt(2)))
    assert result.probabilities[:3].tolist() == [0, 0, 0]
    assert result.probabilities[3] == pytest.approx(expected, abs=4 * np.sqrt(expected / 4000))


def test_no_noise_no_move() -> None:
    moved = SQUARE.copy()
    moved[0] = [7.0, 1.0]
    moved[3] = [-7.0, -1.0]
    summary = moves_from_noise(followed(SQUARE, moved), Noise(np.zeros(2)), 99).summary_frame()
    assert summary.row(0, named=True) == {
        "individuals": 4,
        "observed": 2,
        "expected_low": 0,
        "expected_median": 0,
        "expected_high": 0,
        "share_low": 0,
        "share_median": 0,
        "share_high": 0,
        "share_as_many": 0.01,
    }


def cloud(n: int, p: int = 3) -> tuple[np.random.Generator, np.ndarray]:
    random = np.random.default_rng(11)
    return random, 3 * random.normal(size=(n, p))


def test_errors_are_recovered_despite_a_tenth_of_real_changes() -> None:
    random, truth = cloud(2000)
    covariance = np.array([[0.25, 0.3, 0.0], [0.3, 1.0, 0.0], [0.0, 0.0, 0.04]])
    first, second = (truth + random.multivariate_normal(np.zeros(3), covariance, size=2000) for _ in range(2))
    second[:200] += 25.0
    second += np.array([5.0, -3.0, 1.0])
    noise = residual_noise(followed(first, second))
    np.testing.assert_allclose(noise.sds, np.tile([0.5, 1.0, 0.2], (2000, 1)), rtol=0.25)
    clean = residual_noise(followed(first[200:], second[200:]))
    np.testing.assert_allclose(clean.sds[0], [0.5, 1.0, 0.2], rtol=0.07)
    np.testing.assert_allclose(clean.correlation, [[1, 0.6, 0], [0.6, 1, 0], [0, 0, 1]], atol=0.06)


def test_errors_shrink_with_the_root_of_the_size() -> None:
    random, truth = cloud(3000)
    sizes = random.choice([100.0, 400.0, 1600.0], 3000)
    first, second = (truth + random.normal(size=truth.shape) * 10 / np.sqrt(sizes)[:, None] for _ in range(2))
    noise = residual_noise(followed(first, second), sizes)
    for size, sd in ((100, 1.0), (400, 0.5), (1600, 0.25)):
        np.testing.assert_allclose(noise.sds[sizes == size], sd, rtol=0.07)


def test_two_vintages_without_change_show_the_moves_that_noise_makes() -> None:
    random, truth = cloud(1500)
    first, second = (truth + random.normal(scale=0.6, size=truth.shape) for _ in range(2))
    trajectories = followed(first, second, n_classes=4)
    given = moves_from_noise(trajectories, Noise(np.full(3, 0.6)), 200)
    estimated = moves_from_noise(trajectories, residual_noise(trajectories), 200)
    assert given.observed > 50
    for result in (given, estimated):
        summary = result.summary_frame().row(0, named=True)
        assert summary["expected_low"] < summary["expected_median"] < summary["expected_high"]
        assert summary["share_median"] == pytest.approx(1, abs=0.15)
        assert summary["share_as_many"] > 0.01


def test_unchanged_values_have_no_noise() -> None:
    noise = residual_noise(followed(SQUARE, SQUARE))
    assert not noise.sds.any()
    assert np.array_equal(noise.correlation, np.eye(2))


def test_simulations_are_seeded() -> None:
    _, truth = cloud(60)
    trajectories, noise = followed(truth, truth), Noise(np.full(3, 0.5))
    first = moves_from_noise(trajectories, noise, 50)
    assert np.array_equal(first.counts, moves_from_noise(trajectories, noise, 50).counts)
    assert not np.array_equal(first.counts, moves_from_noise(trajectories, noise, 50, seed=1).counts)


def test_sampling_error_of_a_share() -> None:
    # The 6 samples of 2 among {0, 0, 100, 100} have means 0, 50 (four times) and 100: variance 5,000 / 6.
    assert share_sampling_sd(50.0, 4.0, 0.5) == pytest.approx(np.sqrt(5000 / 6))
    assert share_sampling_sd(30.0, 5000.0, 1.0) == 0
    assert share_sampling_sd(0.0, 5000.0, 0.4) == 0
    # 4,000 of 10,000 dwellings, 7 % vacant: 0.3 point.
    wide = share_sampling_sd(np.array([7.0, 7.0]), np.array([10_000.0, 40_000.0]), 0.4)
    np.testing.assert_allclose(wide, [0.3125, 0.15625], rtol=1e-3)


@pytest.mark.parametrize(
    ("share", "base", "rate", "words"),
    [(101, 50, 0.4, "part"), (np.nan, 50, 0.4, "part"), (10, 1, 0.4, "base"), (10, 50, 0, "taux de sondage")],
)
def test_sampling_error_out_of_bounds(share: float, base: float, rate: float, words: str) -> None:
    with pytest.raises(TypologyError, match=words):
        share_sampling_sd(np.array([share]), np.array([base]), np.array([rate]))


def test_bad_noise_is_named() -> None:
    trajectories = followed(SQUARE, SQUARE)
    with pytest.raises(TypologyError, match=r"0 simulation\(s\)"):
        moves_from_noise(trajectories, Noise(np.ones(2)), 0)
    with pytest.raises(TypologyError, match=r"la forme \(3,\) pour 4 individus et 2 variables"):
        moves_from_noise(trajectories, Noise(np.ones(3)))
    with pytest.raises(TypologyError, match="négatif") as caught:
        moves_from_noise(trajectories, Noise(np.array([[1, 1], [1, 1], [1, -1], [1, 1]])))
    assert (caught.value.column, caught.value.identifier) == ("v1", "2")
    with pytest.raises(TypologyError, match="3 tailles pour 4 individus"):
        residual_noise(trajectories, np.ones(3))
    with pytest.raises(TypologyError, match="la taille manque") as caught:
        residual_noise(trajectories, np.array([1.0, 0.0, 1.0, 1.0]))
    assert caught.value.identifier == "1"
