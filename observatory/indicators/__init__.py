"""Indicators: a declarative catalogue, the measures it draws on, and one formula for all of them.

Belongs here: what an indicator is and how it is computed.
Does not: what may be shown (``disclosure``), how it looks (``rendering``).
"""
