"""Indexes that choose neighbours: libraries that are faster than an exact search, or run on a GPU."""
