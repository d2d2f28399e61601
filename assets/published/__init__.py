"""Published layer: the site and its open data."""
