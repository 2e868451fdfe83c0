"""Decodes entry names when the ZIP does not declare UTF-8 (APPNOTE 4.4.4 bit 11, appendix D)."""

from __future__ import annotations

import unicodedata
import zlib
from collections.abc import Iterable
from itertools import pairwise

from functions.zip.ingest.headers import extra_field

UTF8_FLAG = 0x800
_UNICODE_PATH = 0x7075  # 4.6.9


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
    """Decode an entry's name.

    Valid UTF-8 is decoded as UTF-8 even without bit 11, because ZIPs from macOS and Linux often
    leave it unset. Info-ZIP's Unicode path field is used only if its CRC-32 matches this name.
    """
    if name.isascii():
        return name.decode("ascii")
    if not flags & UTF8_FLAG:
        field = extra_field(extra, _UNICODE_PATH)
        if field and field[0] == 1 and field[1:5] == zlib.crc32(name).to_bytes(4, "little"):
            name = field[5:]
    try:
        return name.decode()
    except UnicodeDecodeError:
        return name.decode(legacy, errors="replace")
