"""How work reaches the evaluator."""
