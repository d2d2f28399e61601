"""Recognising a cité by the name a producer writes, within the row's commune.

Belongs here: what two spellings of one name share, and the look-up of a delivered label.
Does not: near matches that a person must confirm, and the reference table of cités itself.
"""

import re
import unicodedata

import polars as pl

from observatory.errors import InputError

_HOLLOW = {"cite", "cites", "de", "du", "des", "d", "la", "le", "les", "l", "n", "no", "numero"}
_SHORTENED = {"st": "saint", "ste": "sainte"}


def cite_key(label: str) -> str:
    """Return what is left of a name without accents, case, punctuation, articles and the word “cité”.

    « Cité de la Croisette », « CROISETTE » and « cite La  Croisette » share the key ``croisette``;
    « Cité n° 10 » and « cité 10 » share ``10``. The key is empty when nothing distinctive is left.
    """
    text = unicodedata.normalize("NFKD", label.replace("œ", "oe").replace("Œ", "oe")).casefold()
    bare = "".join(character for character in text if not unicodedata.combining(character))
    words = re.findall(r"[a-z0-9]+", bare)
    return " ".join(_SHORTENED.get(word, word) for word in words if word not in _HOLLOW)


def cite_index(cites: pl.DataFrame) -> dict[tuple[str, str], str]:
    """Return the slug of each cité by (commune code, key of its name or of another spelling).

    A name always means its cité. Another spelling that several cités of the commune share (« Cité
    Chabaud-Latour », for the old one and the new one) means none of them: a label written so cannot
    be placed.

    Args:
        cites: table ``core.cites``.

    Raises:
        InputError: two cités of one commune have the same name.
    """
    names: dict[tuple[str, str], str] = {}
    spellings: dict[tuple[str, str], set[str]] = {}
    for cite in cites.iter_rows(named=True):
        for commune in cite["commune_codes"]:
            slug = names.setdefault((commune, cite_key(cite["name"])), cite["slug"])
            if slug != cite["slug"]:
                raise InputError(
                    file="cites.csv",
                    rule=f"les cités « {slug} » et « {cite['slug']} » "
                    f"ont le même nom dans la commune {commune}.",
                    remedy="préciser le nom de l’une des deux.",
                    column="name",
                    value=cite["name"],
                )
            for spelling in cite["alternative_names"]:
                spellings.setdefault((commune, cite_key(spelling)), set()).add(cite["slug"])
    certain = {key: slugs.pop() for key, slugs in spellings.items() if len(slugs) == 1}
    return certain | names


def match_cites(rows: pl.DataFrame, cites: pl.DataFrame) -> pl.Series:
    """Return the slug of each row's cité, null where the label is empty or matches none.

    Args:
        rows: has the String columns ``commune_code`` and ``cite_label``.
        cites: table ``core.cites``.
    """
    index = cite_index(cites)
    pairs = rows.select("commune_code", "cite_label").unique().drop_nulls()
    slugs = [index.get((commune, cite_key(label))) for commune, label in pairs.iter_rows()]
    matched = pairs.with_columns(pl.Series("cite_slug", slugs, dtype=pl.String))
    joined = rows.join(matched, on=["commune_code", "cite_label"], how="left", maintain_order="left")
    return joined["cite_slug"]
