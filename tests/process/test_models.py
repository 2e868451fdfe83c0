"""The available models, their sessions, and baking."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from darkroom.errors import FileError
from functions.process import hardware, models
from functions.process.models import ALLOWED, Models, default_home
from functions.process.warm_rembg import post_processing, session_class
from tests.process.conftest import ROOT

post_processing()
sessions = importlib.import_module("rembg.sessions").sessions


U2NET = ROOT / ".cache/rembg/models/u2net/u2net.onnx"


def environment() -> dict[str, str]:
    """For a process of its own, which finds the engine and the real models."""
    return os.environ | {
        "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'layer'}",
        "REMBG_HOME": str(ROOT / ".cache/rembg"),
    }


def with_files(home: Path, *names: str) -> Models:
    for name in names:
        path = home / "models" / name / f"{name}.onnx"
        path.parent.mkdir(parents=True)
        path.write_bytes(b"weights")
    return Models(home, keep=2)


def test_names_are_the_installed_models(tmp_path: Path) -> None:
    installed = with_files(tmp_path, "u2net", "u2netp", "atlascloud", "withoutbg", "bria-rmbg")
    assert installed.names() == ("u2netp", "u2net")


def test_allowed_models_are_local_rembg_models() -> None:
    assert set(ALLOWED) <= set(sessions)
    assert all(sessions[name].is_local() for name in ALLOWED)
    remote = {name for name, session in sessions.items() if not session.is_local()}
    assert remote == {"withoutbg", "atlascloud"}


@pytest.mark.parametrize("name", ["silueta", "withoutbg", "../u2netp", "u2netp.onnx", ""])
def test_a_missing_model_is_an_unknown_model(models: Models, name: str) -> None:
    with pytest.raises(FileError, match=r"unknown_model.*choose one of: u2netp"):
        models.session(name)


@pytest.mark.parametrize("name", ALLOWED)
def test_a_session_class_is_imported_alone(name: str) -> None:
    assert session_class(name) is sessions[name]


def test_a_plain_cutout_does_not_import_post_processing() -> None:
    """It takes half of a worker's memory and most of its start-up time: see `warm_rembg`."""
    code = """
import sys
from functions.process.engine import Engine
from functions.process.models import Models
from functions.process.selfcheck import _photo
from darkroom.options import Options
engine = Engine(Models())
engine.process(_photo(), Options(model="u2netp"))
heavy = {"numba", "pymatting", "scipy", "skimage"}
unused = heavy | {"pooch.core", "requests"}
assert not unused & set(sys.modules), unused & set(sys.modules)
engine.process(_photo(), Options(model="u2netp", edges="matting"))
assert heavy <= set(sys.modules)
import rembg
assert rembg.remove and rembg.new_session
"""
    subprocess.run([sys.executable, "-c", code], env=environment(), check=True)


def test_the_directory_layout_is_rembgs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("REMBG_HOME", str(tmp_path))
    monkeypatch.delenv("U2NET_HOME", raising=False)
    path = Models().path("u2net")
    assert path.parent == Path(sessions["u2net"].model_dir())
    path.parent.mkdir(parents=True)
    path.write_bytes(b"weights")
    assert Path(sessions["u2net"].download_models()) == path
    assert default_home() == tmp_path


def test_a_session_is_rembgs_and_created_once(models: Models) -> None:
    created: list[object] = []
    threads = [
        threading.Thread(target=lambda: created.append(models.session("u2netp"))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(created) == 4
    assert len(set(map(id, created))) == 1
    assert isinstance(created[0], sessions["u2netp"])


def test_the_least_recently_used_session_is_dropped(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    made: list[str] = []

    def make(name: str, _path: Path, _threads: int) -> str:
        made.append(name)
        return name

    monkeypatch.setattr(models, "_new_session", make)
    installed = with_files(tmp_path, "u2netp", "silueta", "u2net")
    for name in ("u2netp", "silueta", "u2netp", "u2net", "u2netp", "silueta"):
        assert str(installed.session(name)) == name
    assert made == ["u2netp", "silueta", "u2net", "silueta"]


@pytest.mark.skipif(not U2NET.is_file(), reason="needs u2net's weights: make models MODELS=u2net")
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_session_takes_little_more_than_its_weights() -> None:
    """What reading the file takes besides is given back to the system."""
    code = """
import pathlib
from functions.process.engine import Engine
from functions.process.models import Models
def resident():
    return int(pathlib.Path("/proc/self/status").read_text().split("RssAnon:")[1].split()[0])
models = Models()
Engine(models)
before = resident()
models.session("u2net")
print((resident() - before) * 1024)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(), check=True, capture_output=True, text=True
    )
    assert int(done.stdout) < 1.2 * U2NET.stat().st_size


def test_memory_and_cores_of_a_lambda() -> None:
    def of(megabytes: int) -> dict[str, str]:
        return {"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(megabytes)}

    assert hardware.memory(of(3008)) == 3008 * 1024 * 1024
    assert hardware.memory({}) > 500_000_000
    assert hardware.cores(of(1024)) == 1
    assert hardware.cores(of(10_240)) == hardware.cores({})


def test_onnxruntime_telemetry_is_disabled(tmp_path: Path) -> None:
    """Its telemetry stores a machine id in the home directory; no file may appear there."""
    code = "import functions.process.models, onnxruntime as o; o.InferenceSession('{}')"
    code = code.format(ROOT / ".cache/rembg/models/u2netp/u2netp.onnx")
    environment = {
        "HOME": str(tmp_path),
        "PATH": os.environ["PATH"],
        "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'layer'}",
        "NUMBA_CACHE_DIR": os.environ["NUMBA_CACHE_DIR"],
    }
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)
    assert list(tmp_path.rglob("*")) == []
