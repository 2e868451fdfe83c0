"""Why a job came to nothing, in its error."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from darkroom.errors import DarkroomError
from darkroom.tally import Counts

NOTHING_CAME: Final = DarkroomError(
    "never_uploaded", "Nothing was uploaded before the grants ran out; make a new job."
).as_dict()


def why_nothing(
    counts: Counts, total: int | None, recent: Sequence[Mapping[str, Any]]
) -> Mapping[str, str]:
    """The error of a job that has ended without one result."""
    if counts.failed == 0:
        return DarkroomError(
            "no_photos", "There was no photo among the files; upload photos or a ZIP of them."
        ).as_dict()
    errors = [entry["error"] for entry in recent if "error" in entry]
    if total == 1 and errors:
        return dict(errors[0])
    return DarkroomError(
        "all_photos_failed", f"None of the {total} files could be processed; each file says why."
    ).as_dict()
