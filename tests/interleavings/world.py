"""A small world in which the service's own code runs, in any order and with any interruption.

The table, the bucket and the queues are stand-ins in memory. Everything between them is the real
code: the fan-out, the worker, the tally, the consequences of changes, the lifecycle, the archive
builder and the sweep. Before every operation on the table or the bucket, another actor may act, or
the one at work may die.
"""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from darkroom.access import token_hash
from darkroom.aws import block_items, items
from darkroom.aws.queues import Lanes
from darkroom.aws.table import JobTable
from darkroom.confidence import needs_review
from darkroom.counting import count_files
from darkroom.errors import ArchiveError, Conflict, FileError, NotFound, RetryLater
from darkroom.files import File
from darkroom.jobs import Job, file_id
from darkroom.keys import UploadKey, archive_key
from darkroom.messages import (
    ForgetMessage,
    ImageMessage,
    Message,
    NudgeMessage,
    PruneMessage,
    RetryMessage,
    StopMessage,
    UploadMessage,
)
from darkroom.options import Options
from darkroom.outcomes import Counts
from darkroom.settings import Settings
from darkroom.states import ArchiveStatus, FileStatus
from darkroom.usage import Usage
from functions.process.engine.judging import Confidence
from functions.process.engine.results import Result
from functions.process.photo_worker import PhotoWorker
from functions.progress.completion import Completions
from functions.progress.job_changes import Change, JobChangeHandler
from functions.recovery.lifecycle import Lifecycle
from functions.recovery.reconcile import QUIET, Reconciler
from functions.zip.archive.building import Builder
from functions.zip.archive.manifest import MANIFEST
from functions.zip.ingest.intake import Intake
from tests.interleavings.standin_bucket import StandInBucket, etag
from tests.interleavings.standin_table import StandInTable

HOUR = 3600.0
DAY = 24 * HOUR


class Step(NamedTuple):
    """What one actor does. which: chooses among what it could act on. again: whether what it works
    on is delivered once more. dies, interrupted: at the how many-th operation."""

    action: str
    which: int = 0
    again: bool = False
    dies: int | None = None
    interrupted: int | None = None
    by: Step | None = None


class Death(Exception):
    """The end of a worker at any point."""


@dataclass
class StandInQueue:
    """Messages and the times from which they can be received."""

    world: World
    waiting: list[tuple[float, Message]] = field(default_factory=list)

    def send(
        self, messages: Sequence[Message], *, group: str | None = None, delay: int = 0
    ) -> None:
        self.waiting += [(self.world.now + delay, message) for message in messages]


class StandInEvents:
    def completed(self, _details: Sequence[Any]) -> None:
        return


class StandInEngine:
    """Makes a result of its photo's bytes and its options; a bad photo fails."""

    def process(self, photo: bytes, options: Options, _background: bytes | None = None) -> Result:
        if photo.startswith(b"bad"):
            raise FileError("damaged_photo", "The photo is damaged; upload it again.")
        data = photo + f" as {options.max_side}".encode()
        crc32 = zlib.crc32(data)
        sure = Confidence(crc32 % 100 / 100, ())  # so that a retry with other options changes it
        return Result(data, "image/png", ".png", 1, 1, crc32, None, None, sure, "u2netp", ())


