"""The limits on uploads, their defaults, and the errors for exceeding them.

The defaults are the template's; `tests/test_template.py` compares the two.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from darkroom.errors import FileError
from darkroom.keys import background_key

FILE_TOO_LARGE: Final = "file_too_large"


@dataclass(frozen=True, slots=True)
class Limits:
    """photo_bytes: of one photo. photo_pixels: width times height.

    zip_bytes: of an uploaded ZIP, and of all its entries unpacked. zip_entries: in its central
    directory. zip_ratio: of an entry's size to its compressed size.
    """

    photo_bytes: int = 50_000_000
    photo_pixels: int = 50_000_000
    zip_bytes: int = 10_000_000_000
    zip_entries: int = 100_000
    zip_ratio: int = 100


def photo_too_large(limits: Limits) -> FileError:
    """The error for a photo over the limit, the same wherever a photo's bytes are checked."""
    return FileError(
        FILE_TOO_LARGE,
        f"The photo is over the limit of {megabytes(limits.photo_bytes)}; send a smaller copy.",
    )


def background_not_found(name: str) -> FileError:
    """The error for a background that the bucket lacks. name: as the options give it."""
    return FileError(
        "background_not_found",
        f"There is no background {name}; put it into the bucket as {background_key(name)}, "
        "or choose another one.",
    )


def ratio_too_high(limits: Limits) -> FileError:
    return FileError(
        "ratio_too_high",
        f"The entry unpacks to over {limits.zip_ratio} times its compressed size, "
        "which no photo does; pack it again or upload it on its own.",
    )


def megabytes(size: int) -> str:
    """A size in bytes as text, such as "50 MB"."""
    return f"{size / 1e6:,.10g} MB"
