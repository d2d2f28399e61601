"""Vintages as partitions, derived from the catalogue of sources."""

import dagster as dg

from observatory.sources.catalogue import get_source


def vintages_of(source_id: str) -> dg.StaticPartitionsDefinition:
    """Return one partition per vintage of a source."""
    return dg.StaticPartitionsDefinition(list(get_source(source_id).vintages))