class World:
    def __init__(self) -> None:
        self.now = 1_700_000_000.0
        self.table = StandInTable(self._tick)
        self.bucket = StandInBucket(self._tick)
        self.jobs = JobTable(self.table)  # type: ignore[arg-type]
        self.queues = {
            name: StandInQueue(self) for name in ("ingest", "process", "lifecycle", "archive")
        }
        self.tally: list[Any] = []
        self.changes: list[Any] = []
        self.created: list[str] = []
        self.deleted: list[Job] = []
        self._plan: list[tuple[int, Callable[[], None]]] = []
        self._count = 0

    def clock(self) -> float:
        self.now += 0.001
        return round(self.now, 3)

    # ---- what may happen

    def do(self, step: Step) -> None:
        """Take a step; what it works on is delivered again if its actor dies or must wait."""
        act = getattr(self, self._busy(step))
        self._count = 0
        plan = []
        if step.dies is not None:
            plan.append((step.dies, self._die))
        if step.interrupted is not None and step.by is not None:
            by = step.by
            plan.append((step.interrupted, lambda: getattr(self, self._busy(by))(by)))
        self._plan = plan
        try:
            act(step)
        finally:
            self._plan = []
            self._collect()

    def create(self, step: Step) -> None:
        """Declare one to three uploads, or a page of a job whose other page never comes."""
        declared = uploads = 1 + step.which % 3
        if step.which % 20 == 19:
            declared, uploads = 100, 101
        job_id = f"job{len(self.created)}"
        job = Job(
            job_id=job_id,
            job_type="batch",
            options=Options(model="u2netp").model_dump_json(),
            token_hash=token_hash("token"),
            uploads=uploads,
            created_at=self.clock(),
            updated_at=self.clock(),
            expires_at=self.now + 7 * DAY,
            grants_until=self.now + HOUR,
        )
        files = [
            File(job_id, file_id(n), f"{n}.jpg", 1, FileStatus.AWAITING_UPLOAD,
                 expires_at=job.expires_at)
            for n in range(declared)
        ]  # fmt: skip
        self.created.append(job_id)
        self.jobs.create(job, files)

    def upload(self, step: Step) -> None:
        """Upload a good photo, a bad one or a ZIP, the first time or once more."""
        if not self.created:
            return
        job_id = self.created[step.which % len(self.created)]
        job = self.jobs.get(job_id)
        every = range(min(job.uploads, 3)) if job and step.which % 2 else [step.which // 7 % 3]
        for index in every:
            seed = step.which // 3 + index
            data = (b"good %d", b"good too %d", b"bad %d")[seed % 3] % step.which
            if seed % 5 == 0:
                data = _zip(step.which) if seed % 2 else b"PK\3\4 broken"
            key = str(UploadKey(job_id, file_id(index), f"{index}.jpg"))
            self._put(key, data, lost=step.again and job is not None)

    def drop(self, step: Step) -> None:
        """Drop an object, often under a name that was used before."""
        data = _zip(step.which) if step.which % 2 else b"good drop" + str(step.which).encode()
        key = f"inbox/{step.which % 2}.jpg"
        message = self._put(key, data, lost=False)
        self.created.append(message.drop_id)

    def cancel(self, step: Step) -> None:
        self._change(step, Job.cancelled)

    def retry(self, step: Step) -> None:
        self._change(step, Job.retried)

    def correct(self, step: Step) -> None:
        """Process one file again, with other options, whatever its outcome."""
        options = Options(model="u2netp", max_side=100 + step.which % 50).model_dump_json()
        chosen = file_id((0, 1, 100, 101)[step.which // 3 % 4])
        job_id = self._chosen(step)
        if job_id and self.jobs.file(job_id, chosen):
            self._change(step, lambda job: job.retried(options, [chosen]))

    def delete(self, step: Step) -> None:
        job_id = self._chosen(step)
        job = self.jobs.get(job_id) if job_id else None
        if job:
            self.deleted.append(job)
            self.jobs.forget(job.job_id)

    def ingest(self, step: Step) -> None:
        stops = iter([False] * (step.which % 4)) if step.which % 3 == 0 else iter(())
        bounded = step.which % 3 == 0

        def receive(message: Message) -> None:
            assert isinstance(message, UploadMessage)
            lanes = Lanes(self.queues["process"], self.queues["process"])  # type: ignore[arg-type]
            intake = Intake(
                Settings(),
                self.jobs,
                self.bucket,  # type: ignore[arg-type]
                lanes,
                self.queues["ingest"],  # type: ignore[arg-type]
                lambda: next(stops, bounded),
            )
            intake.receive(message)

        self._receive("ingest", step, receive)

    def process(self, step: Step) -> None:
        def receive(message: Message) -> None:
            assert isinstance(message, ImageMessage)
            worker = PhotoWorker(
                Settings(), self.jobs, self.bucket, StandInEngine(), lambda _: None
            )  # type: ignore[arg-type]
            worker.process(message)

        self._receive("process", step, receive)

    def lifecycle(self, step: Step) -> None:
        stops = iter([False] * (1 + step.which % 3))
        bounded = step.which % 2 == 0

        def receive(message: Message) -> None:
            walker = Lifecycle(
                self.jobs,
                self.bucket,  # type: ignore[arg-type]
                Lanes(self.queues["process"], self.queues["process"]),  # type: ignore[arg-type]
                self.queues["ingest"],  # type: ignore[arg-type]
                self.queues["lifecycle"],  # type: ignore[arg-type]
                lambda: next(stops, bounded),
            )
            match message:
                case RetryMessage():
                    walker.retry(message)
                case StopMessage():
                    walker.stop(message)
                case NudgeMessage():
                    walker.nudge(message)
                case ForgetMessage():
                    walker.forget(message)
                case PruneMessage():
                    walker.prune(message)

        self._receive("lifecycle", step, receive)

    def archive(self, step: Step) -> None:
        def receive(message: Any) -> None:
            builder = Builder(
                self.jobs,
                self.bucket,  # type: ignore[arg-type]
                self.queues["archive"],  # type: ignore[arg-type]
                self.bucket.read_range,
            )
            builder.build(message)

        self._receive("archive", step, receive)

    def count(self, step: Step) -> None:
        """Deliver a record of the files' stream, or many of them, in any order."""
        chosen = self._take(self.tally, step)
        images = [new for _, new in chosen if new is not None]
        files = [
            file
            for image in images
            for file in (
                block_items.block_from(image)
                if image["sk"] == items.BLOCK
                else [items.file_from(image)]
            )
        ]
        self._or_again(self.tally, chosen, lambda: count_files(files, self.jobs))

    def notify(self, step: Step) -> None:
        """Deliver the first record of the jobs' stream: those of one job keep their order."""
        chosen = self.changes[:1]
        if not step.again:
            del self.changes[:1]
        completions = Completions(StandInEvents(), StandInQueue(self), "bucket")  # type: ignore[arg-type]
        handler = JobChangeHandler(
            self.queues["archive"],  # type: ignore[arg-type]
            self.queues["lifecycle"],  # type: ignore[arg-type]
            completions,
        )
        jobs = [tuple(item and items.job_from(item) for item in change) for change in chosen]
        try:
            handler.handle([Change(*pair) for pair in jobs])
        except (Death, RetryLater):
            self.changes[:0] = chosen

    def later(self, step: Step) -> None:
        """Let time pass, and sweep. No archive waits for hours, after which it would be failed."""
        while self._has_work("archive"):
            self.archive(Step("archive"))
        self.now += (HOUR / 3, 2 * HOUR, 7 * HOUR)[step.which % 3]
        self.sweep(step)

    def sweep(self, _step: Step) -> None:
        reconciler = Reconciler(
            self.jobs,
            self,  # type: ignore[arg-type]  # the index: `unfinished` below
            self.bucket,  # type: ignore[arg-type]
            self.queues["lifecycle"],  # type: ignore[arg-type]
            self.queues["archive"],  # type: ignore[arg-type]
            grant_seconds=3600,
            now=self.clock(),
            waiting=any(queue.waiting for queue in self.queues.values()),
            out_of_time=lambda: False,
        )
        for job, action in list(reconciler.due()):
            try:
                reconciler.act(job, action)
            except (Death, RetryLater, NotFound):
                continue

    def flow(self, step: Step) -> None:
        """Let everybody work for a while, undisturbed; now and then without the builder."""
        idle = ("archive",) if step.which % 2 else ()
        for turn in range(5 + step.which % 40):
            if not self.work(turn, idle):
                return

    # ---- the end

    def work(self, turn: int = 0, idle: Sequence[str] = ()) -> bool:
        """Let the next actor that has anything to do work. False if nobody has."""
        actions = ["count", "notify", "ingest", "process", "lifecycle", "archive"]
        for action in actions[turn % 6 :] + actions[: turn % 6]:
            if action not in idle and self._has_work(action):
                getattr(self, action)(Step(action, 1))
                self._collect()
                return True
        return False

    def finish(self) -> None:
        """Let all work be done, with sweeps, until every job is settled and nothing waits."""
        for round_ in range(40):
            for turn in range(5_000):
                if not self.work(turn):
                    break
            else:
                raise AssertionError("the work never ends")
            if round_ > 8 and not any(queue.waiting for queue in self.queues.values()):
                return
            self.later(Step("later", 1 if round_ < 8 else 0))
            self._collect()

    def unfinished(self, until: float) -> Iterator[list[Job]]:
        found = [items.job_from(item) for (_, sk), item in self.table.items.items() if sk == "JOB"]
        yield [job for job in found if not job.settled and job.updated_at <= until]

    def wrong(self) -> list[str]:
        """What does not hold, now that all is quiet."""
        problems = []
        for job_id in self.created:
            job = self.jobs.get(job_id)
            if job:
                problems += [f"{job_id}: {problem}" for problem in self._wrong_job(job)]
        for job in self.deleted:
            problems += [f"{job.job_id}: {problem}" for problem in self._remains(job)]
        return problems

    def _wrong_job(self, job: Job) -> Iterator[str]:
        files = list(self.jobs.files(job.job_id))
        of = {status: [f for f in files if f.status is status] for status in FileStatus}
        if not job.settled:
            yield f"is {job.status} and not settled"
        ended = [status for status in FileStatus if status.outcome.processed]
        waiting = [f.file_id for f in files if f.status not in (*ended, FileStatus.EXPANDED)]
        if waiting:
            yield f"{waiting} still wait"
        truth = Counts(
            succeeded=len(of[FileStatus.SUCCEEDED]),
            failed=len(of[FileStatus.FAILED]),
            skipped=len(of[FileStatus.SKIPPED]) + len(of[FileStatus.CANCELLED]),
            cancelled=len(of[FileStatus.CANCELLED]),
            zips=len(of[FileStatus.EXPANDED]),
            arrived=job.uploads,
            review=sum(
                bool(file.result and needs_review(file.result.score or 0))
                for file in of[FileStatus.SUCCEEDED]
            ),
        )
        if job.counts != truth or job.total != truth.processed:
            yield f"counts {job.counts} of {job.total}, but has {truth}"
        usage = sum((_usage(f) for f in of[FileStatus.SUCCEEDED]), Usage())
        if job.usage != usage:
            yield f"usage {job.usage}, not {usage}"
        if of[FileStatus.CANCELLED] and not job.status.stopped:
            yield "has cancelled files though it was not cancelled in the end"
        stalled = [f.file_id for f in files if (f.error or {}).get("code") == "processing_stalled"]
        if stalled:
            yield f"{stalled} stalled"
        yield from self._wrong_archive(job, of[FileStatus.SUCCEEDED])

    def _wrong_archive(self, job: Job, succeeded: list[File]) -> Iterator[str]:
        expected = sorted(f.result.crc32 for f in succeeded if f.result)
        keys = self.bucket.list_keys(f"archives/{job.job_id}/")
        if not succeeded:
            return
        if job.archive.status is not ArchiveStatus.READY:
            yield f"its archive is {job.archive.status}"
            return
        key = archive_key(job.job_id, job.archive.generation)
        if [each for each in keys if each.endswith(".zip")] != [key]:
            yield f"has the archives {keys}, not {key} alone"
        with zipfile.ZipFile(io.BytesIO(self.bucket.objects[key])) as archive:
            crcs = sorted(i.CRC for i in archive.infolist() if i.filename != MANIFEST)
            listed = json.loads(archive.read(MANIFEST))["files"]
        if crcs != expected or len(listed) != job.total:
            yield f"its archive holds {len(crcs)} results of {len(expected)}, lists {len(listed)}"

    def _remains(self, job: Job) -> Iterator[str]:
        pks = sorted({pk for pk, _ in self.table.items if pk.split("#")[1] == job.job_id})
        if pks:
            yield f"was deleted and leaves the items {pks}"
        left = [key for key in self.bucket.objects if f"/{job.job_id}/" in key]
        original = self.bucket.objects.get(job.source)
        if original is not None and etag(original) == job.source_etag and not self._is_taken(job):
            left.append(job.source)
        if left:
            yield f"was deleted and leaves the objects {left}"

    def _is_taken(self, job: Job) -> bool:
        """Whether another drop has brought the same bytes under the same name since."""
        others = (self.jobs.get(each) for each in self.created if each != job.job_id)
        return any(other and other.source == job.source for other in others)

    # ---- how it happens

    def _tick(self) -> None:
        self._count += 1
        due = [action for at, action in self._plan if at == self._count]
        if due:
            plan, self._plan = self._plan, []
            count = self._count
            for action in due:
                action()
            self._plan, self._count = plan, count

    def _die(self) -> None:
        raise Death

    def _collect(self) -> None:
        """Hand the table's records to the two readers of its stream."""
        for old, new in self.table.records:
            sk = (new or old or {})["sk"]
            if sk == items.JOB:
                self.changes.append((old, new))
            elif new and (sk.startswith(items.FILE) or new.get("ended") == "yes"):
                self.tally.append((old, new))
        self.table.records.clear()

    def _put(self, key: str, data: bytes, *, lost: bool) -> UploadMessage:
        self._tick()
        self.bucket.objects[key] = data
        message = UploadMessage(
            key=key, etag=etag(data), size=len(data), sequencer=str(len(self.created))
        )
        if not lost:
            self.queues["ingest"].send([message])
        return message

    def _chosen(self, step: Step) -> str | None:
        return self.created[step.which % len(self.created)] if self.created else None

    def _change(self, step: Step, change: Callable[[Job], Job]) -> None:
        job_id = self._chosen(step)
        if job_id is None:
            return
        try:
            self.jobs.change(job_id, change)
        except (Conflict, NotFound, Death):
            return

    def _busy(self, step: Step) -> str:
        """The step's action, or another that has work if this one has none."""
        inside = ["count", "notify", *self.queues]
        busy = [action for action in inside if self._has_work(action)]
        idle = step.action in inside and step.action not in busy
        return busy[step.which % len(busy)] if idle and busy else step.action

    def _has_work(self, action: str) -> bool:
        if action in self.queues:
            return any(at <= self.now for at, _ in self.queues[action].waiting)
        return bool(self.tally if action == "count" else self.changes)

    def _receive(self, name: str, step: Step, receive: Callable[[Message], None]) -> None:
        queue = self.queues[name]
        due = [entry for entry in queue.waiting if entry[0] <= self.now]
        if not due:
            return
        entry = due[step.which % len(due)]
        if not step.again:
            queue.waiting.remove(entry)
        self._or_again(queue.waiting, [entry], lambda: receive(entry[1]))

    def _take(self, records: list[Any], step: Step) -> list[Any]:
        if not records:
            return []
        start = step.which % len(records)
        chosen = records[start : start + 1 + step.which % 4]
        if not step.again:
            del records[start : start + len(chosen)]
        return chosen

    def _or_again(self, waiting: list[Any], chosen: list[Any], act: Callable[[], None]) -> None:
        try:
            act()
        except (Death, RetryLater):
            waiting += chosen
        except ArchiveError:
            return  # recorded as failed


def _usage(file: File) -> Usage:
    result = file.result
    if result is None:
        return Usage()
    return Usage.of_photo(
        bytes_in=result.bytes_in or 0,
        bytes_out=result.size,
        model=result.model,
        milliseconds=result.milliseconds,
    )


def _zip(seed: int) -> bytes:
    """A ZIP of one to three photos, one of them bad now and then."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for number in range(1 + seed % 3):
            kind = "bad" if (seed + number) % 5 == 0 else "good"
            archive.writestr(f"{number}.jpg", f"{kind} {seed} {number}")
    return out.getvalue()


assert QUIET < HOUR / 3, "a sweep sees what has changed before `later`"
