"""One page of the site.

Belongs here: what every page has, whatever it shows.
Does not: which pages exist (``pages`` and the modules of each kind).
"""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Page:
    """One page; ``fictive`` says that it shows figures derived from generated data."""

    path: str
    template: str
    section: str
    title: str
    description: str
    fictive: bool
    content: dict[str, Any]

    @property
    def root(self) -> str:
        """Relative way from the page to the root of the site."""
        return "../" * self.path.count("/")
