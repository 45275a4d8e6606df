"""The protocol as a state machine: whatever happens in whatever order, each job ends once and each batch counts once.

Hypothesis chooses what clients, workers, the relay, the broker and the reaper do; the database is a real one.
"""

from __future__ import annotations

from uuid import UUID

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    consumes,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)

from protea_common.jobs import BatchClaim, JobClaim
from support.protocol import World

ROUNDS_TO_REST = 4
"""Rounds per job in which everything is delivered at the end, until nothing may be open any more."""

MOST_REQUESTS = 6
"""Requests of one run: more of them would leave no steps for what happens to each."""

NEVER = {
    "a job that ended not exactly once": """
        SELECT job.id FROM job LEFT JOIN job_event e ON e.job_id = job.id
        AND e.event IN ('job.succeeded', 'job.failed', 'job.cancelled')
        WHERE job.id = ANY(:jobs) GROUP BY job.id, job.status
        HAVING count(e.id) <> CASE WHEN job.status IN ('QUEUED', 'RUNNING') THEN 0 ELSE 1 END
    """,
    "a job that announced its end not exactly once": """
        SELECT job.id FROM job LEFT JOIN outbox_event e ON e.subject = job.id
        AND e.routing_key IN ('job.succeeded', 'job.failed', 'job.cancelled')
        WHERE job.id = ANY(:jobs) GROUP BY job.id, job.status
        HAVING count(e.id) <> CASE WHEN job.status IN ('QUEUED', 'RUNNING') THEN 0 ELSE 1 END
    """,
    "a batch whose effect is not there once when it is done, and else not at all": """
        SELECT b.id FROM job_batch b LEFT JOIN effect ON (effect.job_id, effect.batch_index) = (b.job_id, b.batch_index)
        WHERE b.job_id = ANY(:jobs) GROUP BY b.id, b.status
        HAVING count(effect.job_id) <> CASE WHEN b.status = 'DONE' THEN 1 ELSE 0 END
    """,
    "a job whose progress is not the number of its batches that are done": """
        SELECT job.id FROM job JOIN job_batch b ON b.job_id = job.id WHERE job.id = ANY(:jobs)
        GROUP BY job.id HAVING count(*) FILTER (WHERE b.status = 'DONE') <> job.progress_current
    """,
    "a job that succeeded before all of its batches were done": """
        SELECT job.id FROM job JOIN job_batch b ON b.job_id = job.id
        WHERE job.id = ANY(:jobs) AND job.status = 'SUCCEEDED' AND b.status <> 'DONE'
    """,
    "a job that goes on though all of its batches are done": """
        SELECT job.id FROM job JOIN job_batch b ON b.job_id = job.id WHERE job.id = ANY(:jobs)
        AND job.status IN ('QUEUED', 'RUNNING') GROUP BY job.id HAVING bool_and(b.status = 'DONE')
    """,
    "a job that began before the one it waits for had succeeded": """
        SELECT job.id FROM job JOIN job upstream ON upstream.id = job.waits_for_job_id
        WHERE job.id = ANY(:jobs) AND job.started_at IS NOT NULL AND upstream.status <> 'SUCCEEDED'
    """,
    "a pipeline that did not end as its steps did": """
        SELECT pipeline.id FROM job pipeline JOIN job step ON step.parent_job_id = pipeline.id
        WHERE pipeline.id = ANY(:jobs) GROUP BY pipeline.id
        HAVING pipeline.status <> CASE
            WHEN bool_or(step.status = 'FAILED') THEN 'FAILED'
            WHEN bool_or(step.status = 'CANCELLED') THEN 'CANCELLED'
            WHEN bool_and(step.status = 'SUCCEEDED') THEN 'SUCCEEDED'
            ELSE 'RUNNING' END::job_status
    """,
    "a key with more running jobs than it may have": """
        SELECT api_key_prefix FROM job WHERE id = ANY(:jobs) AND status = 'RUNNING' AND api_key_prefix IS NOT NULL
        GROUP BY 1 HAVING count(*) > 1
    """,
}
"""What must not be found at any time, and the statement that looks for it."""

NEVER_AT_REST = {
    "a job that has not ended": "SELECT id FROM job WHERE id = ANY(:jobs) AND status IN ('QUEUED', 'RUNNING')",
    "a batch that has not ended": (
        "SELECT id FROM job_batch WHERE job_id = ANY(:jobs) AND status IN ('PENDING', 'RUNNING')"
    ),
    "an event that was not sent": "SELECT id FROM outbox_event WHERE subject = ANY(:jobs) AND sent_at IS NULL",
}


