"""The engine's results and warnings."""

from __future__ import annotations

from dataclasses import dataclass

from functions.process.engine.judging import Confidence


@dataclass(frozen=True, slots=True)
class PhotoWarning:
    """A remark for the user about a photo that was processed nevertheless."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Result:
    """A processed photo.

    extension: with its dot, such as ".png". width, height: in pixels. crc32: of `data`, as used
    in a ZIP. faces: the number found; None without face detection. face_score: of the largest one,
    0.8 to 1. confidence: None if nothing was estimated. model: None if no model ran.
    """

    data: bytes
    content_type: str
    extension: str
    width: int
    height: int
    crc32: int
    faces: int | None
    face_score: float | None
    confidence: Confidence | None
    model: str | None
    warnings: tuple[PhotoWarning, ...]
