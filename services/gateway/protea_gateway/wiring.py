"""How the gateway is put together: what a process has one of, and a use case from it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Final

from protea_common.db import UnitOfWork
from protea_common.domain.fasta import FastaLimits
from protea_common.messaging.topology import Topology, protea_topology
from protea_common.operations import operation_queues
from protea_common.runtime import Platform
from protea_gateway.domain.traces import trace_address
from protea_gateway.settings import GatewaySettings
from protea_gateway.usecases.access import Authenticate, CreateApiKey, KeyUsage
from protea_gateway.usecases.annotate import BatchSizes, StartAnnotation
from protea_gateway.usecases.annotation_status import ShowAnnotation
from protea_gateway.usecases.calibrations import ReadCalibration
from protea_gateway.usecases.dead_letter_purge import PurgeDeadLetters
from protea_gateway.usecases.dead_letter_replay import ReplayDeadLetters
from protea_gateway.usecases.dead_letters import KeepDeadLetter
from protea_gateway.usecases.downloads import DownloadPredictions
from protea_gateway.usecases.ground_truth import DeleteEvaluationSet, ReadDeltaProteins, ReadGroundTruth, ReadReport
from protea_gateway.usecases.job_files import DownloadJobFile
from protea_gateway.usecases.jobs import CancelJob, SubmitJob
from protea_gateway.usecases.live import FollowTimeline, LiveFeed
from protea_gateway.usecases.query_sets import FastaReading, QuerySetWriter
from protea_gateway.usecases.scoring import CreateScoringConfig, CreateScoringPresets
from protea_gateway.usecases.status import ShowStatus
from protea_gateway.usecases.uploads import StoreUpload
from protea_gateway.usecases.watch import WatchPlatform

__all__ = ["SERVICE_NAME", "Factory", "ProcessContext", "open_process"]

SERVICE_NAME: Final = "protea-gateway"
"""Source of its events; another name makes its past events look like a stranger's."""


@dataclass(frozen=True, slots=True)
class ProcessContext:
    """What a process has one of.

    Attributes
    ----------
    platform
        What all services stand on.
    settings
        The gateway's own.
    parsing
        Threads that read FASTA files.
    feed
        Watches the timeline for all live streams.
    key_usage
        Which API keys were used lately.
    """

    platform: Platform
    settings: GatewaySettings
    parsing: Executor
    feed: LiveFeed
    key_usage: KeyUsage


@asynccontextmanager
async def open_process(platform: Platform, settings: GatewaySettings) -> AsyncIterator[ProcessContext]:
    """Start the threads, and end them when the block ends, once what they read is read."""
    unit_of_work = partial(platform.unit_of_work, source=SERVICE_NAME)
    parsing = ThreadPoolExecutor(settings.parser_threads, thread_name_prefix="gateway-parsing")
    feed = LiveFeed(unit_of_work=unit_of_work, bus=platform.bus, poll=settings.stream_poll)
    try:
        yield ProcessContext(platform, settings, parsing, feed, KeyUsage(unit_of_work=unit_of_work))
    finally:
        await asyncio.to_thread(parsing.shutdown, cancel_futures=True)


