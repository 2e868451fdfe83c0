"""The state of a job's archive."""

from __future__ import annotations

from dataclasses import dataclass

from darkroom.states import ArchiveStatus


@dataclass(frozen=True, slots=True)
class Archive:
    """The ZIP of a job's results. size: bytes. upload_id: of its multipart upload, if it has one.

    generation: rises each time the archive has to be built anew; the results of a generation do not
    change. wanted: whether somebody waits for it, so that it is built without waiting for changes
    to pause.
    """

    status: ArchiveStatus = ArchiveStatus.NONE
    generation: int = 0
    size: int = 0
    upload_id: str = ""
    wanted: bool = False

    def outdated(self, *, wanted: bool) -> Archive:
        """The archive once its results may change: none, until the next generation begins."""
        return Archive(generation=self.generation, wanted=wanted)

    def begun(self) -> Archive:
        return Archive(ArchiveStatus.BUILDING, self.generation + 1, wanted=self.wanted)

    def failed(self, generation: int) -> Archive:
        """The archive as failed, if `generation`, which could not be built, is being built."""
        if not self.builds(generation):
            return self
        return Archive(ArchiveStatus.FAILED, generation)

    def builds(self, generation: int) -> bool:
        return self.status is ArchiveStatus.BUILDING and self.generation == generation
