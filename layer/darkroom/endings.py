"""The errors of jobs and files that end without a result, for whatever reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from darkroom.errors import DarkroomError, FileError
from darkroom.outcomes import Counts

CRASHED: Final = FileError(
    "processing_crashed",
    "Processing this file crashed its worker each time it was tried; "
    "try a smaller or freshly saved copy of it.",
)
NEVER_UPLOADED: Final = FileError(
    "never_uploaded", "The file was never uploaded; send it in a new job."
)
STALLED: Final = FileError(
    "processing_stalled",
    "This file made no progress for hours, although it was retried; "
    "retry the job, or send the file again.",
)
NOTHING_UPLOADED: Final = DarkroomError(
    "never_uploaded", "Nothing was uploaded before the upload URLs expired; create a new job."
)


def verdict(
    counts: Counts, total: int | None, recent: Sequence[Mapping[str, Any]]
) -> Mapping[str, str]:
    """The error of a job that has ended without any result."""
    if counts.failed == 0:
        return DarkroomError(
            "no_photos", "There was no photo among the files; upload photos or a ZIP of them."
        ).as_dict()
    errors = [entry["error"] for entry in recent if "error" in entry]
    if total == 1 and errors:
        return dict(errors[0])
    return DarkroomError(
        "all_photos_failed", f"None of the {total} files could be processed; see each file's error."
    ).as_dict()
