"""What the evaluator does: one module a thing."""
