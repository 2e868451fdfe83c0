"""Checks what must hold after every fault, from the table, the bucket, the queues and the API.

All scenarios call `verify`. It returns a verdict with figures, and a sentence for each problem.
"""

from __future__ import annotations

import io
import json
import time
import zipfile
import zlib
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
from PIL import Image

from bench._report import Figure
from darkroom.aws import block_items, items
from darkroom.files import File
from darkroom.jobs import Job
from darkroom.keys import archive_key
from darkroom.states import ArchiveStatus, FileStatus
from functions.zip.archive.manifest import MANIFEST
from local import logs, queues
from local.stack import Stack
from tests.faults.followers import Follower
from tests.faults.load import Sender

PATIENCE = 150.0
"""Seconds after which an unsettled job counts as stuck."""


@dataclass
class Verdict:
    """The result of a scenario. wrong: its problems, in words."""

    figures: list[Figure] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def none(self, name: str, problems: Sequence[str]) -> None:
        """Record problems of one kind, of which there should be none."""
        self.figures.append(Figure(name, len(problems), "", "<= 0"))
        self.wrong += [f"{name}: {problem}" for problem in problems]

    def fact(self, name: str, value: float, unit: str = "", target: str = "") -> None:
        """Record a measured value. It is a problem if it misses its target."""
        figure = Figure(name, value, unit, target)
        self.figures.append(figure)
        if figure.holds is False:
            self.wrong.append(f"{name}: {value}, not {target}")


