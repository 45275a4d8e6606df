"""The job state machine: submission, claims with leases and fencing, batches, endings, retries, the reaper."""

from protea_common.jobs.batches import NewBatch, abandon_batch, complete_batch, dispatch_batches, fail_batch
from protea_common.jobs.claim import (
    BatchClaim,
    JobClaim,
    LeaseLostError,
    claim_batch,
    claim_job,
    guard_batch,
    guard_job,
)
from protea_common.jobs.consumer import BatchUseCase, ConsumerParts, JobUseCase, consume_batches, consume_jobs
from protea_common.jobs.ending import cancel_job, fail_job, finish_job, succeed_job
from protea_common.jobs.lease import LeaseTimes, run_under_lease
from protea_common.jobs.origins import link_vector_origins
from protea_common.jobs.reaper import Reaper, ReaperTimes
from protea_common.jobs.retry import RetryPolicy, hand_back_batch, hand_back_job, retry_batch, retry_job
from protea_common.jobs.submission import DuplicateJobError, NewJob, submit_job, submit_pipeline
from protea_common.jobs.timeline import record, report_progress

__all__ = [
    "BatchClaim",
    "BatchUseCase",
    "ConsumerParts",
    "DuplicateJobError",
    "JobClaim",
    "JobUseCase",
    "LeaseLostError",
    "LeaseTimes",
    "NewBatch",
    "NewJob",
    "Reaper",
    "ReaperTimes",
    "RetryPolicy",
    "abandon_batch",
    "cancel_job",
    "claim_batch",
    "claim_job",
    "complete_batch",
    "consume_batches",
    "consume_jobs",
    "dispatch_batches",
    "fail_batch",
    "fail_job",
    "finish_job",
    "guard_batch",
    "guard_job",
    "hand_back_batch",
    "hand_back_job",
    "link_vector_origins",
    "record",
    "report_progress",
    "retry_batch",
    "retry_job",
    "run_under_lease",
    "submit_job",
    "submit_pipeline",
    "succeed_job",
]
