"""Parses the headers in a ZIP's central directory. Section numbers are those of APPNOTE."""

from __future__ import annotations

from array import array
from struct import Struct
from typing import NamedTuple

from darkroom.errors import FileError
from functions.zip.ingest.directory import Directory, broken, too_many

LOCAL_FIXED = 30  # 4.3.7, without name and extra field
_HEADER = Struct("<I6H3I5H2I")  # 4.3.12
_SIGNATURE = 0x02014B50
_MAX16, _MAX32 = 0xFFFF, 0xFFFFFFFF


class Header(NamedTuple):
    """One header of the central directory (4.3.12). `at` is its position in the directory."""

    at: int
    made_by: int
    flags: int
    method: int
    time: int
    date: int
    crc32: int
    compressed_size: int
    size: int
    name: bytes
    extra: bytes
    attributes: int


class Entries(NamedTuple):
    """The checked entries of a central directory.

    at: the position of each header in the directory. offsets: of the local headers, in the object.
    overlapping: the indices of entries whose data overlaps another entry.
    """

    at: array[int]
    offsets: array[int]
    overlapping: frozenset[int]


def check_entries(directory: Directory, max_entries: int, max_bytes: int) -> Entries:
    """Check all headers in one pass. Raises FileError if a header, count or total is invalid."""
    data, position, total, last = directory.data, 0, 0, 0
    at, offsets, ends = array("I"), array("Q"), array("Q")
    # Archivers without ZIP64 support (Finder before about macOS 10.15) let offsets wrap at 4 GiB.
    # The shift is then a multiple of 4 GiB, and entries are stored in the directory's order.
    wraps = not directory.zip64 and directory.shift > 0 and directory.shift % (_MAX32 + 1) == 0
    shift = 0 if wraps else directory.shift
    while position + _HEADER.size <= len(data):
        header = _HEADER.unpack_from(data, position)
        if header[0] != _SIGNATURE:
            break
        if len(at) == max_entries:
            raise too_many(max_entries)
        compressed, size, name, extra, comment, offset = (
            header[8], header[9], header[10], header[11], header[12], header[16],
        )  # fmt: skip
        after = position + _HEADER.size + name + extra
        if after + comment > len(data):
            raise broken("its central directory is cut off")
        if _MAX32 in (compressed, size, offset):
            size, compressed, offset = _from_zip64(
                data[after - extra : after], size, compressed, offset
            )
        if wraps and offset + shift < last:
            shift += _MAX32 + 1
        total += size
        last = min(offset + shift, 1 << 63)
        at.append(position)
        offsets.append(last)
        ends.append(min(last + LOCAL_FIXED + name + compressed, 1 << 63))
        position = after + comment
    _check_totals(directory, position, len(at), total, max_bytes)
    return Entries(at, offsets, _overlapping(data, at, offsets, ends))


def _check_totals(
    directory: Directory, position: int, count: int, total: int, max_bytes: int
) -> None:
    declared = count if directory.zip64 else count & _MAX16
    following = directory.data[position : position + 4]
    # A digital signature may end the directory (4.3.13).
    if declared != directory.count or (following and following != b"PK\5\5"):
        raise broken("its central directory does not have the declared number of entries")
    if total > max_bytes:
        raise FileError(
            "archive_too_large",
            f"The ZIP unpacks to {total / 1e9:,.1f} GB, over the limit of "
            f"{max_bytes / 1e9:,.1f} GB; split it into smaller ZIPs.",
        )


def read_header(directory: Directory, at: int) -> Header:
    """Parse the header at position `at` of the directory and resolve its ZIP64 sizes."""
    (
        _, made_by, _, flags, method, time, date, crc32, compressed, size,
        name_size, extra_size, _, _, _, attributes, offset,
    ) = _HEADER.unpack_from(directory.data, at)  # fmt: skip
    name_end = at + _HEADER.size + name_size
    name = directory.data[at + _HEADER.size : name_end]
    extra = directory.data[name_end : name_end + extra_size]
    if _MAX32 in (compressed, size):
        size, compressed, _ = _from_zip64(extra, size, compressed, offset)
    return Header(
        at, made_by, flags, method, time, date, crc32, compressed, size, name, extra, attributes
    )


def extra_field(extra: bytes, wanted: int) -> bytes | None:
    """Return the first extra field with the id `wanted` (4.5.1); None if absent or cut off."""
    at = 0
    while at + 4 <= len(extra):
        kind = extra[at] | extra[at + 1] << 8
        size = extra[at + 2] | extra[at + 3] << 8
        if kind == wanted:
            return extra[at + 4 : at + 4 + size] if at + 4 + size <= len(extra) else None
        at += 4 + size
    return None


def _from_zip64(extra: bytes, size: int, compressed: int, offset: int) -> tuple[int, int, int]:
    """Resolve size, compressed size and offset with the ZIP64 extra field (4.5.3).

    The field holds, in this order, only the values that are at their 32-bit maximum. If it is
    missing or too short, the maximum is taken literally.
    """
    field = extra_field(extra, 1) or b""
    values = [size, compressed, offset]
    at = 0
    for i, value in enumerate(values):
        if value == _MAX32 and at + 8 <= len(field):
            values[i] = int.from_bytes(field[at : at + 8], "little")
            at += 8
    return values[0], values[1], values[2]


def _overlapping(
    data: bytes, at: array[int], offsets: array[int], ends: array[int]
) -> frozenset[int]:
    """Return the indices of entries whose data overlaps the next entry.

    An identical entry listed twice does not count as an overlap, because real ZIPs contain such
    duplicates (https://github.com/python/cpython/issues/117779).
    """
    order = sorted(range(len(at)), key=offsets.__getitem__)
    overlapping: set[int] = set()
    following = 1 << 64
    while order:
        group = [order.pop()]
        while order and offsets[order[-1]] == offsets[group[0]]:
            group.append(order.pop())
        first = group[-1]
        identity = _identity(data, at[first])
        overlapping.update(
            i
            for i in group
            if ends[i] > following or (i != first and _identity(data, at[i]) != identity)
        )
        following = offsets[first]
    return frozenset(overlapping)


def _identity(data: bytes, at: int) -> bytes:
    """The fields that identify an entry: its method, CRC-32, sizes and name."""
    name_size = data[at + 28] | data[at + 29] << 8
    return data[at + 10 : at + 12] + data[at + 16 : at + 28] + data[at + 46 : at + 46 + name_size]
