"""Supplementary individuals and variables: placed as FactoMineR places them, and without effect."""

import numpy as np
import polars as pl
import pytest

from observatory.typology import Typology, TypologyError, classify, describe_by, place_individuals

VARIABLES = ["a", "b", "c", "d"]
ACTIVE = pl.DataFrame(
    {
        "id": list("abcdefghijkl"),
        "a": [3, 5, 4, 9, 11, 10, 2, 6, 12, 7, 8, 1],
        "b": [10, 8, 9, 2, 1, 4, 12, 7, 3, 5, 6, 11],
        "c": [5, 6, 1, 8, 3, 12, 9, 2, 10, 4, 7, 11],
        "d": [1, 9, 4, 2, 12, 8, 3, 10, 5, 11, 6, 7],
        "e": [2, 1, 2, 5, 7, 4, 1, 3, 9, 4, 5, 0],
        "w": [120, 40, 300, 75, 500, 60, 90, 210, 30, 150, 80, 45],
    }
)
OTHERS = pl.DataFrame({"id": ["n", "m"], "a": [12, 4], "b": [1, 4], "c": [6, 4], "d": [9, 4]})


@pytest.fixture(scope="module")
def typology() -> Typology:
    return classify(ACTIVE, "id", VARIABLES, n_axes=3, n_classes=3, consolidated=False)


def test_factominer_projects_them_at_the_same_place(typology: Typology) -> None:
    # FactoMineR 2.7: PCA(rbind(x, others), ncp = 3, ind.sup = 13:14)$ind.sup$coord.
    placed = place_individuals(typology, OTHERS, "id")
    assert placed["id"].to_list() == ["n", "m"]
    np.testing.assert_allclose(
        placed.select("axis_1", "axis_2", "axis_3").to_numpy(),
        [
            [2.360672754829, 0.0956930905607, -0.200409911102],
            [-0.242150100897, -0.3024368422348, -0.985701789870],
        ],
    )
    assert placed["missing"].to_list() == [[], []]


def test_active_individuals_are_placed_where_they_are() -> None:
    result = classify(ACTIVE, "id", VARIABLES, n_axes=3, n_classes=3, weights="w")
    placed = place_individuals(result, ACTIVE.reverse(), "id").sort("id")
    axes = placed.select(f"axis_{axis}" for axis in (1, 2, 3)).to_numpy()
    np.testing.assert_allclose(axes, result.pca.coordinates, atol=1e-12)
    # k-means leaves everyone with the nearest centre on such a table, weights or not.
    np.testing.assert_allclose(placed["distance_to_own"], result.distance_to_own, atol=1e-12)
    np.testing.assert_allclose(placed["distance_to_next"], result.distance_to_next, atol=1e-12)
    assert placed["class"].to_list() == result.classes.tolist()


def test_an_individual_at_a_centre_is_of_that_class(typology: Typology) -> None:
    means = (
        ACTIVE.select(VARIABLES).to_numpy()[typology.classes == label].mean(axis=0) for label in (1, 2, 3)
    )
    centres = pl.DataFrame(list(means), schema=VARIABLES, orient="row").with_columns(id=pl.Series([7, 8, 9]))
    placed = place_individuals(typology, centres, "id")
    assert placed["class"].to_list() == [1, 2, 3]
    np.testing.assert_allclose(placed["distance_to_own"], 0, atol=1e-12)
    gaps = np.linalg.norm(typology.centres[:, None] - typology.centres, axis=2) + 9 * np.eye(3)
    np.testing.assert_allclose(placed["distance_to_next"], gaps.min(axis=1))


def test_a_missing_value_is_refused_or_weighs_nothing(typology: Typology) -> None:
    holed = OTHERS.with_columns(b=pl.Series([1, None]))
    with pytest.raises(TypologyError, match="la valeur manque") as caught:
        place_individuals(typology, holed, "id")
    assert (caught.value.column, caught.value.identifier, caught.value.row) == ("b", "m", 2)
    placed = place_individuals(typology, holed, "id", missing_as_mean=True)
    assert placed["missing"].to_list() == [[], ["b"]]
    # The mean of b is 6.5.
    filled = place_individuals(typology, holed.with_columns(pl.col("b").fill_null(6.5)), "id")
    assert placed.drop("missing").equals(filled.drop("missing"))
    with pytest.raises(TypologyError, match="toutes les valeurs manquent"):
        nothing = OTHERS.with_columns(pl.lit(None, pl.Float64).alias(name) for name in VARIABLES)
        place_individuals(typology, nothing, "id", missing_as_mean=True)


def test_factominer_describes_with_supplementary_variables_alike(typology: Typology) -> None:
    # FactoMineR 2.7: PCA(cbind(x, e), ncp = 3, quanti.sup = 5), then HCPC(nb.clust = 3, consol = FALSE).
    axes, classes = describe_by(typology, ACTIVE.reverse(), "id", ["e"])
    np.testing.assert_allclose(
        axes.drop("variable").row(0), [0.836728648003, 0.251054536294, -0.293753641124]
    )
    assert typology.classes.tolist() == [1, 2, 1, 3, 2, 3, 1, 2, 3, 2, 2, 1]
    np.testing.assert_allclose(classes["v_test"], [-2.16141681393, 0.461319145127, 1.827817632770])
    np.testing.assert_allclose(classes["p_value"], [0.03066315643629, 0.6445696512398, 0.0675769259768])
    np.testing.assert_allclose(classes["mean_in_class"], [1.25, 4, 6])
    np.testing.assert_allclose(classes["sd_in_class"], [0.829156197589, 2, 2.160246899469])
    np.testing.assert_allclose(classes["overall_sd"], 2.53174292183)
    np.testing.assert_allclose(classes["eta2"], 0.522210184182)


def test_active_variables_are_described_as_they_are() -> None:
    result = classify(ACTIVE, "id", VARIABLES, n_axes=3, n_classes=3, weights="w")
    axes, classes = describe_by(result, ACTIVE, "id", VARIABLES)
    np.testing.assert_allclose(axes.drop("variable").to_numpy(), result.pca.correlations, atol=1e-12)
    np.testing.assert_allclose(classes["v_test"], result.description.v_tests.ravel())
    np.testing.assert_allclose(classes["overall_mean"][:4], result.pca.means)


@pytest.mark.parametrize(
    ("frame", "variables", "words"),
    [
        (ACTIVE.head(11), ["e"], "ne sont pas ceux de la typologie"),
        (ACTIVE.with_columns(e=pl.lit(3)), ["e"], "constante"),
        (ACTIVE, ["z"], "n’a pas cette colonne"),
        (ACTIVE.with_columns(e=pl.col("id")), ["e"], "numérique"),
    ],
)
def test_bad_supplementary_variables_are_named(
    typology: Typology, frame: pl.DataFrame, variables: list[str], words: str
) -> None:
    with pytest.raises(TypologyError, match=words):
        describe_by(typology, frame, "id", variables)
