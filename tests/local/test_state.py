import dataclasses
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from local import state


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "local" / "stack.json"


@pytest.fixture
def process() -> Iterator["subprocess.Popen[bytes]"]:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as process:
        yield process
        process.kill()


def record_of(process: "subprocess.Popen[bytes]") -> state.Running:
    return state.Running(process.pid, state.start_time(process.pid) or "")


def test_without_a_file_no_stack_is_running(file: Path) -> None:
    assert state.current(file) is None


def test_only_the_first_claim_succeeds_and_the_second_returns_the_first(file: Path) -> None:
    me = state.myself()
    assert state.claim(me, file) is None
    published = dataclasses.replace(me, page_url="http://127.0.0.1:1/#key=k")
    state.publish(published, file)
    assert state.claim(me, file) == published
    state.release(file)
    assert not file.exists()


def test_only_the_owner_can_read_the_file(file: Path) -> None:
    state.claim(state.myself(), file)
    assert file.stat().st_mode & 0o777 == 0o600


def test_the_file_of_a_dead_process_is_ignored(
    file: Path, process: "subprocess.Popen[bytes]"
) -> None:
    state.claim(record_of(process), file)
    process.kill()
    process.wait()
    assert state.claim(state.myself(), file) is None


def test_a_zombie_process_counts_as_ended(
    process: "subprocess.Popen[bytes]",
) -> None:
    running = record_of(process)
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert not running.alive()


def test_a_process_with_a_reused_id_is_not_stopped(
    file: Path, process: "subprocess.Popen[bytes]"
) -> None:
    recycled = state.Running(process.pid, "long ago")
    state.claim(recycled, file)
    assert state.current(file) is None
    assert state.stop(recycled)
    assert process.poll() is None


@pytest.mark.parametrize("text", ["", "{", '{"pid": 1}', '["pid"]', "null"])
def test_a_damaged_file_is_ignored(file: Path, text: str) -> None:
    file.parent.mkdir()
    file.write_text(text)
    assert state.claim(state.myself(), file) is None


def test_stop_ends_the_process(process: "subprocess.Popen[bytes]") -> None:
    assert state.stop(record_of(process))
    assert process.wait() == -signal.SIGTERM


def test_release_keeps_the_record_of_another_process(
    file: Path, process: "subprocess.Popen[bytes]"
) -> None:
    state.claim(record_of(process), file)
    state.release(file)
    assert state.current(file) == record_of(process)
