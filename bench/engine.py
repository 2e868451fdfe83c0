"""The image engine against rembg.remove with the same model: `make bench-engine`.

Both models that set-up fetches are measured; `MODELS=u2netp` in the environment chooses. Each
measurement is a process of its own, both sides take turns, five rounds; medians are shown.
Writes out/bench/engine.json, a list of {"figure", "value", "unit", "target", "holds"}.
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
from bench._report import Figure, not_measured, write
from functions.process.models import Models

MEGAPIXELS = (1, 12, 48)
ROUNDS = int(os.environ.get("ROUNDS", "5"))
MODELS = os.environ.get("MODELS", "u2net u2netp").replace(",", " ").split()
# Of a comparison with rembg: the most time at 12 and 1 megapixels, and memory at 12.
_TIME = {"u2netp": {1: "<= 0.6", 12: "<= 0.2"}, "u2net": {12: "<= 0.25"}}
_MEMORY = {12: "<= 0.5"}
CARRIED = Models().names()
# As a CPU that numba's cache was not made on would be called.
_OTHER_CPU = "import llvmlite.binding as b; b.get_host_cpu_name = lambda: 'generic'; "


def main() -> int:
    for size in MEGAPIXELS:
        for name in PHOTOS:
            photo(name, size)
    mixed(40)
    write("engine", [figure for model in MODELS for figure in of(model)])
    return 0


def of(model: str) -> list[Figure]:
    """All figures of one model, which their names begin with."""
    if model not in CARRIED:
        return [not_measured(f"{model}: all figures", "its weights could not be fetched")]
    figures = [*speed(model), *fidelity(model)]
    if model == "u2netp":  # what these are about is the engine, whichever the model
        figures += [*throughput(model), *start(model)]
    return [figure._replace(figure=f"{model}: {figure.figure}") for figure in figures]


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


def speed(model: str) -> list[Figure]:
    """Compare time, memory and result size at each photo size."""
    figures = []
    for size in MEGAPIXELS:
        rounds = defaultdict(list)
        for _ in range(ROUNDS):
            for side in ("rembg", "ours"):
                rounds[side].append(measure(model, side, size))
        theirs, ours = rounds["rembg"], rounds["ours"]
        figures += _compared(model, size, theirs, ours)
        if size == 12:
            bare = median(round_["model"] for round_ in ours)
            beyond = (_seconds(ours) - bare) / bare
            figures.append(Figure("12 MP, bare model run", bare, "s"))
            figures.append(Figure("12 MP, time beyond the bare model run", beyond, "x", "<= 2"))
    return figures


def _seconds(rounds: list[dict[str, Any]], name: str = "") -> float:
    """The median over the rounds for one photo, or the average of these medians over all photos."""
    names = [name] if name else list(rounds[0]["seconds"])
    return sum(median(each["seconds"][n] for each in rounds) for n in names) / len(names)


def _compared(
    model: str, size: int, theirs: list[dict[str, Any]], ours: list[dict[str, Any]]
) -> list[Figure]:
    time_target = _TIME.get(model, {}).get(size, "")
    memory_target = _MEMORY.get(size, "")
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


def fidelity(model: str) -> list[Figure]:
    compared = [measure(model, "fidelity", size) for size in (1, 12)]
    return [
        Figure("alpha, mean difference", max(each["mean"] for each in compared), "/255", "<= 0.5"),
        Figure(
            "alpha, pixels over 4/255 apart",
            max(each["over"] for each in compared),
            "share",
            "<= 0.001",
        ),
    ]


def throughput(model: str) -> list[Figure]:
    """Measure 40 mixed photos, and the memory of ten photos once and four times."""
    rounds = [measure(model, "batch", 40) for _ in range(ROUNDS)]
    peak = median(each["peak"] for each in rounds)
    once = median(measure(model, "repeat", 10)["peak"] for _ in range(ROUNDS))
    often = median(measure(model, "repeat", 40)["peak"] for _ in range(ROUNDS))

    def gain(kind: str) -> float:
        return median(each[kind]["serial"] / each[kind]["overlapped"] for each in rounds)

    busy = median(each["memory"]["serial_cpu"] / each["memory"]["serial"] for each in rounds)
    return [
        Figure("40 photos through a worker, with S3's waits", gain("storage"), "x", ">= 1.3"),
        Figure("40 photos overlapped, in memory", gain("memory"), "x", ">= 1.3"),
        Figure("40 photos one by one, cores kept busy", busy, "cores"),
        Figure("40 photos, peak memory", peak / 1e6, "MB"),
        Figure("10 photos four times, peak memory against once", often / once, "x", "<= 1.1"),
    ]


def start(model: str) -> list[Figure]:
    same_cpu = median(measure(model, "cold")["total"] for _ in range(ROUNDS))
    other_cpu = median(measure(model, "cold", before=_OTHER_CPU)["total"] for _ in range(ROUNDS))
    return [
        Figure("fresh process to first result", same_cpu, "s", "<= 3"),
        Figure("the same, with the CPU's name changed to generic", other_cpu, "s", "<= 4"),
    ]


if __name__ == "__main__":
    sys.exit(main())
