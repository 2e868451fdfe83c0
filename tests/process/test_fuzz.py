"""Thousands of damaged files: the process lives, and every outcome has a name."""

from __future__ import annotations

import json
import os
import subprocess
import sys

from tests.process.conftest import ROOT


def test_no_file_brings_the_engine_down() -> None:
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
    found = json.loads(done.stdout)
    assert sum(found["outcomes"].values()) == 6000
    assert found["outcomes"]["result"] > 1000, "some wounds only hurt metadata"
    assert found["outcomes"]["damaged_photo"] > 1000
    assert found["slowest"] < 5
    assert found["peak"] < 1_000_000_000
