"""Where data live. ``OBSERVATORY_DATA`` moves everything that a run writes."""

import os
from dataclasses import dataclass
from pathlib import Path

CONVENTIONS = "conventions.yaml"
"""The file of agreements with partners, in the confidential store or beside the fictive deliveries."""
PROJECT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class DataPaths:
    """The data folders: ``shipped`` comes with the code, everything else is under ``root``."""

    root: Path
    shipped: Path = PROJECT / "data"

    @property
    def embedded(self) -> Path:
        """Extracts of registry packages, committed with the code."""
        return self.shipped / "embedded"

    @property
    def reference(self) -> Path:
        """Hand-kept reference tables, committed with the code."""
        return self.shipped / "reference"

    @property
    def portrait(self) -> Path:
        """Chapters of the socio-economic portrait, committed with the code."""
        return self.reference / "portrait"

    @property
    def sample(self) -> Path:
        """Generated fictive deliveries of landlords and ANGDM."""
        return self.root / "sample"

    @property
    def landing(self) -> Path:
        """Files that analysts drop, ``<source>/<vintage>/``."""
        return self.root / "landing"

    @property
    def confidential(self) -> Path:
        """Accepted deliveries of landlords and ANGDM, readable by their owner only."""
        return self.root / "confidential"

    @property
    def accounts(self) -> Path:
        """Accounts of the portal, readable by their owner only."""
        return self.confidential / "portail.sqlite"

    @property
    def downloads(self) -> Path:
        """Log of what partners download, readable by its owner only."""
        return self.confidential / "telechargements.jsonl"

    @property
    def snapshots(self) -> Path:
        """Files taken from landing, mirror or network, kept as they came."""
        return self.root / "snapshots"

    @property
    def warehouse(self) -> Path:
        """Folder of the databases."""
        return self.root / "warehouse"

    @property
    def database(self) -> Path:
        """The warehouse that readers open."""
        return self.warehouse / "observatory.duckdb"

    @property
    def confidential_database(self) -> Path:
        """Row-level data on dwellings and beneficiaries, readable by its owner only."""
        return self.warehouse / "individual.duckdb"

    @property
    def site(self) -> Path:
        """The published site."""
        return self.root / "site"

    @property
    def releases(self) -> Path:
        """Releases frozen, one by folder, that disclosure control must reckon with."""
        return self.root / "releases"

    @property
    def partners(self) -> Path:
        """Editions of partners under agreement, one by folder, readable by their owner only."""
        return self.root / "partners"

    @property
    def under_embargo(self) -> Path:
        """The edition that waits for the end of its embargo, readable by its owner only."""
        return self.root / "under_embargo"

    @property
    def dagster(self) -> Path:
        """Dagster's instance: history of runs."""
        return self.root / "dagster"


def data_paths() -> DataPaths:
    """Return the data folders, under ``OBSERVATORY_DATA`` or else ``data/`` of the project."""
    root = os.environ.get("OBSERVATORY_DATA")
    return DataPaths(Path(root).expanduser().resolve() if root else PROJECT / "data")
