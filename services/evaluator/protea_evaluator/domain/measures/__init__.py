"""Measures of predictions against a ground truth, from their definitions: cells, sums over thresholds, curves."""
