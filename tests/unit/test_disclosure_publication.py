"""The real publication, computed from the fictive deliveries, stands an attack it knows nothing of."""

from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest
from disclosure_attacker import BASE, BREAKDOWNS, FAMILIES, MINIMUM, leaks, read_counts, read_map, secrets

from observatory.disclosure.audit import audit_release
from observatory.disclosure.release import FIGURES, Release
from observatory.disclosure.rules import UnprotectedMeasureError, protect_observations, protect_with_journal
from observatory.indicators import measures, mining
from observatory.indicators.catalogue import load_indicators
from observatory.indicators.compute import compute_observations
from observatory.intake.deliveries import sample_rows
from observatory.intake.places import Places
from observatory.paths import PROJECT, DataPaths
from observatory.sources.cites import read_cites
from observatory.sources.default_sample import write_default_sample
from observatory.sources.embedded import read_embedded
from observatory.sources.extracts import parse_census, parse_perimeters
from observatory.territories import build_territories, select_perimeter

INDICATORS = tuple(
    item.model_copy(update={"vintages": (2024 if item.fictive else 2021,)}) for item in load_indicators()
)
FICTIVE = {item.id: (item.numerator, item.denominator, item.scale) for item in INDICATORS if item.fictive}
KEYS = ["territory_level", "territory_code", "indicator", "vintage"]
AMOUNTS = ["value", "numerator", "denominator"]
ONE_EPCI = "epci:246200364"


@dataclass(frozen=True)
class Publication:
    territories: pl.DataFrame
    measures: pl.DataFrame
    computed: pl.DataFrame
    published: pl.DataFrame
    journal: pl.DataFrame

    @property
    def truth(self) -> dict:
        rows = self.measures.filter(pl.col("measure").is_in(list(MINIMUM)))
        columns = ["measure", "level", "code", "amount"]
        return {tuple(key): amount for *key, amount in rows.select(columns).iter_rows()}


@pytest.fixture(scope="module")
def publication(tmp_path_factory: pytest.TempPathFactory) -> Publication:
    paths = DataPaths(root=tmp_path_factory.mktemp("data"), shipped=PROJECT / "data")
    write_default_sample(paths)
    perimeters = parse_perimeters(read_embedded(paths.embedded / "perimetres.csv"))
    census = parse_census(read_embedded(paths.embedded / "iris_2021.csv"))
    cites = read_cites(paths.reference / "cites.csv")
    iris = census.filter(pl.col("level") == "iris")
    territories = select_perimeter(build_territories(perimeters, iris, cites))
    places = Places(cites, frozenset(perimeters["commune_code"]))
    files = {path.parent.parent.name: path for path in paths.sample.rglob("*.csv")}
    dwellings = pl.concat(
        sample_rows(files[name], name, 2024, places, f"{name}:2024")[0]
        for name in ("maisons-et-cites", "sia-habitat")
    )
    people, _ = sample_rows(files["angdm"], "angdm", 2024, places, "angdm:2024")
    public = measures.census_measures(census, territories)
    counts = pl.concat(
        [
            public,
            mining.dwelling_measures(dwellings, territories, public),
            mining.beneficiary_measures(people, territories, public),
        ]
    )
    computed = compute_observations(INDICATORS, counts, territories)
    protected = protect_with_journal(computed, INDICATORS, counts, territories)
    return Publication(territories, counts, computed, protected.observations, protected.journal)


def test_no_secret_is_known_within_less_than_its_minimum(publication: Publication) -> None:
    found = leaks(publication.published, FICTIVE, publication.territories, publication.truth, whole=False)
    assert list(found) == []


# The two smallest EPCI: the attacker solves a programme for nearly every secret.
SMALLEST = frozenset({"246200299", "245901152"})


@pytest.mark.parametrize("family", BREAKDOWNS, ids=["states", "households", "people"])
def test_no_category_of_a_breakdown_is_known_within_less_than_its_minimum(
    publication: Publication, family: list[str]
) -> None:
    found = leaks(
        publication.published,
        FICTIVE,
        publication.territories,
        publication.truth,
        whole=False,
        families=[family],
        only=SMALLEST,
    )
    assert list(found) == []


def test_there_are_hundreds_of_secrets_to_protect(publication: Publication) -> None:
    areas = read_map(publication.territories).atoms
    count = sum(len(secrets(family, areas, publication.truth)) for family in FAMILIES)
    assert count > 500


def test_the_attacker_succeeds_without_secondary_suppression(publication: Publication) -> None:
    """Only figures that print a sensitive count hidden: differences give some of them back."""
    sensitive = [
        ({secret.measure, BASE[secret.measure]} if secret.rest else {secret.measure}, *secret.area)
        for family in FAMILIES
        for secret in secrets(family, read_map(publication.territories).atoms, publication.truth)
        if secret.area[0] != "difference"
    ]
    primary = pl.DataFrame(
        [
            (level, code, indicator)
            for indicator, (*counts, _) in FICTIVE.items()
            for printed, level, code in sensitive
            if printed <= set(counts)
        ],
        schema=KEYS[:3],
        orient="row",
    ).unique()
    primary = primary.join(publication.computed, on=KEYS[:3], how="semi")
    hidden = publication.computed.join(primary.with_columns(gone=True), on=KEYS[:3], how="left").with_columns(
        *(pl.when(pl.col("gone").is_null()).then(pl.col(name)).alias(name) for name in AMOUNTS),
        status=pl.when(pl.col("gone").is_null()).then(pl.col("status")).otherwise(pl.lit("secret")),
    )
    found = leaks(hidden, FICTIVE, publication.territories, publication.truth, whole=False)
    assert len(list(found)) > 5
    # What the rules alone hide is hidden, and the protection adds little to it.
    secret = publication.published.filter(pl.col("status") == "secret")
    assert primary.join(secret, on=KEYS[:3], how="anti").is_empty()
    flags = dict(publication.journal["flag"].value_counts().iter_rows())
    assert 0 < flags["D"] < 0.25 * flags["A"]


