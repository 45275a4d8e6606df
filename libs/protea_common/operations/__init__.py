"""What PROTEA can be asked to do: the payload contracts, checked at the edge and again by the owner."""

from protea_common.operations.annotate import (
    COMPOSITE_CHOICES,
    COMPOSITE_LEAST_SCORE,
    COMPOSITE_NEIGHBOURS,
    Annotate,
    AnnotationMethod,
)
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
from protea_common.operations.payload import InvalidPayloadError, Operation, OperationPayload, dedup_key
from protea_common.operations.prediction import (
    AlignmentUse,
    CandidateChoices,
    DonorPolicy,
    PredictGoTerms,
    SearchBackend,
)
from protea_common.operations.registry import OPERATIONS, UnknownOperationError, get_operation, operation_queues
from protea_common.operations.rescoring import RescorePredictions
from protea_common.operations.training import (
    ExportResearchDataset,
    FitCalibration,
    ImportReranker,
    TrainReranker,
)

__all__ = [
    "COMPOSITE_CHOICES",
    "COMPOSITE_LEAST_SCORE",
    "COMPOSITE_NEIGHBOURS",
    "OPERATIONS",
    "AlignmentUse",
    "AnalyzeAnnotationEvolution",
    "Annotate",
    "AnnotationMethod",
    "CandidateChoices",
    "CompareEvaluations",
    "ComputeEmbeddings",
    "ComputeInformationAccretion",
    "DonorPolicy",
    "EmbedResidues",
    "ExportEmbeddings",
    "ExportResearchDataset",
    "ExportRunCrate",
    "FitCalibration",
    "FitKmerEncoder",
    "GenerateEvaluationSet",
    "ImportEmbeddings",
    "ImportReranker",
    "InvalidPayloadError",
    "LoadGoaAnnotations",
    "LoadInterProGoMapping",
    "LoadInterProResults",
    "LoadOntologySnapshot",
    "LoadProteins",
    "Operation",
    "OperationPayload",
    "Ping",
    "PredictBaseline",
    "PredictGoTerms",
    "RegisterEncoder",
    "RescorePredictions",
    "RunCafaEvaluation",
    "SearchBackend",
    "StratifyEvaluation",
    "TrainReranker",
    "UnknownOperationError",
    "WriteEvaluationReport",
    "dedup_key",
    "get_operation",
    "operation_queues",
]
