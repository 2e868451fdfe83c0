"""The bytes of one photo, from an object of its own or from inside an uploaded ZIP.

Section numbers are those of APPNOTE. What the directory declares is believed of nothing: the limits
hold for the bytes that really come out, and size and CRC-32 must then be as declared.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable

from darkroom.errors import FileError
from darkroom.limits import Limits, photo_too_large, ratio_too_high
from darkroom.messages import Source, ZipEntry
from functions.process.inflate import inflate

Fetch = Callable[[int, int], bytes]
"""The object's bytes from `start` up to, not including, `end`; never asked past its size."""

_FIXED = 30  # the local header (4.3.7) without name and extra field
# Behind the name comes an extra field whose length only the local header tells: some 30 bytes for
# time stamps and owners, 20 for ZIP64. The space also spares short headers a second request.
SLACK = 1024
_ENCRYPTED = 0x1 | 0x40  # 4.4.4


def read_photo(fetch: Fetch, source: Source, limits: Limits) -> bytes:
    """The photo's bytes, checked against what its source says of them. Raises FileError."""
    if source.entry is not None:
        return read_entry(fetch, source.entry, source.size, limits)
    if source.size > limits.photo_bytes:
        raise photo_too_large(limits)
    data = fetch(0, source.size) if source.size else b""
    if len(data) != source.size:
        raise FileError("size_mismatch", "The upload is not as long as it should be.")
    return data


def read_entry(fetch: Fetch, entry: ZipEntry, zip_size: int, limits: Limits) -> bytes:
    """An entry of a ZIP of `zip_size` bytes, in one request (two behind a long header).

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
            "size_mismatch", f"The photo has {len(data):,} bytes; its ZIP says {entry.size:,}."
        )
    if zlib.crc32(data) != entry.crc32:
        raise FileError("crc_mismatch", "The photo was damaged in its ZIP (CRC-32 does not match).")
    return data


def _compressed(fetch: Fetch, entry: ZipEntry, zip_size: int) -> memoryview:
    """The entry's data, found by its local header, which says how long itself is."""
    expected = entry.offset + entry.header_size + entry.compressed_size
    if entry.header_size < _FIXED or expected > zip_size:
        raise _corrupt("it lies outside the archive")
    fetched = min(expected + SLACK, zip_size)
    data = fetch(entry.offset, fetched)
    begin = _header_size(data, entry)
    end = begin + entry.compressed_size
    if entry.offset + end > zip_size:
        raise _corrupt("it lies outside the archive")
    if end > len(data):
        data += fetch(fetched, entry.offset + end)
    if len(data) < end:
        raise _corrupt("the archive is cut off")
    return memoryview(data)[begin:end]


def _header_size(data: bytes, entry: ZipEntry) -> int:
    """The local header's real length, once it agrees with the directory (4.3.7)."""
    if len(data) < _FIXED or data[:4] != b"PK\3\4":
        raise _corrupt("there is none at its place")
    flags, method = (int.from_bytes(data[at : at + 2], "little") for at in (6, 8))
    name, extra = (int.from_bytes(data[at : at + 2], "little") for at in (26, 28))
    if flags & _ENCRYPTED:
        raise FileError(
            "encrypted_entry", "The photo is encrypted. Please pack it without a password."
        )
    if method != entry.method or _FIXED + name != entry.header_size:
        raise _corrupt("its two headers do not agree")
    return _FIXED + name + extra


def _corrupt(what: str) -> FileError:
    return FileError("entry_corrupt", f"The entry in the ZIP is damaged: {what}.")
