"""Which files to send, and where their results go."""

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
"""What is taken from a folder; a file that is named itself is taken whatever it is."""

_EXTENSIONS = {
    "image/png": ".png",
    "image/webp": ".webp",
    "image/jpeg": ".jpg",
    "image/avif": ".avif",
}
_EXTENSION = re.compile(r"\.(?=[^.]*[A-Za-z])[A-Za-z0-9]{1,5}$")


def find_files(paths: Iterable[Path]) -> list[LocalFile]:
    """The files at `paths` and the photos in folders, which keep their sub-folders.

    Raises Unusable where there is nothing.
    """
    found: list[LocalFile] = []
    for path in paths:
        if path.is_dir():
            photos = sorted(file for file in path.rglob("*") if _is_photo(file, path))
            if not photos:
                raise Unusable(f"{path}: no photos in this folder.")
            found += [LocalFile(file, file.relative_to(path).as_posix()) for file in photos]
        elif path.is_file():
            found.append(LocalFile(path, path.name))
        else:
            raise Unusable(f"{path}: no such file or folder.")
    return found


def _is_photo(file: Path, below: Path) -> bool:
    hidden = any(part.startswith(".") for part in file.relative_to(below).parts)
    return not hidden and file.suffix.lower() in PHOTOS and file.is_file()


class Places:
    """Where results go below `out`: never outside of it, never over each other or an input."""

    def __init__(self, out: Path, inputs: Iterable[Path] = ()) -> None:
        self._out = out
        self._taken = {_key(path) for path in inputs}
        self._assigning = threading.Lock()

    def assign(self, files: Sequence[FileInfo]) -> Mapping[Path, FileInfo]:
        """A place for each file that has a result."""
        return {
            self.place(result_name(file.name, file.result.content_type)): file
            for file in files
            if file.result
        }

    def place(self, name: str) -> Path:
        """`name` below `out`, with a number if it is taken."""
        parts = [part for part in PurePosixPath(name.replace("\\", "/")).parts if _is_plain(part)]
        first = path = self._out.joinpath(*(parts or ["photo"]))
        number = 2
        with self._assigning:
            while _key(path) in self._taken:
                path = first.with_name(f"{first.stem} ({number}){first.suffix}")
                number += 1
            self._taken.add(_key(path))
        return path


def result_name(name: str, content_type: str) -> str:
    """The name of the result of the photo `name`: its own, with the result's extension."""
    extension = _EXTENSIONS.get(content_type, "")
    folder, slash, last = name.rpartition("/")
    stem = _EXTENSION.sub("", last) or last
    return f"{folder}{slash}{stem}{extension}"


def _is_plain(part: str) -> bool:
    """Goes down one folder and nowhere else, on any system."""
    return part not in {".", ".."} and not part.startswith("/") and ":" not in part


def _key(path: Path) -> str:
    """Equal for paths that are one file where case and Unicode's forms do not count."""
    return unicodedata.normalize("NFC", str(path.resolve())).casefold()
