"""Features of the volatility forecast: pure functions from curated bars to one row a session."""
