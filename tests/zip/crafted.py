"""Builds ZIPs byte by byte, so that tests can give any field a wrong value."""

from __future__ import annotations

import bz2
import lzma
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

MAX32 = 0xFFFFFFFF
UTF8, DESCRIPTOR, ENCRYPTED = 0x800, 0x8, 0x1
UNIX = 3 << 8 | 20
DOS_TIME, DOS_DATE = 12 << 11 | 34 << 5 | 28, (2024 - 1980) << 9 | 5 << 5 | 17


@dataclass
class Entry:
    """One entry. Fields that are None get the correct value. packed: the compressed bytes."""

    name: bytes
    data: bytes = b"some bytes of a photo"
    method: int = 0
    flags: int = 0
    made_by: int = UNIX
    attributes: int = 0o100644 << 16
    time: int = DOS_TIME
    date: int = DOS_DATE
    local_extra: bytes = b""
    extra: bytes = b""
    packed: bytes | None = None
    size: int | None = None
    compressed_size: int | None = None
    crc32: int | None = None
    offset: int | None = None
    local_name: bytes | None = None
    local_method: int | None = None
    local_flags: int | None = None
    zip64: bool = False


def pack(data: bytes, method: int) -> bytes:
    if method == 8:
        deflater = zlib.compressobj(9, zlib.DEFLATED, -15)
        return deflater.compress(data) + deflater.flush()
    if method == 12:
        return bz2.compress(data)
    if method == 14:
        properties = bytes([3 + 9 * (0 + 5 * 2)]) + (1 << 16).to_bytes(4, "little")
        packer = lzma.LZMACompressor(
            lzma.FORMAT_RAW,
            filters=[{"id": lzma.FILTER_LZMA1, "lc": 3, "lp": 0, "pb": 2, "dict_size": 1 << 16}],
        )
        return b"\x09\x04\x05\x00" + properties + packer.compress(data) + packer.flush()
    if method == 95:
        return lzma.compress(data)
    return data


def unicode_path(name: bytes, text: str) -> bytes:
    field = b"\x01" + zlib.crc32(name).to_bytes(4, "little") + text.encode()
    return struct.pack("<2H", 0x7075, len(field)) + field


def locator(position: int) -> bytes:
    """The ZIP64 end of central directory locator (4.3.15) of a record at `position`."""
    return struct.pack("<4sIQI", b"PK\6\7", 0, position, 1)


def build(
    entries: Sequence[Entry],
    *,
    prefix: bytes = b"",
    shifted: bool = False,
    before_end: bytes = b"",
    comment: bytes = b"",
    appended: bytes = b"",
    zip64: bool = False,
    capped: bool = True,
    disk: int = 0,
    count: int | None = None,
    directory_size: int | None = None,
    directory_offset: int | None = None,
) -> bytes:
    """Build a ZIP.

    prefix: bytes before the first header. shifted: offsets exclude the prefix. capped: whether a
    ZIP64 end record leaves the end record's own fields at their maximum.
    """
    body, directory = bytearray(prefix), bytearray()
    base = len(prefix) if shifted else 0
    for entry in entries:
        begin = len(body) - base
        local, packed, central = _entry(entry, begin)
        body += local + packed
        directory += central
    offset = len(body) - base if directory_offset is None else directory_offset
    size = len(directory) if directory_size is None else directory_size
    number = len(entries) if count is None else count
    end = body + directory + before_end
    if zip64:
        at = len(end) - base
        end += struct.pack(
            "<4sQ2H2I4Q", b"PK\6\6", 44, UNIX, 45, disk, disk, number, number, size, offset
        )
        end += locator(at)
        if capped:
            number, size, offset = 0xFFFF, MAX32, MAX32
    end += struct.pack(
        "<4s4H2IH", b"PK\5\6", disk, disk, number & 0xFFFF, number & 0xFFFF,
        size, offset & MAX32, len(comment),
    )  # fmt: skip
    return bytes(end + comment + appended)


def _entry(entry: Entry, begin: int) -> tuple[bytes, bytes, bytes]:
    packed = pack(entry.data, entry.method) if entry.packed is None else entry.packed
    crc32 = zlib.crc32(entry.data) if entry.crc32 is None else entry.crc32
    size = len(entry.data) if entry.size is None else entry.size
    compressed = len(packed) if entry.compressed_size is None else entry.compressed_size
    offset = begin if entry.offset is None else entry.offset
    extra = entry.extra
    if entry.zip64:
        extra = struct.pack("<2H3Q", 1, 24, size, compressed, offset) + extra
        size = compressed = offset = MAX32
    name = entry.name if entry.local_name is None else entry.local_name
    method = entry.method if entry.local_method is None else entry.local_method
    flags = entry.flags if entry.local_flags is None else entry.local_flags
    described = bool(entry.flags & DESCRIPTOR)
    local = struct.pack(
        "<4s5H3I2H", b"PK\3\4", 20, flags, method, entry.time, entry.date,
        0 if described else crc32, 0 if described else compressed, 0 if described else size,
        len(name), len(entry.local_extra),
    )  # fmt: skip
    central = struct.pack(
        "<4s6H3I5H2I", b"PK\1\2", entry.made_by, 20, entry.flags, entry.method,
        entry.time, entry.date, crc32, compressed, size, len(entry.name), len(extra),
        0, 0, 0, entry.attributes, offset,
    )  # fmt: skip
    if described:
        packed += struct.pack("<4s3I", b"PK\7\x08", crc32, compressed, size)
    return local + name + entry.local_extra, packed, central + entry.name + extra


def quoted_overlap(count: int, kernel: int = 1_000_000) -> bytes:
    """Build the bomb of https://www.bamsoftware.com/hacks/zipbomb/.

    Each entry is a stored deflate block that quotes the next entry's header and continues into that
    entry. All of them end in one shared kernel.
    """
    packed, data, quoted = pack(bytes(kernel), 8), bytes(kernel), b""
    entries: list[Entry] = []
    for index in reversed(range(count)):
        if quoted:
            block = b"\0" + struct.pack("<2H", len(quoted), len(quoted) ^ 0xFFFF)
            packed, data = block + quoted + packed, quoted + data
        entries.insert(0, Entry(f"{index:03d}".encode(), data, 8, packed=packed))
        quoted = _entry(entries[0], 0)[0]
    body = quoted + packed
    directory, at = b"", 0
    for entry in entries:
        directory += _entry(entry, at)[2]
        at += 30 + len(entry.name) + 5  # and the quoting block
    return (
        body
        + directory
        + struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, count, count, len(directory), len(body), 0)
    )
