import socket
import sys
from pathlib import Path

import pytest

from local import ROOT, LocalStackError, emulator


def test_a_port_in_use_is_reported(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind((emulator.HOST, 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(LocalStackError, match=f"Port {port} is not available"):
            emulator.start(tmp_path / "emulator.log", port)


def test_it_listens_on_loopback_only_and_enforces_iam(tmp_path: Path) -> None:
    variables = emulator.environment({}, 4566, tmp_path)
    assert variables["BIND_HOST"] == "127.0.0.1"
    assert variables["GATEWAY_PORT"] == "4566"
    assert variables["AUTH"] == "true"
    assert variables["IOT_MTLS_ENABLED"] == variables["SFTP_ENABLED"] == "0"


def test_the_developers_aws_settings_are_not_inherited(tmp_path: Path) -> None:
    inherited = {"PATH": "/bin", "AWS_PROFILE": "work", "AWS_ENDPOINT_URL": "x", "HOME": "/home/me"}
    variables = emulator.environment(inherited, 4566, tmp_path)
    assert variables["PATH"] == "/bin"
    assert variables["HOME"] == str(tmp_path)
    assert not {"AWS_PROFILE", "AWS_ENDPOINT_URL"} & variables.keys()


def test_models_and_compiled_code_are_read_from_the_repository_by_default(
    tmp_path: Path,
) -> None:
    variables = emulator.environment({"REMBG_HOME": "/models"}, 4566, tmp_path)
    assert variables["REMBG_HOME"] == "/models"
    assert variables["NUMBA_CACHE_DIR"] == str(ROOT / ".cache" / "numba")
    assert variables["NUMBA_CPU_NAME"] == "generic"
    assert variables["NUMBA_CPU_FEATURES"] == ""


def test_a_failed_start_reports_the_reason_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.setattr("sys.executable", str(_failing_python(tmp_path)))
    with pytest.raises(LocalStackError, match=r"did not start(.|\n)*no such emulator"):
        emulator.start(tmp_path / "emulator.log")
    assert not list(tmp_path.glob("darkroom-local-*"))


def _failing_python(folder: Path) -> Path:
    """A Python that runs the guard, and fails when it is started as the emulator (`-m`)."""
    python = folder / "python"
    python.write_text(
        '#!/bin/sh\n[ "$1" = -m ] && { echo no such emulator >&2; exit 1; }\n'
        f'exec "{sys.executable}" "$@"\n'
    )
    python.chmod(0o755)
    return python
