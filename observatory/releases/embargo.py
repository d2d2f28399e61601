"""Embargoes: an edition that nobody outside may have before its hour.

Belongs here: from the hour written on the card of the edition to an instant, whether it is past.
Does not: holding an edition back (``sessions``), writing it in French (``rendering.french``).

Hours are those of Paris, whatever the zone of the machine. One that the change of clocks skips or repeats is
no instant, and is refused.
"""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

PARIS = ZoneInfo("Europe/Paris")


def instant(written: datetime) -> datetime:
    """Return the instant, in UTC, of an hour of Paris, or of an hour that says its own zone.

    Raises:
        ValueError: the hour does not exist in Paris, or exists twice.
    """
    if written.tzinfo is not None:
        return written.astimezone(UTC)
    first, second = (written.replace(tzinfo=PARIS, fold=fold).astimezone(UTC) for fold in (0, 1))
    if first != second:
        raise ValueError("le changement d’heure fait que cette heure n’existe pas, ou existe deux fois")
    return first


def paris_day(at: datetime) -> date:
    """Return the day of an instant in Paris."""
    return at.astimezone(PARIS).date()


def pending(until: datetime | None, now: datetime | None = None) -> bool:
    """Return whether an embargo still holds; at its very hour it no longer does.

    Args:
        until: its end, aware; None without embargo.
        now: the present, aware; the clock's by default.
    """
    return until is not None and (now or datetime.now(UTC)) < until
