"""What the embedder reads and writes: one outside system a module."""
