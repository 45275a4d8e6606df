from __future__ import annotations

import asyncio
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Iterator

import psutil
import pytest

from protea_common.domain.ontology import Aspect, GoGraph, OntologyCycleError, Relation
from protea_common.errors import TransientError
from protea_evaluator.adapters.computing import ComputingProcessDiedError, ComputingProcesses

LIMIT_SECONDS = 60.0

OWNER = """
import os, sys, time
from protea_evaluator.adapters.computing import ComputingProcesses
if __name__ == "__main__":
    pool = ComputingProcesses(limit=1)
    print(pool.submit(os.getpid).result(), flush=True)
    pool.submit(time.sleep, 600)
    sys.stdin.read()
"""


@pytest.fixture(scope="module")
def processes() -> Iterator[ComputingProcesses]:
    pool = ComputingProcesses(limit=1)
    yield pool
    pool.shutdown()


def test_it_computes_in_another_process_which_is_used_again(processes: ComputingProcesses) -> None:
    first, second = (processes.submit(os.getpid).result(LIMIT_SECONDS) for _ in range(2))

    assert first == second != os.getpid()


async def test_the_event_loop_goes_on_meanwhile(processes: ComputingProcesses) -> None:
    """The process is stopped, so that it cannot end before the loop has turned."""
    worker = psutil.Process(processes.submit(os.getpid).result(LIMIT_SECONDS))
    worker.suspend()
    computed = asyncio.get_running_loop().run_in_executor(processes, sum, [1, 2])
    turned = await asyncio.sleep(0, result=True)

    assert turned
    assert not computed.done()
    worker.resume()
    assert await computed == 3


def test_an_error_keeps_its_class_words_and_attributes(processes: ComputingProcesses) -> None:
    terms = [("GO:0000001", Aspect.MOLECULAR_FUNCTION)]
    cycle = [Relation("GO:0000001", "GO:0000001", "is_a")]

    with pytest.raises(OntologyCycleError) as error:
        processes.submit(GoGraph.build, terms, cycle).result(LIMIT_SECONDS)

    raised = OntologyCycleError("GO:0000001")
    assert (str(error.value), error.value.__dict__["go_id"]) == (str(raised), raised.go_id)


def test_a_process_that_dies_fails_its_work_for_now_and_others_go_on(processes: ComputingProcesses) -> None:
    with pytest.raises(ComputingProcessDiedError):
        processes.submit(os._exit, 1).result(LIMIT_SECONDS)

    assert issubclass(ComputingProcessDiedError, TransientError)
    assert processes.submit(sum, [1, 2]).result(LIMIT_SECONDS) == 3


def test_signals_are_left_to_the_parent(processes: ComputingProcesses) -> None:
    worker = processes.submit(os.getpid).result(LIMIT_SECONDS)

    for number in (signal.SIGINT, signal.SIGTERM):
        os.kill(worker, number)

    assert processes.submit(os.getpid).result(LIMIT_SECONDS) == worker


def test_shutting_down_ends_what_is_computed() -> None:
    pool = ComputingProcesses(limit=1)
    worker = psutil.Process(pool.submit(os.getpid).result(LIMIT_SECONDS))
    endless = pool.submit(signal.pause)

    pool.shutdown(cancel_futures=True)

    assert not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE
    with pytest.raises(ComputingProcessDiedError):
        endless.result(LIMIT_SECONDS)


def test_the_processes_end_when_their_parent_is_killed() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", OWNER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout is not None
        worker = psutil.Process(int(owner.stdout.readline()))
        owner.kill()
        # Its own child no longer: the wait polls until it is gone.
        gone, alive = psutil.wait_procs([worker], timeout=LIMIT_SECONDS)

    assert (len(gone), alive) == (1, [])


def test_a_graph_is_the_same_in_another_process() -> None:
    terms = [("GO:0000001", Aspect.MOLECULAR_FUNCTION), ("GO:0000002", Aspect.MOLECULAR_FUNCTION)]
    graph = GoGraph.build(terms, [Relation("GO:0000002", "GO:0000001", "is_a")])

    copied = pickle.loads(pickle.dumps(graph))  # noqa: S301 - our own bytes

    assert (copied.go_ids, dict(copied.row_of)) == (graph.go_ids, dict(graph.row_of))
    assert copied.ancestors(1).tolist() == graph.ancestors(1).tolist() == [0]
    assert copied.descendants(0).tolist() == [1]
