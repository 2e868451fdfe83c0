"""Finds and kills the emulator's worker processes."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import threading
import time
from collections.abc import Iterator

from local import workers
from local.stack import Stack


def of(stack: Stack, function: str) -> list[int]:
    """Return the process IDs of a function's workers. function: its name, such as `Process`."""
    return sorted(
        worker.pid
        for name, running in workers.by_function(stack.emulator.pid).items()
        if name.startswith(f"darkroom-{function}Function-")
        for worker in running
    )


def kill_one(stack: Stack, function: str, rng: random.Random) -> bool:
    """Kill a random worker; returns False if there is none."""
    with contextlib.suppress(ProcessLookupError, IndexError):
        os.kill(rng.choice(of(stack, function)), signal.SIGKILL)
        return True
    return False


@contextlib.contextmanager
def killing(
    stack: Stack, function: str, rng: random.Random, *, seconds: float, every: float
) -> Iterator[list[float]]:
    """Kill a worker about every `every` seconds, for `seconds`; yields the times of the kills.

    `seconds` must be less than two visibility time-outs: a message is then hit twice at most, and
    no queue gives a message up before its fifth receive.
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
