"""Evaluators that we did not write, each as a program of its own, and random cases for them and for ours.

Both are under the GPL-3 and have the same import name, so neither is ever imported here.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

__all__ = ["EvaluationCase", "PeerEvaluator", "cafaeval", "install_fork", "random_case"]

_FORK = "cafaeval-protea==0.1.0"

_PROGRAM = """
import json, logging, sys
from cafaeval.evaluation import cafa_eval
logging.disable()
obo, predictions, truth, options = sys.argv[1:]
table, _ = cafa_eval(obo, predictions, truth, **json.loads(options))
print(table.reset_index().to_json(orient="records", double_precision=15))
"""
"""The command line of both rounds to three decimals; this prints what their documented function returns."""


@dataclass(frozen=True, slots=True)
class PeerEvaluator:
    """One of the two programs."""

    environment: Mapping[str, str]

    def run(self, folder: Path, **options: object) -> list[dict[str, float | str]]:
        """Measure a case written by `EvaluationCase.write`; one row for each namespace and threshold."""
        paths = [str(folder / name) for name in ("ontology.obo", "predictions", "truth.tsv")]
        arguments = [sys.executable, "-c", _PROGRAM, *paths, json.dumps(options)]
        done = subprocess.run(arguments, env=dict(self.environment), capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        rows: list[dict[str, float | str]] = json.loads(done.stdout.splitlines()[-1])
        return rows


def cafaeval() -> PeerEvaluator:
    """Version 1.3.0, which is installed beside us."""
    return PeerEvaluator({**os.environ, "OMP_NUM_THREADS": "1"})


def install_fork(folder: Path) -> PeerEvaluator:
    """Install cafaeval-protea, which measures partial knowledge, into a folder that only it is run with."""
    if not (folder / "cafaeval").is_dir():
        arguments = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
        subprocess.run([*arguments, "--target", str(folder), _FORK], check=True)
    return PeerEvaluator({**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(folder)})


@dataclass(frozen=True, slots=True)
class EvaluationCase:
    """Ontology, truth, known terms, scores, information accretion and terms of interest.

    Proteins and terms are numbers.
    """

    parents: Mapping[int, tuple[int, ...]]
    truth: tuple[tuple[int, int], ...]
    known: tuple[tuple[int, int], ...]
    scores: Mapping[tuple[int, int], float]
    accretion: tuple[float, ...]
    of_interest: frozenset[int]

    def write(self, folder: Path) -> Path:
        """Write the files that the programs read."""
        (folder / "predictions").mkdir(parents=True)
        terms = (
            f"\n[Term]\nid: {_go(term)}\nname: term {term}\nnamespace: biological_process\n"
            + "".join(f"is_a: {_go(parent)} ! parent\n" for parent in parents)
            for term, parents in self.parents.items()
        )
        (folder / "ontology.obo").write_text("format-version: 1.2\n" + "".join(terms))
        for name, pairs in (("truth.tsv", self.truth), ("known.tsv", self.known)):
            (folder / name).write_text("".join(f"P{protein:04d}\t{_go(term)}\n" for protein, term in pairs))
        (folder / "predictions" / "predictions.tsv").write_text(
            "".join(f"P{protein:04d}\t{_go(term)}\t{score}\n" for (protein, term), score in self.scores.items())
        )
        (folder / "ia.tsv").write_text("".join(f"{_go(term)}\t{bits}\n" for term, bits in enumerate(self.accretion)))
        (folder / "interest.tsv").write_text("".join(f"{_go(term)}\n" for term in sorted(self.of_interest)))
        return folder


def _go(term: int) -> str:
    return f"GO:{term:07d}"


def random_case(seed: int, *, n_terms: int = 40, n_proteins: int = 30, n_predictions: int = 25) -> EvaluationCase:
    """Draw a case with everything that makes evaluators disagree.

    There are proteins without predictions, without known terms, with nothing but known terms, with nothing but the
    root; predictions for strangers; ties; terms without information.
    """
    rng = np.random.default_rng(seed)
    parents = {
        term: tuple(sorted({int(above) for above in rng.integers(0, term, size=rng.integers(1, 3))})) if term else ()
        for term in range(n_terms)
    }

    def draw(protein: int, low: int, high: int) -> set[tuple[int, int]]:
        return {(protein, int(term)) for term in rng.integers(1, n_terms, size=rng.integers(low, high))}

    truth = [{(p, 0)} if p % 10 == 0 else draw(p, 1, 4) for p in range(n_proteins)]
    known = [(draw(p, 0, 4) if p % 3 else set()) | (truth[p] if p % 7 == 6 else set()) for p in range(n_proteins)]
    scores = {
        (p, int(term)): round(float(rng.uniform(0.001, 1)), 3)
        for p in range(n_proteins + 3)
        if p % 5 != 4
        for term in rng.integers(0, n_terms, size=n_predictions)
    }
    bits = [0.0 if rng.random() < 0.2 else float(rng.random() * 4) for _ in range(n_terms)]
    return EvaluationCase(
        parents=parents,
        truth=tuple(pair for pairs in truth for pair in sorted(pairs)),
        known=tuple(pair for pairs in known for pair in sorted(pairs)),
        scores=scores,
        accretion=(0.0, *bits[1:]),
        of_interest=frozenset(np.flatnonzero(rng.random(n_terms) < 0.6).tolist()),
    )
