"""Whatever happens to jobs, and in whatever order: in the end all is counted and nothing is lost.

Each example is a list of steps: requests, uploads, messages delivered twice or late, records out of
order, deaths at any operation, and other actors in between. The steps run the service's own code.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from darkroom import clock, jobs
from darkroom.archives import Archive
from darkroom.aws.table import JobTable
from darkroom.jobs import Job
from darkroom.states import ArchiveStatus, JobStatus
from functions.recovery import lifecycle
from functions.recovery.lifecycle import Lifecycle
from functions.zip.archive import building
from functions.zip.ingest import intake
from tests.interleavings.world import Step, World

EXAMPLES = int(os.environ.get("EXAMPLES", "300"))

OUTSIDE = ("upload", "cancel", "retry", "correct", "delete")
INSIDE = ("count", "notify", "ingest", "process", "lifecycle", "archive")
number = st.integers(0, 1000)
operation = st.none() | st.integers(1, 12)


def step(actions: Sequence[str], *rest: st.SearchStrategy[Any]) -> st.SearchStrategy[Step]:
    return st.tuples(st.sampled_from(actions), number, *rest).map(lambda values: Step(*values))


other = step((*OUTSIDE, *INSIDE, "flow"))
any_step = st.one_of(
    step(("create", "drop", "later")),
    step((*OUTSIDE, "upload", "upload"), st.booleans()),
    step(("flow",)),
    step(INSIDE, st.booleans(), operation, operation, other),
)
many = st.sampled_from((0, 12, 25)).flatmap(lambda n: st.lists(any_step, min_size=n, max_size=40))
steps = st.tuples(step(("create",)), step(("upload",)), many).map(
    lambda taken: [taken[0], taken[1], *taken[2]]
)


@pytest.fixture(autouse=True)
def one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    for module, names in ((intake, ["THREADS"]), (building, ["READERS", "WRITERS"])):
        for name in names:
            monkeypatch.setattr(module, name, 1)


def run(taken: list[Step]) -> list[str]:
    """Take the steps, let everything end, and return what is wrong then."""
    world = World()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(clock, "now", world.clock)
        patched.setattr("darkroom.aws.table.pause", lambda: None)
        for each in taken:
            world.do(each)
        world.finish()
        return world.wrong()


@given(steps)
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
)
def test_in_the_end_all_is_counted_and_nothing_is_lost(taken: list[Step]) -> None:
    wrong = run(taken)
    assert not wrong, "\n".join([*wrong, *map(str, taken)])


def _accept_any_state(job: Job, archive: Archive) -> Job:
    """As it was: READY of a generation is accepted though its results have changed since."""
    if archive.generation != job.archive.generation or archive == job.archive:
        return job
    return job._next(archive=archive)


def _no_late_cancels(job: Job) -> Job:
    """As it was: files that a cancel reaches after the retry stay cancelled."""
    late = job.counted and job.counts.cancelled and not job.status.stopped
    return _with_status(job) if late else derived(job)


def _with_status(job: Job) -> Job:
    archive = job.archive.begun() if job.archive.status is ArchiveStatus.NONE else job.archive
    return replace(job, status=JobStatus.COMPLETED, archive=archive)


derived = jobs.derived
# A photo that has been processed, and whose archive is still to be built; then anything, or a
# correction at any operation of the archive's builder.
FINISHED = [Step("create"), Step("upload", 27), Step("flow", 39)]
anything = many.map(lambda more: [*FINISHED, *more])
correction = st.integers(1, 12).map(
    lambda at: [*FINISHED, Step("archive", interrupted=at, by=Step("correct"))]
)
DEFECTS: dict[str, tuple[Any, list[tuple[Any, str, Any]]]] = {
    "an archive begun before a retry is accepted": (
        correction,
        [(Job, "with_archive", _accept_any_state)],
    ),
    "a late cancel sticks after a retry": (anything, [(jobs, "derived", _no_late_cancels)]),
    "a result stored for a deleted job stays": (
        anything,
        [
            (JobTable, "delete_file", lambda *_: None),
            (Lifecycle, "_delete_objects", lambda *_: True),
        ],
    ),
    "a retry sends photos before it counts them": (
        anything,
        [(lifecycle, "count_files", lambda *_: None)],
    ),
}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("defect", DEFECTS)
def test_a_defect_is_found(defect: str, monkeypatch: pytest.MonkeyPatch) -> None:
    taken_steps, patches = DEFECTS[defect]
    for owner, name, broken in patches:
        monkeypatch.setattr(owner, name, broken)

    @given(taken_steps)
    @settings(
        max_examples=1500,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow],
    )
    def search(taken: list[Step]) -> None:
        assert run(taken) == []

    with pytest.raises((AssertionError, ValueError)):
        search()
