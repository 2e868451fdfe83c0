"""Decodes the names of a ZIP's entries (APPNOTE 4.4.4 bit 11, 4.6.9, appendix D)."""

from __future__ import annotations

import zlib

from functions.zip.ingest.headers import extra_field

UTF8_FLAG = 0x800
_UNICODE_PATH = 0x7075  # 4.6.9
_UNICODE_PATH_ID = _UNICODE_PATH.to_bytes(2, "little")


def is_utf8(name: bytes) -> bool:
    try:
        name.decode()
    except UnicodeDecodeError:
        return False
    return True


def decode_name(name: bytes, flags: int, extra: bytes, legacy: str) -> str:
    """Decode an entry's name; `legacy` is the encoding of names that are not UTF-8.

    Valid UTF-8 is decoded as UTF-8 even without bit 11, because ZIPs from macOS and Linux often
    leave it unset. Info-ZIP's Unicode path field takes precedence over a name without bit 11, also
    over an ASCII one: archivers write "?" or "_" for what their code page lacks.
    """
    if not flags & UTF8_FLAG:
        unicode_path = _unicode_path(name, extra)
        if unicode_path:
            return unicode_path
    try:
        return name.decode()
    except UnicodeDecodeError:
        return name.decode(legacy, errors="replace")


def _unicode_path(name: bytes, extra: bytes) -> str | None:
    """The path in the Unicode path field; None if there is none, or it is not of this name.

    The field holds the CRC-32 of the name that it was written for. A tool that does not know the
    field may have renamed the entry since.
    """
    if _UNICODE_PATH_ID not in extra:
        return None
    field = extra_field(extra, _UNICODE_PATH)
    if not field or field[0] != 1 or field[1:5] != zlib.crc32(name).to_bytes(4, "little"):
        return None
    try:
        return field[5:].decode()
    except UnicodeDecodeError:
        return None
