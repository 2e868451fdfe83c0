"""What goes into the engine and comes out of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """What one photo may cost.

    max_bytes: of the file.
    max_pixels: width times height, by the header and so before anything is decoded.
    max_seconds: from the first look at the file to the result; looked at before every step, so a
        photo can be over it by one step at most. What a single step can take is bounded by the
        pixels and, for decoding, by the file's structure (see `structure`).
    matting_pixels: alpha matting and decontamination work on a copy no larger than this.
    """

    max_bytes: int = 50_000_000
    max_pixels: int = 50_000_000
    max_seconds: float = 60.0
    matting_pixels: int = 1_000_000


@dataclass(frozen=True, slots=True)
class PhotoWarning:
    """Something the user should know of a result that is there nevertheless."""

    code: str
    message: str

    def as_dict(self) -> dict[str, str]:
        return {"code": self.code, "message": self.message}


@dataclass(frozen=True, slots=True)
class Result:
    """A finished photo.

    extension: with its dot, such as ".png". width, height: in pixels. crc32: of `data`, as ZIP
    counts it. faces: how many were found, None where nobody looked. model: None where none was
    run. seconds: what this photo took, waiting for its turn at the model included.
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
    seconds: float
