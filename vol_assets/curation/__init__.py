"""Curation: pure functions from bars as fetched to bars that can be trusted, or are flagged."""
