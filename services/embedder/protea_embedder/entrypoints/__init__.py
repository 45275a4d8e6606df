"""How work reaches the embedder."""
