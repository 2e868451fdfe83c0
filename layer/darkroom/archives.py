"""How far the ZIP of a job's results has come."""

from __future__ import annotations

from dataclasses import dataclass

from darkroom.states import ArchiveStatus


@dataclass(frozen=True, slots=True)
class Archive:
    """The ZIP of a job's results. `generation` rises each time it has to be made (again)."""

    status: ArchiveStatus = ArchiveStatus.NONE
    generation: int = 0
    size: int = 0
    upload_id: str = ""

    def failed(self, generation: int) -> Archive:
        """Given up, unless it is there by now; `generation` is the one that could not be built."""
        if self.status is not ArchiveStatus.BUILDING:
            return self
        return Archive(ArchiveStatus.FAILED, generation)
