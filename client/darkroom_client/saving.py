"""Choose the files to upload, and the paths their results are saved under."""

from __future__ import annotations

import re
import threading
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath

from darkroom_client.errors import Unusable
from darkroom_client.model import FileInfo, LocalFile

PHOTOS = {
    *(".jpg", ".jpeg", ".png", ".apng", ".webp", ".gif", ".bmp", ".tif", ".tiff"),
    *(".avif", ".heic", ".heif"),
}
"""Suffixes of the files taken from a folder. A file named explicitly is always taken."""

_EXTENSIONS = {
    "image/png": ".png",
    "image/webp": ".webp",
    "image/jpeg": ".jpg",
    "image/avif": ".avif",
    "image/tiff": ".tif",
}
_EXTENSION = re.compile(r"\.(?=[^.]*[A-Za-z])[A-Za-z0-9]{1,5}$")


def find_files(paths: Iterable[Path]) -> list[LocalFile]:
    """List the files at `paths`, and the photos in folders under their relative paths.

    Hidden files are left out of folders. Raises Unusable if a path does not exist, or a folder
    contains no photos.
    """
    files: list[LocalFile] = []
    for path in paths:
        if path.is_dir():
            photos = sorted(file for file in path.rglob("*") if _is_photo(file, path))
            if not photos:
                raise Unusable(f"{path}: no photos in this folder.")
            files += [LocalFile(file, file.relative_to(path).as_posix()) for file in photos]
        elif path.is_file():
            files.append(LocalFile(path, path.name))
        else:
            raise Unusable(f"{path}: no such file or folder.")
    return files


def _is_photo(file: Path, below: Path) -> bool:
    hidden = any(part.startswith(".") for part in file.relative_to(below).parts)
    return not hidden and file.suffix.lower() in PHOTOS and file.is_file()


class Places:
    """Assigns result paths below `out`: never outside it, never one twice, never an input."""

    def __init__(self, out: Path, inputs: Iterable[Path] = ()) -> None:
        self._out = out
        self._taken = {_key(path) for path in inputs}
        self._lock = threading.Lock()

    def assign(self, files: Sequence[FileInfo]) -> Mapping[Path, FileInfo]:
        """Reserve a path for each file that has a result."""
        return {
            self.place(result_name(file.name, file.result.content_type)): file
            for file in files
            if file.result
        }

    def place(self, name: str) -> Path:
        """Reserve the path `name` below `out`, with a number appended if it is taken."""
        parts = [part for part in PurePosixPath(name.replace("\\", "/")).parts if _is_safe(part)]
        first = path = self._out.joinpath(*(parts or ["photo"]))
        number = 2
        with self._lock:
            while _key(path) in self._taken:
                path = first.with_name(f"{first.stem} ({number}){first.suffix}")
                number += 1
            self._taken.add(_key(path))
        return path


def result_name(name: str, content_type: str) -> str:
    """Return the photo's name with the extension of its result's content type."""
    extension = _EXTENSIONS.get(content_type, "")
    folder, slash, last = name.rpartition("/")
    stem = _EXTENSION.sub("", last) or last
    return f"{folder}{slash}{stem}{extension}"


def _is_safe(part: str) -> bool:
    """Whether a path part stays below its parent on every operating system."""
    return part not in {".", ".."} and not part.startswith("/") and ":" not in part


def _key(path: Path) -> str:
    """A key that is equal for paths that differ only in case or Unicode normalization.

    Some file systems treat such paths as one file.
    """
    return unicodedata.normalize("NFC", str(path.resolve())).casefold()
