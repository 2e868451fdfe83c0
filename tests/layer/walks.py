"""Random walks through a job's life, without a table."""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from darkroom.errors import Conflict
from darkroom.jobs import FileEvent, Job
from darkroom.outcomes import Outcome
from darkroom.states import JOB_MOVES
from darkroom.usage import Usage
from tests.making import a_job, arrived, listed, recorded, requeued

ENDED = (Outcome.SUCCEEDED, Outcome.FAILED, Outcome.SKIPPED, Outcome.CANCELLED)


def ended(index: int, outcome: Outcome = Outcome.SUCCEEDED, attempt: int = 1) -> FileEvent:
    failed = outcome is Outcome.FAILED
    error = {"code": "damaged", "message": "It is damaged."} if failed else None
    usage = usage_of(index) if outcome is Outcome.SUCCEEDED else Usage()
    return FileEvent(index, attempt, outcome, f"photo-{index}.jpg", error, usage)


def usage_of(index: int) -> Usage:
    """The usage of a photo that succeeded: unique for each index, with a model or without."""
    model = (None, "u2netp", "silueta")[index % 3]
    return Usage.of_photo(
        bytes_in=1000 + index, bytes_out=10 + index, model=model, milliseconds=100 + index
    )


class Walk(RuleBasedStateMachine):
    """Apply a job's changes in any order, and compare its counts with the latest outcomes.

    latest: the attempt and outcome of each file that is known to exist.
    """

    def __init__(self) -> None:
        super().__init__()
        self.job = a_job(uploads=2)
        self.latest: dict[int, tuple[int, Outcome]] = {}

    def move(self, after: Job) -> None:
        before, self.job = self.job, after
        if after is not before:
            assert after.sequence > before.sequence
            assert after.status is before.status or after.status in JOB_MOVES[before.status]

    @rule(upload=st.integers(0, 1))
    def an_image_arrives(self, upload: int) -> None:
        if upload not in self.latest and not self.is_zip(upload):
            self.latest[upload] = (1, Outcome.QUEUED)
            self.move(arrived(self.job, upload))

    @rule(upload=st.integers(0, 1), files=st.integers(0, 4))
    def a_zip_is_listed(self, upload: int, files: int) -> None:
        if upload not in self.latest and not self.is_zip(upload):
            first = self.job.next_index
            self.latest |= {first + n: (1, Outcome.QUEUED) for n in range(files)}
            self.move(listed(self.job, upload, files, files))

    def is_zip(self, upload: int) -> bool:
        return any(span.upload == upload for span in self.job.spans)

    @rule(outcome=st.sampled_from(ENDED), data=st.data())
    def a_file_ends(self, outcome: Outcome, data: st.DataObject) -> None:
        if outcome is Outcome.CANCELLED and not self.job.status.stopped:
            return
        waiting = [i for i, (_, known) in self.latest.items() if known is Outcome.QUEUED]
        if waiting:
            index = data.draw(st.sampled_from(sorted(waiting)))
            attempt, _ = self.latest[index]
            self.latest[index] = (attempt, outcome)
            self.move(recorded(self.job, ended(index, outcome, attempt)))

    @rule()
    def all_events_are_redelivered(self) -> None:
        events = [ended(i, o, a) for i, (a, o) in self.latest.items() if o in ENDED]
        assert recorded(self.job, *events) is self.job

    @rule()
    def cancel(self) -> None:
        self.move(self.job.cancelled())

    @rule()
    def expire(self) -> None:
        self.move(self.job.expired())

    @rule()
    def nudge(self) -> None:
        nudges = self.job.nudges
        self.move(self.job.nudged())
        assert self.job.nudges == (nudges if self.job.settled else nudges + 1)

    @rule()
    def retry(self) -> None:
        before = self.job
        try:
            self.job = requeued(before)
        except Conflict:
            return
        self.retried(before)
        for index, (attempt, outcome) in self.latest.items():
            if outcome in (Outcome.FAILED, Outcome.CANCELLED):
                self.latest[index] = (attempt + 1, Outcome.QUEUED)

    def retried(self, before: Job) -> None:
        """Called after a retry, which is two changes: it begins, and all its files are queued."""

    @invariant()
    def counts_match_the_outcomes(self) -> None:
        outcomes = [outcome for _, outcome in self.latest.values()]
        assert self.job.counts.succeeded == outcomes.count(Outcome.SUCCEEDED)
        assert self.job.counts.failed == outcomes.count(Outcome.FAILED)
        done = len(outcomes) - outcomes.count(Outcome.QUEUED)
        assert self.job.counts.processed == done
        succeeded = [i for i, (_, o) in self.latest.items() if o is Outcome.SUCCEEDED]
        assert self.job.usage == used(succeeded)
        if self.job.total is not None and not self.job.status.final:
            assert done < self.job.total


def used(succeeded: Iterable[int]) -> Usage:
    return sum(map(usage_of, succeeded), Usage())
