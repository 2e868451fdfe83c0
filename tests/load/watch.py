"""What the load test looks at from outside: memory, queues, logs."""

from __future__ import annotations

import re
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

from local import logs, workers
from local.stack import Stack

MB = 1_000_000
EVERY = 0.5
"""Seconds between two looks at the memory."""


class Sample(NamedTuple):
    """Of one function. at: seconds. largest: bytes of its largest worker. cpu: seconds of all."""

    at: float
    largest: int
    cpu: float


@dataclass
class Memory:
    """Samples of each function, in their order."""

    samples: dict[str, list[Sample]] = field(default_factory=lambda: defaultdict(list))

    def halves(self) -> dict[str, tuple[float, float]]:
        """Of each function the most it had, in MB, in both halves of the time that it worked."""
        return {function: _halves(samples) for function, samples in sorted(self.samples.items())}


def _halves(samples: list[Sample]) -> tuple[float, float]:
    done = next(sample.at for sample in samples if sample.cpu == samples[-1].cpu)
    middle = (samples[0].at + done) / 2
    early = [sample.largest for sample in samples if sample.at <= middle]
    late = [sample.largest for sample in samples if sample.at > middle]
    return max(early) / MB, max(late or early) / MB


@contextmanager
def memory_of(stack: Stack) -> Iterator[Memory]:
    found, done = Memory(), threading.Event()

    def look() -> None:
        while not done.wait(EVERY):
            for name, running in workers.by_function(stack.emulator.pid).items():
                largest = max(worker.resident for worker in running)
                cpu = sum(worker.cpu for worker in running)
                # The template's name of it is between the stack's and a part made up by it.
                sample = Sample(time.monotonic(), largest, cpu)
                found.samples[name.split("-")[1]].append(sample)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield found
    finally:
        done.set()
        thread.join()


def complaints(stack: Stack) -> list[str]:
    """Errors that functions have logged, and calls of functions that failed."""
    logged = [line for line in logs.read(stack.client("logs")) if _WRONG.search(line)]
    called = stack.emulator.log.read_text(errors="replace").splitlines()
    return logged + [line for line in called if _FAILED.search(line)]


_WRONG = re.compile(r'"level":\s*"(ERROR|CRITICAL)"|Traceback|Task timed out')
_FAILED = re.compile(r" (ERROR|CRITICAL) |Lambda .* (failed|timed out)")
