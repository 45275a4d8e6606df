"""Re-ranking: boosters that score candidates from their features, how they are trained, and whom each is for."""
