"""Core layer: typed tables that keep their contracts, each guarded by a blocking suite."""
