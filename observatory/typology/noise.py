"""How many individuals would change class if nothing had changed: the moves that noise alone makes.

Belongs here: the noise of the values, given or estimated, and the moves that it makes.
Does not: the moves themselves (``trajectories``), the noise of the choice of individuals (``stability``).

A commune's figures are known with an error: the census surveys a part of the dwellings, five years are pooled
into one, rounding, coding. An individual near the border of two classes may cross it with no change at all.
The true noise lies between two that can be known: sampling alone (``share_sampling_sd``, too small) and all
that the common shift leaves unexplained (``residual_noise``, too large). Quote both.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from observatory.typology.matrix import TypologyError
from observatory.typology.trajectories import Trajectories

# Standard deviation of a normal law over its median absolute deviation.
_MAD_TO_SD = 1.4826022185056018
# Scores beyond this many deviations are taken as this many, so that a few real changes make no correlation.
_CLIPPED = 3.0


@dataclass(frozen=True, eq=False)
class Noise:
    """Error of the values of one vintage.

    Attributes:
        sds: standard deviations of the errors, in the units of the variables (transformed as in the
            typology): p, the same for all, or m×p, one row per individual in the order of the trajectories.
        correlation: p×p correlations of the errors of a same individual; ``None`` for independent ones.
    """

    sds: np.ndarray
    correlation: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class NoiseMoves:
    """Moves that noise alone makes, over simulations of the same two vintages without any change.

    Attributes:
        ids: m identifiers.
        observed: moves observed, net of the common shift.
        counts: moves in each simulation.
        probabilities: m shares of the simulations in which the individual changes class.
    """

    ids: pl.Series
    observed: int
    counts: np.ndarray
    probabilities: np.ndarray

    def summary_frame(self) -> pl.DataFrame:
        """One row.

        ``individuals``; ``observed`` (moves net of the common shift); ``expected_low``, ``expected_median``,
        ``expected_high`` (moves by noise alone: 80 % interval and median); ``share_low``, ``share_median``,
        ``share_high`` (the same over the observed moves: 1 or more means that noise explains them all; null
        where no move is observed); ``share_as_many`` (share of the simulations with as many moves as
        observed, the observed one counted among them: never 0, as a p-value).
        """
        low, median, high = np.quantile(self.counts, [0.1, 0.5, 0.9]).tolist()
        as_many = (1 + int((self.counts >= self.observed).sum())) / (1 + len(self.counts))
        return pl.DataFrame(
            {
                "individuals": len(self.ids),
                "observed": self.observed,
                "expected_low": low,
                "expected_median": median,
                "expected_high": high,
                **{
                    f"share_{name}": pl.Series(
                        [value / self.observed if self.observed else None], dtype=pl.Float64
                    )
                    for name, value in (("low", low), ("median", median), ("high", high))
                },
                "share_as_many": as_many,
            }
        )

    def individuals_frame(self) -> pl.DataFrame:
        """``id``, ``probability`` (0 to 1) that noise alone changes the individual's class."""
        return pl.DataFrame({"id": self.ids, "probability": self.probabilities})


def moves_from_noise(
    trajectories: Trajectories, noise: Noise, n_simulations: int = 1000, seed: int = 2026
) -> NoiseMoves:
    """Count the moves between two vintages of which nothing but the errors differs.

    Parametric bootstrap (B. Efron and R. Tibshirani, "An Introduction to the Bootstrap", 1993, section 6.5).
    Each value is the truth plus an error, independent between the two vintages and between individuals. If
    the truth is the same at both dates and nothing else is known of it than the reference year, the other
    vintage is the reference year plus the difference of two errors, of variance twice that of one. So each
    simulation adds to the reference year a normal error of √2 times ``noise.sds``, places it again, and
    counts who leaves the class of the reference year.

    Assumptions: errors normal and centred, as large at both dates; means, axes and centres of the reference
    known without error (on hundreds of individuals theirs is far smaller). To compare with moves net of the
    common shift: the null hypothesis has no drift.

    Args:
        trajectories: result of ``trace``.
        noise: error of one vintage.
        n_simulations: number of simulations, at least 1.
        seed: same seed, same result.

    Raises:
        TypologyError: no simulation is asked for, the errors have not the shape of the trajectories, or one
            is negative or missing.
    """
    if n_simulations < 1:
        raise TypologyError(
            f"{n_simulations} simulation(s) demandée(s).", "demandez-en au moins une, plutôt mille."
        )
    sds = _checked(noise, trajectories) / trajectories.reference.pca.sds
    mixing = _root(noise.correlation, len(trajectories.variables))
    before, after = trajectories.placements(net=True)
    start = trajectories.place(trajectories.reference_values).classes
    random = np.random.default_rng(seed)
    counts = np.empty(n_simulations, dtype=np.int64)
    moves = np.zeros(len(start), dtype=np.int64)
    for simulation in range(n_simulations):
        errors = np.sqrt(2) * sds * (random.standard_normal(trajectories.reference_values.shape) @ mixing)
        moved = trajectories.place(trajectories.reference_values + errors).classes != start
        counts[simulation] = moved.sum()
        moves += moved
    return NoiseMoves(
        trajectories.ids, int((before.classes != after.classes).sum()), counts, moves / n_simulations
    )


