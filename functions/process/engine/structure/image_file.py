"""The result and the errors that all parsers of `structure` share."""

from __future__ import annotations

from dataclasses import dataclass

from darkroom.errors import FileError


@dataclass(frozen=True, slots=True)
class ImageFile:
    """A parsed image file, not yet decoded.

    decoder: the only Pillow decoder that may open it. data: the bytes passed to that decoder.
    orientation: EXIF's, 1 to 8, still to be applied. 1 if the decoder applies it; 0 if `orient`
        must read it from the decoded image.
    size: (width, height); None if only the decoder reads it.
    frames: whether the file contains more images than the first.
    """

    decoder: str
    data: bytes
    orientation: int = 1
    size: tuple[int, int] | None = None
    frames: bool = False


def damaged(detail: str) -> FileError:
    return FileError("damaged_photo", f"The photo is damaged ({detail}); upload an undamaged copy.")


def too_complex(detail: str) -> FileError:
    return FileError(
        "too_complex",
        f"The photo would take too long to decode ({detail}); save it again with an image editor.",
    )
