"""The service: Dagster's UI and daemon as systemd units, and what starts them.

Belongs here: the text of the units and the two long-lived processes. Does not: Dagster's own settings
(``instance``), what runs (``automation``).
"""

import getpass
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NoReturn

import dagster as dg
from jinja2 import Environment, PackageLoader, StrictUndefined

from assets.automation import SWITCH
from assets.executors import EXECUTOR_VARIABLE, celery_application
from assets.instance import STORAGE_VARIABLE, end_orphans, prepare_instance
from assets.settling import settle_deliveries
from observatory.alerts import PASSWORD_VARIABLE, TOKEN_VARIABLE
from observatory.errors import ObservatoryError
from observatory.files import write_atomic
from observatory.paths import PROJECT, DataPaths

Process = Literal["ui", "daemon"]
ENVIRONMENT = "observatory.env"
_OPTIONAL = (STORAGE_VARIABLE, EXECUTOR_VARIABLE, PASSWORD_VARIABLE, TOKEN_VARIABLE)
UNITS = ("observatory-ui.service", "observatory-daemon.service")


class ServiceError(ObservatoryError):
    """A unit cannot be written for this installation."""


@dataclass(frozen=True)
class Installation:
    """What the units name.

    Attributes:
        command: the ``observatory`` command.
        data: data folder, the only one that the service writes in.
        account: account that runs it; None for units of the user's own manager.
        sources: mode of the runs.
        environment: file of the environment.
        port: port of the UI, on 127.0.0.1.
    """

    command: Path
    data: Path
    account: str | None
    sources: str
    environment: Path
    port: int = 3000


def installation(paths: DataPaths, folder: Path, *, user: bool, port: int, sources: str) -> Installation:
    """Return this installation, run by the current account."""
    command = Path(sys.executable).with_name("observatory")
    account = None if user else getpass.getuser()
    return Installation(command, paths.root, account, sources, folder.resolve() / ENVIRONMENT, port)


def write_units(one: Installation, folder: Path) -> list[Path]:
    """Write the units into ``folder``, and a file for the environment unless there is one; return them.

    Raises:
        ServiceError: a path holds what a unit cannot quote.
    """
    for path in (one.command, one.data, one.environment, PROJECT):
        if set(str(path)) & set("\"'\\\n%$ "):
            raise ServiceError(
                f"Le chemin « {path} » contient un signe qu’une unité systemd ne peut citer. "
                "Que faire : installez dans un dossier sans espace ni guillemets."
            )
    loader = Environment(
        loader=PackageLoader("assets", "units"),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
    )
    # Systemd lets a unit write in a folder only if it is there when the unit starts.
    one.data.mkdir(parents=True, exist_ok=True)
    written = []
    for name in UNITS:
        text = loader.get_template(f"{name}.j2").render(one=one, project=PROJECT)
        write_atomic(folder / name, text.encode())
        written.append(folder / name)
    environment = folder / ENVIRONMENT
    if not environment.exists():
        lines = [
            f"OBSERVATORY_DATA={one.data}",
            f"OBSERVATORY_SOURCES={one.sources}",
            f"{SWITCH}=on",
            "DAGSTER_DISABLE_TELEMETRY=1",
            *(
                f"# {name}="
                for name in (STORAGE_VARIABLE, EXECUTOR_VARIABLE, PASSWORD_VARIABLE, TOKEN_VARIABLE)
            ),
        ]
        write_atomic(environment, ("\n".join(lines) + "\n").encode())
        environment.chmod(0o600)
    return [*written, environment]


def start(process: Process, port: int, paths: DataPaths) -> NoReturn:
    """Become Dagster's UI on 127.0.0.1, or its daemon, after clearing what a stopped service left."""
    prepare(paths, clear=process == "daemon")
    if process == "ui":
        command = ["dagster_webserver", "--host", "127.0.0.1", "--port", str(port)]
    else:
        command = ["dagster._daemon", "run"]
    _become([*command, "--workspace", "workspace.yaml"])


def start_both(port: int, paths: DataPaths) -> NoReturn:
    """Become Dagster's development server: UI and daemon together, on 127.0.0.1."""
    prepare(paths, clear=True)
    _become(["dagster", "dev", "--host", "127.0.0.1", "--port", str(port), "--workspace", "workspace.yaml"])


def start_worker(paths: DataPaths) -> None:
    """Take steps of runs from the broker, one at a time, until stopped.

    Raises:
        ExecutorSettingError: the environment names no broker, or Celery is not installed.
    """
    application = celery_application()
    prepare(paths, clear=False)
    os.chdir(PROJECT)
    # Some steps start processes of their own, which those of Celery's other pools may not.
    application.worker_main(
        ["worker", "--queues=dagster", "--pool=solo", "--prefetch-multiplier=1", "--loglevel=WARNING"]
    )


def prepare(paths: DataPaths, *, clear: bool) -> None:
    """Settle on the real deliveries, write Dagster's settings, and end the runs whose process is gone."""
    settle_deliveries(paths)
    os.environ["DAGSTER_HOME"] = home = str(prepare_instance())
    if clear:
        with dg.DagsterInstance.from_config(home) as instance:
            end_orphans(instance, paths, service_is_starting=True)


def _become(command: list[str]) -> NoReturn:
    os.chdir(PROJECT)
    os.execv(sys.executable, [sys.executable, "-m", *command])
