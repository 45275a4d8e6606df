"""Writes the golden vectors anew: ``python tests/data/golden/make_golden_vectors.py`` from the root of the repository.

They are what the straightforward ways of ``support.plain_loop`` and ``support.kmers_by_hand`` give for the tiny models
of ``support.tiny_models`` and a drawn k-mer encoder, whose numbers are numpy's and so the same everywhere. They change
when a library or a convention changes what the same weights mean; then ``CONVENTION_VERSION`` must change too.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1]))

from support.encoder_contract import CRAMBIN, INSULIN_B, UBIQUITIN  # noqa: E402 - the path is set above
from support.kmers_by_hand import kmers_by_hand, random_kmer_state  # noqa: E402 - as above
from support.plain_loop import plain_loop  # noqa: E402 - as above
from support.tiny_models import TINY_MODELS, make_tiny_model  # noqa: E402 - as above

PROTEINS = (UBIQUITIN, CRAMBIN, INSULIN_B, "MKUZOBX", "M")


def main() -> None:
    """Write a file for each backend."""
    with tempfile.TemporaryDirectory() as folder:
        for name in TINY_MODELS:
            loop = plain_loop(name, make_tiny_model(name, Path(folder)))
            write(name, (loop.mean(protein) for protein in PROTEINS))
    state = random_kmer_state()
    write("kmer", (kmers_by_hand(state, protein) for protein in PROTEINS))


def write(name: str, vectors: Iterable[Iterable[float]]) -> None:
    """Write the file of a backend."""
    golden = {
        protein: [round(float(value), 7) for value in vector] for protein, vector in zip(PROTEINS, vectors, strict=True)
    }
    (HERE / f"{name}.json").write_text(json.dumps(golden, indent=1) + "\n")


if __name__ == "__main__":
    main()