class Inspector:
    """An administrator's clients of a stack. They are kept, since creating one is slow."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.table, self.bucket = stack.outputs["TableName"], stack.outputs["BucketName"]
        self.items, self.s3 = stack.client("dynamodb"), stack.client("s3")
        self.sqs, self.logs = stack.client("sqs"), stack.client("logs")

    def object(self, key: str) -> bytes:
        return bytes(self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read())

    def dead_letters(self) -> list[str]:
        """Return the log line of each dead letter."""
        return [line for line in logs.read(self.logs, "DeadLetters") if "Dead letter" in line]


@dataclass
class Snapshot:
    """The contents of the table, the queues and the bucket at one time."""

    jobs: dict[str, Job]
    files: dict[str, list[File]]
    messages: Counter[str]
    objects: dict[str, int]

    @classmethod
    def take(cls, inspector: Inspector) -> Snapshot:
        jobs: dict[str, Job] = {}
        rows: dict[str, dict[str, File]] = defaultdict(dict)
        own: dict[str, dict[str, File]] = defaultdict(dict)
        scan = inspector.items.get_paginator("scan")
        for page in scan.paginate(TableName=inspector.table, ConsistentRead=True):
            for item in map(items.from_stream, page["Items"]):
                if item["sk"] == items.JOB:
                    jobs[item["job_id"]] = items.job_from(item)
                elif item["sk"] == items.BLOCK:
                    block = block_items.block_from(item)
                    rows[block[0].job_id] |= {file.file_id: file for file in block}
                elif item["sk"].startswith(items.FILE):
                    file = items.file_from(item)
                    own[file.job_id][file.file_id] = file
        files = {job_id: list((of | own[job_id]).values()) for job_id, of in rows.items()}
        listed = inspector.s3.get_paginator("list_objects_v2")
        objects = {
            item["Key"]: item["Size"]
            for page in listed.paginate(Bucket=inspector.bucket)
            for item in page.get("Contents", [])
        }
        return cls(jobs, files, queues.messages(inspector.sqs), objects)


def verify(
    stack: Stack,
    sender: Sender,
    followers: Sequence[Follower] = (),
    *,
    failing: Mapping[str, str] | None = None,
    dead_letters: int = 0,
    patience: float = PATIENCE,
    large: bool = False,
) -> Verdict:
    """Wait until all jobs are settled and all queues are empty, and check everything.

    failing: the names of files that should fail, and their error codes. Every other photo should
    succeed. dead_letters: how many are expected at most. patience: seconds to wait. large: whether
    the jobs have thousands of files. The API is asked then until they have ended, since reading the
    whole table again and again would slow the work down, and results are read in the archives only.
    """
    verdict, inspector = Verdict(), Inspector(stack)
    begun = time.monotonic()
    expected = len(sender.jobs) + sender.drops
    if large:
        _wait(lambda: all(_ended(stack, job) for job in sender.jobs), patience, every=2)
    _wait(lambda: _at_rest(Snapshot.take(inspector), expected), PATIENCE if large else patience)
    snapshot = Snapshot.take(inspector)
    files = [file for own in snapshot.files.values() for file in own]
    ended = Counter(file.status.value for file in files)
    verdict.fact("seconds until all jobs were settled", time.monotonic() - begun, "s")
    verdict.fact("files", len(files) - ended["expanded"], "", f">= {sender.files}")
    for status in ("succeeded", "failed", "skipped"):
        verdict.fact(f"files {status}", ended[status])
    verdict.none("jobs not settled", _unsettled(snapshot, expected))
    verdict.none("jobs with wrong counts", _miscounted(snapshot))
    verdict.none(
        "files with an unexpected status or error", _unexpected_files(files, failing or {})
    )
    results = _missing_results(snapshot) if large else _bad_results(inspector, snapshot)
    verdict.none("results missing, wrong or orphaned", results)
    verdict.none("archives missing or incomplete", _bad_archives(inspector, snapshot))
    verdict.none("messages left", [f"{n} in {name}" for name, n in snapshot.messages.items()])
    logged = len(inspector.dead_letters())
    verdict.fact("dead letters", logged, "", f"<= {dead_letters}")
    verdict.none("followers without the final document", _stale_followers(stack, followers))
    return verdict


def wait_for_part_uploads(stack: Stack) -> None:
    """Wait until an archive is being uploaded, for a minute at most."""
    s3, bucket = stack.client("s3"), stack.outputs["BucketName"]
    _wait(lambda: bool(s3.list_multipart_uploads(Bucket=bucket).get("Uploads")), 60)


def _wait(done: Callable[[], bool], seconds: float = PATIENCE, every: float = 0.3) -> None:
    end = time.monotonic() + seconds
    while not done() and time.monotonic() < end:
        time.sleep(every)


def _ended(stack: Stack, job: Mapping[str, Any]) -> bool:
    """Whether nothing more will happen to a job, by the API."""
    answer = _document(stack, job["job_id"])
    archive = answer.get("archive", {}).get("status")
    return answer.get("status") in ("completed", "failed") and archive in ("ready", "failed")


def _document(stack: Stack, job_id: str) -> dict[str, Any]:
    """The job as the API returns it now."""
    answer: dict[str, Any] = httpx.get(
        f"{stack.api_url}/jobs/{job_id}",
        headers={"authorization": f"Bearer {stack.key}"},
        timeout=60,
        trust_env=False,
    ).json()
    return answer


def _at_rest(snapshot: Snapshot, expected: int) -> bool:
    return not _unsettled(snapshot, expected) and not snapshot.messages


def _unsettled(snapshot: Snapshot, expected: int) -> list[str]:
    count = len(snapshot.jobs)
    missing = [f"{expected - count} missing"] if count != expected else []
    return missing + [
        f"{job.job_id} ({job.job_type}): {job.status}, {job.counts} of {job.total}, "
        f"archive {job.archive.status}"
        for job in snapshot.jobs.values()
        if not job.settled
    ]


def _miscounted(snapshot: Snapshot) -> list[str]:
    """Check that succeeded + failed + skipped = total, and that the files have these counts."""
    wrong = []
    for job in snapshot.jobs.values():
        ended = Counter(file.status for file in snapshot.files[job.job_id])
        counts = (job.counts.succeeded, job.counts.failed, job.counts.skipped)
        actual = (
            ended[FileStatus.SUCCEEDED],
            ended[FileStatus.FAILED],
            ended[FileStatus.SKIPPED] + ended[FileStatus.CANCELLED],
        )
        if counts != actual or sum(counts) != job.total:
            wrong.append(f"{job.job_id} counts {counts} of {job.total}, but its files are {actual}")
    return wrong


def _unexpected_files(files: Sequence[File], failing: Mapping[str, str]) -> list[str]:
    wrong = []
    for file in files:
        code = failing.get(file.name)
        status = FileStatus.FAILED if code else FileStatus.SUCCEEDED
        if file.name.endswith(".txt"):
            status = FileStatus.SKIPPED
        elif file.name.endswith(".zip") and not code:
            status = FileStatus.EXPANDED
        if file.status is not status or (code and (file.error or {}).get("code") != code):
            wrong.append(f"{file.job_id}/{file.file_id} {file.name}: {file.status} {file.error}")
    return wrong


def _bad_results(inspector: Inspector, snapshot: Snapshot) -> list[str]:
    """Check that every succeeded file has a readable result, and that there are no others."""
    wrong, keys = [], set()
    for file in (file for own in snapshot.files.values() for file in own):
        if file.status is not FileStatus.SUCCEEDED or file.result is None:
            continue
        keys.add(file.result.key)
        key = file.result.key
        content = inspector.object(key) if key in snapshot.objects else b""
        if (len(content), zlib.crc32(content)) != (file.result.size, file.result.crc32):
            wrong.append(f"{key} does not match the record of {file.job_id}/{file.file_id}")
        else:
            with Image.open(io.BytesIO(content)) as picture:
                picture.load()
    orphans = {key for key in snapshot.objects if key.startswith("results/")} - keys
    return wrong + [f"{key} belongs to no file" for key in sorted(orphans)]


def _missing_results(snapshot: Snapshot) -> list[str]:
    """Check that the objects under results/ are those of the succeeded files, and as long."""
    expected = {
        file.result.key: file.result.size
        for own in snapshot.files.values()
        for file in own
        if file.status is FileStatus.SUCCEEDED and file.result
    }
    found = {key: size for key, size in snapshot.objects.items() if key.startswith("results/")}
    return [
        f"{key} is missing or different" for key in expected if found.get(key) != expected[key]
    ] + [f"{key} belongs to no file" for key in found.keys() - expected.keys()]


def _bad_archives(inspector: Inspector, snapshot: Snapshot) -> list[str]:
    """Check that each job has one archive, with each result in it exactly once, byte for byte."""
    wrong = []
    for job in snapshot.jobs.values():
        done = {
            f.file_id: f for f in snapshot.files[job.job_id] if f.status is FileStatus.SUCCEEDED
        }
        if not done:
            continue
        key = archive_key(job.job_id, job.archive.generation)
        zips = {k for k in snapshot.objects if k.startswith(f"archives/{job.job_id}/")} - {
            f"{key}.plan"
        }
        if zips != {key} or job.archive.status is not ArchiveStatus.READY:
            wrong.append(f"{job.job_id} has {sorted(zips)}, {job.archive}")
            continue
        with zipfile.ZipFile(io.BytesIO(inspector.object(key))) as archive:
            listed = json.loads(archive.read(MANIFEST))["files"]
            paths = {file["file_id"]: file["path"] for file in listed if "path" in file}
            crcs = {info.filename: info.CRC for info in archive.infolist()}
            if archive.testzip() or len(archive.namelist()) != len(done) + 1:
                wrong.append(f"{key} has {len(archive.namelist())} of {len(done) + 1} entries")
            for file_id, file in done.items():
                if file.result and crcs.get(paths.get(file_id, "")) != file.result.crc32:
                    wrong.append(f"{key} does not contain the result of {file_id}")
    return wrong


def _stale_followers(stack: Stack, followers: Sequence[Follower]) -> list[str]:
    """Check that every follower has received the document that the API returns now."""
    final: dict[str, dict[str, Any]] = {}
    for follower in followers:
        answer = _document(stack, follower.job_id)
        final[follower.job_id] = {name: answer[name] for name in answer if name != "links"}
    _wait(lambda: all(f.last == final[f.job_id] for f in followers), 15)
    return [
        f"{follower.name} has sequence {follower.last.get('sequence')}, "
        f"the API has {final[follower.job_id]['sequence']}"
        for follower in followers
        if follower.last != final[follower.job_id]
    ]