class Protocol(RuleBasedStateMachine):
    """Everything that can happen; a claim stays in its worker's hands after its lease was lost, as in a paused one."""

    jobs: Bundle[UUID] = Bundle("jobs")
    job_claims: Bundle[JobClaim] = Bundle("job_claims")
    batch_claims: Bundle[BatchClaim] = Bundle("batch_claims")

    def __init__(self, database_url: str) -> None:
        super().__init__()
        self.world = World(database_url)
        self.ended: dict[UUID, str] = {}
        self.requests = 0

    @precondition(lambda self: self.requests < MOST_REQUESTS)
    @rule(target=jobs, key=st.sampled_from([None, "anna", "benno"]))
    def submit(self, key: str | None) -> UUID:
        self.requests += 1
        return self.world.submit(key=key)

    @precondition(lambda self: self.requests < MOST_REQUESTS)
    @rule(target=jobs)
    def submit_pipeline(self) -> UUID:
        self.requests += 1
        return self.world.submit_pipeline()

    @rule(confirmed=st.booleans())
    def relay(self, *, confirmed: bool) -> None:
        self.world.relay(confirmed=confirmed)

    @precondition(lambda self: any(m.batch_index is None for m in self.world.messages))
    @rule(target=job_claims, data=st.data())
    def deliver_job(self, data: st.DataObject) -> JobClaim | MultipleResults[JobClaim]:
        message = data.draw(st.sampled_from([m for m in self.world.messages if m.batch_index is None]))
        claim = self.world.deliver(message)
        return claim if isinstance(claim, JobClaim) else multiple()

    @precondition(lambda self: any(m.batch_index is not None for m in self.world.messages))
    @rule(target=batch_claims, data=st.data())
    def deliver_batch(self, data: st.DataObject) -> BatchClaim | MultipleResults[BatchClaim]:
        message = data.draw(st.sampled_from([m for m in self.world.messages if m.batch_index is not None]))
        claim = self.world.deliver(message)
        return claim if isinstance(claim, BatchClaim) else multiple()

    @rule(claim=job_claims, batches=st.integers(0, 3))
    def dispatch(self, claim: JobClaim, batches: int) -> None:
        self.world.dispatch(claim, batches=batches)

    @rule(claim=batch_claims)
    def complete(self, claim: BatchClaim) -> None:
        self.world.complete(claim)

    @rule(one=batch_claims, other=batch_claims)
    def complete_two_at_once(self, one: BatchClaim, other: BatchClaim) -> None:
        self.world.complete(one, other)

    @rule(claim=st.one_of(job_claims, batch_claims))
    def expire(self, claim: JobClaim | BatchClaim) -> None:
        self.world.expire(claim)

    @rule()
    def sweep(self) -> None:
        self.world.sweep()

    @rule(claim=st.one_of(job_claims, batch_claims))
    def try_again(self, claim: JobClaim | BatchClaim) -> None:
        self.world.try_again(claim)

    @rule(claim=st.one_of(consumes(job_claims), consumes(batch_claims)))
    def hand_back(self, claim: JobClaim | BatchClaim) -> None:
        self.world.hand_back(claim)

    @rule(claim=st.one_of(job_claims, batch_claims))
    def fail(self, claim: JobClaim | BatchClaim) -> None:
        self.world.fail(claim)

    @rule(job_id=jobs)
    def cancel(self, job_id: UUID) -> None:
        self.world.cancel(job_id)

    @invariant()
    def nothing_is_found_that_must_not_be(self) -> None:
        assert self.world.found(NEVER) == {}

    @invariant()
    def an_end_is_final(self) -> None:
        statement = "SELECT id, status::text FROM job WHERE id = ANY(:jobs) AND status NOT IN ('QUEUED', 'RUNNING')"
        now = dict(self.world.rows(statement))
        assert {job_id: now.get(job_id) for job_id in self.ended} == self.ended
        self.ended = now

    def teardown(self) -> None:
        """Let all workers die, then let new ones do what is asked for, until nothing is open."""
        try:
            self.world.abandon_everything()
            for _ in range(ROUNDS_TO_REST * (1 + len(self.world.jobs))):
                self.world.sweep()
                self.world.relay()
                if "a job that has not ended" not in self.world.found(NEVER_AT_REST):
                    break
                self._work_once()
            assert self.world.found({**NEVER, **NEVER_AT_REST}) == {}
        finally:
            self.world.close()

    def _work_once(self) -> None:
        latest = {(message.job_id, message.batch_index): message for message in self.world.messages}
        for message in latest.values():
            claim = self.world.deliver(message)
            if isinstance(claim, JobClaim):
                self.world.dispatch(claim, batches=2)
            elif claim is not None:
                self.world.complete(claim)


def test_whatever_happens_each_job_ends_once_and_each_batch_counts_once(migrated_database_url: str) -> None:
    run_state_machine_as_test(
        lambda: Protocol(migrated_database_url),  # type: ignore[arg-type]  # any callable that makes a machine will do
        settings=settings(
            max_examples=12,
            stateful_step_count=45,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
            # Shrinking a failure takes minutes against a real database: add Phase.shrink to look for a cause.
            phases=[Phase.generate],
        ),
    )
