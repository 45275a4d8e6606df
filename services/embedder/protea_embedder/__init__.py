"""The embedder service: sequences into vectors."""
