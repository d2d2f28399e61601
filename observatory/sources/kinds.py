"""What a file is, told by its bytes and said in French.

Belongs here: magic bytes, complete or cut short. Does not: columns and values, which parsers check.
"""

import re
import zipfile
from pathlib import Path
from typing import BinaryIO, Literal

Kind = Literal["zip", "csv", "json", "geojson", "parquet", "xlsx"]

_WINDOW = 65_536
_BOM = b"\xef\xbb\xbf"
_GEOJSON = re.compile(
    rb'"type"\s*:\s*"(Feature(Collection)?|GeometryCollection|(Multi)?(Point|LineString|Polygon))"'
)
_LABELS = {
    "zip": "une archive zip",
    "csv": "un fichier texte (CSV)",
    "json": "un document JSON",
    "geojson": "un document GeoJSON",
    "parquet": "un fichier Parquet",
    "xlsx": "un classeur Excel (xlsx)",
}
_MAGIC = (
    (b"PK\x03\x04", "une archive zip"),
    (b"PK\x05\x06", "une archive zip"),
    (b"PAR1", "un fichier Parquet"),
    (b"%PDF", "un fichier PDF"),
    (b"\x1f\x8b", "un fichier compressé gzip"),
    (b"7z\xbc\xaf\x27\x1c", "une archive 7z"),
    (b"\xd0\xcf\x11\xe0", "un ancien classeur Excel (xls)"),
)


def octets(number: int) -> str:
    """Return a size as a French text, e.g. « 1 234 octets »."""
    return f"{number:,} octets".replace(",", "\u202f")


def mismatch(path: Path, kind: Kind) -> str | None:
    """Return why a file is not a whole one of ``kind``, in French without final stop, or None if it is.

    Only the two ends of the file are read. Text is accepted in any encoding of one byte per sign, so that
    a text file cut short cannot be told; every other kind has an end that can be checked.
    """
    with path.open("rb") as stream:
        head = stream.read(_WINDOW)
        tail = _tail(stream)
        seen = _describe(head)
        if not head:
            return f"le fichier est vide au lieu de contenir {_LABELS[kind]}"
        if kind in ("zip", "xlsx"):
            fault = _zip_fault(stream, kind) if seen == _LABELS["zip"] else "other"
        elif kind == "parquet":
            fault = None if seen == _LABELS["parquet"] else "other"
            if fault is None and not (tail.endswith(b"PAR1") and len(tail) > 11):
                fault = "cut"
        elif kind in ("json", "geojson"):
            fault = _json_fault(head, tail, kind) if seen == _LABELS["json"] else "other"
        else:
            fault = None if seen == "du texte" else "other"
    if fault == "cut":
        return f"{_LABELS[kind]} était attendu{'e' if kind == 'zip' else ''}, mais le fichier est coupé"
    return f"{_LABELS[kind]} était attendu{'e' if kind == 'zip' else ''}, et c’est {seen}" if fault else None


def _tail(stream: BinaryIO) -> bytes:
    size = stream.seek(0, 2)
    stream.seek(max(0, size - _WINDOW))
    return stream.read()


def _zip_fault(stream: BinaryIO, kind: Kind) -> str | None:
    try:
        with zipfile.ZipFile(stream) as archive:
            names = set(archive.namelist())
    except (zipfile.BadZipFile, NotImplementedError):
        return "cut"
    workbook = "[Content_Types].xml" in names and any(name.startswith("xl/") for name in names)
    return "other" if kind == "xlsx" and not workbook else None


def _json_fault(head: bytes, tail: bytes, kind: Kind) -> str | None:
    first = head.removeprefix(_BOM).lstrip()[:1]
    if not tail.rstrip().endswith(b"}" if first == b"{" else b"]"):
        return "cut"
    # The key may stand at either end: the order of keys is free.
    geographic = first == b"{" and (_GEOJSON.search(head) or _GEOJSON.search(tail))
    return "other" if kind == "geojson" and not geographic else None


def _describe(head: bytes) -> str:
    for magic, label in _MAGIC:
        if head.startswith(magic):
            return label
    text = head.removeprefix(_BOM).lstrip()
    start = text[:1024].lower()
    if start.startswith(b"<"):
        return "une page HTML" if b"<html" in start or b"<!doctype html" in start else "un document XML"
    if text[:1] in (b"{", b"["):
        return _LABELS["json"]
    if not text:
        return "un fichier blanc"
    return "des données binaires" if b"\x00" in head else "du texte"
