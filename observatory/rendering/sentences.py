"""What the figures of a theme say, in French sentences.

Belongs here: which lines are told, level, comparison, position and change in words.
Does not: grammar of names and numbers (``french``), working anything out.
"""

from collections.abc import Sequence

from observatory.rendering.places import Place
from observatory.rendering.rows import Row


def sentences(
    place: Place, parents: Sequence[Place], columns: Sequence[Place], rows: Sequence[Row]
) -> tuple[str, ...]:
    """Return sentences on the published, reliable figures of the rows whose indicator has a phrase."""
    return ()
