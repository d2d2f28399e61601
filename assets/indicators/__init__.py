"""Indicator layer: definitions, measures, observations, typology."""
