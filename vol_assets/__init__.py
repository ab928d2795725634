"""vol_assets: from raw markets to a volatility forecast, a smile prediction and a gold volatility report."""
