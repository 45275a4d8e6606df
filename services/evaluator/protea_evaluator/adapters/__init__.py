"""The outside systems of the evaluator, one module each."""
