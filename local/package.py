"""Deployment packages, laid out as `sam build` lays them out, without the dependencies.

The dependencies are those of the virtual environment that the emulator runs in: its functions
run under its own Python.
"""

import hashlib
import io
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from local import LocalStackError

_SKIPPED_FOLDERS = {"__pycache__", ".mypy_cache", ".pytest_cache", ".ruff_cache"}
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest date a ZIP can hold


@dataclass(frozen=True)
class Package:
    """A ZIP archive and the S3 key it is stored under, which changes with its content."""

    body: bytes

    @property
    def key(self) -> str:
        return f"{hashlib.sha256(self.body).hexdigest()[:32]}.zip"

    @property
    def names(self) -> list[str]:
        with zipfile.ZipFile(io.BytesIO(self.body)) as archive:
            return archive.namelist()

    def instead(self, files: Mapping[str, bytes]) -> "Package":
        """The same with other content in those of the files that it has."""
        with zipfile.ZipFile(io.BytesIO(self.body)) as archive:
            names = archive.namelist()
            return _pack((n, files[n] if n in files else archive.read(n)) for n in names)


def build(folder: Path, prefix: str) -> Package:
    """Pack everything below `folder` under `prefix` (such as `functions/upload`).

    Symbolic links are followed, because a link out of the folder would dangle in Lambda. The same
    files always give the same bytes: names are sorted, dates and modes are fixed.
    Parent folders get no `__init__.py` of their own, exactly as in AWS.
    Raises LocalStackError for what cannot be read, such as a link that leads nowhere.
    """
    try:
        return _pack(
            (f"{prefix}/{name}" if prefix else name, path.read_bytes())
            for name, path in sorted(_files(folder))
        )
    except OSError as error:
        raise LocalStackError(f"{error.filename} cannot be packed: {error.strerror}.") from error


def _pack(files: Iterable[tuple[str, bytes]]) -> Package:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files:
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, content, zipfile.ZIP_DEFLATED)
    return Package(buffer.getvalue())


def _files(folder: Path, below: str = "") -> Iterator[tuple[str, Path]]:
    for path in folder.iterdir():
        name = f"{below}{path.name}"
        if path.is_dir():
            if path.name not in _SKIPPED_FOLDERS:
                yield from _files(path, f"{name}/")
        elif path.suffix != ".pyc":
            yield name, path
