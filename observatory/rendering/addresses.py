"""What a site says of its own address: site map, robots, image of shared links, icon.

Belongs here: those files. Does not: the head of pages (template ``base``).
"""

import struct
import zlib
from collections.abc import Iterable
from xml.sax.saxutils import escape

import numpy as np

Polygon = tuple[tuple[float, float], ...]

_SLATE, _WHITE, _BRICK = (0x1F, 0x2B, 0x38), (0xFF, 0xFF, 0xFF), (0xD0, 0x55, 0x3B)
_HEAPS: tuple[tuple[Polygon, tuple[int, int, int]], ...] = (
    (((2, 25), (11, 9), (16, 18), (20, 12), (30, 25)), _WHITE),
    (((16, 18), (20, 12), (30, 25), (12, 25)), _BRICK),
)
"""The emblem of ``favicon.svg``, on a square of 32."""
_FINER = 4
"""Points by pixel and by side, for smooth edges."""


def site_map(address: str, pages: Iterable[str], day: str) -> str:
    """Return the site map.

    Args:
        address: where the site is served, with a slash at the end.
        pages: addresses of its pages within it.
        day: of its publication, as ``2026-11-25``.
    """
    lines = "".join(
        f"<url><loc>{escape(address + page)}</loc><lastmod>{day}</lastmod></url>\n" for page in sorted(pages)
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n{lines}</urlset>\n'
    )


def robots(address: str) -> str:
    """Return what robots may visit: everything, and where the site map is."""
    return f"User-agent: *\nAllow: /\nSitemap: {address}sitemap.xml\n"


def emblem(width: int, height: int) -> bytes:
    """Return the emblem in the middle of a slate ground, as PNG; equal sizes, equal bytes."""
    side = min(width, height) / 32
    left, top = (width - 32 * side) / 2, (height - 32 * side) / 2
    step = 1 / _FINER
    x = (np.arange(width * _FINER) + 0.5) * step
    y = (np.arange(height * _FINER) + 0.5) * step
    grid = ((x - left) / side)[np.newaxis, :], ((y - top) / side)[:, np.newaxis]
    image = np.empty((height * _FINER, width * _FINER, 3))
    image[:] = _SLATE
    for polygon, colour in _HEAPS:
        image[_inside(polygon, *grid)] = colour
    pixels = image.reshape(height, _FINER, width, _FINER, 3).mean(axis=(1, 3)).round().astype(np.uint8)
    return _png(pixels)


def _inside(polygon: Polygon, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return which points are inside, by the parity of the sides that a horizontal half-line crosses."""
    inside = np.zeros(np.broadcast_shapes(x.shape, y.shape), bool)
    for (x1, y1), (x2, y2) in zip(polygon, (*polygon[1:], polygon[0]), strict=True):
        if y1 != y2:
            inside ^= ((y1 > y) != (y2 > y)) & (x < (x2 - x1) * (y - y1) / (y2 - y1) + x1)
    return inside


def _png(pixels: np.ndarray) -> bytes:
    """Return an image of 8-bit colours as PNG (RFC 2083): signature, header, one block of rows, end."""
    height, width, _ = pixels.shape
    # Each row begins with the number of its filter: none.
    rows = np.concatenate([np.zeros((height, 1), np.uint8), pixels.reshape(height, -1)], axis=1)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = (b"IHDR", header), (b"IDAT", zlib.compress(rows.tobytes(), 9)), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    )
