"""Runs one measurement for `bench.engine`, which starts a new process for each.

    python -m bench._measure u2net ours 12       times and peak memory of this engine
    python -m bench._measure u2net rembg 12      the same of rembg.remove, the way people use it
    python -m bench._measure u2net fidelity 12   the two results compared, pixel by pixel
    python -m bench._measure u2net batch 40      one by one against overlapped
    python -m bench._measure u2net repeat 40     the same with ten photos again and again
    python -m bench._measure u2net cold          the first result of a fresh process

The number is megapixels (ours, rembg, fidelity) or photos (batch, repeat). Prints one line of JSON.
"""

from __future__ import annotations

import io
import json
import os
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from bench._pictures import PHOTOS, load, photo, variant

# What S3 takes a worker, as its performance guidelines have it: 0.1 to 0.2 s to the first byte of a
# small request, and 85 to 90 MB/s a connection.
_FIRST_BYTE, _RATE = 0.1, 90e6


def main() -> None:
    model, kind, *rest = sys.argv[1:]
    measure = {
        "ours": ours,
        "rembg": rembg,
        "fidelity": fidelity,
        "batch": batch,
        "repeat": repeat,
        "cold": cold,
    }[kind]
    print(json.dumps(measure(model, *map(int, rest))))


def ours(model: str, megapixels: int) -> dict[str, Any]:
    """Measure this engine: seconds and bytes per result, peak bytes, seconds of a model run."""
    process = _process(model)
    result = _timed(lambda data: process(data).data, megapixels)
    return {**result, "model": _model_run(model)}


def rembg(model: str, megapixels: int) -> dict[str, Any]:
    """Measure rembg.remove: seconds and bytes per result, peak bytes."""
    from functions.process.warm_rembg import post_processing

    bg = post_processing()
    session = bg.new_session(model)
    return _timed(lambda data: bytes(bg.remove(data, session=session)), megapixels)


def _process(model: str) -> Callable[[bytes], Any]:
    from darkroom.options import Options
    from functions.process.engine import Engine
    from functions.process.models import Models

    # Compared with rembg, whose edges are plain.
    engine, options = Engine(Models()), Options(model=model, edges="plain")
    return lambda data: engine.process(data, options)


def _timed(work: Callable[[bytes], bytes], megapixels: int) -> dict[str, Any]:
    names = PHOTOS if megapixels < 48 else PHOTOS[:1]
    work(load(photo(PHOTOS[0], 1)))  # warm up: load the model and caches
    seconds, size = {}, {}
    for name in names:
        data = load(photo(name, megapixels))
        began = time.perf_counter()
        size[name] = len(work(data))
        seconds[name] = time.perf_counter() - began
    return {"seconds": seconds, "bytes": size, "peak": _peak()}


def _peak() -> int:
    """Peak resident memory in bytes. getrusage would include the parent process's peak."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024


def _model_run(model: str) -> float:
    """Seconds of the model alone, with the engine's settings: the median of nine runs."""
    import numpy as np

    from functions.process.models import Models

    session = Models().session(model).inner_session
    entry = session.get_inputs()[0]
    pixels = np.random.default_rng(0).random(entry.shape, np.float32)
    times = []
    for _ in range(10):
        began = time.perf_counter()
        session.run(None, {entry.name: pixels})
        times.append(time.perf_counter() - began)
    return sorted(times[1:])[4]


def fidelity(model: str, megapixels: int) -> dict[str, Any]:
    """Compare alpha values (0-255): the mean difference, and the share of pixels over 4 apart."""
    import numpy as np
    from PIL import Image

    from functions.process.warm_rembg import post_processing

    bg = post_processing()
    process, session = _process(model), bg.new_session(model)
    means, over = [], []
    for name in PHOTOS:
        data = load(photo(name, megapixels))
        theirs = Image.open(io.BytesIO(bytes(bg.remove(data, session=session))))
        mine = Image.open(io.BytesIO(process(data).data))
        first, second = (np.asarray(image.getchannel("A")).astype(int) for image in (mine, theirs))
        difference = np.abs(first - second)
        means.append(float(difference.mean()))
        over.append(float((difference > 4).mean()))
    return {"mean": max(means), "over": max(over)}


def mixed(count: int) -> list[Path]:
    """Return photos of three sizes in three formats, in a fixed order."""
    sizes, kinds = (1, 12, 3, 12, 1, 3, 12, 3), ("JPEG", "JPEG", "PNG", "JPEG", "WEBP")
    chosen = []
    for i in range(count):
        name, size, kind = PHOTOS[i % 4], sizes[i % 8], kinds[i % 5]
        chosen.append(photo(name, size) if kind == "JPEG" else variant(name, size, kind))
    return chosen


def repeat(model: str, count: int) -> dict[str, Any]:
    """Measure the first ten photos of a batch, again and again.

    A longer batch is also another mixture, whose largest photos meet in other pairs. This one shows
    whether memory grows with the number of photos.
    """
    return _batch(model, (mixed(10) * count)[:count])


def batch(model: str, count: int) -> dict[str, Any]:
    """Measure different photos."""
    return _batch(model, mixed(count))


def _batch(model: str, photos: list[Path]) -> dict[str, Any]:
    """Seconds for the photos one by one and overlapped; in memory, and with waits as long as S3
    takes to hand out a photo and to take in its result.

    Both are measured in memory, and with waits as long as S3 takes to send a photo and to store
    its result. They alternate every ten photos, so that load on the machine affects both equally.
    """
    process = _process(model)
    for path in photos[:3]:
        process(load(path))

    def in_memory(path: Path) -> None:
        process(load(path))

    def stored(path: Path) -> None:
        data = load(path)
        time.sleep(_FIRST_BYTE + len(data) / _RATE)
        result = process(data).data
        time.sleep(_FIRST_BYTE + len(result) / _RATE)

    result: dict[str, Any] = {}
    for name, work in (("memory", in_memory), ("storage", stored)):
        spent = {"serial": 0.0, "overlapped": 0.0, "serial_cpu": 0.0}
        for start in range(0, len(photos), 10):
            part = photos[start : start + 10]
            cpu, began = _cpu(), time.perf_counter()
            for path in part:
                work(path)
            spent["serial"] += time.perf_counter() - began
            spent["serial_cpu"] += _cpu() - cpu
            began = time.perf_counter()
            with ThreadPoolExecutor(2) as pool:  # as `functions.process.app` does
                list(pool.map(work, part))
            spent["overlapped"] += time.perf_counter() - began
        result[name] = spent
    return {**result, "peak": _peak()}


def _cpu() -> float:
    times = os.times()
    return times.user + times.system


def cold(model: str) -> dict[str, Any]:
    """Process one 1-megapixel photo in a fresh process. The caller measures the time."""
    result = _process(model)(load(photo(PHOTOS[0], 1)))
    return {"bytes": len(result.data)}


if __name__ == "__main__":
    main()
