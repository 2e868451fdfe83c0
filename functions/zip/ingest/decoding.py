"""Decodes entry names when the ZIP does not declare UTF-8 (APPNOTE 4.4.4 bit 11, appendix D)."""

from __future__ import annotations

import unicodedata
import zlib
from collections.abc import Iterable
from itertools import pairwise

from functions.zip.ingest.headers import extra_field

UTF8_FLAG = 0x800
_UNICODE_PATH = 0x7075  # 4.6.9
_UNICODE_PATH_ID = _UNICODE_PATH.to_bytes(2, "little")


def legacy_encoding(names: Iterable[bytes]) -> str:
    """Detect the encoding of a ZIP's names that are neither ASCII nor UTF-8.

    It is CP437, which the format prescribes, or Shift-JIS (as CP932), which Japanese Windows
    writes. A ZIP is usually written on one machine, so all names share one encoding: it is
    Shift-JIS if every name decodes as Shift-JIS and at least one looks Japanese.
    """
    japanese = False
    for name in names:
        try:
            text = name.decode("cp932")
        except UnicodeDecodeError:
            return "cp437"
        japanese = japanese or _is_japanese(text, name.decode("cp437"))
    return "cp932" if japanese else "cp437"


def _is_japanese(text: str, western: str) -> bool:
    """Whether `text` (decoded as CP932) is more plausible than `western` (decoded as CP437).

    "größe" decoded as CP932 has a single kanji between Latin letters. Evidence of Japanese is
    therefore two Japanese characters in a row, or box-drawing characters in the CP437 reading.
    """
    kinds = [_script(c) for c in text]
    in_a_row = any(a and b for a, b in pairwise(kinds))
    boxes = any(not c.isascii() and not c.isalpha() for c in western)
    return in_a_row or (boxes and any(kind and kind != "HALFWIDTH" for kind in kinds))


def _script(character: str) -> str:
    """HIRAGANA, KATAKANA, CJK or HALFWIDTH; empty for any other character."""
    name = unicodedata.name(character, "")
    japanese = ("HIRAGANA", "KATAKANA", "CJK UNIFIED", "HALFWIDTH KATAKANA")
    return name.split()[0] if name.startswith(japanese) else ""


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
