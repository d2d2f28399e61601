"""The search index: every page that has a name of its own.

Belongs here: what can be found and under which words.
Does not: matching and display, which ``site.js`` does in the browser.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping

import polars as pl

from observatory.rendering.places import Gazetteer, Place

_ACRONYMS = {
    "200072460": "CABBALR",
    "246200364": "CALL",
    "246200299": "CAHC",
    "200042190": "CAPH",
    "245901152": "CCCO",
}


def search_script(gazetteer: Gazetteer, postcodes: pl.DataFrame) -> str:
    """Return a script that sets the index, since pages opened from a folder cannot fetch one.

    Each entry holds the label, what it is, its address from the root, other words that find it, and the
    postcodes of its communes.

    Args:
        gazetteer: places of the edition.
        postcodes: ``core.postcodes``.
    """
    by_commune: dict[str, list[str]] = defaultdict(list)
    for commune, postcode in postcodes.select("commune_code", "postcode").sort(pl.all()).iter_rows():
        by_commune[commune].append(postcode)
    entries = [
        [
            cite.place.name,
            f"cité minière · {cite.epci.short_name}",
            cite.place.address,
            " ".join(cite.row["alternative_names"]),
            _postcodes(cite.communes, by_commune),
        ]
        for cite in gazetteer.cites
    ]
    entries += [
        [
            place.name,
            f"commune · {gazetteer.parent(place, 'epci').short_name}",
            place.address,
            place.code,
            _postcodes((place,), by_commune),
        ]
        for place in gazetteer.communes
    ]
    entries += [
        [
            place.name,
            "intercommunalité",
            place.address,
            f"{place.code} {_ACRONYMS.get(place.code, '')}".strip(),
            "",
        ]
        for place in gazetteer.epcis
    ]
    basin = gazetteer.basin
    entries.append([basin.name, "tout le périmètre", basin.address, "", ""])
    lines = ",\n".join(json.dumps(entry, ensure_ascii=False) for entry in entries)
    return f"window.OBSERVATORY_SEARCH = [\n{lines}\n];\n"


def _postcodes(communes: Iterable[Place], by_commune: Mapping[str, list[str]]) -> str:
    return " ".join(dict.fromkeys(code for commune in communes for code in by_commune.get(commune.code, [])))
