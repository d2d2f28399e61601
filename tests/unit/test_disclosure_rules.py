"""Dominance, contributors, earlier releases, on basins small enough to work out by hand."""

import polars as pl
import pytest
from disclosure_release import KEYS, write_release
from disclosure_towns import INDICATORS, Town, draw_town

from observatory.disclosure.audit import audit_release
from observatory.disclosure.cells import UnknownContributorsError, build_areas, build_system
from observatory.disclosure.linked import ExposedCellError
from observatory.disclosure.policy import Policy, Rule
from observatory.disclosure.rules import protect_with_journal

TOWN = draw_town(1, 2, 5, 4, 1, 40)


def areas():
    rows = [("basin", "BM", []), ("epci", "e", ["basin:BM"])]
    rows += [("commune", code, ["epci:e", "basin:BM"]) for code in ("c1", "c2", "c3")]
    schema = {"level": pl.String, "code": pl.String, "parents": pl.List(pl.String)}
    return build_areas(pl.DataFrame(rows, schema=schema, orient="row"))


def policy(**options) -> Policy:
    rule = Rule(measure="rents", label="loyers", minimum=2, reason="Essai.", **options)
    return Policy(sources=(), public=(), rules={"rents": rule})


# Landlords' rents of three communes: one by a single landlord, one nearly so, one shared.
SHARES = {"m": [1000.0, 900.0, 400.0], "s": [0.0, 100.0, 300.0], "t": [0.0, 0.0, 300.0]}


def rents() -> tuple[dict, dict]:
    places = [("commune", code) for code in ("c1", "c2", "c3")]
    by = {name: dict(zip(places, amounts, strict=True)) for name, amounts in SHARES.items()}
    for amounts in by.values():
        amounts["epci", "e"] = amounts["basin", "BM"] = sum(amounts.values())
    total = {area: sum(amounts[area] for amounts in by.values()) for area in by["m"]}
    return {"rents": total}, {"rents": by}


def flags(**options) -> dict[str, tuple[str, float]]:
    counts, by = rents()
    system, _ = build_system(policy(**options), areas(), counts, {}, by)
    return {key[3]: (target.flag, round(target.width, 6)) for key, target in system.targets.items()}


def test_an_amount_that_one_contributor_dominates_is_secret() -> None:
    """1000 of 1000 and 900 of 1000 are above 85 %; 2300 of 3000 in all is not."""
    assert flags(dominance=0.85) == {
        "c1": ("B", round(1000 / 0.85 - 1000, 6)),
        "c2": ("B", round(1000 / 0.85 - 1000, 6)),
    }
    assert set(flags(dominance=0.95)) == {"c1"}


def test_an_amount_of_fewer_than_three_landlords_is_secret() -> None:
    assert {code: flag for code, (flag, _) in flags(contributors=3).items()} == {"c1": "A", "c2": "A"}


def test_a_rule_on_contributors_without_contributions_stops() -> None:
    counts, _ = rents()
    with pytest.raises(UnknownContributorsError, match="rents"):
        build_system(policy(dominance=0.85), areas(), counts, {})


def test_an_amount_follows_the_count_of_those_who_share_it() -> None:
    count = Rule(measure="people", label="personnes", minimum=11, reason="Essai.")
    amount = Rule(measure="euros", label="montants", minimum=11, units="people", highest=1e9, reason="Essai.")
    both = Policy(sources=(), public=(), rules={"people": count, "euros": amount})
    counts = {
        "people": {("commune", "c1"): 4.0, ("commune", "c2"): 40.0},
        "euros": {("commune", "c1"): 8000.0, ("commune", "c2"): 90000.0},
    }
    system, _ = build_system(both, areas(), counts, {})
    assert {key[0]: key[3] for key in system.targets} == {"people": "c1", "euros": "c1"}
    assert system.highest == {"euros": 1e9}


# In the second town an amount is protected by a zero hidden along with another count, and by nothing else.
@pytest.mark.parametrize("town", [TOWN, draw_town(2003, 3, 7, 4, 2, 40)])
def test_the_same_counts_published_again_hide_the_same_figures(tmp_path, town: Town) -> None:
    first = protect_with_journal(*town.publication).observations
    earlier = write_release(tmp_path / "avant", town, first)
    assert earlier.perimeter == "sept_epci-2026"
    again = protect_with_journal(*town.publication, earlier=[earlier]).observations
    assert again.equals(first)


def test_what_an_earlier_release_printed_is_reckoned_with(tmp_path) -> None:
    """A secondary suppression that was published before covers nothing: another takes its place."""
    first = protect_with_journal(*TOWN.publication)
    secondary = first.journal.filter(pl.col("flag") == "D").select(KEYS)
    assert secondary.height > 0
    indicator = pl.col("indicator")
    before = []
    for key in secondary.iter_rows():
        this = pl.all_horizontal(pl.col(name) == part for name, part in zip(KEYS, key, strict=True))
        before.append(TOWN.observations.filter(this))
        earlier = write_release(tmp_path / "-".join(key), TOWN, before[-1])
        try:
            again = protect_with_journal(*TOWN.publication, earlier=[earlier]).observations
        except ExposedCellError:
            continue
        release = write_release(tmp_path / ("apres-" + "-".join(key)), TOWN, again)
        assert audit_release(release, [earlier], INDICATORS, TOWN.measures).leaks == ()
        return
    pytest.fail(f"no secondary suppression has a substitute: {indicator}")


def test_an_earlier_release_that_gave_a_secret_away_stops_the_publication(tmp_path) -> None:
    earlier = write_release(tmp_path / "nue", TOWN, TOWN.observations)
    with pytest.raises(ExposedCellError):
        protect_with_journal(*TOWN.publication, earlier=[earlier])
