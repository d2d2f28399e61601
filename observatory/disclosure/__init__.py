"""Disclosure control: what may be shown, decided before anything is rendered.

Belongs here: primary rules, secondary suppression over linked cells, and the attacker's audit.
Does not: deletion. A hidden cell keeps its row, with the status ``secret``.
"""
