"""Compares Darkroom's fan-out and archive with the common way, on the local stack.

`make bench-zip` runs it; PHOTOS=1000 makes a short trial run. Both sides use the same stack, one
after the other, since they would otherwise compete for the emulator's one core. Writes
out/bench/zip.json.
"""

from __future__ import annotations

import io
import os
import sys
import time
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

from PIL import Image

from bench import _common_way, _zips
from bench._report import Figure, write
from bench._zip_stack import Bench, results, stream_records
from darkroom.archives import Archive
from darkroom.files import File
from darkroom.jobs import Job, file_id
from darkroom.keys import archive_key
from darkroom.options import Options
from darkroom.states import ArchiveStatus, FileStatus
from local.stack import running

PHOTOS = int(os.environ.get("PHOTOS", "10000"))
MANY = 10 * PHOTOS
BYTES = 100_000 * PHOTOS
MB = 1_000_000
ROUNDS = 3
"""How many times both sides build an archive. They alternate in going first."""


def main() -> int:
    figures: list[Figure] = []
    # A stack for each: 100,000 items of the first would slow the emulator down in the second.
    for way in (way_in, way_out):
        with running(workers=2, name="bench-zip") as stack:
            figures += way(Bench(stack))
    write("zip", figures)
    return 0


def way_in(bench: Bench) -> list[Figure]:
    figures = writes(bench)
    # Photos stay in their queue, so that only the fan-out is measured.
    with bench.held("ProcessFunction"):
        return figures + ingest(bench)


