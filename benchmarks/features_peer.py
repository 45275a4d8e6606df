"""Features as the earlier kind computes them: candidate by candidate, in plain Python, from sets and dictionaries.

It is the other side of `features.py`, written from the definitions in `docs/features.md`; nothing of the predictor
computes in it.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Annotated", "Donor", "PlainFeatures", "PlainInputs", "Row"]

Row = dict[str, float]
"""Features of one candidate, by name."""

ASPECTS = range(3)
LARGEST_DISTANCE = 2.0
EXPERIMENTAL, CURATED, ELECTRONIC = "experimental", "curated", "electronic"
KINDS = (EXPERIMENTAL, CURATED, ELECTRONIC)
SPEAKERS = {"knn_aspect_vote": KINDS, "knn_aspect_vote_experimental": (EXPERIMENTAL,)}
"""Evidence by which the best neighbours with a term in the aspect have it, by feature."""
MOST_SPEAKERS = 30


@dataclass(frozen=True, slots=True)
class Annotated:
    """A term of a reference, direct or by propagation."""

    term: int
    kind: str
    evidence_code: int
    qualifier: int


@dataclass(frozen=True, slots=True)
class Donor:
    """A neighbour that carries a candidate."""

    reference: int
    rank: int
    sequence_rank: int
    distance: float
    annotation: Annotated

    @property
    def weight(self) -> float:
        """Similarity, which its vote weighs."""
        return min(max(1.0 - self.distance / LARGEST_DISTANCE, 0.0), 1.0)

    @property
    def squared_cosine(self) -> float:
        """What its vote weighs among the best of an aspect."""
        return max(1.0 - self.distance, 0.0) ** 2


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainInputs:
    """What features are computed from, as Python objects.

    Attributes
    ----------
    k
        Neighbours asked for, in each aspect.
    aspects, ancestors, accretion
        By term; the ancestors without the term itself.
    annotations, densities, reference_lengths, reference_sequences
        By reference: its terms, how many it is directly annotated with, residues, and its sequence.
    known, curated, electronic
        By query: experimental terms as annotated, and those of other evidence with all above.
    query_lengths, query_vectors
        By query.
    mean, components
        Of the principal components.
    """

    k: int
    aspects: list[int]
    ancestors: list[frozenset[int]]
    accretion: list[float]
    annotations: list[list[Annotated]]
    densities: list[int]
    reference_lengths: list[int]
    reference_sequences: list[str]
    known: list[frozenset[int]]
    curated: list[frozenset[int]]
    electronic: list[frozenset[int]]
    query_lengths: list[int]
    query_vectors: NDArray[np.float64]
    mean: NDArray[np.float64]
    components: NDArray[np.float64]


class PlainFeatures:
    """Computes candidates; what holds for all queries is counted once."""

    def __init__(self, inputs: PlainInputs) -> None:
        self._inputs = inputs
        self._carriers: dict[int, set[int]] = defaultdict(set)
        in_aspect: list[set[int]] = [set() for _ in ASPECTS]
        for reference, terms in enumerate(inputs.annotations):
            for annotated in terms:
                self._carriers[annotated.term].add(reference)
                in_aspect[inputs.aspects[annotated.term]].add(reference)
        self._annotated = [len(members) for members in in_aspect]

    def of_query(self, query: int, neighbours: Sequence[Sequence[tuple[int, float]]]) -> Iterator[tuple[int, Row]]:
        """Give each candidate of a query, by term.

        Parameters
        ----------
        neighbours
            References with their distances, nearest first, one list per aspect.
        """
        donors: dict[int, list[Donor]] = defaultdict(list)
        for aspect, found in enumerate(neighbours):
            for donor in self._donors(aspect, found):
                donors[donor.annotation.term].append(donor)
        voters = [self._voters(donors, aspect) for aspect in ASPECTS]
        speakers = [self._speakers(donors, aspect) for aspect in ASPECTS]
        shared = self._of_query(query, neighbours)
        for term in sorted(donors):
            aspect = self._inputs.aspects[term]
            yield (
                term,
                {
                    **shared,
                    **self._candidate(query, term, donors[term], voters[aspect]),
                    **self._aspect_votes(term, donors[term], speakers[aspect]),
                },
            )

    def _donors(self, aspect: int, found: Sequence[tuple[int, float]]) -> Iterator[Donor]:
        seen: list[str] = []
        for rank, (reference, distance) in enumerate(found, start=1):
            sequence = self._inputs.reference_sequences[reference]
            if sequence not in seen:
                seen.append(sequence)
            for annotated in self._inputs.annotations[reference]:
                if self._inputs.aspects[annotated.term] == aspect:
                    yield Donor(reference, rank, seen.index(sequence) + 1, distance, annotated)

    def _voters(self, donors: dict[int, list[Donor]], aspect: int) -> list[Donor]:
        """Every neighbour that votes for any candidate of the aspect, once."""
        of_aspect = (each for term in donors if self._inputs.aspects[term] == aspect for each in donors[term])
        return list({donor.rank: donor for donor in of_aspect}.values())

    def _speakers(self, donors: dict[int, list[Donor]], aspect: int) -> dict[str, dict[int, float]]:
        """Weights of the nearest neighbours with a term of the aspect below its root, by rank, for each feature."""
        of_aspect = [
            each
            for term in donors
            if self._inputs.aspects[term] == aspect and self._inputs.ancestors[term]
            for each in donors[term]
        ]
        speakers = {}
        for name, kinds in SPEAKERS.items():
            weights = {each.rank: each.squared_cosine for each in of_aspect if each.annotation.kind in kinds}
            speakers[name] = {rank: weights[rank] for rank in sorted(weights)[:MOST_SPEAKERS]}
        return speakers

    def _aspect_votes(self, term: int, donors: list[Donor], speakers: dict[str, dict[int, float]]) -> Row:
        is_root = not self._inputs.ancestors[term]
        votes = {}
        for name, weights in speakers.items():
            said = [each for each in donors if each.annotation.kind in SPEAKERS[name] and not is_root]
            total, share = sum(weights.values()), sum(weights.get(each.rank, 0.0) for each in said)
            votes[name] = math.nan if not weights else share / total if total else 0.0
        return votes

    def _of_query(self, query: int, neighbours: Sequence[Sequence[tuple[int, float]]]) -> Row:
        distances = [distance for found in neighbours for _, distance in found]
        mean = sum(distances) / len(distances) if distances else 0.0
        variance = sum((distance - mean) ** 2 for distance in distances) / len(distances) if distances else 0.0
        coordinates = self._inputs.components @ (self._inputs.query_vectors[query] - self._inputs.mean)
        row: Row = {f"emb_pca_query_{number}": value for number, value in enumerate(coordinates.tolist())}
        row["neighbor_distance_std"] = math.sqrt(variance)
        row["length_query"] = self._inputs.query_lengths[query]
        return row

    def _candidate(self, query: int, term: int, donors: list[Donor], voters: list[Donor]) -> Row:
        nearest, aspect = donors[0], self._inputs.aspects[term]
        distances = [donor.distance for donor in donors]
        carriers = self._carriers[term]
        return {
            "distance": nearest.distance,
            "k_position": nearest.rank,
            "vote_count": len(donors),
            "neighbor_vote_fraction": len(donors) / self._inputs.k,
            "neighbor_min_distance": min(distances),
            "neighbor_mean_distance": sum(distances) / len(distances),
            "evidence_code": nearest.annotation.evidence_code,
            "qualifier": nearest.annotation.qualifier,
            "length_ref": self._inputs.reference_lengths[nearest.reference],
            "go_term_frequency": len(carriers),
            "ref_annotation_density": self._inputs.densities[nearest.reference],
            "term_prior": len(carriers) / self._annotated[aspect],
            "ia": self._inputs.accretion[term],
            **_votes(donors, voters),
            **self._lineage(query, term),
            **self._association(query, term),
            **self._own(query, term),
        }

    def _lineage(self, query: int, term: int) -> Row:
        known = self._inputs.known[query]
        above = sum(term in self._inputs.ancestors[other] for other in known)
        below = sum(other in self._inputs.ancestors[term] for other in known)
        return {
            "lineage_is_ancestor_of_known": above > 0,
            "lineage_is_descendant_of_known": below > 0,
            "lineage_ancestor_of_count": above,
            "lineage_descendant_of_count": below,
        }

    def _association(self, query: int, term: int) -> Row:
        total = cross = 0.0
        for other in self._inputs.known[query]:
            carriers = self._carriers.get(other)
            if not carriers:
                continue
            share = len(carriers & self._carriers[term]) / len(carriers)
            total += share
            cross += share if self._inputs.aspects[other] != self._inputs.aspects[term] else 0.0
        return {"association_total": total, "association_cross": cross, "association_present": total > 0}

    def _own(self, query: int, term: int) -> Row:
        curated, electronic = term in self._inputs.curated[query], term in self._inputs.electronic[query]
        return {
            "self_prior_score": curated or electronic,
            "self_prior_curated": curated,
            "self_prior_electronic": electronic,
        }


def _votes(donors: list[Donor], voters: list[Donor]) -> Row:
    whole = sum(voter.weight for voter in voters)
    weight_of = {kind: sum(donor.weight for donor in donors if donor.annotation.kind == kind) for kind in KINDS}
    sequences, all_sequences = ({each.sequence_rank for each in members} for members in (donors, voters))
    ranks = sum(1 / voter.rank for voter in voters)
    return {
        "knn_weighted_vote": sum(donor.weight for donor in donors) / whole if whole else 0.0,
        "knn_rank_vote": sum(1 / donor.rank for donor in donors) / ranks,
        "knn_sequence_vote": len(sequences) / len(all_sequences),
        **{f"knn_vote_{kind}": weight_of[kind] / whole if whole else 0.0 for kind in KINDS},
    }
