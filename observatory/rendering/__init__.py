"""The published site: frames in, a folder of static French pages out.

Belongs here: how figures look, pages, maps, charts, the search index.
Does not: computing an indicator, deciding what may be shown (``disclosure``), writing data files
(``opendata``), knowing when a site is built (package ``assets``).
"""

from observatory.rendering.inputs import SiteData
from observatory.rendering.website import build_site

__all__ = ["SiteData", "build_site"]
