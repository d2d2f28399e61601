"""Projection of the beneficiaries of ANGDM: cohorts that nobody enters, until 2050.

Belongs here: mortality to come, assumptions, exact expectation, seeded simulation.
Does not: reading deliveries (``sources``, ``intake``), what may be shown (``disclosure``), pages.
"""

from observatory.projection.assumptions import Assumptions, Mortality
from observatory.projection.cohorts import Cohorts, cohorts
from observatory.projection.expectation import Expectation, expect
from observatory.projection.mortality import Surface, life_expectancy, surface
from observatory.projection.simulation import Draws, simulate

__all__ = [
    "Assumptions",
    "Cohorts",
    "Draws",
    "Expectation",
    "Mortality",
    "Surface",
    "cohorts",
    "expect",
    "life_expectancy",
    "simulate",
    "surface",
]
