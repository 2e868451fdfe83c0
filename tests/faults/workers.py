"""The emulator's worker processes, as the operating system sees them."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from local.stack import Stack


def of(stack: Stack, function: str) -> list[int]:
    """The process IDs of a function's workers, such as those of `Process`."""
    wanted = f"AWS_LAMBDA_FUNCTION_NAME=darkroom-{function}Function-".encode()
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, IndexError):
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == stack.emulator.pid and wanted in (entry / "environ").read_bytes():
                found.append(int(entry.name))
    return sorted(found)


def kill_one(stack: Stack, function: str, rng: random.Random) -> bool:
    """False where there is none."""
    with contextlib.suppress(ProcessLookupError, IndexError):
        os.kill(rng.choice(of(stack, function)), signal.SIGKILL)
        return True
    return False


@contextlib.contextmanager
def killing(
    stack: Stack, function: str, rng: random.Random, *, seconds: float, every: float
) -> Iterator[list[float]]:
    """Kills a worker about `every` so many seconds, for `seconds`; yields when it did.

    Whoever wants a message to survive this keeps `seconds` under two visibility time-outs: it
    cannot be hit more than twice then, and only a fourth time makes a photo a dead letter, a third
    time other work.
    """
    kills: list[float] = []
    over = threading.Event()
    end = time.monotonic() + seconds

    def kill() -> None:
        while not over.wait(rng.uniform(0.5, 1.5) * every) and time.monotonic() < end:
            if kill_one(stack, function, rng):
                kills.append(time.monotonic())

    thread = threading.Thread(target=kill)
    thread.start()
    try:
        yield kills
    finally:
        over.set()
        thread.join()
