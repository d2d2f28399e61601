"""The perimeter of a run: the seven EPCI of the latest COG, or what the environment names."""

import os
from collections.abc import Iterable

import polars as pl

from observatory.errors import ObservatoryError
from observatory.geography.perimeters import PERIMETERS, named_perimeter
from observatory.paths import DataPaths
from observatory.sources.catalogue import get_source
from observatory.sources.dgcl import SOURCE as COMPOSITIONS
from observatory.sources.obtaining import Mode, is_offered
from observatory.territories import WIDE, UnknownPerimeterError, select_perimeter

PERIMETER_VARIABLE = "OBSERVATORY_PERIMETER"
_EDITIONS = "etalab_decoupage"
_EVENTS = "insee_cog_mouvements"
_FORMER = (_EVENTS, "insee_cog_communes")
_LAYERS = {
    "mbm": ("heritage_communes_mbm",),
    "unesco": ("heritage_communes_mbm", "heritage_bien_inscrit"),
}


class UnavailablePerimeterError(ObservatoryError):
    """A perimeter whose sources the run does not have."""


class WithoutPagesError(ObservatoryError):
    """A perimeter of which tables are made, and no site."""


def choices() -> list[str]:
    """Return what may be chosen: COG years of the seven EPCI, then the other perimeters."""
    years = {*get_source(_EDITIONS).vintages, *get_source(COMPOSITIONS).vintages}
    return [*sorted(years), *(name for name in PERIMETERS if name in _LAYERS or name in WIDE)]


def files_of(text: str) -> list[tuple[str, tuple[str, ...]]]:
    """Return what a choice takes beyond the embedded data: sources, and the vintages any of which will do.

    Raises:
        UndocumentedPerimeterError: it is a perimeter that no source lists; the message says why.
        UnknownPerimeterError: it is neither a perimeter nor a year with a composition.
    """
    name, year = named_perimeter(text)
    compositions = tuple(get_source(COMPOSITIONS).vintages)
    if name == "sept_epci" and (year is None or str(year) in get_source(_EDITIONS).vintages):
        return []
    if name == "sept_epci" and str(year) not in compositions:
        raise UnknownPerimeterError(
            f"Pas de composition des EPCI pour le COG {year}. Choix possibles : {', '.join(choices())}."
        )
    if name in WIDE:
        return [(_EVENTS, tuple(get_source(_EVENTS).vintages))]
    others = (*_LAYERS.get(name, ()), *_FORMER)
    return [
        (COMPOSITIONS, (str(year) if year else max(compositions),)),
        *((source, tuple(get_source(source).vintages)) for source in others),
    ]


def told_files(files: Iterable[tuple[str, tuple[str, ...]]]) -> str:
    """Return the list of ``files_of`` in French."""
    return ", ".join(f"{source} {' ou '.join(vintages)}" for source, vintages in files)


def check_pages() -> None:
    """Check that pages can be made of the perimeter of this run.

    Raises:
        WithoutPagesError: it holds more than the mining basin.
    """
    if (wide := chosen_wide()) is not None:
        raise WithoutPagesError(
            f"Le périmètre « {wide} » n’a pas de site : les pages sont celles du Bassin minier, et les "
            "contours des autres communes ne sont pas là. Que faire : ajouter --tables, pour les tables "
            "seules."
        )


def check_available(paths: DataPaths, mode: Mode) -> None:
    """Check, before anything is computed, that this run has what its perimeter takes.

    Raises:
        UnavailablePerimeterError: a source is nowhere to be taken from; the message says what to run.
        UndocumentedPerimeterError: as ``files_of``.
        UnknownPerimeterError: as ``files_of``.
    """
    text = os.environ.get(PERIMETER_VARIABLE)
    if text is None:
        return
    absent = [
        (source, vintages)
        for source, vintages in files_of(text)
        if not any(is_offered(get_source(source), vintage, paths, mode) for vintage in vintages)
    ]
    if absent:
        raise UnavailablePerimeterError(
            f"Le périmètre « {text} » demande des fichiers que cette édition n’a pas : "
            f"{told_files(absent)}. "
            "Relancez avec « --sources mirror=DOSSIER », ou déposez chaque fichier dans "
            "data/landing/<source>/<millésime>/."
        )


def choice() -> tuple[str, int | None]:
    """Return the perimeter that this run is for, and its COG year; None for the latest.

    Raises:
        UndocumentedPerimeterError: the environment names a perimeter that no source lists.
        UnknownPerimeterError: it names none that is known.
    """
    text = os.environ.get(PERIMETER_VARIABLE)
    return ("sept_epci", None) if text is None else named_perimeter(text)


def chosen_wide() -> str | None:
    """Return the wide perimeter that this run is for, or None for one of the mining basin; as ``choice``."""
    name, _ = choice()
    return name if name in WIDE else None


def chosen_perimeter(territories: pl.DataFrame) -> pl.DataFrame:
    """Return the territories of the perimeter version of this run.

    Raises:
        UndocumentedPerimeterError: the environment names a perimeter that no source lists.
        UnknownPerimeterError: the environment names no version that the sources hold.
    """
    name, year = choice()
    return select_perimeter(territories, year, name)
