"""Protein language models, through torch and transformers; nothing else of the embedder imports either."""