def test_a_count_is_hidden_wherever_it_is_printed(publication: Publication) -> None:
    known = read_counts(publication.published, FICTIVE)
    secret = publication.published.filter(
        (pl.col("status") == "secret") & (pl.col("indicator") == "beneficiaires_angdm")
    )
    assert secret.height > 10
    for level, code in secret.select("territory_level", "territory_code").iter_rows():
        assert not [key for key in known if key == ("beneficiaries", level, code)]


def test_only_confidential_figures_change_and_only_to_secret(publication: Publication) -> None:
    computed, published = publication.computed, publication.published
    assert published.select(KEYS).equals(computed.select(KEYS))
    assert published.schema == computed.schema
    public = ~pl.col("indicator").is_in(list(FICTIVE))
    assert published.filter(public).equals(computed.filter(public))
    shown = published["status"] != "secret"
    assert published.filter(shown).equals(computed.filter(shown))
    hidden = published.filter(~shown)
    assert hidden.select(pl.col(AMOUNTS).is_null().all()).row(0) == (True, True, True)
    assert set(computed.filter(~shown)["status"]) <= {"published", "not_applicable"}


def test_every_total_of_epci_and_basin_is_published(publication: Publication) -> None:
    wide = publication.published.filter(
        pl.col("territory_level").is_in(["epci", "basin"]) & pl.col("indicator").is_in(list(FICTIVE))
    )
    assert set(wide["status"]) == {"published"}


def test_the_order_of_rows_changes_nothing(publication: Publication) -> None:
    """On one EPCI and all that it holds: the whole basin takes a minute more and tells nothing else."""
    within = publication.territories.filter(
        (pl.format("{}:{}", "level", "code") == ONE_EPCI) | pl.col("parents").list.contains(ONE_EPCI)
    )
    keys = {"territory_level": "level", "territory_code": "code"}
    computed = publication.computed.join(within, left_on=list(keys), right_on=list(keys.values()), how="semi")
    counts = publication.measures.join(within, on=["level", "code"], how="semi")

    def shuffled(frame: pl.DataFrame) -> pl.DataFrame:
        return frame.sample(fraction=1, shuffle=True, seed=7)

    once = protect_observations(computed, INDICATORS, counts, within)
    again = protect_observations(
        shuffled(computed), tuple(reversed(INDICATORS)), shuffled(counts), shuffled(within)
    )
    assert once.filter(pl.col("status") == "secret").height > 100
    assert again.sort(KEYS).equals(once.sort(KEYS))


@pytest.mark.parametrize("part", ["numerator", "denominator"])
def test_a_confidential_measure_without_rule_stops_the_publication(
    publication: Publication, part: str
) -> None:
    rate = next(item for item in INDICATORS if item.id == "part_ayants_droit")
    with pytest.raises(
        UnprotectedMeasureError, match=r"«\spart_ayants_droit\s».*«\smining_rents\s».*rules\.yaml"
    ):
        protect_observations(
            publication.computed,
            [rate.model_copy(update={part: "mining_rents"})],
            publication.measures,
            publication.territories,
        )


def release_of(publication: Publication, observations: pl.DataFrame) -> Release:
    """What its data files would give, without the files."""
    figures = observations.rename({"territory_level": "level", "territory_code": "code"}).select(
        pl.lit("observations.csv").alias("origin") if name == "origin" else pl.col(name).cast(dtype)
        for name, dtype in FIGURES.items()
        if name != "file_ids"
    )
    return Release(
        "édition",
        Path("absent"),
        figures.with_columns(file_ids=pl.lit("")).select(list(FIGURES)),
        publication.territories.select("level", "code", "name", "parents"),
        "sept_epci-2026",
        {},
    )


def test_the_journal_says_why_every_figure_is_hidden(publication: Publication) -> None:
    """A: the rules alone; D: asked by another amount; V: what is published; and no value."""
    journal, published = publication.journal, publication.published
    status = published.filter(pl.col("indicator").is_in(list(FICTIVE))).join(journal, on=KEYS, how="left")
    # Without count there is nothing to flag.
    flagged = status.filter(pl.col("flag").is_not_null())
    assert (flagged["flag"].is_in(["A", "D"]) == (flagged["status"] == "secret")).all()
    assert set(status.filter(pl.col("flag").is_null())["status"]) <= {"missing", "not_available"}
    hidden = journal.filter(pl.col("flag") != "V")
    assert hidden["asked_by"].null_count() == 0
    assert 0 < hidden.filter(pl.col("flag") == "D").height < 0.25 * hidden.height
    assert not set(AMOUNTS) & set(journal.columns)


def test_the_audit_stands_and_fails_once_any_secondary_suppression_is_lifted(
    publication: Publication,
) -> None:
    """Three of the secondary suppressions, spread over the list: each takes an attack of the whole basin."""
    computed, published = publication.computed, publication.published
    assert not audited(publication, published).leaks
    secondary = publication.journal.filter(pl.col("flag") == "D").select(KEYS)
    for key in secondary.gather_every(max(1, secondary.height // 3)).iter_rows():
        this = pl.all_horizontal(pl.col(name) == part for name, part in zip(KEYS, key, strict=True))
        mutated = pl.concat([published.filter(~this), computed.filter(this)])
        assert audited(publication, mutated).leaks, key


def audited(publication: Publication, observations: pl.DataFrame):
    release = release_of(publication, observations)
    return audit_release(release, (), INDICATORS, publication.measures, with_pages=False)
