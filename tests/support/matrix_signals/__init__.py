"""Signals of candidates computed a second way, by sparse matrices over a whole corpus, to check the features by."""
