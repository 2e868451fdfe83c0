import os
import subprocess
import sys
from pathlib import Path

import pytest

from local import LocalStackError, workers


def test_a_worker_is_told_by_its_function_with_its_memory(tmp_path: Path) -> None:
    script = (
        tmp_path / "ministack-lambda-darkroom-ProgressTallyFunction-1A2B-x_4-ab8z" / "_worker.py"
    )
    script.parent.mkdir()
    script.write_text("held = bytearray(50_000_000)\nprint(flush=True)\ninput()\n")
    command = [sys.executable, script]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as worker:
        assert worker.stdout is not None
        worker.stdout.readline()
        found = workers.by_function(os.getpid())
        assert workers.by_function(worker.pid) == {}
        worker.communicate("\n")
    [(function, [told])] = found.items()
    assert function == told.function == "darkroom-ProgressTallyFunction-1A2B"
    assert 50_000_000 < told.resident < 150_000_000
    assert told.cpu >= 0
    assert told.pid == worker.pid
    assert workers.by_function(os.getpid()) == {}


def test_where_there_is_no_proc_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "_PROC", tmp_path)
    with pytest.raises(LocalStackError, match="Linux"):
        workers.by_function(1)
