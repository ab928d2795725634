"""What we add to Dagster's own machinery: an event log that stores a range's events in batches."""
