"""From curated quotes to surfaces, and from surfaces to what desks read: tenors, their history, rich and cheap."""
