"""Alerts of what runs without anybody: sent where settings say so, never in the way of what they tell."""

import os
from logging import Logger
from typing import Protocol

from observatory.alerts import Alert, deliver, read_settings
from observatory.errors import ObservatoryError
from observatory.paths import data_paths

SAFE_LINES = 40


class Log(Protocol):
    """What says in Dagster's log that an alert did not leave."""

    def error(self, message: str, /) -> None:
        """Say an error."""


def tell(alert: Alert, log: Log | Logger) -> bool:
    """Send an alert, and return whether nothing is left to send: it left by every transport, or none is set.

    What prevents it from leaving is logged with the alert itself, and nothing is raised.
    """
    try:
        settings = read_settings(data_paths())
        if settings is not None:
            deliver(alert, settings, os.environ)
    except ObservatoryError as error:
        log.error(f"{error}\n\n{alert.text}")
        return False
    return True


def listed(lines: list[str]) -> str:
    """Return a list to read in a message, cut where it is long."""
    more = len(lines) - SAFE_LINES
    kept = [f"- {line}" for line in lines[:SAFE_LINES]]
    return "\n".join([*kept, f"… et {more} autres ; le journal les donne."] if more > 0 else kept)
