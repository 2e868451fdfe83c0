"""What has to be true after every fault, seen from outside: items, objects, messages, documents.

One function for all scenarios, `verify`. It returns figures; those with a target count what is
wrong, and `wrong` says it in words.
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
from darkroom.aws import items
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
"""Seconds until a job that has not settled never will."""


@dataclass
class Verdict:
    figures: list[Figure] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def none(self, what: str, found: Sequence[str]) -> None:
        """Of this there may be none."""
        self.figures.append(Figure(what, len(found), "", "<= 0"))
        self.wrong += [f"{what}: {one}" for one in found]

    def fact(self, what: str, value: float, unit: str = "", target: str = "") -> None:
        figure = Figure(what, value, unit, target)
        self.figures.append(figure)
        if figure.holds is False:
            self.wrong.append(f"{what}: {value}, not {target}")


class Eyes:
    """An administrator's clients of one stack: making them is slow."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.table, self.bucket = stack.outputs["TableName"], stack.outputs["BucketName"]
        self.items, self.s3 = stack.client("dynamodb"), stack.client("s3")
        self.sqs, self.logs = stack.client("sqs"), stack.client("logs")

    def object(self, key: str) -> bytes:
        return bytes(self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read())

    def letters(self) -> list[str]:
        """What the function that reads the dead letters has logged of each."""
        return [line for line in logs.read(self.logs, "DeadLetters") if "Given up" in line]


@dataclass
class Found:
    """What the table, the queues and the bucket hold, read with an administrator's rights."""

    jobs: dict[str, Job]
    files: dict[str, list[File]]
    messages: Counter[str]
    objects: dict[str, int]

    @classmethod
    def now(cls, eyes: Eyes) -> Found:
        jobs, files = {}, defaultdict(list)
        scan = eyes.items.get_paginator("scan")
        for page in scan.paginate(TableName=eyes.table, ConsistentRead=True):
            for item in map(items.from_stream, page["Items"]):
                if item["sk"] == items.JOB:
                    jobs[item["job_id"]] = items.job_from(item)
                elif item["sk"].startswith(items.FILE):
                    files[item["pk"].removeprefix("JOB#")].append(items.file_from(item))
        listed = eyes.s3.get_paginator("list_objects_v2")
        objects = {
            found["Key"]: found["Size"]
            for page in listed.paginate(Bucket=eyes.bucket)
            for found in page.get("Contents", [])
        }
        return cls(jobs, dict(files), queues.messages(eyes.sqs), objects)


def verify(
    stack: Stack,
    sender: Sender,
    followers: Sequence[Follower] = (),
    *,
    failing: Mapping[str, str] | None = None,
    letters: int = 0,
) -> Verdict:
    """Wait until nothing more happens, and look at everything.

    failing: the names of files that should fail, and their error codes; every other photo should
    succeed. letters: the dead letters that there should have been.
    """
    verdict, eyes = Verdict(), Eyes(stack)
    begun = time.monotonic()
    expected = len(sender.jobs) + sender.drops
    _wait(lambda: _at_rest(Found.now(eyes), expected))
    found = Found.now(eyes)
    files = [file for own in found.files.values() for file in own]
    ended = Counter(file.status.value for file in files)
    verdict.fact("seconds until all was settled", time.monotonic() - begun, "s")
    verdict.fact("files", len(files) - ended["expanded"], "", f">= {sender.files}")
    for status in ("succeeded", "failed", "skipped"):
        verdict.fact(f"files {status}", ended[status])
    verdict.none("jobs not settled", _unsettled(found, expected))
    verdict.none("jobs miscounted", _miscounted(found))
    verdict.none("files with another end than they should have", _surprises(files, failing or {}))
    verdict.none("results missing, wrong or nobody's", _bad_results(eyes, found))
    verdict.none("result ZIPs missing or not whole", _bad_archives(eyes, found))
    verdict.none("messages left", [f"{n} in {name}" for name, n in found.messages.items()])
    told = len(eyes.letters())
    verdict.fact("dead letters", told, "", f"<= {letters}")
    verdict.none("followers left behind", _left_behind(stack, followers))
    return verdict


def until_parts_go_up(stack: Stack) -> None:
    """Wait until somebody builds a ZIP."""
    eyes = Eyes(stack)
    _wait(lambda: bool(eyes.s3.list_multipart_uploads(Bucket=eyes.bucket).get("Uploads")), 60)


def _wait(done: Callable[[], bool], seconds: float = PATIENCE) -> None:
    end = time.monotonic() + seconds
    while not done() and time.monotonic() < end:
        time.sleep(0.3)


def _at_rest(found: Found, expected: int) -> bool:
    return not _unsettled(found, expected) and not found.messages


