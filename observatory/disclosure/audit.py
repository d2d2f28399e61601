"""The attack of a publication: what whoever holds all its files learns of what it hides.

Belongs here: from a release, those before it and the rules to the leaks, each with its path.
Does not: reading files (``release``, ``pages``), the French report (``report``).

Every count that a rule protects must stay in an interval at least as wide as the rule asks. Which those
are is read in the confidential counts where the auditor has them. Without them, a leak is what the attacker
himself is sure of: a count that he knows to be small, none or all of a group.

Of amounts published rounded (``rounding``) the attacker is supposed to know the true values.

Nothing here tells a hidden value: a leak says how wide the interval is, never where it lies.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

import polars as pl

from observatory.disclosure.attack import audit, intervals
from observatory.disclosure.cells import (
    COUNT,
    LEVELS,
    REMAINDER,
    Amounts,
    Area,
    Areas,
    inclusions,
    sensitive_amounts,
    variables_of,
)
from observatory.disclosure.deduction import TOLERANCE, Exposure
from observatory.disclosure.evidence import Evidence, Known, gather
from observatory.disclosure.pages import Shown, read_pages
from observatory.disclosure.policy import Policy, load_policy
from observatory.disclosure.release import Release
from observatory.disclosure.rounding import agrees, unrounded
from observatory.disclosure.scripts import beyond_the_data
from observatory.disclosure.system import Cell, Key, System, Target
from observatory.indicators.catalogue import Indicator


@dataclass(frozen=True)
class Leak:
    """A hidden amount known too precisely.

    Attributes:
        what: the amount, in French.
        width: width of the interval that the attacker reaches; none for a figure shown as it is.
        asked: width that the rule asks; none where the confidential counts are not at hand.
        path: how he gets there, one French line per published figure used.
    """

    what: str
    width: float | None
    asked: float | None
    path: tuple[str, ...]


@dataclass(frozen=True)
class Audit:
    """The outcome of an attack.

    Attributes:
        release: name of the release attacked.
        earlier: names of the earlier releases held by the attacker.
        on_truth: whether the sensitive amounts were read in the confidential counts.
        figures_hidden: figures of the release whose status is « secret ».
        figures_on_pages: confidential figures read on its pages.
        counts_known: counts that published figures give.
        counts_hidden: counts of the release that they do not give.
        protected: amounts that the rules protect.
        leaks: what gets out.
        remarks: what the reader must know, in French.
        seconds: how long it took.
    """

    release: str
    earlier: tuple[str, ...]
    on_truth: bool
    figures_hidden: int
    figures_on_pages: int
    counts_known: int
    counts_hidden: int
    protected: int
    leaks: tuple[Leak, ...]
    remarks: tuple[str, ...]
    seconds: float


def audit_release(
    release: Release,
    earlier: Iterable[Release],
    indicators: Iterable[Indicator],
    truth: pl.DataFrame | None = None,
    *,
    with_pages: bool = True,
    allowed: Callable[[Areas], Callable[[Key], bool]] = lambda _: lambda _: False,
) -> Audit:
    """Attack a release.

    Args:
        release: what is published, or about to be.
        earlier: what was published before, of any perimeter.
        indicators: the catalogue; only those that print a ruled count are read.
        truth: confidential counts (``indicators.measures.MEASURES``) of the same perimeter as the release.
        with_pages: whether the pages are read too.
        allowed: from the areas, which amounts (measure, kind, level, code) the attacker may know: he has an
            agreement.

    Raises:
        InconsistentCellsError: published counts contradict one another.
    """
    started = time.monotonic()
    policy, earlier = load_policy(), tuple(earlier)
    ruled = [item for item in indicators if {item.numerator, item.denominator} & policy.rules.keys()]
    evidence = gather(release, earlier, ruled, policy)
    remarks = list(evidence.remarks)
    true_counts = {} if truth is None else _true_counts(truth, policy)
    if truth is not None and (wrong := _disagreements(policy, evidence, true_counts)):
        remarks.append(
            f"Les effectifs confidentiels ne sont pas ceux de cette édition ({wrong} effectif(s) publié(s) "
            "en diffèrent) : l’audit se fait sans eux."
        )
        true_counts, truth = {}, None
    if truth is None and (approximate := _rounded_labels(policy, evidence)):
        remarks.append(
            f"Montants publiés arrondis : {', '.join(approximate)}. Sans les effectifs confidentiels, ils ne "
            "sont pas attaqués."
        )
    secret = _secret_figures(release, ruled)
    known = allowed(evidence.areas)
    leaks = list(_displayed(release, secret, ruled, evidence, policy, known))
    labels = {item.label: item.id for item in ruled}
    pages = read_pages(release.folder, release.territories, labels) if with_pages else ()
    shown = [item for item in pages if item.indicator in labels.values()]
    leaks += _shown_on_pages(shown, release, ruled, evidence)
    leaks += _handed_to_scripts(release, evidence)
    attacks = [
        _attack(
            vintage,
            unrounded(policy, counts, true_counts.get(vintage, {})),
            true_counts.get(vintage, {}) if truth is not None else None,
            release,
            policy,
            evidence,
            known,
        )
        for vintage, counts in sorted(evidence.counts.items())
    ]
    return Audit(
        release=release.name,
        earlier=tuple(other.name for other in earlier),
        on_truth=truth is not None,
        figures_hidden=len(secret),
        figures_on_pages=len(shown),
        counts_known=sum(map(len, evidence.counts.values())),
        counts_hidden=sum(attack.hidden for attack in attacks),
        protected=sum(attack.protected for attack in attacks),
        leaks=(*leaks, *(leak for attack in attacks for leak in attack.leaks)),
        remarks=tuple(remarks),
        seconds=time.monotonic() - started,
    )


@dataclass(frozen=True)
class _Attack:
    """The outcome of one vintage: leaks, hidden counts, protected amounts."""

    leaks: list[Leak]
    hidden: int
    protected: int


def _attack(
    vintage: int,
    known: Mapping[Key, Known],
    truth: Mapping[str, Amounts] | None,
    release: Release,
    policy: Policy,
    evidence: Evidence,
    allowed: Callable[[Key], bool],
) -> _Attack:
    """Attack the counts of one vintage; ``truth`` is null where the confidential counts are not at hand."""
    areas = evidence.areas
    asked = None
    if truth is not None:
        amounts = {measure: areas.amounts(counts) for measure, counts in truth.items()}
        sensitive = sensitive_amounts(policy, areas, amounts)
        asked = {key: target for key, target in sensitive.items() if not allowed(key)}
    own = set(release.territories.filter(pl.col("level").is_in(LEVELS)).select("level", "code").rows())
    measures = {key[0] for key in known}
    system = _system(policy, areas, known, asked, own)
    if asked is not None:
        # The exact interval and its path are for what leaks: an attack that only tells takes a tenth of it.
        exposed = {found.target for found in audit(system, ())}
        system = replace(system, targets={key: asked[key] for key in sorted(exposed)})
    leaks = []
    for found in intervals(system) if system.targets else ():
        if allowed(found.target) or (asked is None and not _certain(policy, found, known)):
            continue
        leaks.append(
            Leak(
                _named(found.target, vintage, policy, evidence),
                found.most - found.least,
                None if asked is None else asked[found.target].width,
                _path(found, vintage, known, policy, evidence),
            )
        )
    hidden = sum((measure, *area) not in known for measure in measures for area in own)
    return _Attack(leaks, hidden, len(asked or ()))


def _true_counts(truth: pl.DataFrame, policy: Policy) -> dict[int, dict[str, dict[Area, float]]]:
    """Return vintage -> measure -> counts of the published levels."""
    found: dict[int, dict[str, dict[Area, float]]] = {}
    rows = truth.filter(
        pl.col("measure").is_in(list(policy.rules))
        & pl.col("level").is_in(LEVELS)
        & pl.col("amount").is_not_null()
    )
    columns = ("vintage", "measure", "level", "code", "amount")
    for vintage, measure, level, code, amount in rows.select(columns).iter_rows():
        found.setdefault(vintage, {}).setdefault(measure, {})[level, code] = amount
    return found


def _disagreements(policy: Policy, evidence: Evidence, truth: Mapping[int, Mapping[str, Amounts]]) -> int:
    return sum(
        not agrees(policy, key, told, truth.get(vintage, {}))
        for vintage, known in evidence.counts.items()
        for key, told in known.items()
    )


def _rounded_labels(policy: Policy, evidence: Evidence) -> list[str]:
    """Return what the rounded measures of a publication count."""
    measures = {key[0] for known in evidence.counts.values() for key in known}
    return sorted(policy.rules[name].label for name in measures if policy.step(name) is not None)


def _system(
    policy: Policy,
    areas: Areas,
    known: Mapping[Key, Known],
    asked: Mapping[Key, Target] | None,
    own: set[Area],
) -> System:
    """Return the system of what is known, with ``asked`` for targets or else every amount of the release."""
    measures = {key[0] for key in known} | {key[0] for key in asked or ()}
    cells = {
        key: Cell(told.value, variables_of(key[0], areas.places[key[1], key[2]]))
        for key, told in known.items()
        if (key[1], key[2]) in areas.places
    }
    targets = dict(_amounts(policy, areas, measures, own)) if asked is None else asked
    every = frozenset().union(*areas.places.values())
    return System(
        cells,
        {key: frozenset({key}) for key in cells},
        targets,
        inclusions(policy, measures, every),
        highest=policy.highest,
    )


def _amounts(
    policy: Policy, areas: Areas, measures: Iterable[str], own: set[Area]
) -> Iterator[tuple[Key, Target]]:
    """Yield the counts of the release, known or not, and what they leave of their base."""
    for measure in sorted(measures):
        whole = policy.rules[measure].complement_of
        for area, places in areas.places.items():
            inside = variables_of(measure, places)
            if area in own:
                yield (measure, COUNT, *area), Target(inside, frozenset(), 0)
            if area in own and whole is not None and whole in measures:
                yield (measure, REMAINDER, *area), Target(variables_of(whole, places), inside, 0)


def _certain(policy: Policy, found: Exposure, known: Mapping[Key, Known]) -> bool:
    """Return whether the attacker is sure that an amount is one that the rules protect."""
    rule = policy.rules[found.target[0]]
    if found.least > TOLERANCE:
        return found.most < rule.minimum - TOLERANCE
    base = known.get((str(rule.complement_of), *found.target[2:]))
    return rule.group and found.most < TOLERANCE and base is not None and base.value > 0


def _secret_figures(release: Release, ruled: list[Indicator]) -> set[tuple[str, str, str, int]]:
    rows = release.figures.filter(
        pl.col("indicator").is_in([item.id for item in ruled]) & (pl.col("status") == "secret")
    )
    return set(rows.select("level", "code", "indicator", "vintage").rows())


def _displayed(
    release: Release,
    secret: set[tuple[str, str, str, int]],
    ruled: list[Indicator],
    evidence: Evidence,
    policy: Policy,
    allowed: Callable[[Key], bool],
) -> Iterator[Leak]:
    """Yield the figures that one file hides and another, or the same, prints."""
    labels = {item.id: item.label for item in ruled}
    measures = {
        item.id: [name for name in (item.numerator, item.denominator) if name in policy.rules]
        for item in ruled
    }
    printed = release.figures.filter(
        pl.col("indicator").is_in(list(labels))
        & pl.any_horizontal(pl.col("value", "numerator", "denominator").is_not_null())
    )
    for *key, origin in printed.select("level", "code", "indicator", "vintage", "origin").rows():
        level, code, indicator, vintage = key
        if (level, code, indicator, vintage) in secret and not all(
            allowed((measure, COUNT, level, code)) for measure in measures[indicator]
        ):
            what = _figure_name(labels[indicator], (level, code), vintage, evidence)
            yield Leak(
                what, None, None, (f"le fichier {origin} donne cette valeur alors qu’elle est secrète",)
            )


def _shown_on_pages(
    shown: list[Shown], release: Release, ruled: list[Indicator], evidence: Evidence
) -> Iterator[Leak]:
    """Yield the figures that a page shows and that the data do not publish."""
    labels = {item.id: item.label for item in ruled}
    rows = release.figures.filter(pl.col("status") == "published", pl.col("indicator").is_in(list(labels)))
    published = set(rows.select("level", "code", "indicator", "vintage").rows())
    ever = {key[:3] for key in published}
    told = set()
    for item in shown:
        key = (*item.area, item.indicator)
        known = key in ever if item.vintage is None else (*key, item.vintage) in published
        if known or (key, item.page) in told or not any(letter.isdigit() for letter in item.text):
            continue
        told.add((key, item.page))
        what = _figure_name(labels[item.indicator], item.area, item.vintage, evidence)
        yield Leak(
            what, None, None, (f"la page {item.page} montre un nombre que les données ne publient pas",)
        )


def _handed_to_scripts(release: Release, evidence: Evidence) -> Iterator[Leak]:
    """Yield the numbers that pages load on demand and that the data do not publish."""
    rows = beyond_the_data(release).select("level", "code", "label", "vintage", "origin").rows()
    for level, code, label, vintage, origin in rows:
        what = _figure_name(label, (level, code), vintage, evidence)
        yield Leak(what, None, None, (f"le script {origin} donne un nombre que les données ne publient pas",))


def _figure_name(label: str, area: tuple[str, str], vintage: int | None, evidence: Evidence) -> str:
    place = evidence.names.get(area, area[1])
    return f"{label}, {place}" + ("" if vintage is None else f", {vintage}")


_LEVEL_NAMES = {"cite": "cité", "commune": "commune", "epci": "intercommunalité", "basin": "Bassin minier"}


def _named(target: Key, vintage: int, policy: Policy, evidence: Evidence) -> str:
    """Return a target, or with ``COUNT`` a cell, in words."""
    measure, kind, level, code = target
    rule = policy.rules[measure]
    label = rule.label
    if kind == REMAINDER:
        label = f"{policy.rules[str(rule.complement_of)].label}, hors {label}"
    if level == "rest":
        places = " et ".join(evidence.names["commune", part] for part in code.split("+"))
        return f"{label}, {places} hors de ses cités, {vintage}"
    name = evidence.names[level, code]
    return (
        f"{label}, {_LEVEL_NAMES[level]} {name}, {vintage}"
        if level != "basin"
        else f"{label}, {name}, {vintage}"
    )


def _path(
    found: Exposure, vintage: int, known: Mapping[Key, Known], policy: Policy, evidence: Evidence
) -> tuple[str, ...]:
    """Return how the upper end follows: cells added and taken away, then those that bound the rest."""

    def line(key: Key, before: str) -> str:
        measure, level, code = key
        name = _named((measure, COUNT, level, code), vintage, policy, evidence)
        return f"{before} {name} [{known[key].origin}]"

    signed = sorted(found.path.items(), key=lambda item: (item[1] < 0, item[0]))
    lines = [line(key, ("+" if times > 0 else "−") + _times(abs(times))) for key, times in signed]
    return (*lines, *(line(key, "borné par") for key in sorted(found.causes - found.path.keys())))


def _times(times: float) -> str:
    return "" if abs(times - 1) < TOLERANCE else f" {times:g} ×".replace(".", ",")
