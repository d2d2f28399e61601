"""Dagster code location: when and in what order the library runs; thin and declarative."""

import warnings

# One run for all vintages of a source needs `backfill_policy`, which Dagster still calls beta. By its words
# and not by its class: commands that need no Dagster import this package too.
warnings.filterwarnings("ignore", message="Parameter `backfill_policy`")
