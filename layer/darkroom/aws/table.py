"""The table: all reads and writes of a job and its files by id."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from boto3.dynamodb.conditions import Attr

from darkroom.aws import items
from darkroom.aws.blocks import Blocks
from darkroom.aws.file_moves import FileMoves
from darkroom.aws.table_access import TRIES, pause
from darkroom.errors import NotFound, RetryLater
from darkroom.files import File
from darkroom.jobs import Job
from darkroom.spans import BLOCK
from darkroom.tallies import TallyPage


class JobTable(Blocks, FileMoves):
    """Every write is conditional on the state it moves from, so a repeat changes nothing."""

    __slots__ = ()

    def get(self, job_id: str) -> Job | None:
        item = self._get(items.partition(job_id), items.JOB)
        return items.job_from(item) if item else None

    def require(self, job_id: str) -> Job:
        """Raises NotFound (`unknown_job`)."""
        job = self.get(job_id)
        if job is None:
            raise NotFound(
                "unknown_job",
                "There is no job with this id; check the id, or create a new job if this one was "
                "deleted or has expired.",
            )
        return job

    def create(self, job: Job, files: Sequence[File]) -> bool:
        """Store a job and its first uploads. False if the job exists already.

        The job's item is written last, so that a job that can be read is complete.
        """
        for start in range(0, len(files), BLOCK):
            self.add_uploads(files[start : start + BLOCK], job.expires_at)
        return self._put(items.job_item(job), Attr("pk").not_exists())

    def change(self, job_id: str, change: Callable[[Job], Job]) -> tuple[Job, bool]:
        """Apply a pure change to the stored job, again to the newer job if another write was first.

        Returns the resulting job, and whether this call changed it. Raises NotFound, RetryLater.
        """
        for _ in range(TRIES):
            job = self.require(job_id)
            changed = change(job)
            if changed is job:
                return job, False
            if self._put(items.job_item(changed), Attr("sequence").eq(job.sequence)):
                return changed, True
            pause()
        raise RetryLater("busy_job", "Too many writes change this job at once; try again.")

    def tally_page(self, job: Job, number: int) -> TallyPage:
        item = self._get(items.partition(job.job_id), f"{items.TALLY}{number:02d}")
        return items.page_from(job, number, item)

    def change_tally(
        self, job: Job, number: int, change: Callable[[TallyPage], TallyPage]
    ) -> TallyPage:
        """Apply a pure change to a page of the tally, as `change` does. Raises RetryLater."""
        for _ in range(TRIES):
            page = self.tally_page(job, number)
            changed = change(page)
            if changed is page:
                return page
            known = Attr("version").eq(page.version) if page.version else Attr("pk").not_exists()
            if self._put(items.page_item(job, changed), known):
                return changed
            pause()
        raise RetryLater("busy_job", "Too many writes change this job at once; try again.")

    def files(self, job_id: str) -> Iterator[File]:
        """All files of a job, in the order of their ids. Raises NotFound."""
        return self.files_of(self.require(job_id))

    def forget(self, job_id: str) -> None:
        """Delete the job's own item. From then on its id is unknown."""
        self.table.delete_item(Key={"pk": items.partition(job_id), "sk": items.JOB})

    def delete_rest(self, job_id: str) -> None:
        """Delete the tally and the followers of a forgotten job, and its files if it is legacy."""
        self._delete_partition(items.partition(job_id))
