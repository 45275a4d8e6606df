"""The ingest service: sequences, ontologies and annotations into tables."""
