"""The nearest donor's annotation: its evidence code and its qualifier as codes of a fixed vocabulary."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from protea_common.domain.evidence import normalise_evidence_code
from protea_predictor.domain.candidates import Candidates
from protea_predictor.domain.features.written import ABSENT_CODE, EVIDENCE_VOCABULARY, QUALIFIER_VOCABULARY

__all__ = ["annotation_features"]


def annotation_features(
    candidates: Candidates, *, evidence_codes: Sequence[str], qualifiers: Sequence[str]
) -> dict[str, NDArray[Any]]:
    """Family ``annotation_meta``; the texts are those of the candidates' numbers, absent where no reference gives it.

    A bank numbers its texts as they come, so that the same code has another number in another bank.
    """
    codes = [normalise_evidence_code(code).upper() for code in evidence_codes]
    return {
        "evidence_code": _codes(codes, EVIDENCE_VOCABULARY)[candidates.evidence],
        "qualifier": _codes([text.lower() for text in qualifiers], QUALIFIER_VOCABULARY)[candidates.qualifier],
    }


def _codes(texts: Sequence[str], vocabulary: Sequence[str]) -> NDArray[np.int16]:
    number = {text: code for code, text in enumerate(vocabulary)}
    known = [number.get(text, ABSENT_CODE) for text in texts]
    return np.array([*known, ABSENT_CODE], dtype=np.int16)  # the last place is where `NO_REFERENCE` looks
