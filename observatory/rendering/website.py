"""Writing the site: pages, style, scripts, open data.

Belongs here: the template environment and the files of a site.
Does not: what pages show (``pages``), when a site is built (package ``assets``).
"""

import shutil
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from functools import cache
from importlib.resources import as_file, files
from multiprocessing import get_context
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from observatory import __version__
from observatory.errors import ObservatoryError
from observatory.heritage.grid import NO_GRID
from observatory.heritage.shares import NO_IRIS_CONTOURS
from observatory.opendata.archives import write_checksums
from observatory.opendata.description import describe
from observatory.opendata.offers import Publisher
from observatory.opendata.publishing import OpenData, publish
from observatory.opendata.sheet_archive import write_sheet_archive
from observatory.releases.mark import write_mark
from observatory.rendering import french, projections, typology_prose, wording
from observatory.rendering.addresses import emblem, robots, site_map
from observatory.rendering.cells import cell, judged, shown
from observatory.rendering.changelog import corrections
from observatory.rendering.compare_data import comparison_scripts
from observatory.rendering.download_pages import download_page, landmark_offers, sheet_offer
from observatory.rendering.edition import Edition, edition
from observatory.rendering.fiche import blocks, cut
from observatory.rendering.inputs import SiteData
from observatory.rendering.landmark_files import landmark_files
from observatory.rendering.layer_styles import layer_styles, style_offer
from observatory.rendering.map_data import MapData, indicators_script
from observatory.rendering.marks import COMPARISON_MARKS
from observatory.rendering.page import Page
from observatory.rendering.pages import pages
from observatory.rendering.projection_page import new_occupants
from observatory.rendering.ranks import SMALLEST_RANKING
from observatory.rendering.search import search_script
from observatory.rendering.sheet_changes import sheet_changes
from observatory.rendering.territory_pages import commune_pages
from observatory.territories import NO_EPCI

_HERE = Path(__file__).parent
_MANY_COMMUNES = 100
_STATIC = ("site.js", "charts.js", "carte.js", "comparer.js", "favicon.svg")


