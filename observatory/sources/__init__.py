"""Where figures come from: the catalogue of sources and one parser per producer.

Belongs here: source cards, package extracts, and whatever knows a producer's quirk.
Does not: formulas, perimeters, or when a source is read.
"""
