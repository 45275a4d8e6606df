"""What is known about the proteins of a result beside its figures."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ARRAY, Text, any_, cast, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from protea_common.orm import GOPrediction, GOPredictionFeatures, Protein

__all__ = ["ProteinFacts"]


class ProteinFacts:
    """Reads lengths, and identities to donors."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def lengths(self, accessions: Sequence[str]) -> dict[str, int]:
        """Residues of each protein that is known."""
        statement = select(Protein.accession, Protein.length).where(
            Protein.accession == any_(cast(list(accessions), ARRAY(Text))), Protein.length.is_not(None)
        )
        rows = await self._session.execute(statement)
        return {accession: length for accession, length in rows if length is not None}

    async def identities(self, prediction_set_id: UUID, accessions: Sequence[str]) -> dict[str, float]:
        """Highest identity of each protein to a donor of another sequence, in [0, 1], where alignments were made."""
        identity = func.max(GOPredictionFeatures.identity_sw)
        statement = (
            select(GOPrediction.protein_accession, identity)
            .join(GOPredictionFeatures, GOPredictionFeatures.prediction_id == GOPrediction.id)
            .where(
                GOPrediction.prediction_set_id == prediction_set_id,
                GOPrediction.protein_accession == any_(cast(list(accessions), ARRAY(Text))),
                ~GOPrediction.same_sequence,
                GOPredictionFeatures.identity_sw.is_not(None),
            )
            .group_by(GOPrediction.protein_accession)
        )
        rows = await self._session.execute(statement)
        return {accession: highest for accession, highest in rows if highest is not None}
