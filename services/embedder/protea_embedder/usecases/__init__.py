"""What the embedder does: one module a thing."""
