"""The emulator's worker processes, as the operating system sees them."""

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
    """The process IDs of a function's workers, such as those of `Process`."""
    return sorted(
        worker.pid
        for name, running in workers.by_function(stack.emulator.pid).items()
        if name.startswith(f"darkroom-{function}Function-")
        for worker in running
    )


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
