"""The k-mer profile by hand: one protein at a time, words counted in a dictionary, sums in float64.

It shares no code with the embedder; the words' numbers and the four blocks of a vector are written here anew.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from protea_embedder.domain.kmer_state import KmerState, Projection

__all__ = ["kmers_by_hand", "random_kmer_state"]

_RESIDUES = "ACDEFGHIKLMNPQRSTVWY"
_GROUPS = ("LVIM", "C", "A", "G", "ST", "P", "FYW", "EDNQ", "KR", "H")
"""Murphy et al. 2000, Protein Eng 13:149, ten letters."""


def random_kmer_state(*, components: int = 4, seed: int = 0) -> KmerState:
    """Draw an encoder: numpy's numbers are the same on every processor, those of a fit are not."""
    rng = np.random.default_rng(seed)

    def projection(words: int) -> Projection:
        idf = rng.uniform(1, 6, size=words).astype(np.float32)
        return Projection(idf, rng.normal(size=(words, components)).astype(np.float32))

    width = 20 + 400 + 2 * components
    mean, weight = rng.uniform(0, 0.05, size=width), rng.uniform(0.5, 2, size=width)
    return KmerState(projection(10**4), projection(20**3), mean.astype(np.float32), weight.astype(np.float32))


def kmers_by_hand(state: KmerState, sequence: str) -> NDArray[np.float64]:
    """Embed one protein, unit length, shape ``(D,)``."""
    ten = "".join(next((str(number) for number, group in enumerate(_GROUPS) if r in group), "-") for r in sequence)
    features = np.concatenate(
        [
            _projected(ten, "0123456789", 4, state.reduced),
            _shares(sequence, 1),
            _shares(sequence, 2),
            _projected(sequence, _RESIDUES, 3, state.trimer),
        ]
    )
    standardised = (features - state.column_mean) * state.column_weight
    unit = standardised / math.sqrt((standardised**2).sum())
    return unit.astype(np.float64)


def _words(text: str, letters: str, k: int) -> Counter[int]:
    """Count words without strange letters; a word's number has its letters as digits."""
    words = [text[start : start + k] for start in range(len(text) - k + 1)]
    return Counter(_number(word, letters) for word in words if set(word) <= set(letters))


def _number(word: Sequence[str], letters: str) -> int:
    number = 0
    for letter in word:
        number = number * len(letters) + letters.index(letter)
    return number


def _shares(sequence: str, k: int) -> NDArray[np.float64]:
    counts = _words(sequence, _RESIDUES, k)
    shares = np.zeros(20**k)
    for word, count in counts.items():
        shares[word] = count / counts.total()
    return shares


def _projected(text: str, letters: str, k: int, projection: Projection) -> NDArray[np.float64]:
    """TF-IDF with 1 + ln(tf), of unit length, times the components."""
    weights = {word: (1 + math.log(n)) * float(projection.idf[word]) for word, n in _words(text, letters, k).items()}
    length = math.sqrt(sum(weight**2 for weight in weights.values())) or 1.0
    columns: NDArray[np.float64] = np.zeros(projection.components.shape[1])
    for word, weight in weights.items():
        columns += weight / length * projection.components[word].astype(np.float64)
    return columns
