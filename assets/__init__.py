"""Dagster code location: when and in what order the library runs; thin and declarative."""

import warnings

from dagster import BetaWarning

# One run for all vintages of a source needs `backfill_policy`, which Dagster still calls beta.
warnings.filterwarnings("ignore", category=BetaWarning, message="Parameter `backfill_policy`")
