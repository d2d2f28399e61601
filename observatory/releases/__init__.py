"""Releases: editions frozen for good, signed, embargoed, and set against one another.

Belongs here: which code made an edition (``mark``, ``provenance``), embargoes (``embargo``), freezing
(``freezing``), the manifest and its signature (``manifest``, ``signing``, ``verifying``), what changed
between two and why (``editions``, ``differences``).
Does not: reading a release as an attacker does (``disclosure.release``), pages and citations (``rendering``).
"""
