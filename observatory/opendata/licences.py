"""The licences of the sources as programs know them.

Belongs here: identifiers and addresses of licences. Does not: which source has which (``sources``).
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Licence:
    """A licence: SPDX identifier, French title, address of its text."""

    spdx: str
    title: str
    address: str


_KNOWN = (
    Licence("etalab-2.0", "Licence Ouverte 2.0", "https://spdx.org/licenses/etalab-2.0"),
    Licence("ODbL-1.0", "ODbL", "https://spdx.org/licenses/ODbL-1.0"),
)


def licence(text: str) -> Licence | None:
    """Return the licence that a card means, with nothing besides; none where only words tell it.

    Args:
        text: as on the card of a source; an attribution asked for may follow the title.
    """
    title = text.partition(", avec attribution")[0]
    return next((one for one in _KNOWN if one.title == title), None)
