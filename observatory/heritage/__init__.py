"""Heritage layers of the Mission Bassin Minier, and what they say of the cités.

Belongs here: reading areas and their properties, tying cités to them, shares of areas.
Does not: fetching, the list of cités (``sources.cites``), what pages show.
"""
