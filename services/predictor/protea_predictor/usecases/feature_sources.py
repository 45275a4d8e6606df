"""What features are computed from beside neighbours: read for a request, the same way for serving and for datasets."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from functools import partial
from pathlib import Path
from typing import TypeVar
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from protea_common.db import UnitOfWork
from protea_common.domain.ontology import GoGraph
from protea_common.operations import PredictGoTerms
from protea_predictor.adapters.operator_files import read_taxonomy, read_term_vectors
from protea_predictor.adapters.storage import InterProStore, KnowledgeStore, QueryFactStore
from protea_predictor.domain.features.anc2vec import TermVectors
from protea_predictor.domain.features.compute import FeatureSources
from protea_predictor.domain.features.gains import TermGains
from protea_predictor.domain.features.interpro import InterProHits
from protea_predictor.domain.features.links import LinkVotes
from protea_predictor.domain.features.own_annotations import OwnAnnotations
from protea_predictor.domain.features.taxonomy import Taxonomy
from protea_predictor.domain.features.taxonomy_features import Taxa
from protea_predictor.domain.prediction import Queries
from protea_predictor.domain.reference_bank import ReferenceBank
from protea_predictor.domain.reranking.knowledge import StatedTerms, known_pairs, stated_categories
from protea_predictor.domain.reranking.term_weights import term_weights
from protea_predictor.domain.reranking.truth import propagated_keys
from protea_predictor.domain.stored_ontology import StoredOntology
from protea_predictor.usecases.bank_records import BankRecords
from protea_predictor.usecases.bank_statistics import KnownOfQueries
from protea_predictor.usecases.feature_requests import FeatureSourceMissingError, require_sources
from protea_predictor.usecases.projections import LoadedProjection, Projections
from protea_predictor.usecases.recently_used import RecentlyUsed
from protea_predictor.usecases.references import OpenBank

__all__ = ["FeatureReader"]

T = TypeVar("T")


class FeatureReader:
    """Reads the sources of features that a request asks for.

    Parameters
    ----------
    unit_of_work
        Begins a transaction.
    projections
        Fits of principal components.
    executor
        Threads on which files are read.
    taxonomy_dir, term_vectors_file
        The operator's files, read when they are first needed.
    """

    def __init__(
        self,
        *,
        unit_of_work: Callable[[], UnitOfWork],
        projections: Projections,
        executor: Executor,
        taxonomy_dir: Path | None,
        term_vectors_file: Path | None,
    ) -> None:
        self._unit_of_work = unit_of_work
        self._projections = projections
        self._executor = executor
        self._records = BankRecords(unit_of_work=unit_of_work, executor=executor)
        self._taxonomy_dir = taxonomy_dir
        self._term_vectors_file = term_vectors_file
        self._taxonomies = RecentlyUsed[Path, Taxonomy](capacity=1)
        self._term_vectors = RecentlyUsed[UUID, TermVectors](capacity=2)
        self._mappings: set[str] = set()  # those seen in the database, which never lets go of one
        self._accretions = RecentlyUsed[tuple[UUID, UUID], NDArray[np.float64]](capacity=4)

    def require(self, request: PredictGoTerms) -> None:
        """Refuse what there is no file for, as `require_sources` does."""
        require_sources(request, taxonomy_dir=self._taxonomy_dir, term_vectors_file=self._term_vectors_file)

    async def read(
        self,
        request: PredictGoTerms,
        queries: Queries,
        *,
        references: OpenBank,
        ontology: StoredOntology,
        categories: NDArray[np.int8],
    ) -> FeatureSources:
        """Read what the features of some queries need, besides their ``categories``.

        Raises
        ------
        FeatureSourceMissingError, OperatorFileError, InvalidTaxonomyError, InvalidTermVectorsError, NoProjectionError
            If a file or a fit is needed and not there or not usable.
        """
        self.require(request)
        projection = await self.projection(request)
        own = await self._own_annotations(request, queries, ontology)
        accretion = await self._accretion(request, ontology)
        query_taxa = await self._query_taxa(request, queries)
        told = None
        if own is not None and accretion is not None:
            told = KnownOfQueries(queries.accessions, own, accretion, ontology.graph)
        statistics, threads = references.statistics, self._executor
        return FeatureSources(
            known=own.known if own is not None and _needs_known(request) else None,
            own=own.not_experimental(ontology.graph) if own is not None and request.compute_self_prior else None,
            is_lineage_wanted=request.compute_lineage,
            is_association_wanted=request.compute_association,
            associations=await statistics.associate(told, threads) if told and request.compute_association else None,
            profile=await statistics.vote_by_profile(told, threads) if told and request.compute_profile else None,
            species=await statistics.species(threads) if request.compute_species_prior else None,
            query_taxa=query_taxa,
            gains=await self._gains(request, references, ontology),
            categories=categories,
            links=await self._links(request, queries, references),
            information_accretion=accretion if request.compute_information else None,
            taxa=await self._taxa(request, query_taxa, references.bank),
            term_vectors=await self._vectors(request, ontology),
            interpro=await self._interpro(request, queries, ontology),
            projection=None if projection is None else projection.projection,
            query_vectors=None if projection is None else queries.vectors,
        )

    async def categories(
        self, annotation_set_id: UUID, accessions: Sequence[str], ontology: StoredOntology
    ) -> NDArray[np.int8]:
        """Tell how much an annotation set knows of proteins in each aspect, shape ``(n_proteins, 3)``."""
        async with self._unit_of_work() as work:
            stated = await KnowledgeStore(work.session).of_proteins(annotation_set_id, accessions, ontology=ontology)
        return stated_categories(stated, ontology.graph, n_proteins=len(accessions))

    async def projection(self, request: PredictGoTerms) -> LoadedProjection | None:
        """Give the fit of the recipe's principal components; ``None`` where nobody asks for them.

        Raises
        ------
        NoProjectionError
            If the recipe has none.
        """
        return await self._projections.get(request.embedding_config_id) if request.compute_embedding_pca else None

    async def require_mapping(self, request: PredictGoTerms) -> None:
        """Refuse a release of the InterPro2GO mapping that is not loaded.

        Raises
        ------
        FeatureSourceMissingError
            Naming those that are.
        """
        mapping = request.interpro_mapping
        if mapping is None or mapping in self._mappings:
            return
        async with self._unit_of_work() as work:
            loaded = await InterProStore(work.session).mapping_versions()
        if mapping not in loaded:
            raise FeatureSourceMissingError(
                f"There is no InterPro2GO mapping {mapping!r}; loaded: {', '.join(loaded) or 'none'}. "
                "Load it (protea load interpro2go FILE --source-version NAME), or leave interpro_mapping out."
            )
        self._mappings.add(mapping)

    async def _gains(self, request: PredictGoTerms, references: OpenBank, ontology: StoredOntology) -> TermGains | None:
        if not request.compute_term_gains:
            return None
        proteins = references.bank.proteins
        return await self._records.gains(request, references.statistics, proteins=proteins, ontology=ontology)

    async def _links(self, request: PredictGoTerms, queries: Queries, references: OpenBank) -> LinkVotes | None:
        if not request.compute_links:
            return None
        return await self._records.vote_by_links(request, references.statistics, queries.accessions)

    async def _own_annotations(
        self, request: PredictGoTerms, queries: Queries, ontology: StoredOntology
    ) -> OwnAnnotations | None:
        if not (request.compute_self_prior or request.compute_profile or _needs_known(request)):
            return None
        async with self._unit_of_work() as work:
            return await QueryFactStore(work.session).annotations(
                queries.accessions, annotation_set_id=request.annotation_set_id, ontology=ontology
            )

    async def _accretion(self, request: PredictGoTerms, ontology: StoredOntology) -> NDArray[np.float64] | None:
        if not (request.compute_information or request.compute_association or request.compute_profile):
            return None
        make = partial(self._read_accretion, request.annotation_set_id, ontology)
        return await self._accretions.get((request.annotation_set_id, request.ontology_snapshot_id), make)

    async def _read_accretion(self, annotation_set_id: UUID, ontology: StoredOntology) -> NDArray[np.float64]:
        async with self._unit_of_work() as work:
            stated = await KnowledgeStore(work.session).of_everyone(annotation_set_id, ontology=ontology)
        return await self._on_thread(partial(_weights_of, stated, ontology.graph))

    async def _query_taxa(self, request: PredictGoTerms, queries: Queries) -> NDArray[np.int64] | None:
        if not (request.compute_taxonomy or request.compute_species_prior or request.compute_term_gains):
            return None
        async with self._unit_of_work() as work:
            return await QueryFactStore(work.session).taxa(queries.accessions, query_set_id=request.query_set_id)

    async def _taxa(
        self, request: PredictGoTerms, query_taxa: NDArray[np.int64] | None, bank: ReferenceBank
    ) -> Taxa | None:
        folder = self._taxonomy_dir
        if not request.compute_taxonomy or folder is None or query_taxa is None:
            return None
        taxonomy = await self._taxonomies.get(folder, partial(self._on_thread, partial(read_taxonomy, folder)))
        return Taxa(taxonomy, query_taxa, bank.proteins.taxon_ids)

    async def _interpro(
        self, request: PredictGoTerms, queries: Queries, ontology: StoredOntology
    ) -> InterProHits | None:
        if request.interpro_mapping is None:
            return None
        await self.require_mapping(request)
        async with self._unit_of_work() as work:
            return await InterProStore(work.session).hits(
                queries.sequence_ids,
                mapping=request.interpro_mapping,
                ipr_release=request.interpro_release,
                graph=ontology.graph,
            )

    async def _vectors(self, request: PredictGoTerms, ontology: StoredOntology) -> TermVectors | None:
        path = self._term_vectors_file
        if not request.compute_term_vectors or path is None:
            return None
        make = partial(_matched_vectors, path, ontology)
        return await self._term_vectors.get(request.ontology_snapshot_id, partial(self._on_thread, make))

    async def _on_thread(self, function: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._executor, function)


def _needs_known(request: PredictGoTerms) -> bool:
    return request.compute_lineage or request.compute_association or request.compute_term_vectors


def _weights_of(stated: StatedTerms, graph: GoGraph) -> NDArray[np.float64]:
    return term_weights(propagated_keys(known_pairs(stated, graph), graph), graph)


def _matched_vectors(path: Path, ontology: StoredOntology) -> TermVectors:
    go_ids, vectors = read_term_vectors(path)
    return TermVectors.build(go_ids, vectors, ontology.graph)
