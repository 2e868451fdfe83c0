import os
import subprocess
import sys
from pathlib import Path

import pytest

from local import LocalStackError, workers


def test_a_worker_is_listed_under_its_function_with_its_memory(tmp_path: Path) -> None:
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
        by_function = workers.by_function(os.getpid())
        assert workers.by_function(worker.pid) == {}
        worker.communicate("\n")
    [(function, [listed])] = by_function.items()
    assert function == listed.function == "darkroom-ProgressTallyFunction-1A2B"
    assert 50_000_000 < listed.resident < 150_000_000
    assert listed.cpu >= 0
    assert listed.pid == worker.pid
    assert workers.by_function(os.getpid()) == {}


def test_a_system_without_proc_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "_PROC", tmp_path)
    with pytest.raises(LocalStackError, match="Linux"):
        workers.by_function(1)
