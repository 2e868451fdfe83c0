"""The state of a job's archive."""

from __future__ import annotations

from dataclasses import dataclass

from darkroom.states import ArchiveStatus


@dataclass(frozen=True, slots=True)
class Archive:
    """The ZIP of a job's results. size: bytes. upload_id: of its multipart upload, if it has one.

    generation: rises each time the archive has to be built anew.
    """

    status: ArchiveStatus = ArchiveStatus.NONE
    generation: int = 0
    size: int = 0
    upload_id: str = ""

    def failed(self, generation: int) -> Archive:
        """The archive as failed, if it is still being built; `generation` could not be built."""
        if self.status is not ArchiveStatus.BUILDING:
            return self
        return Archive(ArchiveStatus.FAILED, generation)
