"""The evaluator service: ranked GO terms into Fmax and coverage, against annotations that came later."""
