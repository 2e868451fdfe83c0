"""What goes into the engine and comes out of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """What a photo may cost.

    max_bytes: of the file. max_pixels: width x height of the picture, by its header.
    max_side: pixels; the widest and highest that every output format but WebP can hold.
    max_seconds: between reading the header and the result; checked before each step.
    """

    max_bytes: int = 50_000_000
    max_pixels: int = 50_000_000
    max_side: int = 65_500
    max_seconds: float = 60.0


@dataclass(frozen=True, slots=True)
class Warning:  # noqa: A001 - the name clients see
    """Something the user should know of a result that is there nevertheless."""

    code: str
    message: str

    def as_dict(self) -> dict[str, str]:
        return {"code": self.code, "message": self.message}


@dataclass(frozen=True, slots=True)
class Result:
    """A finished photo.

    extension: with its dot, such as ".png". crc32: of `data`, as ZIP counts it.
    faces: how many were found, None where nobody looked. model: None where none was run.
    seconds: the engine's own time for this photo.
    """

    data: bytes
    content_type: str
    extension: str
    width: int
    height: int
    crc32: int
    faces: int | None
    model: str | None
    warnings: tuple[Warning, ...]
    seconds: float
