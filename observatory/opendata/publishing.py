"""All the open files of an edition, written and described.

Belongs here: which formats each table has, names of files, licences that travel with them.
Does not: the formats themselves, the page.

Files whose name bears the release do not change once it is out. The others give the latest edition at an
address that lasts.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl

from observatory.opendata.archives import write_zip
from observatory.opendata.changes import Correction, changes_exports, corrections_export
from observatory.opendata.exports import FICTIVE_NATURE, Export, exports, fictive_mask, write_csv
from observatory.opendata.geopackage import write_geopackage
from observatory.opendata.layers import (
    Layer,
    cite_outlines,
    commune_outlines,
    epci_outlines,
    layer,
    write_geojson,
    write_geoparquet,
)
from observatory.opendata.observation_json import LEVEL_GROUPS, write_observations
from observatory.opendata.offers import TITLE, Offer, OfferedFile, Publisher, offered
from observatory.opendata.table_parquet import write_table_parquet
from observatory.opendata.wide import LEVELS, WideTable, wide_tables
from observatory.opendata.workbook import Book, write_workbook
from observatory.releases.differences import Differences

FICTIVE_WARNING = (
    "Données fictives : chiffres issus de fichiers générés, pour essayer la chaîne. Ils ne doivent être ni "
    "cités ni diffusés comme réels."
)
COUCHES = "couches"
"""Name of the offer of all the layers as one file."""
APART = "-donnees-fictives"
"""What names the files of generated data, and what is offered of them."""
_LAYER_NAMES = {"commune": "communes", "epci": "intercommunalites", "cite": "cites"}
_GROUPS = {
    "observations": "figures",
    "projections": "figures",
    "typologie": "typology",
    "tableau": "dashboard",
}


@dataclass(frozen=True)
class OpenData:
    """What the open files are made from, each frame keeping its contract.

    Attributes:
        release: the edition, as ``2026-1``.
        published_on: its day.
        publisher: who publishes it.
        next_update: when the next edition is due, in French.
        address: where the site is served, if it is known, ending with a slash.
        observations: ``indicators.observations``.
        definitions: ``indicators.definitions``.
        files: ``core.files``.
        territories: ``core.territories`` of one perimeter version.
        cites: ``core.cites``.
        contours: ``core.contours``.
        cite_heritage: ``core.cite_heritage``.
        typology: each table of the schema ``typology``, by its name in it.
        dashboard: ``indicators.cite_dashboard``.
        projections: ``indicators.projections``.
        differences: what changed since the release before; None for the first.
        corrections: log of the corrections.
    """

    release: str
    published_on: date
    publisher: Publisher
    next_update: str
    address: str | None
    observations: pl.DataFrame
    definitions: pl.DataFrame
    files: pl.DataFrame
    territories: pl.DataFrame
    cites: pl.DataFrame
    contours: pl.DataFrame
    cite_heritage: pl.DataFrame
    typology: Mapping[str, pl.DataFrame]
    dashboard: pl.DataFrame
    projections: pl.DataFrame
    differences: Differences | None
    corrections: list[Correction]


def publish(data: OpenData, folder: Path) -> list[Offer]:
    """Write every open file of an edition in ``folder``; equal frames give equal bytes.

    Raises:
        ExportError: a figure that is not published carries a value, or a column is not documented.
    """
    folder.mkdir(exist_ok=True)
    tables = exports(
        observations=data.observations,
        definitions=data.definitions,
        files=data.files,
        territories=data.territories,
        cites=data.cites,
        typology=data.typology,
        dashboard=data.dashboard,
        projections=data.projections,
    )
    tables += changes_exports(data.differences) if data.differences else []
    tables.append(corrections_export(data.corrections))
    press = _Press(data, folder)
    offers = [press.table(export) for export in tables]
    wide = wide_tables(data.observations, data.definitions, data.files, data.territories)
    offers += press.workbooks(wide, tables)
    maps = list(press.maps(wide))
    offers += [*maps, *press.geopackages(maps, tables)]
    return [*offers, *press.archives(tables)]


class _Press:
    """Writes the files of one edition in a folder."""

    def __init__(self, data: OpenData, folder: Path) -> None:
        self._data, self._folder = data, folder
        version = data.territories.select("perimeter", "perimeter_vintage").row(0)
        self._perimeter = "{} (COG {})".format(*version)
        self._licences = dict(data.files.select("file_id", "licence").iter_rows())
        self._fictive = data.observations.with_columns(
            fictive=fictive_mask(data.definitions, data.files)
        ).partition_by("fictive", as_dict=True, include_key=False)

    def table(self, export: Export) -> Offer:
        """Write one table as CSV and Parquet, and the figures as JSON too."""
        write_csv(export, self._folder)
        stem = export.name.removesuffix(".csv")
        used = self._used(export.frame)
        about = self._about(used, export.fictive)
        write_table_parquet(self._folder / f"{stem}.parquet", export, about)
        files = [self._offered(export.name, "CSV"), self._offered(f"{stem}.parquet", "Parquet")]
        if export.name.startswith("observations"):
            files += self._json(export.fictive)
        group = _GROUPS.get(stem.partition("-")[0], "reference")
        return Offer(
            # The layer of the cités is theirs too.
            name=f"table-{stem}" if group == "reference" else stem,
            group=group,
            title=export.title,
            description=export.description,
            files=tuple(files),
            rows=export.frame.height,
            unit=("ligne", "lignes"),
            licences=self._licence_texts(used),
            columns=export.columns,
            fictive=export.fictive,
            file_ids=tuple(used),
            years=_years(export.frame),
            export=export,
        )

    def _json(self, fictive: bool) -> Iterator[OfferedFile]:
        observations = self._fictive[(fictive,)]
        for part, (called, levels) in LEVEL_GROUPS.items():
            rows = observations.filter(pl.col("territory_level").is_in(levels))
            if rows.is_empty():
                continue
            name = self._name(f"observations-{part}", fictive, "json")
            about = self._about(self._used(rows), fictive)
            write_observations(
                self._folder / name, about, rows, self._data.definitions, self._data.territories
            )
            yield self._offered(name, "JSON", called)

    def workbooks(self, wide: list[WideTable], tables: list[Export]) -> Iterator[Offer]:
        """Write the workbook of the real figures, then that of the fictive ones."""
        known = {export.name: export for export in tables}
        for fictive in (False, True):
            chosen = [table for table in wide if table.fictive == fictive and table.columns]
            if not chosen:
                continue
            name = self._name("observatoire", fictive, "xlsx")
            used = sorted({identifier for table in chosen for identifier in table.file_ids})
            what = ", ".join(LEVELS[table.level] for table in chosen)
            book = Book(
                TITLE + (" — DONNÉES FICTIVES" if fictive else ""),
                tuple(self._lines(used, fictive)),
                self._data.publisher.name,
                self._data.published_on,
            )
            sheets = [known["definitions.csv"], known["sources.csv"]]
            rows = write_workbook(self._folder / name, book, chosen, sheets)
            yield Offer(
                name="derniers-chiffres" + (APART if fictive else ""),
                group="figures",
                title="Derniers chiffres par territoire" + (" — données fictives" if fictive else ""),
                description=f"Un classeur pour tableur : {what}, une feuille par niveau et une colonne par "
                f"indicateur, au "
                "dernier millésime de chaque niveau ; définitions et sources. "
                + (FICTIVE_WARNING if fictive else "Chiffres réels seulement."),
                files=(self._offered(name, "XLSX"),),
                rows=rows,
                unit=("territoire", "territoires"),
                licences=self._licence_texts(used),
                columns={"feuilles": f"Lisez-moi, {what}, Définitions, Sources"},
                fictive=fictive,
                file_ids=tuple(used),
                years=_span(one.vintage for table in chosen for one in table.columns),
            )

    def maps(self, wide: list[WideTable]) -> Iterator[Offer]:
        """Write the layers of communes, EPCI and cités, real then fictive."""
        data = self._data
        shown = data.territories.filter(pl.col("level") == "commune")
        communes = commune_outlines(data.contours.join(shown, on=("level", "code"), how="semi"))
        outlines = {
            "commune": communes,
            "epci": epci_outlines(communes, data.territories),
            "cite": cite_outlines(data.cite_heritage),
        }
        for table in wide:
            if table.level not in outlines:
                continue
            drawn = layer(_LAYER_NAMES[table.level], table, outlines[table.level], self._extra(table.level))
            if drawn is not None:
                yield self._map(drawn)

    def _map(self, drawn: Layer) -> Offer:
        level, fictive = drawn.table.level, drawn.table.fictive
        files = []
        for suffix, written, write in (
            ("geojson", "GeoJSON", write_geojson),
            ("parquet", "GeoParquet", write_geoparquet),
        ):
            name = self._name(drawn.name, fictive, suffix)
            used = [*drawn.file_ids, *drawn.table.file_ids]
            write(self._folder / name, drawn, self._about(used, fictive))
            files.append(self._offered(name, written))
        lacking = drawn.table.frame.height - drawn.frame.height
        notes = drawn.table.notes | _EXTRA_NOTES.get(level, {})
        return Offer(
            name=drawn.name + (APART if fictive else ""),
            group="maps",
            title=LEVELS[level]
            + (" et derniers chiffres" if drawn.table.columns else "")
            + (" — données fictives" if fictive else ""),
            description=_MAP_NOTES[level]
            + (" Avec les derniers chiffres publiés." if drawn.table.columns else "")
            + (f" Sans contour connu, donc absentes du fichier : {lacking}." if lacking else "")
            + (f" {FICTIVE_WARNING}" if fictive else ""),
            files=tuple(files),
            rows=drawn.frame.height,
            unit=("territoire", "territoires"),
            licences=tuple(self._under(drawn)),
            columns={name: notes[name] for name in drawn.frame.columns} | {"geometry": "contour, WGS 84"},
            fictive=fictive,
            file_ids=tuple(sorted({*drawn.file_ids, *drawn.table.file_ids})),
            years=_span(one.vintage for one in drawn.table.columns),
            layer=drawn,
        )

    def geopackages(self, maps: list[Offer], tables: list[Export]) -> Iterator[Offer]:
        """Write all the real layers as one file, then the fictive ones, with definitions and sources."""
        known = {export.name: export for export in tables}
        for fictive in (False, True):
            chosen = [(one, one.layer) for one in maps if one.layer and one.fictive == fictive]
            if not chosen:
                continue
            name = self._name("observatoire", fictive, "gpkg")
            write_geopackage(
                self._folder / name,
                self._data.published_on,
                [(one.name.replace("-", "_"), drawn, one.title, one.description) for one, drawn in chosen],
                [known["definitions.csv"], known["sources.csv"]],
            )
            yield Offer(
                name=COUCHES + (APART if fictive else ""),
                group="maps",
                title="Toutes les couches" + (" — données fictives" if fictive else ""),
                description="Les couches ci-dessus en un fichier, en Lambert-93 (EPSG:2154), avec les "
                "tables des définitions et des sources." + (f" {FICTIVE_WARNING}" if fictive else ""),
                files=(self._offered(name, "GeoPackage"),),
                rows=len(chosen),
                unit=("couche", "couches"),
                licences=tuple(dict.fromkeys(text for one, _ in chosen for text in one.licences)),
                fictive=fictive,
            )

    def _under(self, drawn: Layer) -> Iterator[str]:
        """Yield the licences of the contours, then those of the figures."""
        for what, used in (("contours", drawn.file_ids), ("chiffres", drawn.table.file_ids)):
            if licences := self._licence_texts(used):
                yield f"{what} sous {', '.join(licences)}"

    def _extra(self, level: str) -> pl.DataFrame | None:
        """Return the class of the communes, what documents and heritage layers say of the cités."""
        if level == "commune":
            return self._data.typology["communes"].select(code="commune_code", classe_typologie="class")
        if level != "cite":
            return None
        founding = self._data.cites.select(code="slug", programmes=pl.col("programmes").list.join("|"))
        return self._data.cite_heritage.select(
            code="slug",
            superficie_ha=pl.col("area_ha").round(1),
            types=pl.col("types").list.join("|"),
            interets=pl.col("interests").list.join("|"),
            proprietaires=pl.col("owners").list.join("|"),
            protection="protection",
            part_bien_inscrit=pl.col("share_inscribed").round(3),
        ).join(founding, on="code", how="left", maintain_order="left")

    def archives(self, tables: list[Export]) -> Iterator[Offer]:
        """Write all the CSV files as archives that bear the release, the fictive ones apart."""
        for fictive in (False, True):
            names = [export.name for export in tables if export.fictive == fictive]
            if not names:
                continue
            name = self._name("observatoire-csv", fictive, "zip")
            folder = name.removesuffix(".zip")
            contents = {f"{folder}/{one}": (self._folder / one).read_bytes() for one in names}
            write_zip(self._folder / name, contents, self._data.published_on)
            yield Offer(
                name="tables" + (APART if fictive else ""),
                group="developers",
                title="Toutes les tables de l’édition" + (" — données fictives" if fictive else ""),
                description="Les fichiers CSV de cette édition en une archive, à garder : leurs adresses "
                "donneront un jour "
                f"l’édition suivante.{f' {FICTIVE_WARNING}' if fictive else ''}",
                files=(self._offered(name, "ZIP"),),
                rows=len(names),
                unit=("fichier", "fichiers"),
                licences=("celles des fichiers qu’elle contient",),
                fictive=fictive,
            )

    def _name(self, stem: str, fictive: bool, suffix: str) -> str:
        return f"{stem}{APART if fictive else ''}-{self._data.release}.{suffix}"

    def _offered(self, name: str, written: str, content: str = "") -> OfferedFile:
        return offered(self._folder, name, written, content)

    def _used(self, frame: pl.DataFrame) -> list[str]:
        if "file_ids" not in frame.columns:
            return []
        return frame["file_ids"].explode().drop_nulls().unique().sort().to_list()

    def _licence_texts(self, used: list[str] | tuple[str, ...]) -> tuple[str, ...]:
        return tuple(sorted({self._licences[name] for name in used if name in self._licences}))

    def _about(self, used: list[str], fictive: bool) -> dict[str, str]:
        about = {
            "title": f"{TITLE}, édition {self._data.release}",
            "publisher": self._data.publisher.name,
            "published_on": self._data.published_on.isoformat(),
            "perimeter": self._perimeter,
            "licences": " ; ".join(self._licence_texts(used)),
        }
        return about | ({"nature": FICTIVE_NATURE, "warning": FICTIVE_WARNING} if fictive else {})

    def _lines(self, used: list[str], fictive: bool) -> Iterator[str]:
        if fictive:
            yield FICTIVE_WARNING
        yield (
            f"Édition {self._data.release}, publiée le {self._data.published_on:%d/%m/%Y} "
            f"par {self._data.publisher.name}. Périmètre : {self._perimeter}."
        )
        yield "Une feuille par niveau ; une colonne par indicateur, au dernier millésime connu à ce niveau."
        yield "Lignes 1 à 3 : libellé, unité, millésime. Ligne 4 : nom de la colonne dans les autres formats."
        yield (
            "Une valeur qui n’est pas publiée est un mot : secret (protégée), manquant (la source ne la "
            "donne pas), sans objet (la question ne se pose pas), non disponible. Un zéro est un vrai zéro."
        )
        yield "Deux millésimes ne se comparent que si la colonne « comparability » de Définitions le permet."
        yield "Licences : " + " ; ".join(self._licence_texts(used)) + "."


_MAP_NOTES = {
    "commune": "Contours simplifiés des communes, à 150 m près.",
    "epci": "Réunion des contours simplifiés des communes du périmètre, par intercommunalité.",
    "cite": "Contours des cités rattachées avec certitude aux couches patrimoniales, et ce qu’en disent ces "
    "couches.",
}
_EXTRA_NOTES = {
    "commune": {"classe_typologie": "classe de la typologie des communes, numérotée à partir de 1"},
    "cite": {
        "superficie_ha": "superficie, en hectares",
        "types": "types de cité",
        "interets": "intérêts patrimoniaux, de la plus grande surface d’abord",
        "proprietaires": "propriétaires que nomment les couches patrimoniales",
        "protection": "protection au titre des monuments historiques",
        "part_bien_inscrit": "part de la cité dans le Bien inscrit, de 0 à 1",
        "programmes": "programmes : integree, acceleration, etude_cadre, gr_ge, suivi",
    },
}


def _years(frame: pl.DataFrame) -> tuple[int, int] | None:
    """Return the first and last year of the column of years, if a table has one."""
    for name in ("vintage", "year"):
        if frame.schema.get(name, pl.String()).is_integer():
            return _span(frame[name].drop_nulls())
    return None


def _span(years: Iterable[int]) -> tuple[int, int] | None:
    found = sorted(set(years))
    return (found[0], found[-1]) if found else None
