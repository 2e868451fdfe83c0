"""Decompresses ZIP entries (methods of APPNOTE 4.4.5) with a limit on the output.

Deflate64 and Zstandard are rare and not in every standard library, so their libraries are imported
when needed. If one is missing, its entries fail with `unsupported_compression`.
"""

from __future__ import annotations

import bz2
import lzma
import sys
import zlib
from collections.abc import Callable
from importlib import import_module

from darkroom.errors import FileError

# Bytes of deflate64 input per call: 18 bits of it can encode 65,538 bytes.
_PIECE = 256
_LZMA_HEADER = 9  # 5.8.8: version, size of the properties, and 5 bytes of them
_LZMA_SMALLEST_DICTIONARY = 4096


def inflate(method: int, data: memoryview, limit: int) -> bytes:
    """Decompress `data`, stopping once the output exceeds `limit` bytes.

    A result longer than `limit` means that there is more. Raises FileError
    (`unsupported_compression`, `entry_corrupt`).
    """
    unpack = _METHODS.get(method)
    if unpack is None:
        raise _unsupported(method)
    try:
        return unpack(data, limit)
    except ImportError as error:
        raise _unsupported(method) from error
    except (zlib.error, lzma.LZMAError, OSError, EOFError, ValueError) as error:
        raise FileError(
            "entry_corrupt", "The compressed photo in the ZIP is damaged; create the ZIP again."
        ) from error


def _unsupported(method: int) -> FileError:
    return FileError(
        "unsupported_compression",
        f"Compression method {method} is not supported; create the ZIP with Deflate.",
    )


def _stored(data: memoryview, limit: int) -> bytes:
    return bytes(data[: limit + 1])


def _deflated(data: memoryview, limit: int) -> bytes:
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    return _whole(inflater.decompress(data, limit + 1), inflater.eof, limit)


def _deflated64(data: memoryview, limit: int) -> bytes:
    """inflate64 has no output limit, so it gets pieces that unpack to 8 MB at most."""
    inflater = import_module("inflate64").Inflater()
    result = bytearray()
    for start in range(0, len(data), _PIECE):
        result += inflater.inflate(bytes(data[start : start + _PIECE]))
        if inflater.eof or len(result) > limit:
            break
    return _whole(bytes(result), inflater.eof, limit)


def _bzip2(data: memoryview, limit: int) -> bytes:
    inflater = bz2.BZ2Decompressor()
    return _whole(inflater.decompress(data, limit + 1), inflater.eof, limit)


def _lzma(data: memoryview, limit: int) -> bytes:
    """LZMA in a ZIP (5.8) has its own header, and usually no end marker."""
    if len(data) < _LZMA_HEADER or int.from_bytes(data[2:4], "little") != 5:
        raise EOFError
    rest, lc = divmod(data[4], 9)
    pb, lp = divmod(rest, 5)
    # A dictionary as large as the output suffices, however much the header asks for.
    dictionary = min(int.from_bytes(data[5:9], "little"), limit)
    inflater = lzma.LZMADecompressor(
        lzma.FORMAT_RAW,
        filters=[
            {
                "id": lzma.FILTER_LZMA1,
                "dict_size": max(dictionary, _LZMA_SMALLEST_DICTIONARY),
                "lc": lc,
                "lp": lp,
                "pb": pb,
            }
        ],
    )
    return inflater.decompress(data[_LZMA_HEADER:], limit + 1)


def _xz(data: memoryview, limit: int) -> bytes:
    inflater = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=256 * 1024 * 1024)
    return _whole(inflater.decompress(data, limit + 1), inflater.eof, limit)


def _zstandard(data: memoryview, limit: int) -> bytes:
    # In the standard library since Python 3.14; `backports.zstd` provides it for older versions.
    library = "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd"
    zstd = import_module(library)
    # 128 MB is the largest window that `zstd --ultra --long` uses by default.
    options = {zstd.DecompressionParameter.window_log_max: 27}
    inflater = zstd.ZstdDecompressor(options=options)
    try:
        result: bytes = inflater.decompress(data, limit + 1)
    except zstd.ZstdError as error:
        raise ValueError from error
    return _whole(result, inflater.eof, limit)


def _whole(result: bytes, at_end: bool, limit: int) -> bytes:
    if not at_end and len(result) <= limit:
        raise EOFError
    return result


_METHODS: dict[int, Callable[[memoryview, int], bytes]] = {
    0: _stored,
    8: _deflated,
    9: _deflated64,
    12: _bzip2,
    14: _lzma,
    93: _zstandard,
    95: _xz,
}
