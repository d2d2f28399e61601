"""Where data live.

``OBSERVATORY_DATA`` moves everything that a run writes, ``OBSERVATORY_WAREHOUSE`` the public tables.
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from observatory.errors import ObservatoryError

CONVENTIONS = "conventions.yaml"
"""The file of agreements with partners, in the confidential store or beside the fictive deliveries."""
PROJECT = Path(__file__).resolve().parents[1]
WAREHOUSE_VARIABLE = "OBSERVATORY_WAREHOUSE"
_LAKE = "ducklake:"
_POSTGRES = "ducklake:postgres:"
_PASSWORD = re.compile(r"\bpassword\s*=|//[^/@]*:[^/@]*@", re.IGNORECASE)


class WarehouseSettingError(ObservatoryError):
    """The setting of the warehouse cannot be followed."""


@dataclass(frozen=True)
class DataPaths:
    """The data folders: ``shipped`` comes with the code, everything else is under ``root``.

    Attributes:
        root: folder of what runs write.
        shipped: folder of what comes with the code.
        file: the database of public tables, if it is not in its usual place.
        lake: how PostgreSQL is reached, in libpq's words, if the public tables are in a DuckLake instead.
    """

    root: Path
    shipped: Path = PROJECT / "data"
    file: Path | None = None
    lake: str | None = None

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
        """The database of public tables that readers open; with a DuckLake there is none."""
        return self.file or self.warehouse / "observatory.duckdb"

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
    """Return the data folders, under ``OBSERVATORY_DATA`` or else ``data/`` of the project.

    Raises:
        WarehouseSettingError: ``OBSERVATORY_WAREHOUSE`` is neither a DuckDB file nor a DuckLake.
    """
    root = os.environ.get("OBSERVATORY_DATA")
    file, lake = parse_warehouse(os.environ.get(WAREHOUSE_VARIABLE, ""))
    return DataPaths(Path(root).expanduser().resolve() if root else PROJECT / "data", file=file, lake=lake)


def parse_warehouse(setting: str) -> tuple[Path | None, str | None]:
    """Return the file of public tables and the words that reach a DuckLake's catalogue: one of them, or none.

    Args:
        setting: empty, ``path/to/file.duckdb``, or ``ducklake:postgres:`` and libpq's words or address.

    Raises:
        WarehouseSettingError: it is none of these, or it holds a password.
    """
    if not setting:
        return None, None
    if setting.startswith(_LAKE):
        words = setting.removeprefix(_POSTGRES).strip()
        if not setting.startswith(_POSTGRES) or not words:
            raise WarehouseSettingError(
                f"{WAREHOUSE_VARIABLE} : un DuckLake a son catalogue dans PostgreSQL. Écrivez par exemple "
                "« ducklake:postgres:host=serveur dbname=observatoire »."
            )
        if _PASSWORD.search(words):
            raise WarehouseSettingError(
                f"{WAREHOUSE_VARIABLE} contient un mot de passe, que tout message d’erreur montrerait. "
                "Ôtez-le, et donnez-le par la variable PGPASSWORD ou le fichier ~/.pgpass."
            )
        return None, words
    file = Path(setting).expanduser().resolve()
    if file.suffix != ".duckdb":
        raise WarehouseSettingError(
            f"{WAREHOUSE_VARIABLE} vaut « {setting} ». Choix possibles : un fichier « .duckdb », ou "
            "« ducklake:postgres:… »."
        )
    return file, None
