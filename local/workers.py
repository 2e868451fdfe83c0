"""Lists the functions' worker processes, which are children of the emulator, from /proc."""

import contextlib
import os
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from local import LocalStackError

_PROC = Path("/proc")
_WORKER = re.compile(rb"/ministack-lambda-([^/]+)-[^/]{8}/_worker\.py")


class Worker(NamedTuple):
    """A worker process. function: the function's name. resident: bytes. cpu: seconds."""

    pid: int
    function: str
    resident: int
    cpu: float


def by_function(emulator: int) -> dict[str, list[Worker]]:
    """Return the running workers, by the name of their function.

    emulator: its process ID. Raises LocalStackError if the system is not Linux.
    """
    if not (_PROC / "self" / "stat").exists():
        raise LocalStackError("Worker processes can be listed on Linux only.")
    workers: defaultdict[str, list[Worker]] = defaultdict(list)
    for worker in _workers(emulator):
        workers[worker.function].append(worker)
    return dict(workers)


def _workers(emulator: int) -> Iterator[Worker]:
    page, tick = os.sysconf("SC_PAGE_SIZE"), os.sysconf("SC_CLK_TCK")
    for process in _PROC.glob("[0-9]*"):
        # A process may end at any moment.
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            # Field 2, the name in parentheses, may contain anything; field 3 follows it.
            fields = (process / "stat").read_text().rpartition(")")[2].split()
            command = _WORKER.search((process / "cmdline").read_bytes())
            if command and int(fields[1]) == emulator:
                cpu = (int(fields[11]) + int(fields[12])) / tick
                resident = int(fields[21]) * page
                yield Worker(int(process.name), command[1].decode(), resident, cpu)
