"""Raw layer: sources as their producers wrote them, one partition per vintage."""
