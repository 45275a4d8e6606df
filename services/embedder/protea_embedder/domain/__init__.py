"""Sequences into vectors, as pure functions: encoders, recipes, batches."""
