"""Writes the golden vectors anew: ``python tests/data/golden/make_golden_vectors.py`` from the root of the repository.

They are what the straightforward loop of ``support.transformers_loop`` gives for the tiny models of
``support.tiny_models``, whose numbers are numpy's and so the same everywhere. They change when a library or a
convention changes what the same weights mean; then ``CONVENTION_VERSION`` must change too.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1]))

from support.encoder_contract import CRAMBIN, INSULIN_B, UBIQUITIN  # noqa: E402 - the path is set above
from support.tiny_models import TINY_MODELS, make_tiny_model  # noqa: E402 - as above
from support.transformers_loop import TransformersLoop  # noqa: E402 - as above

PROTEINS = (UBIQUITIN, CRAMBIN, INSULIN_B, "MKUZOBX", "M")


def main() -> None:
    """Write a file for each model."""
    with tempfile.TemporaryDirectory() as folder:
        for name in TINY_MODELS:
            loop = TransformersLoop(name, make_tiny_model(name, Path(folder)))
            vectors = {protein: [round(float(value), 7) for value in loop.mean(protein)] for protein in PROTEINS}
            (HERE / f"{name}.json").write_text(json.dumps(vectors, indent=1) + "\n")


if __name__ == "__main__":
    main()
