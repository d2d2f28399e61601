"""One page of the site.

Belongs here: what every page has, whatever it shows.
Does not: which pages exist (``pages`` and the modules of each kind).
"""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Page:
    """One page.

    Attributes:
        path: within the site.
        template: its template.
        section: entry of the navigation that it belongs to; empty for none.
        title: French title, of no other page.
        description: what it shows, in French, of no other page.
        fictive: whether it shows figures derived from generated data.
        content: what the template reads.
        base: address of the site, for a page that may be served from anywhere.
    """

    path: str
    template: str
    section: str
    title: str
    description: str
    fictive: bool
    content: dict[str, Any]
    base: str = ""

    @property
    def root(self) -> str:
        """Way from the page to the root of the site: ``base``, or else relative to the page."""
        return self.base or "../" * self.path.count("/")

    @property
    def full_title(self) -> str:
        """Title as tabs, searches and shared links show it."""
        return self.title + (" (données fictives)" if self.fictive else "")

    @property
    def full_description(self) -> str:
        """Description, with a word of the fictive figures."""
        return self.description + (" Page contenant des données fictives." if self.fictive else "")

    @property
    def address(self) -> str:
        """Its part of the address of the site: that of its folder, where it is its index."""
        return self.path.removesuffix("index.html")
