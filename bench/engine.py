"""Compares the image engine with rembg.remove: `make bench-engine`.

Each measurement runs in a process of its own. Both sides alternate for five rounds; the figures are
medians. Writes out/bench/engine.json, a list of {"figure", "value", "unit", "target", "holds"}.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import defaultdict
from statistics import median
from typing import Any

from bench._measure import mixed
from bench._pictures import PHOTOS, photo
from bench._report import Figure, write

MEGAPIXELS = (1, 12, 48)
ROUNDS = int(os.environ.get("ROUNDS", "5"))
# Simulates a CPU other than the one that numba's cache was made on.
_OTHER_CPU = "import llvmlite.binding as b; b.get_host_cpu_name = lambda: 'generic'; "


def main() -> int:
    for size in MEGAPIXELS:
        for name in PHOTOS:
            photo(name, size)
    mixed(40)
    figures = [*speed(), *fidelity(), *throughput(), *start()]
    write("engine", figures)
    return 0


def measure(*arguments: str | int, before: str = "") -> dict[str, Any]:
    """Run `bench._measure` in a fresh process; `total` is the seconds from its start to its end."""
    started = f"import sys; sys.argv = ['measure', *{[str(a) for a in arguments]!r}]; {before}"
    code = f"{started}from bench._measure import main; main()"
    began = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    measured: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return measured | {"total": time.perf_counter() - began}


def speed() -> list[Figure]:
    """Compare time, memory and result size at each photo size."""
    figures = []
    for size in MEGAPIXELS:
        rounds = defaultdict(list)
        for _ in range(ROUNDS):
            for side in ("rembg", "ours"):
                rounds[side].append(measure(side, size))
        theirs, ours = rounds["rembg"], rounds["ours"]
        figures += _compared(size, theirs, ours)
        if size == 12:
            model = median(round_["model"] for round_ in ours)
            beyond = (_seconds(ours) - model) / model
            figures.append(Figure("12 MP, bare model run", model, "s"))
            figures.append(Figure("12 MP, time beyond the bare model run", beyond, "x", "<= 2"))
    return figures


def _seconds(rounds: list[dict[str, Any]], name: str = "") -> float:
    """The median over the rounds for one photo, or the average of these medians over all photos."""
    names = [name] if name else list(rounds[0]["seconds"])
    return sum(median(each["seconds"][n] for each in rounds) for n in names) / len(names)


def _compared(size: int, theirs: list[dict[str, Any]], ours: list[dict[str, Any]]) -> list[Figure]:
    time_target = {1: "<= 0.6", 12: "<= 0.2"}.get(size, "")
    memory_target = "<= 0.5" if size == 12 else ""
    peaks = [median(each["peak"] for each in side) / 1e6 for side in (theirs, ours)]
    sizes = [sum(side[0]["bytes"].values()) for side in (theirs, ours)]
    title = f"{size} MP"
    return [
        Figure(f"{title}, rembg.remove", _seconds(theirs), "s"),
        Figure(f"{title}, engine", _seconds(ours), "s"),
        Figure(f"{title}, time", _seconds(ours) / _seconds(theirs), "of rembg", time_target),
        *(
            Figure(
                f"{title}, time, {name} alone",
                _seconds(ours, name) / _seconds(theirs, name),
                "of rembg",
            )
            for name in ours[0]["seconds"]
        ),
        Figure(f"{title}, rembg.remove, peak memory", peaks[0], "MB"),
        Figure(f"{title}, engine, peak memory", peaks[1], "MB"),
        Figure(f"{title}, peak memory", peaks[1] / peaks[0], "of rembg", memory_target),
        Figure(f"{title}, PNG size", sizes[1] / sizes[0], "of rembg", "<= 1.25"),
    ]


def fidelity() -> list[Figure]:
    compared = [measure("fidelity", size) for size in (1, 12)]
    return [
        Figure("alpha, mean difference", max(each["mean"] for each in compared), "/255", "<= 0.5"),
        Figure(
            "alpha, pixels over 4/255 apart",
            max(each["over"] for each in compared),
            "share",
            "<= 0.001",
        ),
    ]


def throughput() -> list[Figure]:
    """Measure 40 mixed photos, and compare the memory for 10 with that for 40."""
    rounds = [measure("batch", 40) for _ in range(ROUNDS)]
    few = median(measure("batch", 10)["peak"] for _ in range(ROUNDS))
    many = median(each["peak"] for each in rounds)

    def gain(kind: str) -> float:
        return median(each[kind]["serial"] / each[kind]["overlapped"] for each in rounds)

    busy = median(each["memory"]["serial_cpu"] / each["memory"]["serial"] for each in rounds)
    return [
        Figure("40 photos through a worker, with S3's waits", gain("storage"), "x", ">= 1.3"),
        Figure("40 photos overlapped, in memory", gain("memory"), "x", ">= 1.3"),
        Figure("40 photos one by one, cores kept busy", busy, "cores"),
        Figure("40 photos, peak memory", many / 1e6, "MB"),
        Figure("40 photos, peak memory against 10 photos", many / few, "x", "<= 1.1"),
    ]


def start() -> list[Figure]:
    same_cpu = median(measure("cold")["total"] for _ in range(ROUNDS))
    other_cpu = median(measure("cold", before=_OTHER_CPU)["total"] for _ in range(ROUNDS))
    return [
        Figure("fresh process to first result", same_cpu, "s", "<= 3"),
        Figure("the same, with the CPU's name changed to generic", other_cpu, "s", "<= 4"),
    ]


if __name__ == "__main__":
    sys.exit(main())
