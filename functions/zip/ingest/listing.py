"""Lists the entries of an uploaded ZIP from its central directory."""

from __future__ import annotations

import mimetypes
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from darkroom.errors import FileError, SkippedFile
from darkroom.limits import Limits, photo_too_large, ratio_too_high
from darkroom.messages import ZipEntry
from functions.zip.ingest.code_pages import legacy_encoding
from functions.zip.ingest.decoding import UTF8_FLAG, decode_name, is_utf8
from functions.zip.ingest.directory import Directory, read_directory
from functions.zip.ingest.headers import LOCAL_FIXED, Entries, Header, check_entries, read_header
from functions.zip.ingest.ranged import RangedFile

_ENCRYPTED = 0x1 | 0x40 | 0x2000  # APPNOTE 4.4.4: traditional, strong, central directory
_PATCH = 0x20
# Stored, deflate, deflate64, bzip2, LZMA, Zstandard and XZ (4.4.5): the methods `process` supports.
METHODS = frozenset({0, 8, 9, 12, 14, 93, 95})
_AES = 99
_UNIX, _DARWIN = 3, 19  # 4.4.2
_DOS_FOLDER = 0x10
_SYSTEM_FILES = frozenset({".ds_store", "thumbs.db", "desktop.ini"})
_ARCHIVES = frozenset(
    {".7z", ".bz2", ".cbr", ".cbz", ".gz", ".jar", ".lzh", ".rar", ".tar", ".tbz", ".tgz", ".txz"}
    | {".xz", ".zip", ".zipx", ".zst"}
)
# The standard library's built-in table, so that results do not depend on the machine.
_TYPES = mimetypes.MimeTypes()


@dataclass(frozen=True, slots=True)
class Listed:
    """One entry of the central directory.

    index: the entry's position in the directory, from 0. Folders and system files leave gaps.
    path: decoded, with '/' between folders, otherwise as stored in the ZIP (not safe to use).
    modified: the archiver's local time, labelled UTC because the format has no time zone; None
        if invalid.
    problem: why the entry is not processed; None for a photo.
    """

    index: int
    path: str
    entry: ZipEntry
    modified: datetime | None
    problem: FileError | None


class Listing:
    """A checked central directory. Iteration decodes one entry at a time, from any index."""

    def __init__(self, directory: Directory, entries: Entries, limits: Limits) -> None:
        self._directory = directory
        self._entries = entries
        self._limits = limits
        self._legacy = legacy_encoding(_undeclared_names(directory, entries))

    def __len__(self) -> int:
        """The number of entries in the directory, including folders and system files."""
        return len(self._entries.at)

    def __iter__(self) -> Iterator[Listed]:
        return self.entries()

    def entries(self, start: int = 0) -> Iterator[Listed]:
        """Iterate from index `start`, so that a fan-out can resume where it stopped."""
        for index in range(start, len(self)):
            header = read_header(self._directory, self._entries.at[index])
            path = decode_name(header.name, header.flags, header.extra, self._legacy)
            # After decoding: the second byte of a Shift-JIS character may be a backslash.
            path = path.replace("\\", "/")
            if not (_is_folder(header, path) or _is_system_file(path)):
                yield self._listed(index, path, header)

    def _listed(self, index: int, path: str, header: Header) -> Listed:
        entry = ZipEntry(
            offset=self._entries.offsets[index],
            header_size=LOCAL_FIXED + len(header.name),
            compressed_size=header.compressed_size,
            size=header.size,
            method=header.method,
            crc32=header.crc32,
        )
        problem = (
            _not_a_photo(header, path)
            or _unsupported(header)
            or self._misplaced(index, entry)
            or self._too_large(entry)
        )
        return Listed(index, path, entry, _modified(header), problem)

    def _misplaced(self, index: int, entry: ZipEntry) -> FileError | None:
        end = entry.offset + entry.header_size + entry.compressed_size
        if end > self._directory.start:
            return FileError(
                "entry_outside_archive", "The entry lies outside its ZIP; create the ZIP again."
            )
        if index in self._entries.overlapping:
            return FileError(
                "overlapping_entries",
                "The entry overlaps another entry of its ZIP; create the ZIP again.",
            )
        return None

    def _too_large(self, entry: ZipEntry) -> FileError | None:
        limits = self._limits
        if max(entry.size, entry.compressed_size) > limits.photo_bytes:
            return photo_too_large(limits)
        if entry.size > limits.zip_ratio * entry.compressed_size:
            return ratio_too_high(limits)
        return None


