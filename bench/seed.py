"""The figures that Darkroom was asked for, each beside what was measured: `make bench-seed`.

Seconds a photo by model, in the engine; 10, 100 and 1,000 photos of 3 megapixels from upload to
archive on the local stack, with four workers of two photos each (MaxWorkers=4, MaxBulkWorkers=4);
one worker's memory, idle and with four photos of 12 megapixels at work (PhotosAtOnce=4); what a
kept job takes in the database. Writes out/bench/seed.json. PHOTOS="10 100" makes it small.
"""

from __future__ import annotations

import os
import sys
from statistics import mean, median

from bench._pictures import PHOTOS, photo
from bench._report import Figure, not_measured, write
from bench._seed_stack import SeedBench, zip_of
from bench.engine import CARRIED, measure
from functions.process.hardware import cores
from local.stack import running

COUNTS = [int(count) for count in os.environ.get("PHOTOS", "10 100 1000").split()]
ROUNDS = int(os.environ.get("ROUNDS", "3"))
# Seconds a photo, on four cores.
ASKED = {"silueta": "<= 0.5", "isnet-general-use": "<= 1.5", "u2net": "<= 3", "u2netp": ""}
DEFAULT = next(name for name in ("u2net", "u2netp") if name in CARRIED)
AT_WORK, MEGAPIXELS = 4, 3
MB = 1e6


def main() -> int:
    for name in PHOTOS:
        for size in (1, 3, 12):
            photo(name, size)
    figures = speed()
    with running(workers=AT_WORK, name="bench-seed") as stack:
        figures += at_scale(SeedBench(stack))
    parameters = {"PhotosAtOnce": str(AT_WORK)}
    with running(workers=1, parameters=parameters, name="bench-seed-memory") as stack:
        figures += memory(SeedBench(stack))
    write("seed", figures)
    return 0


def speed() -> list[Figure]:
    """Of the engine in a warm process, photos of 12 megapixels one by one."""
    figures = []
    for model, asked in ASKED.items():
        what = f"{model}, a photo of 12 MP, {cores()} cores"
        if model in CARRIED:
            rounds = [measure(model, "ours", 12)["seconds"].values() for _ in range(ROUNDS)]
            figures.append(Figure(what, median(map(mean, rounds)), "s", asked))
        else:
            why = "its weights are on no package index"
            figures.append(not_measured(what, why, "s", asked))
    return figures


def at_scale(bench: SeedBench) -> list[Figure]:
    """Whole jobs from upload to archive, and what they take in the table."""
    one = bench.run([photo(PHOTOS[0], MEGAPIXELS)], 1, DEFAULT)
    # Both queues' workers start before the clock does.
    bench.run([zip_of(60, 1)], 60, DEFAULT)
    figures = [
        Figure(
            "a kept job of one photo in the database", bench.job_bytes(one.job_id), "B", "<= 2048"
        )
    ]
    for count in COUNTS:
        done = bench.run([zip_of(count, MEGAPIXELS)], count, DEFAULT)
        what = f"{count:,} photos of {MEGAPIXELS} MP, {DEFAULT}, {AT_WORK} workers, {cores()} cores"
        asked = "<= 50" if count == 1000 else ""
        each = bench.job_bytes(done.job_id) / count
        figures += [
            Figure(what, done.seconds / 60, "min", asked),
            Figure(f"{what}, each", done.seconds / count, "s"),
            Figure(f"a kept job of {count:,} photos in the database, each", each, "B", "<= 2048"),
        ]
    peaks = bench.worker_bytes("VmHWM")
    largest = Figure("largest worker of these", max(peaks) / MB, "MB")
    return [*figures, largest, Figure("workers in all", len(peaks), "")]


def memory(bench: SeedBench) -> list[Figure]:
    """Of one worker's process, with everything in it."""
    bench.wake()
    idle = max(bench.worker_bytes("VmRSS"))
    photos = [photo(name, 12) for name in PHOTOS] * 2
    for _ in range(2):
        bench.run(photos, len(photos), DEFAULT)
    return [
        Figure("one worker, idle, before its first photo", idle / MB, "MB", "<= 200"),
        Figure(
            f"one worker, {AT_WORK} photos of 12 MP at work, {DEFAULT}, peak",
            max(bench.worker_bytes("VmHWM")) / MB,
            "MB",
            "<= 1000",
        ),
        Figure(
            f"one worker, idle again, {DEFAULT} loaded",
            max(bench.worker_bytes("VmRSS")) / MB,
            "MB",
        ),
    ]


if __name__ == "__main__":
    sys.exit(main())