def _unsettled(found: Found, expected: int) -> list[str]:
    missing = [f"{expected - len(found.jobs)} not there"] if len(found.jobs) != expected else []
    return missing + [
        f"{job.job_id} ({job.job_type}): {job.status}, {job.counts} of {job.total}, "
        f"archive {job.archive.status}"
        for job in found.jobs.values()
        if not job.settled
    ]


def _miscounted(found: Found) -> list[str]:
    """succeeded + failed + skipped = total, and each is as many as there are such files."""
    wrong = []
    for job in found.jobs.values():
        ended = Counter(file.status for file in found.files[job.job_id])
        counts = (job.counts.succeeded, job.counts.failed, job.counts.skipped)
        there = (
            ended[FileStatus.SUCCEEDED],
            ended[FileStatus.FAILED],
            ended[FileStatus.SKIPPED] + ended[FileStatus.CANCELLED],
        )
        if counts != there or sum(counts) != job.total:
            wrong.append(f"{job.job_id} counts {counts} of {job.total}, but there are {there}")
    return wrong


def _surprises(files: Sequence[File], failing: Mapping[str, str]) -> list[str]:
    surprises = []
    for file in files:
        code = failing.get(file.name)
        status = FileStatus.FAILED if code else FileStatus.SUCCEEDED
        if file.name.endswith(".txt"):
            status = FileStatus.SKIPPED
        elif file.name.endswith(".zip") and not code:
            status = FileStatus.EXPANDED
        if file.status is not status or (code and (file.error or {}).get("code") != code):
            surprises.append(
                f"{file.job_id}/{file.file_id} {file.name}: {file.status} {file.error}"
            )
    return surprises


def _bad_results(eyes: Eyes, found: Found) -> list[str]:
    """Every succeeded file has its result, whole and readable; there are no others."""
    wrong, keys = [], set()
    for file in (file for own in found.files.values() for file in own):
        if file.status is not FileStatus.SUCCEEDED or file.result is None:
            continue
        keys.add(file.result.key)
        content = eyes.object(file.result.key) if file.result.key in found.objects else b""
        if (len(content), zlib.crc32(content)) != (file.result.size, file.result.crc32):
            wrong.append(f"{file.result.key} is not what {file.job_id}/{file.file_id} says")
        else:
            with Image.open(io.BytesIO(content)) as picture:
                picture.load()
    nobodys = {key for key in found.objects if key.startswith("results/")} - keys
    return wrong + [f"{key} is nobody's" for key in sorted(nobodys)]


def _bad_archives(eyes: Eyes, found: Found) -> list[str]:
    """Every result is in its job's ZIP exactly once, byte for byte; each job has one ZIP."""
    wrong = []
    for job in found.jobs.values():
        done = {f.file_id: f for f in found.files[job.job_id] if f.status is FileStatus.SUCCEEDED}
        if not done:
            continue
        key = archive_key(job.job_id, job.archive.generation)
        zips = {k for k in found.objects if k.startswith(f"archives/{job.job_id}/")} - {
            f"{key}.plan"
        }
        if zips != {key} or job.archive.status is not ArchiveStatus.READY:
            wrong.append(f"{job.job_id} has {sorted(zips)}, {job.archive}")
            continue
        with zipfile.ZipFile(io.BytesIO(eyes.object(key))) as archive:
            told = json.loads(archive.read(MANIFEST))["files"]
            paths = {file["file_id"]: file["path"] for file in told if "path" in file}
            crcs = {info.filename: info.CRC for info in archive.infolist()}
            if archive.testzip() or len(archive.namelist()) != len(done) + 1:
                wrong.append(f"{key} has {len(archive.namelist())} entries of {len(done) + 1}")
            for file_id, file in done.items():
                if file.result and crcs.get(paths.get(file_id, "")) != file.result.crc32:
                    wrong.append(f"{key} does not hold {file_id} as it is")
    return wrong


def _left_behind(stack: Stack, followers: Sequence[Follower]) -> list[str]:
    """Every follower has the document that the API has now, without asking for it again."""
    final: dict[str, dict[str, Any]] = {}
    for follower in followers:
        answer = httpx.get(
            f"{stack.api_url}/jobs/{follower.job_id}",
            headers={"authorization": f"Bearer {stack.key}"},
            timeout=60,
            trust_env=False,
        ).json()
        final[follower.job_id] = {name: answer[name] for name in answer if name != "links"}
    _wait(lambda: all(f.last == final[f.job_id] for f in followers), 15)
    return [
        f"{follower.name} has {follower.last.get('sequence')}, "
        f"the job is at {final[follower.job_id]['sequence']}"
        for follower in followers
        if follower.last != final[follower.job_id]
    ]
