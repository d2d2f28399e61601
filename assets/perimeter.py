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
from observatory.territories import UnknownPerimeterError, select_perimeter

PERIMETER_VARIABLE = "OBSERVATORY_PERIMETER"
_EDITIONS = "etalab_decoupage"
_FORMER = ("insee_cog_mouvements", "insee_cog_communes")
_LAYERS = {
    "mbm": ("heritage_communes_mbm",),
    "unesco": ("heritage_communes_mbm", "heritage_bien_inscrit"),
}


class UnavailablePerimeterError(ObservatoryError):
    """A perimeter whose sources the run does not have."""


def choices() -> list[str]:
    """Return what may be chosen: COG years of the seven EPCI, then the other perimeters."""
    years = {*get_source(_EDITIONS).vintages, *get_source(COMPOSITIONS).vintages}
    return [*sorted(years), *(name for name in PERIMETERS if name in _LAYERS)]


def files_of(choice: str) -> list[tuple[str, tuple[str, ...]]]:
    """Return what a choice takes beyond the embedded data: sources, and the vintages any of which will do.

    Raises:
        UndocumentedPerimeterError: it is a perimeter that no source lists; the message says why.
        UnknownPerimeterError: it is neither a perimeter nor a year with a composition.
    """
    name, year = named_perimeter(choice)
    compositions = tuple(get_source(COMPOSITIONS).vintages)
    if name == "sept_epci" and (year is None or str(year) in get_source(_EDITIONS).vintages):
        return []
    if name == "sept_epci" and str(year) not in compositions:
        raise UnknownPerimeterError(
            f"Pas de composition des EPCI pour le COG {year}. Choix possibles : {', '.join(choices())}."
        )
    others = (*_LAYERS.get(name, ()), *_FORMER)
    return [
        (COMPOSITIONS, (str(year) if year else max(compositions),)),
        *((source, tuple(get_source(source).vintages)) for source in others),
    ]


def told_files(files: Iterable[tuple[str, tuple[str, ...]]]) -> str:
    """Return the list of ``files_of`` in French."""
    return ", ".join(f"{source} {' ou '.join(vintages)}" for source, vintages in files)


def check_available(paths: DataPaths, mode: Mode) -> None:
    """Check, before anything is computed, that this run has what its perimeter takes.

    Raises:
        UnavailablePerimeterError: a source is nowhere to be taken from; the message says what to run.
        UndocumentedPerimeterError: as ``files_of``.
        UnknownPerimeterError: as ``files_of``.
    """
    choice = os.environ.get(PERIMETER_VARIABLE)
    if choice is None:
        return
    absent = [
        (source, vintages)
        for source, vintages in files_of(choice)
        if not any(is_offered(get_source(source), vintage, paths, mode) for vintage in vintages)
    ]
    if absent:
        raise UnavailablePerimeterError(
            f"Le périmètre « {choice} » demande des fichiers que cette édition n’a pas : "
            f"{told_files(absent)}. "
            "Relancez avec « --sources mirror=DOSSIER », ou déposez chaque fichier dans "
            "data/landing/<source>/<millésime>/."
        )


def chosen_perimeter(territories: pl.DataFrame) -> pl.DataFrame:
    """Return the territories of the perimeter version of this run.

    Raises:
        UndocumentedPerimeterError: the environment names a perimeter that no source lists.
        UnknownPerimeterError: the environment names no version that the sources hold.
    """
    choice = os.environ.get(PERIMETER_VARIABLE)
    if choice is None:
        return select_perimeter(territories)
    name, year = named_perimeter(choice)
    return select_perimeter(territories, year, name)
