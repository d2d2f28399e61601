"""The outcome of an audit as a French text, for the terminal and for Dagster.

Belongs here: words and order.
Does not: the attack (``audit``). Neither tells a hidden value.
"""

from collections.abc import Iterator

from observatory.disclosure.audit import Audit, Leak
from observatory.rendering.french import number, plural

LONGEST_PATH = 12
"""A path of more published figures than this is cut, and says so."""


def audit_report(audit: Audit) -> str:
    """Return the report, several lines."""
    return "\n".join(_lines(audit))


def _lines(audit: Audit) -> Iterator[str]:
    yield f"Audit de confidentialité : {audit.release}"
    yield "Attaqué : fichiers de données et pages du site, définitions et compositions des territoires"
    if audit.earlier:
        yield f"Éditions antérieures tenues par l’attaquant : {', '.join(audit.earlier)}"
    if audit.on_truth:
        yield "Effectifs à protéger : lus dans la base confidentielle"
    else:
        yield "Effectifs à protéger : base confidentielle absente, seul compte ce dont l’attaquant est sûr"
    yield f"Chiffres secrets : {number(audit.figures_hidden)}"
    yield f"Chiffres lus dans les pages : {number(audit.figures_on_pages)}"
    yield f"Effectifs publiés : {number(audit.counts_known)} ; non publiés : {number(audit.counts_hidden)}"
    if audit.on_truth:
        yield f"Montants protégés par une règle : {number(audit.protected)}"
    yield from (f"À savoir : {remark}" for remark in audit.remarks)
    yield f"Durée : {number(audit.seconds, 1)} s"
    if not audit.leaks:
        yield "Aucune fuite : rien de ce qui est caché n’est connu de plus près que la règle ne le veut."
        return
    yield f"{plural(len(audit.leaks), 'fuite', 'fuites')} : la publication est refusée."
    for leak in audit.leaks:
        yield from leak_lines(leak)


def leak_lines(leak: Leak) -> Iterator[str]:
    """Yield what leaks, how narrow it is, and the figures that lead to it."""
    if leak.width is None:
        found = "visible"
    elif leak.asked is None:
        found = f"connu avec certitude comme trop petit, dans un intervalle de {_width(leak.width)}"
    else:
        found = f"intervalle de {_width(leak.width)} pour {_width(leak.asked)} demandés"
    yield f"- {leak.what} : {found}"
    yield from (f"    {line}" for line in leak.path[:LONGEST_PATH])
    if len(leak.path) > LONGEST_PATH:
        left = len(leak.path) - LONGEST_PATH
        yield f"    et {plural(left, 'autre chiffre publié', 'autres chiffres publiés')}"


def _width(width: float) -> str:
    return number(width, 0 if abs(width - round(width)) < 1e-6 else 1)
