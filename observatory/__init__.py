"""Pure library of the observatory: frames in, frames or HTML out.

Belongs here: parsers, territories, indicators, typology, disclosure control, rendering.
Does not: anything that knows when or in what order things run (package ``assets``), and any
import of Dagster.
"""

from importlib.metadata import version

__version__ = version("observatory")
