"""The guide's programs and the quickstart's commands, run unchanged on the local stack."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from local.stack import Stack
from tests.guides import QUICKSTART, blocks, program, section
from tests.journey.api import CAT
from tests.journey.guide_programs import environment, write_photos

pytestmark = [pytest.mark.journey, pytest.mark.timeout(180)]

NOWHERE = "ws://127.0.0.1:9"  # the port of "discard", where nothing listens


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    return write_photos(tmp_path / "photos")


def run(command: list[str | Path], stack: Stack, folder: Path) -> str:
    done = subprocess.run(
        command,
        env=environment(stack),
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def without_socket(source: str, address: str) -> str:
    """The program, with the address of a WebSocket that refuses connections."""
    assert source.count(address) == 1
    return source.replace(address, f"{NOWHERE}/")


def check(printed: str, out: Path, way: str) -> None:
    """Two results are WebP with transparency, and the error of the third file was printed."""
    assert "text.jpg: not_a_photo" in printed
    assert re.search(rf"^{way}: completed, 3 of 3$", printed, re.MULTILINE)
    assert sorted(path.name for path in out.iterdir()) == ["astronaut.webp", "cat.webp"]
    with Image.open(out / "cat.webp") as result:
        assert (result.format, result.mode, result.size) == ("WEBP", "RGBA", (451, 300))


def test_the_python_program_follows_by_websocket(
    stack: Stack, photos: list[Path], tmp_path: Path
) -> None:
    (tmp_path / "follow.py").write_text(program("follow.py"))
    printed = run([sys.executable, "follow.py", "out", *photos], stack, tmp_path)
    check(printed, tmp_path / "out", "WebSocket")
    assert "polling" not in printed


def test_the_python_program_falls_back_to_polling(
    stack: Stack, photos: list[Path], tmp_path: Path
) -> None:
    source = without_socket(program("follow.py"), "{job['websocket_url']}")
    (tmp_path / "follow.py").write_text(source)
    printed = run([sys.executable, "follow.py", "out", *photos], stack, tmp_path)
    check(printed, tmp_path / "out", "polling")
    assert "polling instead" in printed


@pytest.fixture(scope="module")
def node() -> list[str]:
    """Node with a global WebSocket. Skips where there is none, and says what to get."""
    found = shutil.which("node")
    if found is None:
        pytest.skip("needs Node 20.10 or newer: there is no node on the PATH")
    told = subprocess.run([found, "--version"], capture_output=True, text=True, check=True)
    major, minor = (int(part) for part in told.stdout.strip().lstrip("v").split(".")[:2])
    if (major, minor) < (20, 10):
        pytest.skip(f"needs Node 20.10 or newer for its WebSocket: this is {told.stdout.strip()}")
    return [found] if major >= 22 else [found, "--experimental-websocket"]


def test_the_javascript_program_follows_by_websocket(
    stack: Stack, photos: list[Path], tmp_path: Path, node: list[str]
) -> None:
    (tmp_path / "follow.mjs").write_text(program("follow.mjs"))
    printed = run([*node, "follow.mjs", "out", *photos], stack, tmp_path)
    check(printed, tmp_path / "out", "WebSocket")
    assert "polling" not in printed


def test_the_javascript_program_falls_back_to_polling(
    stack: Stack, photos: list[Path], tmp_path: Path, node: list[str]
) -> None:
    source = without_socket(program("follow.mjs"), "${job.websocket_url}")
    (tmp_path / "follow.mjs").write_text(source)
    printed = run([*node, "follow.mjs", "out", *photos], stack, tmp_path)
    check(printed, tmp_path / "out", "polling")
    assert "polling instead" in printed


def test_the_program_with_the_client_processes_a_folder(
    stack: Stack, photos: list[Path], tmp_path: Path
) -> None:
    (tmp_path / "client.py").write_text(program("client.py"))
    printed = run([sys.executable, "client.py", "photos", "out"], stack, tmp_path)
    assert "completed, 3 of 3" in printed
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "astronaut.webp",
        "cat.webp",
    ]
    assert len(photos) == 3


def test_the_quickstart_gets_one_photo_with_curl(stack: Stack, tmp_path: Path) -> None:
    for tool in ("bash", "curl", "jq"):
        if shutil.which(tool) is None:
            pytest.skip(f"the quickstart's job by hand needs {tool}")
    (tmp_path / "out/photos").mkdir(parents=True)
    (tmp_path / "out/photos/cat.jpg").write_bytes(CAT)
    script = "set -euo pipefail\n" + "".join(
        blocks(section(QUICKSTART, "The API, with curl"), "sh")
    )
    run(["bash", "-c", script], stack, tmp_path)
    with Image.open(tmp_path / "cat.png") as result:
        assert (result.format, result.mode, result.size) == ("PNG", "RGBA", (451, 300))
