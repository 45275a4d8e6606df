"""What the ingest service does: one module a thing."""
