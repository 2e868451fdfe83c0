"""Runs the emulator for another process, and never longer than that process.

Started as a script, with `delete` or `keep`, a directory, and the emulator's command. It writes
the emulator's process ID to its output. The end comes when its input closes, which happens even
when its parent is killed outright, when the emulator ends by itself, or on SIGTERM. Then the
emulator goes, with every worker process it has started, and so does the directory; with `keep` it
stays when the emulator has ended by itself, to be started again with what is in it.
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
    # A process group of its own, so that its worker processes can be ended with it.
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
    # Not `sys.exit`: at interpreter shutdown the thread may still hold the lock of standard input.
    os._exit(main(sys.argv[2], sys.argv[3:], keep=sys.argv[1] == "keep"))
