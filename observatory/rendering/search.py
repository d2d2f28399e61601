"""The search index: every page that has a name of its own.

Belongs here: what can be found and under which words.
Does not: matching and display, which ``site.js`` does in the browser.
"""

import json

from observatory.rendering.places import Gazetteer

_ACRONYMS = {
    "200072460": "CABBALR",
    "246200364": "CALL",
    "246200299": "CAHC",
    "200042190": "CAPH",
    "245901152": "CCCO",
}


def search_script(gazetteer: Gazetteer) -> str:
    """Return a script that sets the index, since pages opened from a folder cannot fetch one.

    Each entry holds the label, what it is, its address from the root, and other words that find it.
    """
    entries = [
        [cite.place.name, f"cité minière · {cite.epci.short_name}", cite.place.address, _cite_words(cite.row)]
        for cite in gazetteer.cites
    ]
    entries += [
        [
            place.name,
            f"commune · {gazetteer.parent(place, 'epci').short_name}",
            place.address,
            place.code,
        ]
        for place in gazetteer.communes
    ]
    entries += [
        [
            place.name,
            "intercommunalité",
            place.address,
            f"{place.code} {_ACRONYMS.get(place.code, '')}".strip(),
        ]
        for place in gazetteer.epcis
    ]
    lines = ",\n".join(json.dumps(entry, ensure_ascii=False) for entry in entries)
    return f"window.OBSERVATORY_SEARCH = [\n{lines}\n];\n"


def _cite_words(row: dict[str, list[str]]) -> str:
    return " ".join(row["alternative_names"])
