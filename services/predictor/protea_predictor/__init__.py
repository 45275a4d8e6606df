"""The predictor: vectors into ranked GO terms."""