def build_site(data: SiteData, folder: Path) -> list[Path]:
    """Write the whole site in an empty folder; equal frames give equal bytes.

    Returns:
        The pages written, in alphabetical order.

    Raises:
        ObservatoryError: the folder is not empty, the frames contradict each other, or a figure that is
            not published carries a value, or the portrait misquotes one.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise ObservatoryError(f"Le dossier du site n’est pas vide : {folder}.")
    indexed = edition(data)
    map_data = MapData(indexed, data.heritage)
    _write_assets(folder / "assets", search_script(indexed.gazetteer, data.postcodes))
    _write_scripts(folder / "assets", indexed, map_data)
    landmarks = landmark_files(indexed)
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        # Half of the work is the communes': a second process takes it, where it is worth starting one.
        many = len(indexed.gazetteer.communes) >= _MANY_COMMUNES
        communes = pool.submit(_write_communes, data, folder) if many else None
        open_data = _open_data(data)
        offers = publish(open_data, folder / "donnees")
        offers += landmark_offers(landmarks, folder / "donnees")
        written = _write_pages(pages(indexed, map_data, landmarks), indexed, folder)
        written += communes.result() if communes else _write_pages(commune_pages(indexed), indexed, folder)
    offers += sheet_offer(
        write_sheet_archive(
            folder, data.imprint.release, data.imprint.published_on, data.imprint.contact.organisation
        )
    )
    styles = layer_styles(indexed, offers)
    sld = page_environment().get_template("sld.xml.j2")
    offers += style_offer(styles, (sld.render(style=one) for one in styles), folder / "donnees")
    offers += describe(open_data, offers, folder / "donnees")
    write_checksums(folder / "donnees")
    write_mark(folder, data.imprint.release, data.imprint.published_on)
    written += _write_pages([download_page(indexed, offers)], indexed, folder)
    if data.imprint.address:
        _write_addresses(data.imprint.address, data.imprint.published_on, sorted(written), folder)
    return sorted(folder / path for path in written)


def _write_communes(data: SiteData, folder: Path) -> list[str]:
    """Write the pages of the communes, in a process of its own."""
    indexed = edition(data)
    return _write_pages(commune_pages(indexed), indexed, folder)


def _write_pages(found: Iterable[Page], indexed: Edition, folder: Path) -> list[str]:
    """Write pages and return their paths; each may tell the weight of those before it."""
    sizes: dict[str, int] = {}
    for page in found:
        path = folder / page.path
        path.parent.mkdir(parents=True, exist_ok=True)
        template = page_environment().get_template(page.template)
        text = template.render(page=page, root=page.root, edition=indexed, sizes=sizes, **page.content)
        path.write_text(text, encoding="utf-8", newline="\n")
        sizes[page.path] = path.stat().st_size
    return list(sizes)


def _open_data(data: SiteData) -> OpenData:
    return OpenData(
        release=data.imprint.release,
        published_on=data.imprint.published_on,
        publisher=Publisher(
            data.imprint.contact.organisation,
            data.imprint.contact.address,
            data.imprint.contact.phone,
            data.imprint.contact.website,
            data.imprint.contact.email,
        ),
        next_update=data.imprint.next_update,
        address=data.imprint.address,
        observations=data.observations,
        definitions=data.definitions,
        files=data.files,
        territories=data.territories.filter(data.territories["perimeter_vintage"] == data.perimeter_vintage),
        cites=data.cites,
        contours=data.contours,
        cite_heritage=data.cite_heritage,
        typology=data.typology,
        dashboard=data.dashboard,
        projections=data.projections,
        differences=data.differences,
        corrections=corrections(data.changes),
    )


def _write_addresses(address: str, day: date, written: list[str], folder: Path) -> None:
    addresses = [path.removesuffix("index.html") for path in written if path.endswith("index.html")]
    (folder / "sitemap.xml").write_text(site_map(address, addresses, day.isoformat()), "utf-8", newline="\n")
    (folder / "robots.txt").write_text(robots(address), "utf-8", newline="\n")
    (folder / "assets" / "partage.png").write_bytes(emblem(1200, 630))


def _write_assets(folder: Path, search: str) -> None:
    folder.mkdir()
    for name in _STATIC:
        shutil.copyfile(_HERE / "static" / name, folder / name)
    (folder / "favicon.png").write_bytes(emblem(48, 48))
    (folder / "site.css").write_text(style(), encoding="utf-8", newline="\n")
    (folder / "search-index.js").write_text(search, encoding="utf-8", newline="\n")
    with as_file(files("plotly") / "package_data" / "plotly.min.js") as bundle:
        shutil.copyfile(bundle, folder / "plotly.min.js")


def _write_scripts(folder: Path, edition: Edition, map_data: MapData) -> None:
    """Write the figures that the map and the comparison load on demand."""
    named = [
        ("indicateurs.js", indicators_script(edition, map_data)),
        *map_data.scripts(),
        *comparison_scripts(edition),
    ]
    for name, text in named:
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")


@cache
def style(*only: str) -> str:
    """Return the style sheet of the site: the base, then a part per kind of page, in alphabetical order.

    ``only`` names the parts to keep, all by default; the base always stays.
    """
    base = _HERE / "static" / "styles" / "base.css"
    parts = sorted(path for path in base.parent.glob("*.css") if path != base)
    kept = [base, *(path for path in parts if not only or path.stem in only)]
    return "\n".join(part.read_text(encoding="utf-8") for part in kept)


@cache
def page_environment() -> Environment:
    """Return the templates, autoescaped, with the vocabulary that they all read."""
    environment = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {
        "french": french,
        "cell": cell,
        "judged": judged,
        "shown": shown,
        "prose": typology_prose,
        "wording": wording,
        "word": wording.word,
        "sheet_changes": sheet_changes,
        "number": french.number,
        "plural": french.plural,
        "no_iris_contours": NO_IRIS_CONTOURS,
        "no_grid": NO_GRID,
        "no_epci": NO_EPCI,
        "comparison_marks": COMPARISON_MARKS,
        "smallest_ranking": SMALLEST_RANKING,
        "central": projections.CENTRAL,
        "scenario_words": projections.SCENARIO_WORDS,
        "quantity_words": projections.QUANTITY_WORDS,
        "landlord_words": wording.LANDLORDS,
        "reason_words": projections.REASON_WORDS,
        "projected_sentence": projections.projected_sentence,
        "steps": projections.steps_text,
        "new_occupants": new_occupants,
        "version": __version__,
        "style": style(),
        "sheet_style": style("model", "sheet"),
        "blocks": blocks,
        "cut": cut,
    }
    return environment