def residual_noise(trajectories: Trajectories, sizes: np.ndarray | None = None) -> Noise:
    """Estimate the errors from the changes that are left once the common shift is removed.

    An upper bound: what is left holds the errors of both vintages and each individual's own change. The
    spread is measured by the median absolute deviation (F. Hampel, JASA 69, 1974), which less than half of
    the individuals, had they changed much, would not carry away; small own changes that all have stay in
    it. One vintage's error is that spread over √2. Moves beyond what this noise makes are changes; moves
    within may be real too, but these two vintages cannot tell.

    Args:
        trajectories: result of ``trace``.
        sizes: m positive sizes (such as populations), in the order of ``trajectories.ids``: the variance of
            an error is then inversely proportional to the size, as that of a sample's share or mean.
            ``None`` gives all individuals the same error.

    Returns:
        Noise with m×p standard deviations, and the correlations of the residuals, each clipped at three
        deviations.

    Raises:
        TypologyError: a size is missing, zero or negative, or their number is not that of the individuals.
    """
    residuals = trajectories.other_values - trajectories.reference_values - trajectories.shift
    scale = np.ones(len(residuals)) if sizes is None else _scale(sizes, trajectories)
    scaled = residuals / scale[:, None]
    spread = _MAD_TO_SD * np.median(np.abs(scaled - np.median(scaled, axis=0)), axis=0)
    scores = np.divide(scaled, spread, out=np.zeros_like(scaled), where=spread > 0)
    sds = spread / np.sqrt(2) * trajectories.reference.pca.sds
    return Noise(scale[:, None] * sds, _correlation(np.clip(scores, -_CLIPPED, _CLIPPED)))


def share_sampling_sd(share: np.ndarray, base: np.ndarray, rate: np.ndarray) -> np.ndarray:
    """Standard deviation of a share, in points of %, estimated from a sample of its base.

    Simple random sample of ``rate`` × N units without replacement: variance = S (100 - S) / n × (N - n) /
    (N - 1) (W. Cochran, "Sampling Techniques", 1977, theorem 3.2). A lower bound for the census, which draws
    addresses and households rather than persons: neighbours are alike. There, the rate is 0.4 for communes
    of 10,000 inhabitants or more; below, 1 for the main variables and 0.25 for those of the *exploitation
    complémentaire* (occupations, households and families).

    Args:
        share: shares, 0 to 100.
        base: sizes N of the populations that the shares divide, more than 1.
        rate: sampling rates, above 0, at most 1; the three arrays broadcast together.

    Raises:
        TypologyError: a value is out of its range, or missing.
    """
    share, base, rate = np.broadcast_arrays(*(np.asarray(item, dtype=float) for item in (share, base, rate)))
    for name, held, bounds in (
        ("part", (share >= 0) & (share <= 100), "de 0 à 100"),
        ("base", base > 1, "de plus d’une unité"),
        ("taux de sondage", (rate > 0) & (rate <= 1), "de plus de 0 à 1"),
    ):
        if not held.all():
            raise TypologyError(f"{name} hors de ses bornes ou absente ({bounds}).", "corrigez-la.")
    return np.asarray(np.sqrt(share * (100 - share) * (1 - rate) / (rate * (base - 1))))


def _checked(noise: Noise, trajectories: Trajectories) -> np.ndarray:
    """Standard deviations of ``noise``, m×p."""
    shape = trajectories.reference_values.shape
    if noise.sds.shape not in (shape, shape[1:]):
        raise TypologyError(
            f"les écarts-types du bruit ont la forme {noise.sds.shape} pour {shape[0]} individus et "
            f"{shape[1]} variables.",
            "donnez un écart-type par variable, ou par individu et variable.",
        )
    sds = np.broadcast_to(noise.sds, shape)
    faulty = ~(np.isfinite(sds) & (sds >= 0))
    if faulty.any():
        row, column = (int(position) for position in np.argwhere(faulty)[0])
        raise TypologyError(
            "l’écart-type du bruit manque ou est négatif.",
            "donnez un écart-type nul ou positif.",
            trajectories.variables[column],
            str(trajectories.ids[row]),
        )
    return sds


def _root(correlation: np.ndarray | None, p: int) -> np.ndarray:
    """Symmetric square root (p×p) of a correlation matrix, unique where a Cholesky factor may not exist."""
    if correlation is None:
        return np.eye(p)
    values, vectors = np.linalg.eigh(correlation)
    return np.asarray(vectors * np.sqrt(np.clip(values, 0, None)) @ vectors.T)


def _scale(sizes: np.ndarray, trajectories: Trajectories) -> np.ndarray:
    """Standard deviation of each individual's error, relative to that of the median size."""
    ids = trajectories.ids
    if len(sizes) != len(ids):
        raise TypologyError(
            f"{len(sizes)} tailles pour {len(ids)} individus.", "donnez une taille par individu suivi."
        )
    faulty = ~(np.isfinite(sizes) & (sizes > 0))
    if faulty.any():
        raise TypologyError(
            "la taille manque, ou est nulle ou négative.",
            "donnez une taille positive.",
            identifier=str(ids[int(faulty.argmax())]),
        )
    return np.asarray(np.sqrt(np.median(sizes) / sizes))


def _correlation(scores: np.ndarray) -> np.ndarray:
    """Correlations of centred scores (m×p); a variable without any spread has none."""
    products = scores.T @ scores
    norms = np.sqrt(np.diag(products))
    norms[norms == 0] = 1.0
    correlation = products / np.outer(norms, norms)
    np.fill_diagonal(correlation, 1.0)
    return np.asarray(correlation)