def ingest(bench: Bench) -> list[Figure]:
    archive = _zips.make(PHOTOS, BYTES)
    drain(bench, 100, bench.arrive(_zips.make(100, MB))[2])  # warm up the function
    _, key, arrived = bench.arrive(archive)
    first, last = drain(bench, PHOTOS, arrived)
    common, requests, moved = counted(
        bench,
        lambda: _common_way.take_in(bench.s3, bench.sqs, bench.bucket, key, bench.queue),
    )
    drain(bench, PHOTOS, time.monotonic())
    bench.s3.delete_object(Bucket=bench.bucket, Key=key)

    ours = alone(bench, archive)
    small = alone(bench, _zips.make(PHOTOS, BYTES // 10))
    many = alone(bench, _zips.make(MANY, BYTES))
    directory = directory_bytes(archive)
    return [
        Figure(f"{PHOTOS} photos: event to last message", last, "s", "<= 10"),
        Figure("… against the common way", last / common, "ratio", "<= 0.333"),
        Figure("… the common way", common, "s"),
        Figure("… S3 bytes against the common way", ours["read"] / moved, "ratio", "<= 0.01"),
        Figure(
            "… requests against the common way", ours["requests"] / requests, "ratio", "<= 0.125"
        ),
        Figure("… requests", ours["requests"], ""),
        Figure("… event to first message, warm", first, "s", "<= 1"),
        Figure("… bytes read beyond the directory", (ours["read"] - directory) / MB, "MB", "<= 5"),
        Figure(f"memory over idle, {MANY} entries", many["memory"] / MB, "MB", "<= 250"),
        Figure("… a tenth of the entries", ours["memory"] / MB, "MB"),
        Figure("… the same entries in a tenth of the bytes", small["memory"] / MB, "MB"),
    ]


def alone(bench: Bench, archive: Path) -> dict[str, int]:
    """Measure a fan-out in a process of its own, while the function is paused."""
    with bench.held("IngestFunction"):
        job, key, _ = bench.arrive(archive)
        measured = bench.worker("ingest", job, key)
        bench.s3.delete_object(Bucket=bench.bucket, Key=key)
    bench.sqs.purge_queue(QueueUrl=bench.queue)
    return measured


def drain(bench: Bench, photos: int, since: float) -> tuple[float, float]:
    """Wait for all messages, and purge them; returns seconds to the first and to the last."""
    first = 0.0
    while (waiting := bench.waiting()) < photos:
        if waiting and not first:
            first = time.monotonic() - since
        if time.monotonic() - since > 300:
            raise SystemExit(f"only {waiting} of {photos} messages arrived")
        time.sleep(0.02)
    last = time.monotonic() - since
    bench.sqs.purge_queue(QueueUrl=bench.queue)
    return first or last, last


def counted(bench: Bench, work: Callable[[], int]) -> tuple[float, int, int]:
    """Run the common way's `work`; returns its seconds, requests and S3 bytes."""
    totals = {"requests": 0, "bytes": 0}

    def sent(request: Any, **_: Any) -> None:
        totals["requests"] += 1
        totals["bytes"] += int(request.headers.get("Content-Length", 0))

    def received(http_response: Any, **_: Any) -> None:
        totals["bytes"] += int(http_response.headers.get("Content-Length", 0))

    bench.s3.meta.events.register("before-send.s3", sent)
    bench.s3.meta.events.register("after-call.s3", received)
    bench.sqs.meta.events.register("before-send.sqs.SendMessageBatch", sent)
    began = time.monotonic()
    work()
    seconds = time.monotonic() - began
    bench.s3.meta.events.unregister("before-send.s3", sent)
    bench.s3.meta.events.unregister("after-call.s3", received)
    bench.sqs.meta.events.unregister("before-send.sqs.SendMessageBatch", sent)
    return seconds, totals["requests"], totals["bytes"]


def directory_bytes(archive: Path) -> int:
    with zipfile.ZipFile(archive) as packed:
        return archive.stat().st_size - packed.start_dir


def way_out(bench: Bench) -> list[Figure]:
    made = {photos: results(bench, photos) for photos in (PHOTOS // 100, PHOTOS // 10, PHOTOS)}
    with bench.held("ArchiveFunction"):
        sizes = {photos: memory(bench, job) for photos, (job, _) in made.items()}
    build(bench, results(bench, 10)[0])  # warm up the function
    job, keys = made[PHOTOS]
    # The first of a pair is slower, since the emulator's memory grows by gigabytes: alternate.
    pairs = [side_by_side(bench, job, keys, ours_first=place % 2 == 1) for place in range(ROUNDS)]
    ratios = sorted(ours / common for ours, common in pairs)
    return [
        Figure(f"{PHOTOS} results: archive", median(ours for ours, _ in pairs), "s"),
        Figure(f"… against the common way, of {ROUNDS} rounds", median(ratios), "ratio", "<= 0.7"),
        Figure("… the best round", ratios[0], "ratio"),
        Figure("… the worst round", ratios[-1], "ratio"),
        Figure("… the common way", median(common for _, common in pairs), "s"),
        Figure("… memory of a worker", sizes[PHOTOS] / MB, "MB", "<= 250"),
        Figure("… a tenth of the results", sizes[PHOTOS // 10] / MB, "MB"),
        Figure("… a hundredth of the results", sizes[PHOTOS // 100] / MB, "MB"),
    ]


def memory(bench: Bench, job: Job) -> int:
    """Peak memory of a worker that builds the whole archive, in bytes."""
    bench.jobs.change(job.job_id, wanted)
    measured = bench.worker("archive", job.job_id)
    bench.s3.delete_object(Bucket=bench.bucket, Key=archive_key(job.job_id, 1))
    return measured["idle"] + measured["memory"]


def side_by_side(
    bench: Bench, job: Job, keys: list[str], *, ours_first: bool
) -> tuple[float, float]:
    """Build the archive both ways; returns the seconds of ours and of the common way."""
    if ours_first:
        ours = build(bench, job)
        return ours, zip_common(bench, keys)
    common = zip_common(bench, keys)
    return build(bench, job), common


def zip_common(bench: Bench, keys: list[str]) -> float:
    # Use the function's role: the emulator checks a role on each call, but not the administrator.
    s3 = bench.s3_of("ArchiveFunction")
    bench.settle()
    began = time.monotonic()
    _common_way.take_out(s3, bench.bucket, keys, "archives/common.zip")
    seconds = time.monotonic() - began
    bench.s3.delete_object(Bucket=bench.bucket, Key="archives/common.zip")
    return seconds


def build(bench: Bench, job: Job) -> float:
    """Request an archive; returns the seconds until it is ready."""
    bench.settle()
    began = time.monotonic()
    bench.jobs.change(job.job_id, wanted)
    while (now := bench.jobs.require(job.job_id)).archive.status is not ArchiveStatus.READY:
        if time.monotonic() - began > 900:
            raise SystemExit("the archive was not built")
        time.sleep(0.2)
    seconds = time.monotonic() - began
    bench.s3.delete_object(Bucket=bench.bucket, Key=archive_key(job.job_id, now.archive.generation))
    return seconds


def wanted(job: Job) -> Job:
    archive = Archive(ArchiveStatus.BUILDING, job.archive.generation + 1)
    return replace(job, archive=archive, sequence=job.sequence + 1)


def writes(bench: Bench) -> list[Figure]:
    """Count the table writes of a real job, from creation to archive, in the table's stream."""
    photos = 100
    pixel, packed = io.BytesIO(), io.BytesIO()
    Image.new("RGB", (32, 32), "red").save(pixel, "PNG")
    with zipfile.ZipFile(packed, "w") as archive:
        for index in range(photos):
            archive.writestr(f"{index}.png", pixel.getvalue())
    options = Options(model="u2netp", remove_bg=False).model_dump_json()
    job = bench.job(options=options)
    upload = File(job.job_id, file_id(0), "a.zip", 1, FileStatus.AWAITING_UPLOAD)
    bench.jobs.create(job, [upload])
    key = f"uploads/{job.job_id}/{upload.file_id}/a.zip"
    bench.s3.put_object(Bucket=bench.bucket, Key=key, Body=packed.getvalue())
    began = time.monotonic()
    while (now := bench.jobs.require(job.job_id)).archive.status is not ArchiveStatus.READY:
        if time.monotonic() - began > 120:
            raise SystemExit(f"the job did not end: {now.counts}")
        time.sleep(0.2)
    written = sum(1 for _ in stream_records(bench, job.job_id))
    return [Figure(f"database writes per photo, {photos} in a ZIP", written / photos, "", "<= 3")]


if __name__ == "__main__":
    sys.exit(main())
