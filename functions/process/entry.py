"""Reads the bytes of one photo, from an object or from an entry of an uploaded ZIP.

Section numbers are those of APPNOTE. Nothing in the central directory is trusted: limits apply to
the bytes actually unpacked, whose size and CRC-32 must then match the declared ones.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable

from darkroom.errors import FileError
from darkroom.limits import Limits, photo_too_large, ratio_too_high
from darkroom.messages import Source, ZipEntry
from functions.process.inflate import inflate

Fetch = Callable[[int, int], bytes]
"""Returns bytes [start, end) of the object. `end` is never past the object's size."""

_FIXED = 30  # the local header (4.3.7) without name and extra field
# The name is followed by an extra field whose length is only in the local header: some 30 bytes for
# time stamps and owners, 20 for ZIP64. The slack covers it, so most entries need one request.
SLACK = 1024
_ENCRYPTED = 0x1 | 0x40  # 4.4.4


def read_photo(fetch: Fetch, source: Source, limits: Limits) -> bytes:
    """Read a photo and check it against its source. Raises FileError."""
    if source.entry is not None:
        return read_entry(fetch, source.entry, source.size, limits)
    if source.size > limits.photo_bytes:
        raise photo_too_large(limits)
    data = fetch(0, source.size) if source.size else b""
    if len(data) != source.size:
        raise FileError(
            "size_mismatch", "The upload does not have its recorded size; upload it again."
        )
    return data


def read_entry(fetch: Fetch, entry: ZipEntry, zip_size: int, limits: Limits) -> bytes:
    """Read an entry of a ZIP of `zip_size` bytes with one request, or two if its header is long.

    Raises FileError: entry_corrupt, encrypted_entry, unsupported_compression, ratio_too_high,
    file_too_large, size_mismatch or crc_mismatch.
    """
    if max(entry.size, entry.compressed_size) > limits.photo_bytes:
        raise photo_too_large(limits)
    if entry.size > entry.compressed_size * limits.zip_ratio:
        raise ratio_too_high(limits)
    compressed = _compressed(fetch, entry, zip_size)
    allowed = min(limits.photo_bytes, entry.compressed_size * limits.zip_ratio)
    data = inflate(entry.method, compressed, allowed)
    if len(data) > allowed:
        raise photo_too_large(limits) if allowed == limits.photo_bytes else ratio_too_high(limits)
    if len(data) != entry.size:
        raise FileError(
            "size_mismatch",
            f"The photo has {len(data):,} bytes but its ZIP declares {entry.size:,}; "
            "create the ZIP again.",
        )
    if zlib.crc32(data) != entry.crc32:
        raise FileError(
            "crc_mismatch",
            "The photo is damaged inside its ZIP (CRC-32 mismatch); create the ZIP again.",
        )
    return data


def _compressed(fetch: Fetch, entry: ZipEntry, zip_size: int) -> memoryview:
    """Fetch the entry's compressed data, which begins after its local header."""
    expected = entry.offset + entry.header_size + entry.compressed_size
    if entry.header_size < _FIXED or expected > zip_size:
        raise _corrupt("it lies outside the ZIP")
    fetched = min(expected + SLACK, zip_size)
    data = fetch(entry.offset, fetched)
    begin = _header_size(data, entry)
    end = begin + entry.compressed_size
    if entry.offset + end > zip_size:
        raise _corrupt("it lies outside the ZIP")
    if end > len(data):
        data += fetch(fetched, entry.offset + end)
    if len(data) < end:
        raise _corrupt("the ZIP is cut off")
    return memoryview(data)[begin:end]


def _header_size(data: bytes, entry: ZipEntry) -> int:
    """Check the local header (4.3.7) against the directory, and return its actual length."""
    if len(data) < _FIXED or data[:4] != b"PK\3\4":
        raise _corrupt("its local header is missing")
    flags, method = (int.from_bytes(data[at : at + 2], "little") for at in (6, 8))
    name, extra = (int.from_bytes(data[at : at + 2], "little") for at in (26, 28))
    if flags & _ENCRYPTED:
        raise FileError(
            "encrypted_entry", "The photo is encrypted; create the ZIP without a password."
        )
    if method != entry.method or _FIXED + name != entry.header_size:
        raise _corrupt("its local header does not match the central directory")
    return _FIXED + name + extra


def _corrupt(detail: str) -> FileError:
    return FileError("entry_corrupt", f"The ZIP entry is damaged ({detail}); create the ZIP again.")
