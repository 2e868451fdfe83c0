"""Records the stack that runs from this checkout, so that there is one at a time.

The record is a file. It counts only while the process it names is running.
"""

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

    started: the process's start time, since its ID may have been reused by another process.
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
    """Return a process's start time, in the system's own format; None if it is not running."""
    stat = Path(f"/proc/{pid}/stat")
    if Path("/proc/self/stat").exists():
        try:
            # Field 2, the name in parentheses, may contain anything; field 3 follows it.
            fields = stat.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            return None
        return None if fields[0] in "ZX" else fields[19]
    ps = shutil.which("ps") or "/bin/ps"
    answer = subprocess.run(  # noqa: S603 - only the process ID varies
        [ps, "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return answer.stdout.strip() or None


def current(file: Path = FILE) -> Running | None:
    """Return the running stack, or None. The file of a process that has ended is deleted."""
    try:
        recorded = Running(**json.loads(file.read_text()))
    except FileNotFoundError:
        return None
    except (TypeError, ValueError):
        recorded = None
    if recorded and recorded.alive():
        return recorded
    file.unlink(missing_ok=True)
    return None


def claim(running: Running, file: Path = FILE) -> Running | None:
    """Record `running` as the checkout's stack. Returns None, or the stack already running."""
    while True:
        if other := current(file):
            return other
        with contextlib.suppress(FileExistsError):
            _write(running, file, os.O_EXCL)
            return None


def publish(running: Running, file: Path = FILE) -> None:
    """Replace the record, once the stack's addresses are known."""
    _write(running, file, os.O_TRUNC)


def release(file: Path = FILE) -> None:
    """Delete the record, if it is this process's."""
    if (recorded := current(file)) and recorded.pid == os.getpid():
        file.unlink(missing_ok=True)


def _write(running: Running, file: Path, mode: int) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    # Readable only by its owner: it holds the stack's key.
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | mode, 0o600)
    with os.fdopen(descriptor, "w") as output:
        json.dump(dataclasses.asdict(running), output)


def stop(running: Running) -> bool:
    """Stop a stack's process: SIGTERM, then SIGKILL after 20 seconds.

    Returns whether it has ended. SIGKILL leaves nothing behind: the emulator ends with the process.
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
