"""Hand-made cités, communes and delivered lines, shared by the tests of the deliveries."""

import polars as pl

from observatory.tables import CITES

COMMUNE_CODES = {"59491", "62178", "62270", "62570", "62498", "62443", "59172"}


def cite_row(slug: str, name: str, communes: list[str], spellings: tuple[str, ...] = ()) -> dict:
    return {
        "slug": slug,
        "name": name,
        "alternative_names": list(spellings),
        "commune_codes": communes,
        "epci_code": "200042190",
        "unesco": "oui",
        "programmes": [],
        "phases_2022": [],
        "phases_2023": [],
        "dossiers_2022": [],
        "passages": ["test"],
        "corrections": None,
        "notes": None,
    }


def cite_frame(rows: list[dict]) -> pl.DataFrame:
    return CITES.conform(pl.DataFrame(rows, schema=CITES.polars_schema))


SMALL_CITES = cite_frame(
    [
        cite_row("pinson-raismes", "Cité du Pinson", ["59491"]),
        cite_row("sabatier-raismes", "Quartier Sabatier", ["59491"], ("Cité Sabatier",)),
        cite_row("electriciens-bruay", "Cité des Électriciens", ["62178"]),
        cite_row("musiciens-bruay", "Cité des Musiciens", ["62178", "62270"]),
        cite_row("croisette-mericourt", "Cité de la Croisette", ["62570"], ("Résidence de l’Étoile",)),
        cite_row("cite-9-lens", "Cité n°\u202f9", ["62498"], ("Cité 9 (îlot Parmentier)",)),
        cite_row("cite-9-hersin", "Cité n°\u202f9", ["62443"]),
        cite_row("latour-ancienne", "Cité Latour ancienne", ["59172"], ("Cité Latour",)),
        cite_row("latour-nouvelle", "Cité Latour nouvelle", ["59172"], ("Cité Latour",)),
    ]
)


def delivered_text(header: list[str], rows: list[dict[str, str]], separator: str) -> str:
    lines = [separator.join(header)] + [separator.join(row[name] for name in header) for row in rows]
    return "\n".join(lines) + "\n"
