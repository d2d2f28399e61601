"""How each producer's fictive file is written: the mapping's headers and codes, in a style of its own.

Belongs here: encodings, separators, marks and dates of the generated files. Does not: what the columns are
(``intake.contracts``), nor how a producer names them (``intake.mappings``).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from observatory.intake.mappings import get_mapping


@dataclass(frozen=True)
class Layout:
    """How one producer's file is written.

    Attributes:
        encoding: ``cp1252``, ``utf-8`` or, with a byte order mark, ``utf-8-sig``.
        separator: column separator.
        decimal: decimal mark.
        date_format: as ``strftime`` writes it.
        date_example: the same, as the producer knows it.
        columns: the producer's header by our column name.
        codes: for each coded column of ours, our value by the producer's code.
    """

    encoding: str
    separator: str
    decimal: str
    date_format: str
    date_example: str
    columns: Mapping[str, str]
    codes: Mapping[str, Mapping[str, str]]

    @property
    def encoding_label(self) -> str:
        """Name of the encoding, as an analyst knows it."""
        return "Windows-1252" if self.encoding == "cp1252" else "UTF-8"


_STYLES = {
    "maisons-et-cites": ("cp1252", ";", ",", "%d/%m/%Y", "JJ/MM/AAAA"),
    "sia-habitat": ("utf-8-sig", ",", ".", "%Y-%m-%d", "AAAA-MM-JJ"),
    "angdm": ("utf-8", ";", ",", "%d/%m/%Y", "JJ/MM/AAAA"),
}


def layout_of(producer: str) -> Layout:
    """Return the layout of a producer's fictive file."""
    mapping = get_mapping(producer)
    columns = {column: header for header, column in reversed(mapping.columns.items())}
    return Layout(*_STYLES[producer], dict(reversed(columns.items())), mapping.codes)
