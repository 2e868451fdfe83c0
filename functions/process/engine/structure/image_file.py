"""What the readers of `structure` have in common."""

from __future__ import annotations

from dataclasses import dataclass

from darkroom.errors import FileError


@dataclass(frozen=True, slots=True)
class ImageFile:
    """A picture file, looked at but not decoded.

    decoder: the one Pillow decoder that may open it. data: what that decoder gets to see.
    orientation: EXIF's, 1 to 8, still to be applied (1 where the decoder applies it itself).
    size: (width, height) where the reader saw it; None leaves it to the decoder's header.
    frames: true when there are more pictures in the file than the first.
    """

    decoder: str
    data: bytes
    orientation: int = 1
    size: tuple[int, int] | None = None
    frames: bool = False


def damaged(what: str) -> FileError:
    return FileError("damaged_photo", f"This photo is damaged: {what}.")


def too_complex(what: str) -> FileError:
    return FileError(
        "too_complex", f"This photo would take far too long to decode: {what}. Save it anew."
    )
