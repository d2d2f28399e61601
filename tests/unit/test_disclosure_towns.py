"""Invented basins of every shape: no secret comes out, and nothing is hidden in vain."""

import polars as pl
from disclosure_attacker import leaks, read_counts
from disclosure_towns import DEFINITIONS, Town, draw_town
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from observatory.disclosure.rules import protect_observations

KEYS = ["territory_level", "territory_code", "indicator"]


@st.composite
def towns(draw: st.DrawFn, communes: int = 8, cites: int = 6) -> Town:
    number = draw(st.integers(1, communes))
    return draw_town(
        seed=draw(st.integers(0, 10**6)),
        epci=draw(st.integers(1, min(3, number))),
        communes=number,
        cites=draw(st.integers(0, cites)),
        shared=draw(st.integers(0, 2)),
        size=draw(st.sampled_from([6, 15, 40, 120])),
    )


def attack(town: Town, published: pl.DataFrame) -> tuple | None:
    """Return the first secret known too precisely."""
    found = leaks(published, DEFINITIONS, town.territories, town.counts, whole=True)
    return next(found, None)


def random_cases(number: int) -> settings:
    return settings(
        max_examples=number, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
    )


@random_cases(10)
# An EPCI whose only count is given back by the others, beside a commune known to be empty.
@example(draw_town(2021, 4, 7, 3, 2, 40))
@given(towns())
def test_no_secret_of_any_basin_comes_out(town: Town) -> None:
    published = protect_observations(*town.publication)
    assert attack(town, published) is None
    shown = published["status"] != "secret"
    assert published.filter(shown).equals(town.observations.filter(shown))
    assert set(town.observations.filter(~shown)["status"]) <= {"published", "not_applicable"}


@random_cases(7)
@given(towns(communes=4, cites=3))
def test_no_secondary_suppression_can_be_lifted(town: Town) -> None:
    """Each figure that is hidden only to protect others, once shown again, gives a secret away."""
    published = protect_observations(*town.publication)
    for key in published.filter(pl.col("status") == "secret").select(KEYS).iter_rows():
        this = pl.all_horizontal(pl.col(name) == part for name, part in zip(KEYS, key, strict=True))
        shown_again = pl.concat([published.filter(~this), town.observations.filter(this)])
        assert attack(town, shown_again), key


def test_the_order_of_rows_changes_nothing() -> None:
    town = draw_town(2021, 4, 7, 3, 2, 40)
    expected = protect_observations(*town.publication)
    assert expected.filter(pl.col("status") == "secret").height > 20
    again = protect_observations(
        *(
            frame if isinstance(frame, tuple) else frame.sample(fraction=1, shuffle=True, seed=5)
            for frame in town.publication
        )
    )
    assert again.sort(KEYS).equals(expected.sort(KEYS))


def one_commune(stock: int, rest: int = 400) -> Town:
    """One EPCI of two communes: a stock of dwellings in the first, a large one in the second."""

    def counts(dwellings: int) -> dict[str, int]:
        return {
            "mining_dwellings": dwellings,
            "mining_vacant": 0,
            "mining_occupied": dwellings,
            "mining_labelled": dwellings,
            "mining_label_efg": dwellings // 2,
            "mining_ayants_droit": dwellings // 2,
            "mining_entries": dwellings // 2,
            "beneficiaries": 0,
            "beneficiaries_80_over": 0,
            "surviving_spouses": 0,
            "census_dwellings": 500,
        }

    return Town({"c1": "e1", "c2": "e1"}, {}, {("c1", ""): counts(stock), ("c2", ""): counts(rest)})


def statuses(published: pl.DataFrame, code: str) -> dict[str, str]:
    return dict(published.filter(pl.col("territory_code") == code).select("indicator", "status").iter_rows())


def test_a_hidden_count_is_hidden_in_every_figure_that_prints_it() -> None:
    """Two dwellings are too few to show; their weight among public dwellings would give them back."""
    published = protect_observations(*one_commune(stock=2).publication)
    around = [name for name, (a, b, _) in DEFINITIONS.items() if "mining_dwellings" in (a, b)]
    assert set(around) == {
        "parc_minier",
        "poids_parc_minier",
        "part_parc_minier_vacant",
        "part_statut_occupe",
        "taux_rotation",
    }
    for commune in ("c1", "c2"):
        assert {statuses(published, commune)[name] for name in around} == {"secret"}
    known = read_counts(published, DEFINITIONS)
    assert ("mining_dwellings", "epci", "e1") in known
    assert ("mining_dwellings", "commune", "c1") not in known


def test_an_empty_place_keeps_its_reason() -> None:
    """Nobody to protect where there is nothing: « sans objet » stays, and so does an absent count."""
    town = one_commune(stock=0)
    published = protect_observations(*town.publication)
    assert statuses(published, "c1")["part_ayants_droit"] == "not_applicable"
    assert statuses(published, "c1")["parc_minier"] == "published"
    observations, indicators, measures, territories = one_commune(stock=2).publication
    absent = pl.col("indicator") == "taux_rotation"
    unknown = observations.with_columns(
        *(pl.when(~absent).then(pl.col(name)).alias(name) for name in ("value", "numerator", "denominator")),
        status=pl.when(absent).then(pl.lit("not_available")).otherwise(pl.col("status")),
    )
    published = protect_observations(unknown, indicators, measures, territories)
    assert statuses(published, "c1")["taux_rotation"] == "not_available"
    assert statuses(published, "c1")["parc_minier"] == "secret"
