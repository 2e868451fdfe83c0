"""Runs the emulator for a parent process, and ends it when the parent ends.

Usage: guard.py delete|keep DIRECTORY COMMAND…, where COMMAND starts the emulator. It writes the
emulator's process ID to standard output.

It ends when its standard input closes (which also happens when the parent is killed), on SIGTERM,
or when the emulator exits. It then kills the emulator with every worker process it has started,
and deletes the directory. With `keep`, the directory stays if the emulator exited on its own, so
that the emulator can be restarted with its data.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
from types import FrameType


def main(directory: str, command: list[str], *, keep: bool) -> int:
    # In its own process group, so that its worker processes can be killed with it.
    emulator = subprocess.Popen(  # noqa: S603 - the command is our own
        command, stdin=subprocess.DEVNULL, stdout=sys.stderr, process_group=0
    )

    killed = threading.Event()

    def kill(*_: int | FrameType | None) -> None:
        killed.set()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(emulator.pid, signal.SIGKILL)

    def kill_when_input_closes() -> None:
        sys.stdin.buffer.read()
        kill()

    signal.signal(signal.SIGTERM, kill)
    print(emulator.pid, flush=True)
    threading.Thread(target=kill_when_input_closes, daemon=True).start()
    status = emulator.wait()
    kept = keep and not killed.is_set()
    kill()
    if not kept:
        shutil.rmtree(directory, ignore_errors=True)
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    # Not `sys.exit`: the thread may still hold the lock of standard input at interpreter shutdown.
    os._exit(main(sys.argv[2], sys.argv[3:], keep=sys.argv[1] == "keep"))
