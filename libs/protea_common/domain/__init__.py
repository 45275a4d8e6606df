"""Vocabulary of the field used by two or more services; no input or output."""
