"""One edition of the site, indexed once for all its pages.

Belongs here: gathering places, figures, maps, heritage and typology from the frames.
Does not: pages, writing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from observatory.projection.assumptions import Assumptions
from observatory.projection.calibration import Calibration
from observatory.releases.differences import Differences
from observatory.rendering.changelog import ReleaseNotes
from observatory.rendering.coverage import Coverage
from observatory.rendering.figures import Figure, FigureBook, Indicator
from observatory.rendering.french import typeset_row
from observatory.rendering.heritage import HeritageBook
from observatory.rendering.imprint import Imprint
from observatory.rendering.inputs import SiteData
from observatory.rendering.maps import Atlas
from observatory.rendering.places import Gazetteer, Place
from observatory.rendering.portrait import Chapter
from observatory.rendering.projections import ProjectionBook
from observatory.rendering.sheets import SheetMaker
from observatory.rendering.trajectories import Trajectories, trajectories
from observatory.rendering.typology import Typology, typology


@dataclass(frozen=True)
class Edition:
    """What the pages read: indexed places, figures, maps, heritage, typology, trajectories, files, checks.

    ``imprint`` is the card of the edition, ``dashboard`` its row of the dashboard by cité, ``assumed`` and
    ``calibration`` what the projections assume and what is known beside them, ``coverage`` the counts of its
    statuses, ``changes`` the log of the releases, ``differences`` what changed since the last,
    ``portrait`` the chapters of the socio-economic portrait.
    """

    imprint: Imprint
    gazetteer: Gazetteer
    book: FigureBook
    atlas: Atlas
    sheets: SheetMaker
    heritage: HeritageBook
    typology: Typology
    trajectories: Trajectories
    projections: ProjectionBook
    assumed: Assumptions
    calibration: Calibration | None
    dashboard: Mapping[str, dict[str, Any]]
    files: tuple[dict[str, Any], ...]
    checks: tuple[dict[str, Any], ...]
    coverage: Coverage
    changes: tuple[ReleaseNotes, ...]
    differences: Differences | None
    portrait: tuple[Chapter, ...]

    @property
    def benchmarks(self) -> list[Place]:
        """Territories of the statistical landmarks: EPCI, basin, departments, region, country."""
        places = self.gazetteer
        return [
            *places.epcis,
            places.basin,
            *places.level("department"),
            *places.level("region"),
            *places.level("country"),
        ]

    @property
    def size_indicator(self) -> Indicator:
        """The first count of the catalogue that communes have: the size that lists show."""
        return next(
            one for one in self.book.indicators if one.aggregation == "sum" and "commune" in one.levels
        )

    def size(self, place: Place) -> Figure:
        """Return the size of a territory."""
        return self.book.figure(place, self.size_indicator)


def edition(data: SiteData) -> Edition:
    """Index the frames of an edition."""
    gazetteer = Gazetteer(data.territories, data.cites, data.perimeter_vintage)
    book = FigureBook(data.observations, data.definitions, data.files)
    files = tuple(
        typeset_row(row, "title", "producer", "licence") for row in data.files.sort("file_id").to_dicts()
    )
    return Edition(
        imprint=data.imprint,
        gazetteer=gazetteer,
        book=book,
        atlas=Atlas(data.contours, gazetteer),
        sheets=SheetMaker(gazetteer, book, files),
        heritage=HeritageBook(data, gazetteer),
        typology=typology(data, gazetteer, book),
        trajectories=trajectories(data, gazetteer, book),
        projections=ProjectionBook(
            data.projections, data.files.filter(data.files["fictive"])["file_id"].to_list()
        ),
        assumed=data.assumed,
        calibration=data.calibration,
        dashboard={row["slug"]: row for row in data.dashboard.iter_rows(named=True)},
        files=files,
        checks=tuple(
            typeset_row(row, "rule", "reason", "observed")
            for row in data.checks.sort("table", "rule").to_dicts()
        ),
        coverage=Coverage(data.observations),
        changes=data.changes,
        differences=data.differences,
        portrait=data.portrait,
    )