class Factory:
    """Builds use cases."""

    def __init__(self, context: ProcessContext) -> None:
        self.context = context

    def unit_of_work(self) -> UnitOfWork:
        """Begin a transaction; plain reads and deletions go from it straight to a store."""
        return self.context.platform.unit_of_work(source=SERVICE_NAME)

    def trace_address(self, trace_id: str | None) -> str | None:
        """Write the address of a trace's page; ``None`` where no Jaeger is configured."""
        return trace_address(self.context.platform.settings.telemetry.jaeger_url, trace_id)

    def create_authenticate(self) -> Authenticate:
        """Build the check of who calls."""
        return Authenticate(
            unit_of_work=self.unit_of_work,
            usage=self.context.key_usage,
            rule=self.context.settings.authentication,
            allowed_origins=self.context.platform.settings.allowed_origins,
        )

    def create_create_api_key(self) -> CreateApiKey:
        """Build the maker of API keys."""
        return CreateApiKey(unit_of_work=self.unit_of_work)

    def create_query_set_writer(self) -> QuerySetWriter:
        """Build the reader of FASTA files."""
        api = self.context.platform.settings.api
        limits = FastaLimits(
            max_records=api.max_records,
            max_residues_per_sequence=api.max_residues,
            max_total_residues=self.context.settings.max_query_residues,
        )
        reading = FastaReading(limits, max_decompressed_bytes=api.max_decompressed_bytes)
        return QuerySetWriter(reading=reading, executor=self.context.parsing)

    def create_start_annotation(self) -> StartAnnotation:
        """Build the main job's beginning."""
        own = self.context.settings
        cut = BatchSizes(sequences_per_job=own.annotate_sequences_per_job, batch_size=own.annotate_batch_size)
        return StartAnnotation(unit_of_work=self.unit_of_work, query_sets=self.create_query_set_writer(), cut=cut)

    def create_show_annotation(self) -> ShowAnnotation:
        """Build the main job's status."""
        return ShowAnnotation(unit_of_work=self.unit_of_work)

    def create_store_upload(self) -> StoreUpload:
        """Build the keeper of uploads."""
        return StoreUpload(artifacts=self.context.platform.artifacts)

    def create_download_job_file(self) -> DownloadJobFile:
        """Build the download of what jobs made."""
        return DownloadJobFile(unit_of_work=self.unit_of_work, artifacts=self.context.platform.artifacts)

    def create_submit_job(self) -> SubmitJob:
        """Build the acceptance of single jobs."""
        return SubmitJob(unit_of_work=self.unit_of_work, artifacts=self.context.platform.artifacts)

    def create_cancel_job(self) -> CancelJob:
        """Build the cancellation of jobs."""
        return CancelJob(unit_of_work=self.unit_of_work)

    def create_follow_timeline(self) -> FollowTimeline:
        """Build the reader of a live stream."""
        context = self.context
        heartbeat = context.settings.stream_heartbeat
        return FollowTimeline(unit_of_work=self.unit_of_work, feed=context.feed, heartbeat=heartbeat)

    def create_download_predictions(self) -> DownloadPredictions:
        """Build the writer of prediction files."""
        return DownloadPredictions(unit_of_work=self.unit_of_work)

    def create_create_scoring_config(self) -> CreateScoringConfig:
        """Build the maker of scoring configurations."""
        return CreateScoringConfig(unit_of_work=self.unit_of_work)

    def create_create_scoring_presets(self) -> CreateScoringPresets:
        """Build the maker of the scoring configurations that ship with PROTEA."""
        return CreateScoringPresets(unit_of_work=self.unit_of_work)

    def create_read_ground_truth(self) -> ReadGroundTruth:
        """Build the reader of evaluation files."""
        return ReadGroundTruth(unit_of_work=self.unit_of_work, artifacts=self.context.platform.artifacts)

    def create_read_delta_proteins(self) -> ReadDeltaProteins:
        """Build the writer of an evaluation set's proteins."""
        return ReadDeltaProteins(
            unit_of_work=self.unit_of_work,
            read_ground_truth=self.create_read_ground_truth(),
        )

    def create_read_calibration(self) -> ReadCalibration:
        """Build the reader of calibrations."""
        return ReadCalibration(unit_of_work=self.unit_of_work, artifacts=self.context.platform.artifacts)

    def create_read_report(self) -> ReadReport:
        """Build the reader of reports."""
        return ReadReport(unit_of_work=self.unit_of_work, artifacts=self.context.platform.artifacts)

    def create_delete_evaluation_set(self) -> DeleteEvaluationSet:
        """Build the deletion of evaluation sets."""
        return DeleteEvaluationSet(unit_of_work=self.unit_of_work, artifacts=self.context.platform.artifacts)

    def create_keep_dead_letter(self) -> KeepDeadLetter:
        """Build the keeper of dead letters."""
        return KeepDeadLetter(
            unit_of_work=self.unit_of_work,
            metrics=self.context.platform.metrics,
            queues={queue.name for queue in self._topology().queues},
        )

    def create_replay_dead_letters(self) -> ReplayDeadLetters:
        """Build the sender of dead letters."""
        return ReplayDeadLetters(unit_of_work=self.unit_of_work)

    def create_purge_dead_letters(self) -> PurgeDeadLetters:
        """Build the eraser of dead letters."""
        return PurgeDeadLetters(unit_of_work=self.unit_of_work)

    def _topology(self) -> Topology:
        return protea_topology(operation_queues(), embedding_pools=self.context.platform.settings.embedding_pools)

    def create_show_status(self) -> ShowStatus:
        """Build the operators' screen."""
        platform = self.context.platform
        return ShowStatus(
            unit_of_work=self.unit_of_work,
            bus=platform.bus,
            lease=platform.settings.worker.lease,
            topology=self._topology(),
        )

    def create_watch_platform(self) -> WatchPlatform:
        """Build the setter of the platform's gauges."""
        context = self.context
        return WatchPlatform(
            show_status=self.create_show_status(),
            metrics=context.platform.metrics,
            interval=context.settings.watch_interval,
        )
