"""What a page may load and run: a Content-Security-Policy computed from the page itself.

Belongs here: policies. Does not: the other headers (``headers``).

A page is served as it was published, so that what it holds is known: its own style sheets and scripts are
allowed by their fingerprints, those of the site by their origin, and nothing else. Widths of bars are style
attributes, thousands of different ones: a page that has any allows style attributes, which run nothing.
"""

import base64
import hashlib

from lxml import html as markup

BARE = "default-src 'none'; frame-ancestors 'none'"
"""For whatever is no page."""
BUNDLE_STYLES = frozenset(
    {hashlib.sha256(b"").digest(), base64.b64decode("ji27qzEtxXZW+7dun6UwjHXJ18e6WAin1VvNtkzIE/o=")}
)
"""Style sheets that the charts' library adds: empty, for its rules, and of maps that are not drawn.

Fingerprints, the second one of the pinned version; another version's would be blocked, to no effect but a
word in the console.
"""
_EXECUTED = ("", "module", "text/javascript", "application/javascript")


def policy_of(page: bytes) -> str:
    """Return the policy of a page.

    Args:
        page: HTML, in UTF-8.
    """
    root = markup.document_fromstring(page, parser=markup.HTMLParser(encoding="utf-8"))
    styles = set(BUNDLE_STYLES) if root.find(".//script[@src]") is not None else set()
    styles |= {_digest(element.text) for element in root.iter("style")}
    scripts = {
        _digest(element.text)
        for element in root.iter("script")
        if "src" not in element.attrib and element.get("type", "") in _EXECUTED
    }
    rules = [
        "default-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "img-src 'self' data:",
        f"script-src {_sources(scripts)}",
        f"style-src {_sources(styles)}",
    ]
    if root.xpath("boolean(//@style)"):
        rules.append("style-src-attr 'unsafe-inline'")
    return "; ".join(rules)


def _digest(text: str | None) -> bytes:
    return hashlib.sha256((text or "").encode()).digest()


def _sources(digests: set[bytes]) -> str:
    return " ".join(["'self'", *(f"'sha256-{base64.b64encode(one).decode()}'" for one in sorted(digests))])
