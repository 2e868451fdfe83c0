"""Guesses the code page of entry names that a ZIP does not declare as UTF-8.

CP437 is what the format prescribes (APPNOTE appendix D), but archivers write the code page of their
machine and do not say which. docs/decisions/0010-code-pages.md has the accuracy of the guess.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from itertools import pairwise

DEFAULT = "cp437"
_WESTERN = frozenset({"cp437", "cp850", "cp1252"})
_CYRILLIC = frozenset({"koi8-r", "cp866", "cp1251"})
_EAST_ASIAN = frozenset({"cp932", "gb18030", "big5hkscs", "cp949"})
# The names are statistically alike after a few kilobytes, and a ZIP may have megabytes of them.
_SAMPLE_BYTES = 16 * 1024
# No file system allows more: 255 characters, of two bytes each.
_MAX_NAME_BYTES = 512
# Spaces, digits and punctuation that are never the second byte of a character.
_SEPARATORS = re.compile(rb"[\x00-\x3f]+")
# The least confidence in any correct guess of a single Cyrillic or East Asian name was 0.012.
_MIN_CONFIDENCE = 0.01
# Signs that are neither letters nor ASCII, but common in names of any language.
_SIGNS = frozenset("ªº¿¡«»°·²½¼£€§©®№„…\u2018\u2019\u201c\u201d\u2013\u2014")
_CYRILLIC_LETTERS = "\u0400-\u04ff"
# Kana, ideographs and Hangul, among them half-width katakana.
_EAST_ASIAN_LETTERS = "\u3005-\u3007\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3\uff66-\uff9f"
# What shows that a reading is right: two letters of the script in a row or, where a single one is a
# word, one that touches no Latin letter. A wrong reading has them scattered among Latin letters:
# "größe" in CP932 is "gr批e".
_CYRILLIC_RUN = re.compile(f"[{_CYRILLIC_LETTERS}]{{2,}}")
_EAST_ASIAN_RUN = re.compile(
    f"[{_EAST_ASIAN_LETTERS}]{{2,}}|(?<![A-Za-z])[{_EAST_ASIAN_LETTERS}](?![A-Za-z])"
)


def legacy_encoding(names: Iterable[bytes]) -> str:
    """Guess the Python codec of a ZIP's names that are neither ASCII nor UTF-8.

    A ZIP is usually written on one machine, so all names share one encoding. It is CP437 unless
    every name can be decoded otherwise and that reading is the more plausible one. `names` is read
    up to 16 KiB.
    """
    sample = _sample(names)
    if not sample:
        return DEFAULT
    # CP437 has more box-drawing, Greek and mathematical signs than letters, so names that have only
    # Latin letters in it are most likely meant so. Only Shift-JIS looks like that too.
    if all(_is_latin(character) for name in sample for character in name.decode(DEFAULT)):
        return "cp932" if _is_japanese(sample) and _is_plausible(sample, "cp932") else DEFAULT
    for encoding, confidence in _detected(sample):
        certain = confidence >= _MIN_CONFIDENCE or encoding in _WESTERN
        if certain and _is_plausible(sample, encoding):
            return encoding
    return "cp932" if _is_japanese(sample) else DEFAULT


def _sample(paths: Iterable[bytes]) -> list[bytes]:
    """Distinct names of folders and files that are not ASCII, up to `_SAMPLE_BYTES` of them."""
    sample: dict[bytes, None] = {}
    size = 0
    for path in paths:
        # In none of the encodings is a slash or a dot the second byte of a character.
        *folders, file = path.split(b"/")
        stem, _, extension = file.rpartition(b".")
        for name in (*folders, stem if stem and extension.isascii() else file):
            if not name.isascii() and len(name) <= _MAX_NAME_BYTES and name not in sample:
                sample[name] = None
                size += len(name)
        if size >= _SAMPLE_BYTES:
            break
    return list(sample)


def _detected(sample: Sequence[bytes]) -> list[tuple[str, float]]:
    """The encodings that chardet considers possible, the likeliest first, with its confidence."""
    # Imported only when a ZIP has such names, which few have: it takes 50 ms and 25 MB.
    import chardet  # noqa: PLC0415

    # Numbers and ASCII words say nothing, and among too many of them chardet ignores the rest.
    words = {word: None for name in sample for word in _SEPARATORS.split(name)}
    telling = [word for word in words if not word.isascii()]
    results = chardet.detect_all(
        # The line break keeps it from taking the first name for a signature or a byte order mark.
        b"\n" + b"\n".join(telling),
        ignore_threshold=True,  # its confidence in a few short names is always low
        include_encodings=sorted(_WESTERN | _CYRILLIC | _EAST_ASIAN),
        compat_names=False,  # names of Python's codecs
    )
    return [(result["encoding"], result["confidence"]) for result in results if result["encoding"]]


def _is_plausible(sample: Sequence[bytes], encoding: str) -> bool:
    """Whether every name can be decoded, and most of what is not ASCII reads like words."""
    try:
        text = "\n".join(name.decode(encoding) for name in sample)
    except UnicodeDecodeError:
        return False
    foreign = [c for c in text if not c.isascii() and c not in _SIGNS]
    if encoding in _WESTERN:
        return all(map(_is_latin, foreign)) and not _has_inner_capital(text)
    if encoding in _CYRILLIC:
        runs = _CYRILLIC_RUN
        if not all("\u0400" <= c <= "\u04ff" for c in foreign):
            return False
    else:
        runs = _EAST_ASIAN_RUN
        if _is_private(text):
            return False
    return 2 * sum(map(len, runs.findall(text))) > len(foreign)


def _is_private(text: str) -> bool:
    """Whether the text has characters for private use, to which codecs map unassigned bytes."""
    return any("\ue000" <= character <= "\uf8ff" for character in text)


def _is_latin(character: str) -> bool:
    return character.isascii() or unicodedata.name(character, "").startswith("LATIN")


def _has_inner_capital(text: str) -> bool:
    """Whether an accented capital follows a small letter, as in "thÚÔtre" for "théâtre"."""
    return any(a.islower() and b.isupper() and not b.isascii() for a, b in pairwise(text))


def _is_japanese(sample: Sequence[bytes]) -> bool:
    """Whether the names are Shift-JIS (as CP932) rather than CP437.

    "größe" decoded as CP932 has a single kanji between Latin letters. Evidence of Japanese is
    therefore two Japanese characters in a row, or box-drawing characters in the CP437 reading.
    """
    try:
        texts = [(name.decode("cp932"), name.decode(DEFAULT)) for name in sample]
    except UnicodeDecodeError:
        return False
    if any(_is_private(text) for text, _ in texts):
        return False
    return any(_looks_japanese(text, western) for text, western in texts)


def _looks_japanese(text: str, western: str) -> bool:
    kinds = [_script(c) for c in text]
    in_a_row = any(a and b for a, b in pairwise(kinds))
    boxes = any(not c.isascii() and not c.isalpha() for c in western)
    return in_a_row or (boxes and any(kind and kind != "HALFWIDTH" for kind in kinds))


def _script(character: str) -> str:
    """HIRAGANA, KATAKANA, CJK or HALFWIDTH; empty for any other character."""
    name = unicodedata.name(character, "")
    japanese = ("HIRAGANA", "KATAKANA", "CJK UNIFIED", "HALFWIDTH KATAKANA")
    return name.split()[0] if name.startswith(japanese) else ""
