"""Every error code is described, and every described code is used."""

from __future__ import annotations

import re
from pathlib import Path

from darkroom.error_codes import (
    FILE_CODES,
    INTERNAL_CODES,
    JOB_CODES,
    REQUEST_CODES,
    SOCKET_CODES,
    WARNING_CODES,
)

ROOT = Path(__file__).parents[1]
# A code is the first string that a call of one of these is given.
RAISED = re.compile(
    r"\b(?:FileError|SkippedFile|InvalidRequest|Unauthorized|NotFound|Conflict|DarkroomError"
    r"|ArchiveError|RetryLater|OutboundError|warn|PhotoWarning|invalid|refusal|problem|respond)"
    r'\(\s*(?:\w+,\s*)?"([a-z0-9_]+)"'
)
NAMED = re.compile(r"(?:_CODES = \{|FILE_TOO_LARGE: Final = )[^}\n]*")


def used() -> set[str]:
    codes: set[str] = set()
    for folder in ("functions", "layer/darkroom"):
        for path in (ROOT / folder).rglob("*.py"):
            if path.name == "error_codes.py":
                continue
            text = path.read_text(encoding="utf-8")
            codes |= set(RAISED.findall(text))
            for constant in NAMED.findall(text):
                codes |= set(re.findall(r'"([a-z]+_[a-z_]+)"', constant))
    return codes


def test_every_code_is_described_and_every_described_code_is_used() -> None:
    described = {
        *REQUEST_CODES,
        *FILE_CODES,
        *JOB_CODES,
        *WARNING_CODES,
        *SOCKET_CODES,
        *INTERNAL_CODES,
    }
    assert used() == described


def test_what_is_described_is_a_sentence() -> None:
    for codes in (REQUEST_CODES, FILE_CODES, JOB_CODES, WARNING_CODES, SOCKET_CODES):
        assert all(text[0].isupper() and text.endswith(".") for text in codes.values())
