"""Pairwise alignments and the figures that describe them."""
