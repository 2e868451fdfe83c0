"""Thousands of damaged files: the engine never crashes, and every error is a known one."""

from __future__ import annotations

import json
import os
import subprocess
import sys

from tests.process.conftest import ROOT


def test_no_damaged_file_crashes_the_engine() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.process.fuzzing", "6000", "1"],
        cwd=ROOT,
        env=os.environ
        | {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'layer'}", "PYTHONWARNINGS": "ignore"},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    report = json.loads(done.stdout)
    assert sum(report["outcomes"].values()) == 6000
    assert report["outcomes"]["result"] > 1000, "some mutations only affect metadata"
    assert report["outcomes"]["damaged_photo"] > 1000
    assert report["slowest"] < 5
    assert report["peak"] < 1_000_000_000
