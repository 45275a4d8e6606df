"""Parsers of ontology and annotation files: text lines in, plain values out."""
