"""What is known about a candidate, as numbers: one definition, one computation, for training and for serving."""
