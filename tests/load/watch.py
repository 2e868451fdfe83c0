"""Observes the stack during the load test: the workers' memory and the logs."""

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
"""Seconds between two samples of the memory."""


class Sample(NamedTuple):
    """A sample of one function's workers.

    at: seconds. largest: bytes of the largest worker. cpu: processor seconds of all workers.
    """

    at: float
    largest: int
    cpu: float


@dataclass
class Memory:
    """The samples of each function, in order of time."""

    samples: dict[str, list[Sample]] = field(default_factory=lambda: defaultdict(list))

    def halves(self) -> dict[str, tuple[float, float]]:
        """Return each function's peak memory in MB in the first and second half of its work."""
        return {function: _halves(samples) for function, samples in sorted(self.samples.items())}


def _halves(samples: list[Sample]) -> tuple[float, float]:
    done = next(sample.at for sample in samples if sample.cpu == samples[-1].cpu)
    middle = (samples[0].at + done) / 2
    early = [sample.largest for sample in samples if sample.at <= middle]
    late = [sample.largest for sample in samples if sample.at > middle]
    return max(early) / MB, max(late or early) / MB


@contextmanager
def memory_of(stack: Stack) -> Iterator[Memory]:
    memory, done = Memory(), threading.Event()

    def watch() -> None:
        while not done.wait(EVERY):
            for name, running in workers.by_function(stack.emulator.pid).items():
                largest = max(worker.resident for worker in running)
                cpu = sum(worker.cpu for worker in running)
                # A function is named STACK-LOGICAL_ID-SUFFIX.
                sample = Sample(time.monotonic(), largest, cpu)
                memory.samples[name.split("-")[1]].append(sample)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield memory
    finally:
        done.set()
        thread.join()


def complaints(stack: Stack) -> list[str]:
    """Return the errors that functions have logged, and the failed invocations."""
    logged = [line for line in logs.read(stack.client("logs")) if _WRONG.search(line)]
    lines = stack.emulator.log.read_text(errors="replace").splitlines()
    return logged + [line for line in lines if _FAILED.search(line)]


_WRONG = re.compile(r'"level":\s*"(ERROR|CRITICAL)"|Traceback|Task timed out')
_FAILED = re.compile(r" (ERROR|CRITICAL) |Lambda .* (failed|timed out)")
