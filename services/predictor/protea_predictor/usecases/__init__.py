"""What the predictor does, one module each."""
