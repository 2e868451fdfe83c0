"""Names in a ZIP that does not say how they are written (APPNOTE 4.4.4 bit 11, appendix D)."""

from __future__ import annotations

import unicodedata
import zlib
from collections.abc import Iterable
from itertools import pairwise

from functions.zip.ingest.headers import extra_field

UTF8_FLAG = 0x800
_UNICODE_PATH = 0x7075  # 4.6.9


def legacy_encoding(names: Iterable[bytes]) -> str:
    """The encoding of an archive's names that are neither ASCII nor UTF-8: CP437, which the format
    prescribes, or Shift-JIS (as CP932), which Japanese Windows writes.

    An archive is written on one machine, so that all its names decide together: each must be
    Shift-JIS, and one at least must look Japanese.
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
    """Whether a name is better read as `text` than as `western`. A single kanji between Latin
    letters is what "größe" gives, so that only two characters in a row, or box-drawing characters
    in the other reading, are proof."""
    kinds = [_script(c) for c in text]
    in_a_row = any(a and b for a, b in pairwise(kinds))
    boxes = any(not c.isascii() and not c.isalpha() for c in western)
    return in_a_row or (boxes and any(kind and kind != "HALFWIDTH" for kind in kinds))


def _script(character: str) -> str:
    """HIRAGANA, KATAKANA, CJK or HALFWIDTH; empty for what is not Japanese."""
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
    """A name as text. UTF-8 is taken for what it is even where bit 11 does not say so, as with
    archives from macOS and Linux; Info-ZIP's Unicode path counts only if made for this name."""
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
