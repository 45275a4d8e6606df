"""How work reaches the ingest service."""
