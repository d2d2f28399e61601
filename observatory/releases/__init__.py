"""Releases: editions frozen for good, signed, embargoed, cited, and set against one another.

Belongs here: the mark of an edition and its code (``code``), embargoes (``embargo``), freezing
(``freezing``), the manifest and its signature (``manifest``, ``signing``, ``verifying``),
what changed between two and why (``editions``, ``differences``).
Does not: reading a release as an attacker does (``disclosure.release``), pages and citations (``rendering``).
"""
