"""What an edition loses or changes of the one in place, from the lists of their files.

Belongs here: comparing two ``core.files``. Does not: deciding what becomes of it (package ``assets``).
"""

import polars as pl

_VINTAGE = ["source", "vintage"]


def losses(before: pl.DataFrame, after: pl.DataFrame) -> list[str]:
    """Return, in French, what the edition in place had and the next one would not.

    A vintage that is gone, and a delivery that was real and is generated again.

    Args:
        before: ``core.files`` of the edition in place.
        after: ``core.files`` of the next one.
    """
    gone = before.join(after, on=_VINTAGE, how="anti")
    real = before.filter(~pl.col("fictive")).join(after.filter("fictive"), on=_VINTAGE, how="semi")
    return [
        *_told(gone, "était dans l’édition publiée, et manque."),
        *_told(real, "était une livraison réelle, et serait remplacée par des données fictives."),
    ]


def deliveries_changed(before: pl.DataFrame, after: pl.DataFrame, sources: list[str]) -> list[str]:
    """Return, in French, the real deliveries that the next edition would be the first to show.

    What two editions reveal together is checked against the sites kept in ``data/releases``, and keeping the
    one in place is a person's decision.

    Args:
        before: ``core.files`` of the edition in place.
        after: ``core.files`` of the next one.
        sources: sources of confidential deliveries.
    """
    key = [*_VINTAGE, "sha256"]
    real = after.filter(pl.col("source").is_in(sources) & ~pl.col("fictive"))
    return _told(
        real.join(before, on=key, how="anti"), "cette livraison réelle n’est pas celle de l’édition publiée."
    )


def _told(files: pl.DataFrame, fault: str) -> list[str]:
    rows = files.select("title", "vintage").unique().sort("title", "vintage")
    return [f"{title}, {vintage} : {fault}" for title, vintage in rows.iter_rows()]
