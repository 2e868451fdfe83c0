"""What the engine returns."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PhotoWarning:
    """Something the user should know about a result that was made all the same."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Result:
    """A finished photo.

    extension: with its dot, such as ".png". width, height: in pixels. crc32: of `data`, as ZIP
    computes it. faces: how many were found, None where nobody looked. model: None where none was
    run.
    """

    data: bytes
    content_type: str
    extension: str
    width: int
    height: int
    crc32: int
    faces: int | None
    model: str | None
    warnings: tuple[PhotoWarning, ...]
