"""An edition as its readers have it: observations, definitions, source files, territories.

Belongs here: reading them from a published site, frozen or not, or from the frames of a run.
Does not: setting two editions against each other (``differences``).

Read are the data files that every site offers, and nothing else: a comparison knows no more than who
downloaded both.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import polars as pl

from observatory.opendata.exports import FORMULA_START, LIST_SEPARATOR
from observatory.releases.mark import MARK, read_mark
from observatory.releases.naming import NAME, ReleaseFolderError, release_folders, site_of
from observatory.tables import DEFINITIONS, FILES, OBSERVATIONS, TERRITORIES, Table

CURRENT = "courante"
_OBSERVATIONS = ("observations.csv", "observations-donnees-fictives.csv")
# The data files of earlier editions may lack the columns that later ones gained.
_NEEDED = {"file_id", "sha256", "indicator", "level", "code", "name", "parents", *OBSERVATIONS.key, "status"}


@dataclass(frozen=True)
class PublicEdition:
    """One edition.

    Attributes:
        name: how people call it.
        observations: columns of ``indicators.observations``.
        definitions: columns of ``indicators.definitions``.
        files: columns of ``core.files``.
        territories: columns of ``core.territories``, of one perimeter.
        code: fingerprint of the code that made it; empty where it does not say.
    """

    name: str
    observations: pl.DataFrame
    definitions: pl.DataFrame
    files: pl.DataFrame
    territories: pl.DataFrame
    code: str = ""

    @cached_property
    def names(self) -> dict[tuple[str, str], str]:
        """Name of each territory, by level and code."""
        rows = self.territories.select("level", "code", "name").iter_rows()
        return {(level, code): name for level, code, name in rows}

    @cached_property
    def compositions(self) -> dict[tuple[str, str], frozenset[str]]:
        """Communes of each territory, by level and code: those within, or those that it lies in."""
        found: dict[tuple[str, str], set[str]] = {area: set() for area in self.names}
        for level, code, parents in self.territories.select("level", "code", "parents").iter_rows():
            for parent in parents:
                above, _, named = parent.partition(":")
                if level == "commune":
                    found.setdefault((above, named), set()).add(code)
                elif level in ("iris", "cite") and above == "commune":
                    found[level, code].add(named)
        return {area: frozenset(communes) for area, communes in found.items()}

    @property
    def perimeter(self) -> str:
        """Perimeter and its year, as one word."""
        return "-".join(map(str, self.territories.select("perimeter", "perimeter_vintage").row(0)))


def read_edition(folder: Path, name: str | None = None) -> PublicEdition:
    """Return the edition of a site or of a frozen release.

    Args:
        folder: either.
        name: how to call it; the folder's name by default.

    Raises:
        ReleaseFolderError: a data file is absent, cannot be read, or lacks a column.
    """
    data = site_of(folder) / "donnees"
    parts = [_table(data / one, OBSERVATIONS) for one in _OBSERVATIONS if (data / one).is_file()]
    if not parts:
        raise ReleaseFolderError(
            f"Le dossier « {folder} » n’a pas d’observations. Que faire : donnez une édition de "
            f"data/releases/, le dossier d’un site, ou « {CURRENT} »."
        )
    return PublicEdition(
        name or folder.resolve().name,
        pl.concat(parts),
        _table(data / "definitions.csv", DEFINITIONS),
        _table(data / "sources.csv", FILES),
        _table(data / "territoires.csv", TERRITORIES),
        read_mark(data.parent).code_sha256 if (data.parent / MARK).is_file() else "",
    )


def find_edition(named: str, releases: Path, site: Path) -> PublicEdition:
    """Return the edition that an analyst names.

    Args:
        named: a release, a folder, or ``courante`` for the site that is published.
        releases: where releases are kept.
        site: the published site.

    Raises:
        ReleaseFolderError: there is no such edition.
    """
    if named == CURRENT:
        return read_edition(site, CURRENT)
    if NAME.fullmatch(named):
        if not (releases / named).is_dir():
            kept = ", ".join(path.name for path in release_folders(releases)) or "aucune"
            raise ReleaseFolderError(
                f"L’édition « {named} » n’est pas gelée. Éditions de {releases} : {kept}. Que faire : "
                f"donnez-en une, ou « {CURRENT} »."
            )
        return read_edition(releases / named)
    return read_edition(Path(named).expanduser())


def last_release(releases: Path, perimeter: str, release: str) -> PublicEdition | None:
    """Return the last release before another, of the same perimeter; None where there is none.

    Args:
        releases: where releases are kept.
        perimeter: as ``PublicEdition.perimeter`` gives it.
        release: the other one, which may be frozen there too.
    """
    for folder in reversed(release_folders(releases)):
        if folder.name != release and (found := read_edition(folder)).perimeter == perimeter:
            return found
    return None


def _table(path: Path, table: Table) -> pl.DataFrame:
    """Return a data file in the columns of a table; those that it lacks are null."""
    try:
        text = pl.read_csv(path, infer_schema=False)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise ReleaseFolderError(
            f"Le fichier « {path} » manque ou ne se lit pas. Que faire : donnez le dossier d’un site publié."
        ) from error
    if lacking := sorted(_NEEDED & table.polars_schema.keys() - set(text.columns)):
        raise ReleaseFolderError(f"Le fichier « {path} » n’a pas la colonne « {lacking[0]} ».")
    try:
        return text.select(
            _read(name, dtype) if name in text.columns else pl.lit(None, dtype).alias(name)
            for name, dtype in table.polars_schema.items()
        )
    except pl.exceptions.PolarsError as error:
        raise ReleaseFolderError(f"Le fichier « {path} » a des valeurs illisibles.") from error


def _read(name: str, dtype: pl.DataType) -> pl.Expr:
    column = pl.col(name)
    if isinstance(dtype, pl.List):
        parts = column.fill_null("").str.split(LIST_SEPARATOR)
        return parts.list.eval(pl.element().filter(pl.element() != "")).cast(dtype)
    if dtype == pl.Boolean:
        return column == "true"
    if dtype == pl.Date:
        return column.str.to_date()
    if dtype == pl.String:
        # The apostrophe that guards spreadsheets from formulas.
        guarded = column.str.contains(f"^'{FORMULA_START.removeprefix('^')}")
        return pl.when(guarded).then(column.str.slice(1)).otherwise(column).alias(name)
    return column.cast(dtype)
