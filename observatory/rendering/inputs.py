"""What a site is made from.

Belongs here: the frames that ``build_site`` reads.
Does not: reading them from the warehouse, deriving anything from them.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from observatory.projection.assumptions import Assumptions
from observatory.projection.calibration import Calibration
from observatory.releases.differences import Differences
from observatory.rendering.changelog import ReleaseNotes
from observatory.rendering.imprint import Imprint
from observatory.rendering.portrait import Chapter


@dataclass(frozen=True)
class SiteData:
    """Frames of one edition of the site, each keeping the contract of ``observatory.tables``.

    Attributes:
        imprint: name and dates of the edition, whom to ask.
        perimeter_vintage: year of the official geographic code whose perimeter is shown.
        territories: ``core.territories``; only rows of ``perimeter_vintage`` are read.
        cites: ``core.cites``.
        observations: ``indicators.observations``.
        definitions: ``indicators.definitions``.
        files: ``core.files``.
        contours: ``core.contours``.
        postcodes: ``core.postcodes``.
        heritage: ``core.heritage``, of which the inscribed property and its buffer zone are drawn.
        cite_ties: ``core.cite_ties``; the heritage frames are empty without the heritage layers.
        cite_heritage: ``core.cite_heritage``.
        cite_shares: ``core.cite_shares``, communes only.
        cite_iris: ``core.cite_iris``; empty without the contours of the IRIS.
        cite_grid: ``core.cite_grid``; empty without the 200 m grid.
        cite_contradictions: ``core.cite_contradictions``.
        dashboard: ``indicators.cite_dashboard``.
        projections: ``indicators.projections``.
        assumed: what they assume.
        calibration: what is known beside them; None without the mortality table.
        typology: each table of the schema ``typology``, by its name in it.
        checks: one row per check: table, rule and reason (French), passed, observed (French).
        changes: what each release brings, latest first.
        differences: what changed in the figures since the release before; none for the first.
        portrait: chapters of the socio-economic portrait, in order.
    """

    imprint: Imprint
    perimeter_vintage: int
    territories: pl.DataFrame
    cites: pl.DataFrame
    observations: pl.DataFrame
    definitions: pl.DataFrame
    files: pl.DataFrame
    contours: pl.DataFrame
    postcodes: pl.DataFrame
    heritage: pl.DataFrame
    cite_ties: pl.DataFrame
    cite_heritage: pl.DataFrame
    cite_shares: pl.DataFrame
    cite_iris: pl.DataFrame
    cite_grid: pl.DataFrame
    cite_contradictions: pl.DataFrame
    dashboard: pl.DataFrame
    projections: pl.DataFrame
    assumed: Assumptions
    calibration: Calibration | None
    typology: Mapping[str, pl.DataFrame]
    checks: pl.DataFrame
    changes: tuple[ReleaseNotes, ...] = ()
    differences: Differences | None = None
    portrait: tuple[Chapter, ...] = ()
