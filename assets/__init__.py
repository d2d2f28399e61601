"""Dagster code location: when and in what order the library runs; thin and declarative."""
