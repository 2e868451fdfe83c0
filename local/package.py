"""Builds deployment packages with the layout of `sam build`, but without the dependencies.

The emulator runs functions under its own Python, so they import the dependencies from its virtual
environment.
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
    """A deployment package: a ZIP, and its S3 key, which is a hash of its content."""

    body: bytes

    @property
    def key(self) -> str:
        return f"{hashlib.sha256(self.body).hexdigest()[:32]}.zip"

    @property
    def names(self) -> list[str]:
        with zipfile.ZipFile(io.BytesIO(self.body)) as archive:
            return archive.namelist()

    def with_files(self, files: Mapping[str, bytes]) -> "Package":
        """Return a copy with the content of some files replaced. Names it lacks are ignored."""
        with zipfile.ZipFile(io.BytesIO(self.body)) as archive:
            names = archive.namelist()
            return _pack((n, files[n] if n in files else archive.read(n)) for n in names)


def build(folder: Path, prefix: str) -> Package:
    """Pack everything below `folder` under `prefix` (such as `functions/upload`).

    Symbolic links are followed: a link out of the folder would be broken in Lambda. The same files
    always give the same bytes: names are sorted, dates and modes are fixed. No `__init__.py` is
    added to parent folders, as in AWS. Raises LocalStackError if a file cannot be read, such as a
    broken link.
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
