"""File names: made safe for any file system, and unique within an archive."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

NAMELESS = "photo"
# The most bytes of UTF-8 in a path component: file systems allow 255, less room for " (100000)"
# and a new extension.
COMPONENT_BYTES = 230
# The most bytes of UTF-8 in a path: below S3's 1,024 for a key, and still handled by unpackers.
PATH_BYTES = 900
# Characters that Windows forbids in names.
_FORBIDDEN = re.compile(r'[<>:"|?*]')
_RESERVED = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])\s*(\.|$)", re.I)
_DRIVE = re.compile(r"^[A-Za-z]:(?=/|$)")
# Control characters, invisible characters and those that change a text's direction (so that
# "gpj.exe" cannot pass for a photo), lone surrogates, and line separators.
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
# Invisible too, but emoji and some scripts need them.
_JOINERS = "\u200c\u200d"
# Windows drops dots and spaces at the end of a name.
_EDGES = re.compile(rf"^[\s{_JOINERS}]+|[\s.{_JOINERS}]+$")
_EXTENSION = re.compile(r"\.(?=[^.]*[A-Za-z])[A-Za-z0-9]{1,5}$")


def safe_path(raw: str) -> str:
    """`raw` as a relative path that is safe to write on Windows, macOS and Linux, never empty.

    The path is in NFC, with "/" between components. A component has at most COMPONENT_BYTES. A path
    over PATH_BYTES loses its outermost folders. The function is idempotent.
    """
    text = _DRIVE.sub("", raw.replace("\\", "/"))
    parts = [part for part in map(_safe_component, text.split("/")) if part]
    while len(parts) > 1 and len("/".join(parts).encode()) > PATH_BYTES:
        del parts[0]
    return "/".join(parts) or NAMELESS


def _safe_component(raw: str) -> str:
    """A path component made safe; empty for "." and ".." and others that name nothing."""
    visible = "".join(c for c in raw if c in _JOINERS or unicodedata.category(c) not in _INVISIBLE)
    text = _EDGES.sub("", _FORBIDDEN.sub("_", unicodedata.normalize("NFC", visible)))
    if _RESERVED.match(text):
        stem, dot, rest = text.partition(".")
        text = f"{stem.rstrip()}_{dot}{rest}"
    stem, extension = split_extension(text)
    return _EDGES.sub("", _shortened(stem, COMPONENT_BYTES - len(extension))) + extension


def _shortened(text: str, limit: int) -> str:
    """`text` cut to at most `limit` bytes of UTF-8, between two characters."""
    data = text.encode()
    return text if len(data) <= limit else data[:limit].decode(errors="ignore")


def split_extension(name: str) -> tuple[str, str]:
    """Split "a.b.jpg" into "a.b" and ".jpg". A suffix that does not look like an extension stays
    in the name: "trip 1.5.2024" has no extension, nor has ".jpg"."""
    found = _EXTENSION.search(name)
    return (name, "") if not found or not found.start() else (name[: found.start()], found[0])


def with_extension(path: str, ext: str) -> str:
    """`path` with `ext` (".png") in place of its extension."""
    folder, slash, name = path.rpartition("/")
    return folder + slash + split_extension(name)[0] + ext


class UniqueNames:
    """Numbers names that collide: a.png, a (2).png. The same paths in the same order get the same
    names.

    Names that differ only in case or Unicode normalization collide, as on Windows and macOS; so do
    a file and a folder. A folder keeps the spelling it first appeared with.
    """

    def __init__(self, reserved: Iterable[str] = ()) -> None:
        self._taken = {_key(path) for path in reserved}
        self._folders = {"": ""}
        self._next: dict[str, int] = {}

    def add(self, path: str) -> str:
        """`path`, or a numbered form of it that is not taken yet."""
        folder, _, name = path.rpartition("/")
        return self._claim(self._folder(folder), *split_extension(name))

    def _folder(self, path: str) -> str:
        """The unique name of the folder `path`; ends in "/" unless it is the root."""
        key = _key(path)
        if key not in self._folders:
            parent, _, name = path.rpartition("/")
            self._folders[key] = self._claim(self._folder(parent), name, "") + "/"
        return self._folders[key]

    def _claim(self, folder: str, stem: str, extension: str) -> str:
        first = path = f"{folder}{stem}{extension}"
        key = first_key = _key(first)
        while key in self._taken:
            number = self._next.get(first_key, 2)
            self._next[first_key] = number + 1
            path = f"{folder}{stem} ({number}){extension}"
            key = _key(path)
        self._taken.add(key)
        return path


def _key(path: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())
