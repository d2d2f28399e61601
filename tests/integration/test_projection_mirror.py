"""The projection on the real mortality table: figures of INSEE and ANGDM, path of the Cour des comptes."""

import pytest

from observatory.paths import PROJECT
from observatory.projection import Mortality, life_expectancy, surface
from observatory.projection.assumptions import CARD, read_assumptions
from observatory.projection.calibration import CARD as LANDMARKS
from observatory.projection.calibration import calibrate, read_landmarks
from observatory.projection.mortality import observed_surface
from observatory.sources.catalogue import load_catalogue
from observatory.sources.mortality import read_mortality

pytestmark = pytest.mark.integration

# INSEE, Bilan démographique: life expectancy at birth and at 60, France, 2018.
PUBLISHED = {("F", 0): 85.4, ("M", 0): 79.5, ("F", 60): 27.6, ("M", 60): 23.2}
REFERENCE = PROJECT / "data" / "reference"


@pytest.fixture(scope="module")
def table(mirror):
    file = load_catalogue()["insee_mortalite"].data_file("1977-2019")
    return read_mortality(mirror / str(file.mirror))


def test_closed_tables_give_the_published_life_expectancies(table) -> None:
    known = observed_surface(table)
    year = known.probability[:, :, 2018 - known.first_year]
    for (sex, age), published in PUBLISHED.items():
        found = life_expectancy(year["FM".index(sex)], age)
        assert float(found) == pytest.approx(published, abs=0.1)


def test_the_trend_goes_on_and_women_still_live_longer(table) -> None:
    ahead = surface(table, Mortality(), 2025, 26).probability
    women, men = life_expectancy(ahead[0], 60), life_expectancy(ahead[1], 60)
    assert (women > men).all()
    assert (women[1:] > women[:-1]).all()
    # The pace of the table itself, from 1990 to 2019, is some 1.4 (women) and 1.8 (men) years in ten.
    assert 0.8 < (women[20] - women[0]) / 2 < 1.8
    assert 0.8 < (men[20] - men[0]) / 2 < 2.2


def test_the_national_series_and_the_path_of_the_court_are_met(table) -> None:
    found = calibrate(table, read_landmarks(REFERENCE / LANDMARKS), read_assumptions(REFERENCE / CARD))
    targets = {check.landmark.annee: check for check in found.checks}
    assert targets[2018].target == pytest.approx(1 - 0.34, abs=0.005)
    assert [targets[year].target for year in (2030, 2040)] == [0.5, 0.25]
    for check in found.checks:
        assert check.two_groups == pytest.approx(check.target, rel=0.02), check
    # A single bell loses too few by 2030 to be quartered by 2040.
    assert targets[2030].one_group > 0.56
    assert found.younger < 60 < found.older
    assert dict(found.path)[2018] == pytest.approx(105_943, rel=0.02)
    assert [one.year for one in found.closed] == [2020, 2030, 2040, 2050]
    for one in found.closed:
        assert one.model == pytest.approx(one.table, rel=1e-9)
    for one in found.life_expectancies:
        assert one.found == pytest.approx(PUBLISHED[one.landmark.sexe, one.landmark.age], abs=0.1)
