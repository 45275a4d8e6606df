"""Every operation by name: its queue and the contract of its payload. The API refuses what is not here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from protea_common.errors import ContractError
from protea_common.operations.annotate import Annotate
from protea_common.operations.embedding import (
    ComputeEmbeddings,
    EmbedResidues,
    ExportEmbeddings,
    FitKmerEncoder,
    ImportEmbeddings,
    RegisterEncoder,
)
from protea_common.operations.evaluation import (
    AnalyzeAnnotationEvolution,
    CompareEvaluations,
    ComputeInformationAccretion,
    ExportRunCrate,
    GenerateEvaluationSet,
    PredictBaseline,
    RunCafaEvaluation,
    StratifyEvaluation,
    WriteEvaluationReport,
)
from protea_common.operations.ingest import (
    LoadGoaAnnotations,
    LoadInterProGoMapping,
    LoadInterProResults,
    LoadOntologySnapshot,
    LoadProteins,
    Ping,
)
from protea_common.operations.payload import Operation
from protea_common.operations.prediction import PredictGoTerms
from protea_common.operations.rescoring import RescorePredictions
from protea_common.operations.training import (
    ExportResearchDataset,
    FitCalibration,
    ImportReranker,
    TrainReranker,
)

__all__ = ["OPERATIONS", "UnknownOperationError", "get_operation", "operation_queues"]


class UnknownOperationError(ContractError):
    """No service knows how to do this operation."""

    slug: ClassVar[str] = "unknown-operation"


_OPERATIONS = (
    Operation("ping", "protea.ping", Ping, "Ask whether the platform answers.", max_attempts=3),
    Operation("load_proteins", "protea.ingest", LoadProteins, "Load proteins from a FASTA file.", retry_factor=10),
    Operation(
        "load_ontology_snapshot",
        "protea.ingest",
        LoadOntologySnapshot,
        "Load a GO release from an OBO file.",
        retry_factor=10,
    ),
    Operation(
        "load_goa_annotations",
        "protea.ingest",
        LoadGoaAnnotations,
        "Load GO annotations from a GAF file.",
        retry_factor=10,
    ),
    Operation(
        "load_interpro_results",
        "protea.ingest",
        LoadInterProResults,
        "Load what InterProScan found on sequences.",
        retry_factor=10,
    ),
    Operation(
        "load_interpro_go_mapping",
        "protea.ingest",
        LoadInterProGoMapping,
        "Load the GO terms that InterPro entries imply.",
        retry_factor=10,
    ),
    Operation(
        "fit_kmer_encoder",
        "protea.embeddings",
        FitKmerEncoder,
        "Fit the k-mer encoder on the proteins.",
        retry_factor=10,
    ),
    Operation(
        "register_encoder", "protea.embeddings", RegisterEncoder, "Make a recipe of a protein language model's files."
    ),
    Operation("embed_residues", "protea.embeddings", EmbedResidues, "Write a vector for every residue to a file."),
    Operation("export_embeddings", "protea.embeddings", ExportEmbeddings, "Write the vectors of a recipe to a file."),
    Operation("import_embeddings", "protea.embeddings", ImportEmbeddings, "Take vectors that others computed."),
    Operation("compute_embeddings", "protea.embeddings", ComputeEmbeddings, "Embed sequences under a recipe."),
    Operation("predict_go_terms", "protea.predictions", PredictGoTerms, "Transfer GO terms from neighbours."),
    Operation(
        "export_research_dataset", "protea.training", ExportResearchDataset, "Freeze candidates with their labels."
    ),
    Operation("import_reranker", "protea.training", ImportReranker, "Take in a booster that was trained elsewhere."),
    Operation("train_reranker", "protea.training", TrainReranker, "Train a booster on a dataset."),
    Operation(
        "rescore_predictions", "protea.training", RescorePredictions, "Score stored predictions by other recipes."
    ),
    Operation("fit_calibration", "protea.training", FitCalibration, "Fit probabilities to the scores of predictions."),
    Operation(
        "analyze_annotation_evolution",
        "protea.evaluations",
        AnalyzeAnnotationEvolution,
        "Tell what came and went between two sets, and whose dates say little.",
    ),
    Operation(
        "generate_evaluation_set",
        "protea.evaluations",
        GenerateEvaluationSet,
        "Find what was learned between two sets.",
    ),
    Operation(
        "run_cafa_evaluation",
        "protea.evaluations",
        RunCafaEvaluation,
        "Measure predictions the CAFA way.",
        retry_factor=2,
    ),
    Operation(
        "compute_information_accretion",
        "protea.evaluations",
        ComputeInformationAccretion,
        "Weigh the terms of an ontology by how much they say.",
    ),
    Operation(
        "write_evaluation_report",
        "protea.evaluations",
        WriteEvaluationReport,
        "Write a result as a report in one file.",
    ),
    Operation("export_run_crate", "protea.evaluations", ExportRunCrate, "Pack a result as a Run RO-Crate."),
    Operation("predict_baseline", "protea.evaluations", PredictBaseline, "Predict what any method has to beat."),
    Operation("compare_evaluations", "protea.evaluations", CompareEvaluations, "Compare two results, cell by cell."),
    Operation("stratify_evaluation", "protea.evaluations", StratifyEvaluation, "Split a result by kinds of proteins."),
    Operation("annotate", None, Annotate, "Embed a query set and predict its GO terms."),
)

OPERATIONS: Mapping[str, Operation] = {operation.name: operation for operation in _OPERATIONS}
"""Every operation by its name."""


def get_operation(name: str) -> Operation:
    """Find an operation by its name.

    Raises
    ------
    UnknownOperationError
        Naming the operations there are.
    """
    try:
        return OPERATIONS[name]
    except KeyError:
        raise UnknownOperationError(f"Unknown operation {name!r}; known are {', '.join(sorted(OPERATIONS))}.") from None


def operation_queues() -> dict[str, str]:
    """Queue of every operation that has one."""
    return {operation.name: operation.queue for operation in _OPERATIONS if operation.queue is not None}
