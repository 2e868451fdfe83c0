"""ZIP's compression methods (APPNOTE 4.4.5), each undone under a limit on what comes out.

The two that the standard library lacks are rare, so that their libraries are imported when needed;
where one is missing, its entries end as unsupported_compression.
"""

from __future__ import annotations

import bz2
import lzma
import sys
import zlib
from collections.abc import Callable
from importlib import import_module

from darkroom.errors import FileError

# Bytes of deflate64 unpacked at once: 18 bits of them can stand for 65,538 bytes.
_PIECE = 256
_LZMA_HEADER = 9  # 5.8.8: version, size of the properties, and 5 bytes of them
_LZMA_SMALLEST_DICTIONARY = 4096


def inflate(method: int, data: memoryview, limit: int) -> bytes:
    """What `data` unpacks to, stopped once it is over `limit` bytes: a longer result only tells
    that there is more. Raises FileError unsupported_compression, or entry_corrupt."""
    unpack = _METHODS.get(method)
    if unpack is None:
        raise _unsupported(method)
    try:
        return unpack(data, limit)
    except ImportError as error:
        raise _unsupported(method) from error
    except (zlib.error, lzma.LZMAError, OSError, EOFError, ValueError) as error:
        raise FileError("entry_corrupt", "The compressed photo in the ZIP is damaged.") from error


def _unsupported(method: int) -> FileError:
    return FileError(
        "unsupported_compression",
        f"Compression method {method} is not supported. Please pack the photo with Deflate.",
    )


def _stored(data: memoryview, limit: int) -> bytes:
    return bytes(data[: limit + 1])


def _deflated(data: memoryview, limit: int) -> bytes:
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    return _whole(inflater.decompress(data, limit + 1), inflater.eof, limit)


def _deflated64(data: memoryview, limit: int) -> bytes:
    """The library knows no limit, so it is fed by pieces that come to 8 MB at the very most."""
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
    """LZMA in a ZIP (5.8) has a header of its own, and mostly no mark at its end."""
    if len(data) < _LZMA_HEADER or int.from_bytes(data[2:4], "little") != 5:
        raise EOFError
    rest, lc = divmod(data[4], 9)
    pb, lp = divmod(rest, 5)
    # A dictionary as large as the result is enough, whatever the header would have allocated.
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
    # In the standard library since Python 3.14; `backports.zstd` is the same for those before.
    library = "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd"
    zstd = import_module(library)
    # 128 MB is the window `zstd --ultra --long` uses at most without being told otherwise.
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