def list_entries(file: RangedFile, limits: Limits) -> Listing:
    """Fetch and check the whole central directory.

    Raises FileError if the ZIP as a whole is invalid or over a limit. A fault of a single entry is
    reported as its `problem`.
    """
    if file.size > limits.zip_bytes:
        limit = f"{limits.zip_bytes / 1e9:,.1f} GB"
        raise FileError(
            "archive_too_large",
            f"The ZIP is over the limit of {limit}; split it into smaller ZIPs.",
        )
    directory = read_directory(file, limits.zip_entries)
    entries = check_entries(directory, limits.zip_entries, limits.zip_bytes)
    return Listing(directory, entries, limits)


def _undeclared_names(directory: Directory, entries: Entries) -> Iterator[bytes]:
    """Yield names that are neither ASCII nor UTF-8."""
    data = directory.data
    for at in entries.at:
        name = data[at + 46 : at + 46 + (data[at + 28] | data[at + 29] << 8)]
        if not name.isascii() and not (data[at + 9] << 8 & UTF8_FLAG) and not is_utf8(name):
            yield name


def _is_folder(header: Header, path: str) -> bool:
    if path.endswith("/"):
        return True
    marked = header.attributes & _DOS_FOLDER or stat.S_ISDIR(_unix_mode(header))
    return bool(marked) and header.size == 0


def _is_system_file(path: str) -> bool:
    folders, _, name = path.rpartition("/")
    return (
        name.startswith("._")
        or name.casefold() in _SYSTEM_FILES
        or "__MACOSX" in folders.split("/")
    )


def _unix_mode(header: Header) -> int:
    return header.attributes >> 16 if header.made_by >> 8 in (_UNIX, _DARWIN) else 0


def _not_a_photo(header: Header, path: str) -> SkippedFile | None:
    if stat.S_ISLNK(_unix_mode(header)):
        return SkippedFile(
            "symbolic_link", "The entry is a symbolic link; add the photo itself to the ZIP."
        )
    name = path.rpartition("/")[2]
    stem, dot, extension = name.rpartition(".")
    return _by_extension(dot + extension.lower()) if stem and dot else None


@lru_cache(maxsize=1024)
def _by_extension(extension: str) -> SkippedFile | None:
    """Reject extensions that are certainly not photos. `process` checks the bytes of the rest."""
    if extension in _ARCHIVES:
        return SkippedFile(
            "nested_archive",
            "Compressed files inside a ZIP are not unpacked; upload their photos separately.",
        )
    kind, encoding = _TYPES.guess_type("name" + extension, strict=False)
    if encoding or (kind and not kind.startswith("image/")):
        return SkippedFile(
            "not_a_photo",
            f"The extension {extension} is not that of a photo; rename the file if it is one.",
        )
    return None


def _unsupported(header: Header) -> FileError | None:
    if header.flags & _ENCRYPTED or header.method == _AES:
        return FileError(
            "encrypted_entry", "The photo is encrypted; create the ZIP without a password."
        )
    if header.method not in METHODS or header.flags & _PATCH:
        return FileError(
            "unsupported_compression",
            f"Compression method {header.method} is not supported; create the ZIP with Deflate.",
        )
    if header.method == 0 and header.size != header.compressed_size:
        return FileError(
            "size_mismatch",
            "The ZIP declares two different sizes for the photo; create the ZIP again.",
        )
    return None


def _modified(header: Header) -> datetime | None:
    """Convert the MS-DOS date and time (4.4.6), which have a resolution of two seconds."""
    date, time = header.date, header.time
    try:
        return datetime(
            1980 + (date >> 9), date >> 5 & 15, date & 31,
            time >> 11, time >> 5 & 63, (time & 31) * 2, tzinfo=UTC,
        )  # fmt: skip
    except ValueError:
        return None
