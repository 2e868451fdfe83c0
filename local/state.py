"""Which stack runs from this checkout: one small file, and a process that is really ours."""

import contextlib
import dataclasses
import json
import os
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from local import OUT

FILE = OUT / "stack.json"
_STOP_SECONDS = 20.0


@dataclass(frozen=True)
class Running:
    """The process that runs a stack, and how to reach it. Addresses are empty while it starts.

    `started` tells the process from another one that has been given the same ID since.
    """

    pid: int
    started: str
    page_url: str = ""
    address: str = ""
    access_key: str = ""
    secret_key: str = dataclasses.field(default="", repr=False)

    def alive(self) -> bool:
        return start_time(self.pid) == self.started


def myself() -> Running:
    return Running(os.getpid(), start_time(os.getpid()) or "")


def start_time(pid: int) -> str | None:
    """When a process began, in the system's own terms; None if there is no such process."""
    stat = Path(f"/proc/{pid}/stat")
    if Path("/proc/self/stat").exists():
        try:
            # The name, in parentheses, may hold anything; field 3 is the first one after it.
            fields = stat.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            return None
        return None if fields[0] in "ZX" else fields[19]
    ps = shutil.which("ps") or "/bin/ps"
    answer = subprocess.run(  # noqa: S603 - a number is all that varies
        [ps, "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return answer.stdout.strip() or None


def current(file: Path = FILE) -> Running | None:
    """What runs now. A file left behind by a process that is gone is deleted."""
    try:
        found = Running(**json.loads(file.read_text()))
    except FileNotFoundError:
        return None
    except (TypeError, ValueError):
        found = None
    if found and found.alive():
        return found
    file.unlink(missing_ok=True)
    return None


def claim(running: Running, file: Path = FILE) -> Running | None:
    """Take the checkout's one place. Returns None, or who has it already."""
    while True:
        if found := current(file):
            return found
        with contextlib.suppress(FileExistsError):
            _write(running, file, os.O_EXCL)
            return None


def publish(running: Running, file: Path = FILE) -> None:
    _write(running, file, os.O_TRUNC)


def release(file: Path = FILE) -> None:
    """Give the place back, if it is this process's."""
    if (found := current(file)) and found.pid == os.getpid():
        file.unlink(missing_ok=True)


def _write(running: Running, file: Path, mode: int) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    # Readable by its owner alone: it holds the stack's key.
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | mode, 0o600)
    with os.fdopen(descriptor, "w") as output:
        json.dump(dataclasses.asdict(running), output)


def stop(running: Running) -> bool:
    """Ask a stack's process to end, insist after a while, and tell whether it has ended.

    Killing it leaves nothing behind: the emulator ends with it.
    """
    for number, seconds in ((signal.SIGTERM, _STOP_SECONDS), (signal.SIGKILL, 5.0)):
        with contextlib.suppress(ProcessLookupError):
            if running.alive():
                os.kill(running.pid, number)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if not running.alive():
                return True
            time.sleep(0.05)
    return not running.alive()
