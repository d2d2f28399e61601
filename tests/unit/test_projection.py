"""The projection against hand computations, an independent life table and its own two methods."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from observatory.errors import InputError, ObservatoryError
from observatory.paths import PROJECT
from observatory.projection import (
    Assumptions,
    Cohorts,
    Mortality,
    Surface,
    cohorts,
    expect,
    simulate,
    surface,
)
from observatory.projection.assumptions import (
    CARD,
    BySex,
    Gap,
    InKind,
    LettingAgain,
    Steps,
    read_assumptions,
)
from observatory.projection.calibration import read_landmarks
from observatory.projection.mortality import OLDEST, closed, lee_carter, life_expectancy
from observatory.projection.simulation import THRESHOLDS

AGES = OLDEST + 1
OTHERS = {"in_kind": InKind(heating=1100, housing=2400), "let_again": LettingAgain(share=0.9, year=2040)}
NEVER = Steps(ages=(0,), values=(0.0,))
ALWAYS = Steps(ages=(0,), values=(1.0,))
WOMAN, MAN = 0, 1
MINER, SPOUSE = 0, 1


def assumed(married=NEVER, institution=NEVER, gap=0) -> Assumptions:
    return Assumptions(
        married=BySex(women=married, men=married),
        gap=Gap(years=(gap,), shares=(1.0,)),
        institution=BySex(women=institution, men=institution),
        **OTHERS,
    )


def people(*cells: tuple[int, int, int, int, int], places: int = 1) -> Cohorts:
    """Make cohorts of 2025 from (place, kind, sex, age, number)."""
    counts = np.zeros((places, 3, 2, AGES))
    for place, kind, sex, age, number in cells:
        counts[place, kind, sex, age] = number
    return Cohorts(2025, tuple(f"lieu-{rank}" for rank in range(places)), counts)


def flat(probability: float, years: int) -> Surface:
    values = np.full((2, AGES, years), probability)
    values[:, OLDEST] = 1
    return Surface(2025, values)


def gompertz(years: int) -> Surface:
    """Return a mortality that grows with age, more for men, and falls with time."""
    ages, ahead = np.arange(AGES), np.arange(years)
    hazard = np.array([2e-5, 4e-5])[:, None, None] * np.exp(0.1 * ages)[None, :, None] * 0.985**ahead
    values = 1 - np.exp(-hazard)
    values[:, OLDEST] = 1
    return Surface(2025, values)


def test_one_person_with_even_chances_by_hand() -> None:
    found = expect(people((0, SPOUSE, WOMAN, 80, 1)), flat(0.5, 3), assumed())
    assert found.beneficiaries.tolist() == [[1, 0.5, 0.25, 0.125]]
    assert found.freed.tolist() == [[0.5, 0.25, 0.125]]
    assert found.from_age(82).tolist() == [[0, 0, 0.25, 0.125]]


def test_a_departure_frees_the_dwelling_and_keeps_the_rights() -> None:
    # Dies with one chance in two; if not, leaves with one in two.
    half = Steps(ages=(0,), values=(0.5,))
    found = expect(people((0, SPOUSE, WOMAN, 80, 1)), flat(0.5, 2), assumed(institution=half))
    assert found.beneficiaries.tolist() == [[1, 0.5, 0.25]]
    assert found.housed.tolist() == [[1, 0.25, 0.0625]]
    assert found.freed.tolist() == [[0.75, 0.1875]]


def test_reversion_by_hand() -> None:
    # He dies in the year for sure; she is two years younger, and dies the year after with one chance in two.
    values = np.zeros((2, AGES, 2))
    values[MAN], values[WOMAN] = 1, 0.5
    found = expect(people((0, MINER, MAN, 80, 10)), Surface(2025, values), assumed(married=ALWAYS, gap=2))
    assert found.beneficiaries.tolist() == [[10, 10, 5]]
    assert found.miners.tolist() == [[10, 0, 0]]
    assert found.aged[0, 79, 1] == 10
    assert found.freed.tolist() == [[0, 5]]
    assert found.alone_from(0).tolist() == [[0, 10, 5]]
    assert found.alone_from(79).tolist() == [[0, 10, 5]]
    assert found.alone_from(80).tolist() == [[0, 0, 5]]


def test_a_spouse_left_by_a_departure_has_rights_after_the_death_only() -> None:
    # He leaves alive in 2025 and dies in 2026; she dies in 2027.
    values = np.zeros((2, AGES, 3))
    values[MAN, :, 1], values[WOMAN, :, 2] = 1, 1
    now = Steps(ages=(80, 81), values=(1.0, 0.0))
    rules = Assumptions(
        married=BySex(women=NEVER, men=ALWAYS),
        gap=Gap(years=(10,), shares=(1.0,)),
        institution=BySex(women=NEVER, men=now),
        **OTHERS,
    )
    found = expect(people((0, MINER, MAN, 80, 4)), Surface(2025, values), rules)
    assert found.beneficiaries.tolist() == [[4, 4, 4, 0]]
    assert found.miners.tolist() == [[4, 4, 0, 0]]
    assert found.housed.tolist() == [[4, 4, 4, 0]]
    assert found.freed.tolist() == [[0, 0, 4]]


def test_a_closed_cohort_is_an_independent_life_table() -> None:
    mortality = gompertz(31)
    found = expect(people((0, SPOUSE, WOMAN, 70, 1000)), mortality, assumed())
    alive, survivors = 1000.0, [1000.0]
    for year in range(31):
        alive *= 1 - mortality.probability[WOMAN, 70 + year, year]
        survivors.append(alive)
    assert found.beneficiaries[0] == pytest.approx(survivors, rel=1e-12)


ages = st.integers(45, 109)
cells = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 2), st.integers(0, 1), ages, st.integers(1, 30)), max_size=12
)


@given(cells=cells, married=st.floats(0, 1), leaving=st.floats(0, 0.5), gap=st.integers(-5, 12))
@settings(max_examples=60, deadline=None)
def test_nobody_enters_and_every_dwelling_is_freed_once(cells, married, leaving, gap) -> None:
    rules = assumed(Steps(ages=(0,), values=(married,)), Steps(ages=(0,), values=(leaving,)), gap)
    found = expect(people(*cells, places=3), gompertz(20), rules)
    assert (np.diff(found.beneficiaries, axis=1) <= 1e-9).all()
    assert found.housed[:, :-1] - found.housed[:, 1:] == pytest.approx(found.freed, abs=1e-9)
    assert (found.housed <= found.beneficiaries + 1e-9).all()
    assert found.aged.sum(axis=1) == pytest.approx(found.housed, abs=1e-9)


@given(cells=cells, seed=st.integers(0, 2**32), leaving=st.floats(0, 0.5))
@settings(max_examples=30, deadline=None)
def test_draws_keep_the_same_accounts(cells, seed, leaving) -> None:
    start = people(*cells, places=3)
    rules = assumed(Steps(ages=(0,), values=(0.6,)), Steps(ages=(0,), values=(leaving,)), 3)
    drawn = simulate(start, gompertz(20), rules, draws=7, seed=seed)
    stock = drawn.beneficiaries.astype(int)
    assert (np.diff(stock, axis=2) <= 0).all()
    assert (stock[:, :, 0] == start.counts.sum(axis=(1, 2, 3))).all()
    housed = start.counts.sum(axis=(1, 2, 3))[:, None] - drawn.freed.astype(int).cumsum(axis=2)
    assert (housed >= 0).all()
    assert (drawn.aged[90] <= drawn.aged[85]).all()
    assert (drawn.aged[85][:, :, 1:] <= housed).all()


def test_the_mean_of_the_draws_is_the_expectation() -> None:
    generator = np.random.default_rng(3)
    counts = np.zeros((4, 3, 2, AGES))
    counts[:, :, :, 60:100] = generator.poisson(2, (4, 3, 2, 40))
    start = Cohorts(2025, ("a", "b", "c", "d"), counts)
    rules = Assumptions(
        married=BySex(
            women=Steps(ages=(0, 80), values=(0.5, 0.2)), men=Steps(ages=(0, 85), values=(0.7, 0.4))
        ),
        gap=Gap(years=(0, 3, 7), shares=(0.2, 0.5, 0.3)),
        institution=BySex(
            women=Steps(ages=(75, 90), values=(0.02, 0.1)), men=Steps(ages=(75, 90), values=(0.01, 0.08))
        ),
        **OTHERS,
    )
    mortality = gompertz(26)
    expected, draws = expect(start, mortality, rules), 4000
    drawn = simulate(start, mortality, rules, draws, seed=11)
    pairs = [(expected.beneficiaries, drawn.beneficiaries), (expected.freed, drawn.freed)]
    pairs += [(expected.from_age(age), drawn.aged[age]) for age in THRESHOLDS]
    for exact, sample in pairs:
        error = np.maximum(sample.std(axis=0) / np.sqrt(draws), 1e-3)
        # Some 430 comparisons: five standard errors let chance alone through once in four thousand runs.
        assert (np.abs(sample.mean(axis=0) - exact) < 5 * error).all()


def test_survivors_of_a_cohort_are_binomial() -> None:
    drawn = simulate(people((0, SPOUSE, MAN, 75, 40)), flat(0.1, 1), assumed(), draws=20_000, seed=5)
    survivors = drawn.beneficiaries[:, 0, 1].astype(float)
    assert survivors.mean() == pytest.approx(36, abs=0.1)
    assert survivors.var() == pytest.approx(40 * 0.1 * 0.9, rel=0.05)


def test_equal_seeds_give_equal_draws() -> None:
    start = people((0, MINER, MAN, 75, 300), (1, SPOUSE, WOMAN, 80, 200), places=2)
    once, again, other = (
        simulate(start, gompertz(10), assumed(ALWAYS), draws=3000, seed=seed) for seed in (1, 1, 2)
    )
    assert (once.beneficiaries == again.beneficiaries).all()
    assert (once.beneficiaries != other.beneficiaries).any()


def test_limits_are_said() -> None:
    with pytest.raises(ObservatoryError, match="31 années"):
        simulate(people(), flat(0.1, 32), assumed(), 1, 1)
    with pytest.raises(ObservatoryError, match="65 535"):
        simulate(people((0, MINER, MAN, 75, 70_000)), flat(0.1, 3), assumed(), 1, 1)


def table(years=range(2000, 2020), fall=0.02) -> pl.DataFrame:
    """Make a national table whose hazards fall by ``fall`` a year at every age."""
    rows = [
        {
            "year": year,
            "sex": sex,
            "age": age,
            "probability": 1 - np.exp(-level * np.exp(0.1 * age) * (1 - fall) ** (year - 2000)),
        }
        for year in years
        for sex, level in (("F", 1e-5), ("M", 2e-5))
        for age in range(100)
    ]
    return pl.DataFrame(rows, schema_overrides={"year": pl.Int32, "age": pl.Int32})


def test_the_trend_of_a_table_that_falls_evenly_is_its_fall() -> None:
    found = surface(table(), Mortality(), 2021, 3)
    hazard = -np.log1p(-found.probability[MAN, 70])
    expected = [2e-5 * np.exp(7) * 0.98 ** (year - 2000) for year in (2021, 2022, 2023)]
    assert hazard == pytest.approx(expected, rel=1e-6)
    assert surface(table(), Mortality(improvement=0.02), 2021, 3).probability[MAN, 70] == pytest.approx(
        found.probability[MAN, 70], rel=1e-6
    )


def test_lee_carter_finds_the_factors_of_a_rank_one_table() -> None:
    response, trend = np.array([0.2, 0.3, 0.5]), np.linspace(6, -6, 13)
    found, drift = lee_carter(np.exp(np.array([-3, -2, -1])[:, None] + np.outer(response, trend)))
    assert found == pytest.approx(response)
    assert drift == pytest.approx(-1)


def test_the_excess_fades_from_85_to_100() -> None:
    plain, worse = (surface(table(), Mortality(excess=excess), 2021, 1) for excess in (1.0, 1.3))
    ratio = np.log1p(-worse.probability[MAN, :OLDEST, 0]) / np.log1p(-plain.probability[MAN, :OLDEST, 0])
    assert ratio[[60, 85]] == pytest.approx([1.3, 1.3])
    assert ratio[94] == pytest.approx(1.3 - 0.3 * 9 / 15)
    assert ratio[[100, 105]] == pytest.approx([1, 1])


def test_old_ages_lie_on_the_logistic_curve() -> None:
    odds = 0.08 * np.exp(0.11 * (np.arange(AGES) - 80))
    hazard = (odds / (1 + odds))[:, None]
    assert closed(hazard[:100]) == pytest.approx(hazard)


def test_the_life_expectancy_of_a_constant_risk() -> None:
    # Half die each year: 0.5 + 1/2 + 1/4 + … until the last age.
    assert life_expectancy(np.full(60, 0.5)) == pytest.approx(1.5)
    assert life_expectancy(np.array([0.0, 0.0, 1.0])) == pytest.approx(2.5)
    assert life_expectancy(np.array([0.0, 0.0, 1.0]), age=1) == pytest.approx(1.5)


def test_a_table_that_cannot_be_carried_on_is_refused() -> None:
    with pytest.raises(ObservatoryError, match="il en faut 10"):
        surface(table(range(2015, 2020)), Mortality(), 2021, 3)
    with pytest.raises(ObservatoryError, match="jusqu’en 2019"):
        surface(table(), Mortality(), 2019, 3)
    with pytest.raises(ObservatoryError, match="vide"):
        surface(table().clear(), Mortality(), 2021, 3)


def test_beneficiaries_are_counted_by_place_kind_sex_and_age() -> None:
    rows = pl.DataFrame(
        {
            "place": ["b", "b", "a"],
            "kind": ["former_miner", "former_miner", "surviving_spouse"],
            "sex": ["M", "M", "F"],
            "birth_year": [1944, 1944, 1930],
        }
    )
    found = cohorts(rows, ("a", "b"), 2025)
    assert found.counts[1, MINER, MAN, 80] == 2
    assert found.counts[0, SPOUSE, WOMAN, 94] == 1
    assert found.total == 3
    with pytest.raises(ObservatoryError, match="lieu inconnu « b »"):
        cohorts(rows, ("a",), 2025)
    with pytest.raises(ObservatoryError, match="moins de 0 an ou plus de 110 ans"):
        cohorts(rows, ("a", "b"), 2045)


def test_faulty_landmarks_name_their_row_and_column(tmp_path) -> None:
    path = tmp_path / "projection_reperes.csv"
    head = "nature,annee,sexe,age,base,valeur,source"
    for text, fault in (
        ("annee,valeur\n2010,1", "colonnes"),
        (f"{head}\nbeneficiaires,2010,,,,160433,ANGDM\nbeneficiaires,2017,,,,beaucoup,ANGDM", "valeur"),
        (f"{head}\nautre,2010,,,,1,ANGDM", "nature"),
    ):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(InputError, match=fault):
            read_landmarks(path)
    with pytest.raises(InputError, match="manque"):
        read_landmarks(tmp_path / "ailleurs.csv")


def test_shares_by_age_hold_until_the_next() -> None:
    shares = Steps(ages=(70, 80), values=(0.1, 0.3)).by_age(AGES)
    assert shares[[0, 69, 70, 79, 80, 110]].tolist() == [0, 0, 0.1, 0.1, 0.3, 0.3]


def test_the_shipped_assumptions_are_read_and_faulty_ones_named(tmp_path) -> None:
    assert read_assumptions(PROJECT / "data" / "reference" / CARD).mortality.improvement is None
    text = (PROJECT / "data" / "reference" / CARD).read_text(encoding="utf-8")
    faulty = tmp_path / CARD
    for old, new, name in (
        ("excess: 1.15", "excess: 9", "mortality.excess"),
        ("shares: [0.25, 0.35, 0.25, 0.15]", "shares: [0.25, 0.35, 0.25, 0.25]", "gap"),
        ("ages: [50, 70, 80, 85, 90], values", "ages: [50, 90, 80, 85, 90], values", "married.women"),
        ("year: 2040", "year: 2042", "let_again.year"),
        ("heating: 1100", "heating: beaucoup", "in_kind.heating"),
    ):
        assert old in text
        faulty.write_text(text.replace(old, new), encoding="utf-8")
        with pytest.raises(InputError, match=name):
            read_assumptions(faulty)
    with pytest.raises(InputError, match="manque"):
        read_assumptions(tmp_path / "ailleurs.yaml")
