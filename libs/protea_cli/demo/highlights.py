"""Which few predictions tell the most: specific terms with a high score."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from protea_cli.demo.ancestry import Ancestry

__all__ = ["Highlight", "Prediction", "choose_highlights", "read_pairs", "read_predictions"]

LOWEST_SHARE: Final = 0.5
"""Share of a protein's best score that a term needs: lower, rare terms with faint support push out good ones."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """A term predicted for a protein."""

    accession: str
    go_id: str
    name: str
    aspect: str
    score: float


@dataclass(frozen=True, slots=True)
class Highlight:
    """A protein and its most telling terms, the best first."""

    accession: str
    terms: tuple[Prediction, ...]


def read_predictions(lines: Iterable[str]) -> Iterator[Prediction]:
    """Read the platform's table of predictions row by row; its first line names the columns."""
    rows = iter(lines)
    header = next(rows).split("\t")
    at = [header.index(name) for name in ("protein_accession", "go_id", "go_name", "go_aspect", "score")]
    n_splits = max(at) + 1
    for line in rows:
        cells = line.split("\t", n_splits)
        accession, go_id, name, aspect, score = (cells[position] for position in at)
        yield Prediction(accession, go_id, name, aspect, float(score))


def read_pairs(lines: Iterable[str]) -> dict[str, set[str]]:
    """Read ``protein TAB term`` lines without a header: the terms of each protein."""
    pairs: dict[str, set[str]] = {}
    for line in lines:
        accession, _, go_id = line.partition("\t")
        pairs.setdefault(accession, set()).add(go_id)
    return pairs


def choose_highlights(
    predictions: Iterable[Prediction],
    ancestry: Ancestry,
    *,
    targets: Container[tuple[str, str]],
    n_proteins: int,
    n_terms: int,
) -> list[Highlight]:
    """Choose proteins and terms to show, by score and rarity alone.

    A term's weight is its squared score times its information content among the predictions, ``-log(share of the
    proteins that it is predicted for)``: a root, predicted for all, weighs nothing, and rarity does not make up for
    faint support. Of a protein the heaviest terms are taken, none above or below another, and of the proteins those
    with the heaviest first term, each first term once.

    Parameters
    ----------
    predictions
        One for each protein and term.
    ancestry
        Of the ontology that the terms are from.
    targets
        Pairs of accession and aspect's letter that may be shown.
    n_proteins, n_terms
        At most so many proteins, and terms of each.

    Returns
    -------
    highlights
        The heaviest first; a protein without any telling term is left out.
    """
    candidates, information = _survey(predictions, targets)

    def weight(prediction: Prediction) -> float:
        return prediction.score**2 * information[prediction.go_id]

    chosen: list[Highlight] = []
    for accession, own in candidates.items():
        ranked = sorted(filter(weight, _strong(own)), key=lambda p: (-weight(p), p.go_id))
        terms = tuple(_unrelated(ranked, ancestry))[:n_terms]
        if terms:
            chosen.append(Highlight(accession, terms))
    chosen.sort(key=lambda highlight: (-weight(highlight.terms[0]), highlight.accession))
    return list(_different(chosen))[:n_proteins]


def _survey(
    predictions: Iterable[Prediction], targets: Container[tuple[str, str]]
) -> tuple[dict[str, list[Prediction]], dict[str, float]]:
    """Keep what may be shown, by protein, and count all: the information content of each term."""
    candidates: dict[str, list[Prediction]] = {}
    proteins: set[str] = set()
    counts: Counter[str] = Counter()
    for prediction in predictions:
        proteins.add(prediction.accession)
        counts[prediction.go_id] += 1
        if (prediction.accession, prediction.aspect) in targets:
            candidates.setdefault(prediction.accession, []).append(prediction)
    return candidates, {go_id: math.log(len(proteins) / count) for go_id, count in counts.items()}


def _strong(candidates: Sequence[Prediction]) -> list[Prediction]:
    best = max(candidate.score for candidate in candidates)
    return [candidate for candidate in candidates if candidate.score >= LOWEST_SHARE * best]


def _unrelated(ranked: Iterable[Prediction], ancestry: Ancestry) -> Iterator[Prediction]:
    """Pass over what is above or below a term that came before."""
    taken: list[str] = []
    for prediction in ranked:
        above = ancestry.with_ancestors(prediction.go_id)
        if not any(other in above or prediction.go_id in ancestry.with_ancestors(other) for other in taken):
            taken.append(prediction.go_id)
            yield prediction


def _different(highlights: Iterable[Highlight]) -> Iterator[Highlight]:
    """Pass over a protein whose first term was shown: members of one family would fill the table."""
    seen: set[str] = set()
    for highlight in highlights:
        if highlight.terms[0].go_id not in seen:
            seen.add(highlight.terms[0].go_id)
            yield highlight
