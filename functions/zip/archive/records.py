"""Encodes the records of a ZIP with stored entries. Section numbers are those of APPNOTE."""

from __future__ import annotations

from datetime import UTC, datetime
from struct import Struct

_LOCAL = Struct("<4s5H3I2H")  # 4.3.7
_CENTRAL = Struct("<4s6H3I5H2I")  # 4.3.12
_END64 = Struct("<4sQ2H2I4Q")  # 4.3.14
_LOCATOR = Struct("<4sIQI")  # 4.3.15
_END = Struct("<4s4H2IH")  # 4.3.16
_MAX16, _MAX32 = 0xFFFF, 0xFFFFFFFF
_PLAIN, _ZIP64 = 20, 45  # versions needed (4.4.3.2)
_MADE_ON_UNIX = 3 << 8  # 4.4.2: readers use the file mode below only with this host
_MODE = 0o100644 << 16
_UTF8 = 0x800  # 4.4.4
_STORED = 0


def local_header(path: str, size: int, crc32: int, modified: datetime | None) -> bytes:
    """Encode the local header, which precedes an entry's bytes."""
    name = path.encode()
    time, date = _dos_time(modified)
    version, short, extra = _PLAIN, size, b""
    if size >= _MAX32:
        # The extra field of a local header must contain both sizes (4.5.3).
        version, short, extra = _ZIP64, _MAX32, _zip64_extra(size, size)
    return b"".join(
        (
            _LOCAL.pack(
                b"PK\3\4", version, _UTF8, _STORED, time, date,
                crc32, short, short, len(name), len(extra),
            ),
            name,
            extra,
        )
    )  # fmt: skip


def central_header(
    path: str, size: int, crc32: int, modified: datetime | None, offset: int
) -> bytes:
    """Encode the entry's central header; `offset` is the position of its local header."""
    name = path.encode()
    time, date = _dos_time(modified)
    large = [size, size] if size >= _MAX32 else []
    if offset >= _MAX32:
        large.append(offset)
    extra = _zip64_extra(*large) if large else b""
    version = _ZIP64 if large else _PLAIN
    short = min(size, _MAX32)
    return b"".join(
        (
            _CENTRAL.pack(
                b"PK\1\2", _MADE_ON_UNIX | version, version, _UTF8, _STORED, time, date,
                crc32, short, short, len(name), len(extra), 0, 0, 0, _MODE, min(offset, _MAX32),
            ),
            name,
            extra,
        )
    )  # fmt: skip


def end_records(count: int, offset: int, size: int) -> bytes:
    """Encode the end records of a directory of `count` entries and `size` bytes at `offset`."""
    end = _END.pack(
        b"PK\5\6", 0, 0, min(count, _MAX16), min(count, _MAX16),
        min(size, _MAX32), min(offset, _MAX32), 0,
    )  # fmt: skip
    if count < _MAX16 and size < _MAX32 and offset < _MAX32:
        return end
    made = _MADE_ON_UNIX | _ZIP64
    # The declared size of the record excludes its first 12 bytes (4.3.14.1).
    end64 = _END64.pack(b"PK\6\6", _END64.size - 12, made, _ZIP64, 0, 0, count, count, size, offset)
    return end64 + _LOCATOR.pack(b"PK\6\7", 0, offset + size, 1) + end


def _zip64_extra(*values: int) -> bytes:
    return Struct(f"<2H{len(values)}Q").pack(1, 8 * len(values), *values)


def _dos_time(modified: datetime | None) -> tuple[int, int]:
    """Encode time and date for MS-DOS (4.4.6): two-second steps, clamped to 1980 to 2107."""
    # Converting Python's first or last year to another time zone may overflow.
    if modified is not None and modified.tzinfo is not None and 1 < modified.year < 9999:
        modified = modified.astimezone(UTC)
    if modified is None or modified.year < 1980:
        return 0, 1 << 5 | 1
    if modified.year > 2107:
        return 23 << 11 | 59 << 5 | 29, 127 << 9 | 12 << 5 | 31
    time = modified.hour << 11 | modified.minute << 5 | modified.second // 2
    return time, (modified.year - 1980) << 9 | modified.month << 5 | modified.day
