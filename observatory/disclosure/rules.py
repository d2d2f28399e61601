"""Observations with the secret figures emptied.

Belongs here: from observations and counts to what may be published.
Does not: the rules themselves (``policy``), the attack (``attack``), the choice of what is hidden beside a
sensitive count (``linked``).

The attacker has every figure of the publication, at every level and for every indicator, with value,
numerator and denominator; the official composition of communes, EPCI and basin, and the communes of each
cité; the definitions (a vacant dwelling is a dwelling of the stock and is not an occupied one, and so on,
``rules.yaml``); and the public counts, such as the dwellings of the census, that some figures divide by.
From them he computes sums, differences and intervals (``attack``). Each vintage is attacked alone: counts
of two years are different counts.

He has the earlier releases that are given, if they count the same rows. He is not supposed to bound counts
by those of another date or register: the census of 2021 bounds no stock of 2024, and ANGDM's beneficiaries
are not the landlords' ayants droit.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from observatory.disclosure.cells import LEVELS, Area, Areas, build_system, variables_of
from observatory.disclosure.evidence import TELLING, Known, gather
from observatory.disclosure.linked import protect
from observatory.disclosure.policy import RULES, Policy, load_policy
from observatory.disclosure.release import FIGURES, Release
from observatory.disclosure.rounding import agrees, rounded, unrounded
from observatory.disclosure.system import Cell, Key, System
from observatory.errors import ObservatoryError
from observatory.indicators.catalogue import Indicator
from observatory.tables import DISCLOSURE_JOURNAL
from observatory.tables.disclosure import Tier

JournalRow = tuple[str, str, str, int, str, str, str | None, str, str]
"""A row of ``confidential.disclosure_journal``."""


class UnprotectedMeasureError(ObservatoryError):
    """An indicator draws on confidential data by a measure that has no rule."""


@dataclass(frozen=True)
class Protected:
    """Observations that may be published, and why the others may not.

    Attributes:
        observations: with secret figures emptied.
        journal: ``confidential.disclosure_journal``: it says which figures are small, and stays inside.
    """

    observations: pl.DataFrame
    journal: pl.DataFrame


def protect_observations(
    observations: pl.DataFrame,
    indicators: Iterable[Indicator],
    measures: pl.DataFrame,
    territories: pl.DataFrame,
) -> pl.DataFrame:
    """Return ``observations`` protected, without the journal (see ``protect_with_journal``)."""
    return protect_with_journal(observations, indicators, measures, territories).observations


def protect_with_journal(
    observations: pl.DataFrame,
    indicators: Iterable[Indicator],
    measures: pl.DataFrame,
    territories: pl.DataFrame,
    *,
    earlier: Iterable[Release] = (),
    contributions: pl.DataFrame | None = None,
) -> Protected:
    """Return ``observations`` with secret figures emptied, of status ``secret``, and the journal.

    What is left of measures that a rule rounds is rounded.

    Value, numerator and denominator of a figure go together. A count that must be hidden is hidden in every
    figure that prints it. « Sans objet » becomes ``secret`` like a value does, since it gives a zero away; a
    figure without count (missing, not available) keeps its status: it has nothing to hide.

    Args:
        observations: as computed, without the status ``secret``.
        indicators: definitions.
        measures: the counts that the observations come from, every level.
        territories: ``core.territories`` of one perimeter version.
        earlier: what was published before; a release whose counts differ from these is left out.
        contributions: who makes up the amounts, for the rules on dominance and contributors: columns measure,
            vintage, level, code, contributor, amount.

    Raises:
        UnprotectedMeasureError: a confidential indicator uses a measure that has no rule.
        UnknownContributorsError: a rule on contributors, and no contributions.
        ExposedCellError: a sensitive count cannot be protected; earlier releases may have given it away.
        InconsistentCellsError: the counts contradict one another.
    """
    policy, indicators = load_policy(), tuple(indicators)
    printed = printed_measures(policy, indicators)
    counts = count_cells(measures, policy)
    earlier = comparable(earlier, indicators, counts, territories, policy)
    areas, given = known_before(earlier, indicators, counts, territories, policy)
    before = _hidden_before(earlier, territories)
    rows: list[JournalRow] = []
    for vintage, amounts in counts.items():
        figures = figures_of(observations, printed, vintage)
        shares = _contributions(contributions, vintage)
        system, primary = build_system(policy, areas, amounts, figures, shares)
        known = with_given(system, given.get(vintage, {}), areas)
        hidden = protect(known, primary, before.get(vintage, ()))
        rows += _entries(policy, system, primary, hidden, vintage)
    journal = DISCLOSURE_JOURNAL.conform(
        pl.DataFrame(rows, schema=DISCLOSURE_JOURNAL.polars_schema, orient="row")
    )
    published = emptied(observations, journal.filter(pl.col("flag") != "V"))
    return Protected(rounded(published, indicators, policy), journal)


def emptied(observations: pl.DataFrame, hidden: pl.DataFrame) -> pl.DataFrame:
    """Return observations without the amounts of the ``hidden`` ones, whose status becomes ``secret``."""
    keys = ["territory_level", "territory_code", "indicator", "vintage"]
    secret = hidden.select(*keys, secret=pl.lit(True))
    is_secret = pl.col("secret").fill_null(False)
    amounts = ("value", "numerator", "denominator")
    return (
        observations.join(secret, on=keys, how="left", maintain_order="left")
        .with_columns(
            *(pl.when(~is_secret).then(pl.col(name)).alias(name) for name in amounts),
            status=pl.when(is_secret).then(pl.lit("secret")).otherwise(pl.col("status")),
        )
        .drop("secret")
    )


def _entries(
    policy: Policy,
    system: System,
    primary: Mapping[Key, Key],
    hidden: Mapping[Key, Key | None],
    vintage: int,
) -> Iterator[JournalRow]:
    """Yield the lines of the journal for the figures of one vintage."""
    for figure in sorted(system.figures):
        indicator, level, code = figure
        asking = primary.get(figure) or hidden.get(figure)
        if figure in primary:
            flag, reason = system.targets[primary[figure]].flag, policy.rules[primary[figure][0]].reason
        elif figure in hidden:
            flag, reason = "D", "Masqué pour qu’un autre effectif ne se retrouve pas par différence."
        else:
            flag, reason = "V", "Publié."
        by = None if asking is None else " / ".join(asking)
        yield level, code, indicator, vintage, flag, reason, by, Tier.PUBLIC, ""


def _contributions(
    frame: pl.DataFrame | None, vintage: int
) -> dict[str, dict[str, dict[Area, float]]] | None:
    """Return measure -> contributor -> amounts of one vintage."""
    if frame is None:
        return None
    found: dict[str, dict[str, dict[Area, float]]] = {}
    columns = ("measure", "contributor", "level", "code", "amount")
    for measure, contributor, level, code, amount in (
        frame.filter(pl.col("vintage") == vintage).select(columns).iter_rows()
    ):
        found.setdefault(measure, {}).setdefault(contributor, {})[level, code] = amount
    return found


def known_before(
    earlier: Iterable[Release],
    indicators: tuple[Indicator, ...],
    counts: Mapping[int, Mapping[str, Mapping[Area, float]]],
    territories: pl.DataFrame,
    policy: Policy,
) -> tuple[Areas, Mapping[int, Mapping[Key, Known]]]:
    """Return the areas of all the perimeters published, and the counts that earlier releases gave away.

    Args:
        earlier: those that ``comparable`` returns.
        indicators: definitions.
        counts: vintage -> measure -> counts.
        territories: one perimeter version.
        policy: the rules.
    """
    ruled = [item for item in indicators if {item.numerator, item.denominator} & policy.rules.keys()]
    blank = pl.DataFrame(schema=FIGURES)
    places = territories.select("level", "code", "name", "parents")
    this = Release("", Path(), blank, places, "", {})
    evidence = gather(this, earlier, ruled, policy)
    given = {
        vintage: unrounded(policy, known, counts.get(vintage, {}))
        for vintage, known in evidence.counts.items()
    }
    return evidence.areas, given


def comparable(
    earlier: Iterable[Release],
    indicators: tuple[Indicator, ...],
    counts: Mapping[int, Mapping[str, Mapping[Area, float]]],
    territories: pl.DataFrame,
    policy: Policy,
) -> list[Release]:
    """Return the earlier releases that count the same rows, as far as their perimeter lets it be told."""
    ruled = [item for item in indicators if {item.numerator, item.denominator} & policy.rules.keys()]

    def same_counts(release: Release) -> bool:
        alone = gather(release, (), ruled, policy)
        return release.perimeter != _perimeter(territories) or all(
            agrees(policy, key, told, counts.get(vintage, {}))
            for vintage, known in alone.counts.items()
            for key, told in known.items()
        )

    return [release for release in earlier if same_counts(release)]


def _hidden_before(releases: Iterable[Release], territories: pl.DataFrame) -> dict[int, set[Key]]:
    """Return vintage -> figures that releases of this perimeter keep secret."""
    found: defaultdict[int, set[Key]] = defaultdict(set)
    for release in releases:
        if release.perimeter == _perimeter(territories):
            secret = release.figures.filter(pl.col("status") == "secret")
            for vintage, *figure in secret.select("vintage", "indicator", "level", "code").unique().rows():
                indicator, level, code = figure
                found[vintage].add((indicator, level, code))
    return dict(found)


def _perimeter(territories: pl.DataFrame) -> str:
    return "{}-{}".format(*territories.select("perimeter", "perimeter_vintage").row(0))


def with_given(system: System, given: Mapping[Key, Known], areas: Areas) -> System:
    """Return a system whose attacker also knows what other releases print."""
    cells = {
        key: Cell(told.value, variables_of(key[0], areas.places[key[1], key[2]]))
        for key, told in given.items()
    }
    return replace(system, cells=cells | dict(system.cells), given=frozenset(cells))


def printed_measures(policy: Policy, indicators: Iterable[Indicator]) -> dict[str, tuple[str, ...]]:
    """Return the confidential measures that each indicator prints."""
    printed: dict[str, tuple[str, ...]] = {}
    for indicator in indicators:
        used = tuple(name for name in (indicator.numerator, indicator.denominator) if name is not None)
        if indicator.fictive or not set(policy.sources).isdisjoint(indicator.sources):
            for measure in used:
                if measure not in policy.rules and measure not in policy.public:
                    raise UnprotectedMeasureError(
                        f"L’indicateur « {indicator.id} » tire de données confidentielles la mesure "
                        f"« {measure} », qui n’a pas de règle de secret. Ajoutez-la à {RULES.name}."
                    )
        if ruled := tuple(measure for measure in used if measure in policy.rules):
            printed[indicator.id] = ruled
    return printed


def figures_of(
    observations: pl.DataFrame, printed: dict[str, tuple[str, ...]], vintage: int
) -> dict[Key, tuple[str, ...]]:
    """Return the figures of one vintage that give counts away, with the measures that each prints."""
    rows = observations.filter(
        (pl.col("vintage") == vintage)
        & pl.col("indicator").is_in(list(printed))
        & pl.col("status").is_in(TELLING)
    ).select("indicator", "territory_level", "territory_code")
    return {figure: printed[figure[0]] for figure in rows.iter_rows()}


def count_cells(measures: pl.DataFrame, policy: Policy) -> dict[int, dict[str, dict[Area, float]]]:
    """Return vintage -> measure -> counts, at the levels that are linked."""
    frame = measures.filter(
        pl.col("measure").is_in(list(policy.rules))
        & pl.col("level").is_in(LEVELS)
        & pl.col("amount").is_not_null()
    )
    counts: defaultdict[int, defaultdict[str, dict[Area, float]]] = defaultdict(lambda: defaultdict(dict))
    columns = ("vintage", "measure", "level", "code", "amount")
    for vintage, measure, level, code, amount in frame.sort(columns[:4]).select(columns).iter_rows():
        counts[vintage][measure][level, code] = amount
    return {vintage: dict(found) for vintage, found in sorted(counts.items())}
