"""How far a cutout can be trusted, as every file carries it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

REASONS: Final[Mapping[str, str]] = {
    "nothing_found": "The model found no subject in the photo.",
    "uncertain_edges": "The model is unsure where the subject ends.",
    "several_subjects": "There are several subjects, and perhaps one is missing or too many.",
    "cut_by_border": "The border of the photo cuts through the subject.",
    "very_small": "The subject is very small.",
    "very_thin": "The subject is very thin, and parts of it may be missing.",
    "no_face": "A face was expected, and none was found.",
    "unsure_face": "What the photo was cropped to may not be a face.",
}
"""Why a cutout may need a look, by code."""

REVIEW_BELOW: Final = 0.5
"""Files whose score is lower are worth a look. On the scenes of `make bench-quality`, half of the
mask is wrong there on average."""

_STEPS: Final = 254


def to_byte(score: float) -> int:
    """A score as it is stored beside the tally: 1 to 255; 0 stands for a file without one."""
    return 1 + round(_STEPS * min(max(score, 0.0), 1.0))


def from_byte(byte: int) -> float:
    return round((byte - 1) / _STEPS, 3)


def needs_review(byte: int) -> bool:
    return 0 < byte < to_byte(REVIEW_BELOW)


def confidence_document(byte: int | None, reasons: Sequence[str]) -> dict[str, Any] | None:
    """The confidence as the API returns it; None for a file without one."""
    if not byte:
        return None
    return {
        "score": from_byte(byte),
        "reasons": [{"code": code, "message": REASONS[code]} for code in reasons],
    }
