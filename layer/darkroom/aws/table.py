"""The table: all reads and writes of a job and its files by id."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from boto3.dynamodb.conditions import Attr, Key
from botocore.exceptions import ClientError

from darkroom.aws import items
from darkroom.errors import NotFound, RetryLater
from darkroom.files import File, ResultInfo
from darkroom.jobs import Job, file_id
from darkroom.messages import Source
from darkroom.spans import BLOCK, block_of
from darkroom.states import FILE_MOVES, FileStatus
from darkroom.tally import TallyPage

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table

_TRIES: Final = 40
_THROTTLES: Final = {
    "ThrottlingError",
    "ProvisionedThroughputExceeded",
    "TransactionConflict",
}
_ENDED: Final = {FileStatus.FAILED, FileStatus.SKIPPED, FileStatus.CANCELLED}


@dataclass(frozen=True, slots=True)
class JobTable:
    """Every write is conditional on the state it moves from, so a repeat changes nothing."""

    table: Table

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
        for _ in range(_TRIES):
            job = self.require(job_id)
            changed = change(job)
            if changed is job:
                return job, False
            if self._put(items.job_item(changed), Attr("sequence").eq(job.sequence)):
                return changed, True
            _pause()
        raise RetryLater("busy_job", "Too many writes change this job at once; try again.")

    def tally_page(self, job: Job, number: int) -> TallyPage:
        item = self._get(items.partition(job.job_id), f"{items.TALLY}{number:02d}")
        return items.page_from(job, number, item)

    def change_tally(
        self, job: Job, number: int, change: Callable[[TallyPage], TallyPage]
    ) -> TallyPage:
        """Apply a pure change to a page of the tally, as `change` does. Raises RetryLater."""
        for _ in range(_TRIES):
            page = self.tally_page(job, number)
            changed = change(page)
            if changed is page:
                return page
            known = Attr("version").eq(page.version) if page.version else Attr("pk").not_exists()
            if self._put(items.page_item(job, changed), known):
                return changed
            _pause()
        raise RetryLater("busy_job", "Too many writes change this job at once; try again.")

    def file(self, job_id: str, file_id: str) -> File | None:
        block = items.block_partition(job_id, block_of(int(file_id)))
        item = self._get(block, items.FILE + file_id)
        if item and "source" in item:
            return items.file_from(item)
        listed = self._get(block, items.BLOCK)
        rows = {row.file_id: row for row in items.block_from(listed)} if listed else {}
        if item or file_id in rows:
            return items.file_from(item, rows.get(file_id)) if item else rows[file_id]
        item = self._get(items.partition(job_id), items.FILE + file_id)
        return items.file_from(item) if item else None

    def files(self, job_id: str) -> Iterator[File]:
        """All files of a job, in the order of their ids. Raises NotFound."""
        return self.files_of(self.require(job_id))

    def files_of(self, job: Job) -> Iterator[File]:
        """The same, of a job that has been read already."""
        for number in range(job.blocks):
            yield from self.block(job, number)

    def block(self, job: Job, number: int) -> list[File]:
        """The files of one block, in the order of their ids; none if it has not been written."""
        if job.legacy:
            first, last = file_id(number * BLOCK), file_id((number + 1) * BLOCK - 1)
            condition: Any = Key("pk").eq(items.partition(job.job_id)) & Key("sk").between(
                items.FILE + first, items.FILE + last
            )
            return [items.file_from(item) for item in self._query(condition)]
        found = list(self._query(Key("pk").eq(items.block_partition(job.job_id, number))))
        listed = next((item for item in found if item["sk"] == items.BLOCK), None)
        own = {
            item["sk"].removeprefix(items.FILE): item for item in found if item["sk"] != items.BLOCK
        }
        rows = items.block_from(listed) if listed else []
        return [
            items.file_from(own[row.file_id], row) if row.file_id in own else row for row in rows
        ]

    def add_uploads(self, files: Sequence[File], expires_at: float) -> bool:
        """Store a block of declared uploads. False if it exists already; it is unchanged then."""
        return self._put(items.block_item(files, expires_at), Attr("pk").not_exists())

    def add_entries(
        self, job: Job, zip_file: File, blocks: Sequence[Sequence[File]]
    ) -> list[Sequence[File]] | None:
        """Store blocks of entries of a ZIP that is being dispatched, at most 50 at once.

        Returns the blocks as they are stored: those that exist are left unchanged. None if the ZIP
        is no longer being dispatched, since it has failed, was sent again or its job was deleted:
        then none is stored.
        """
        if job.legacy:
            return [self._add_legacy_entries(job, block) for block in blocks]
        known: dict[int, Sequence[File]] = {}
        missing = dict(enumerate(blocks))
        still = {
            "ConditionCheck": {
                "TableName": self.table.name,
                "Key": items.file_key(zip_file),
                "ConditionExpression": "#status = :expanding AND #source = :source",
                "ExpressionAttributeNames": {"#status": "status", "#source": "source"},
                "ExpressionAttributeValues": {
                    ":expanding": FileStatus.EXPANDING.value,
                    ":source": _text(zip_file.source),
                },
            }
        }
        for _ in range(_TRIES):
            if not missing:
                return [known[at] for at in range(len(blocks))]
            puts = [self._new_item(items.block_item(b, job.expires_at)) for b in missing.values()]
            try:
                self.table.meta.client.transact_write_items(TransactItems=[still, *puts])  # type: ignore[list-item]
            except ClientError as error:
                stopped, *exist = _failed_conditions(error)
                if stopped:
                    return None
                for at, exists in list(zip(missing, exist, strict=True)):
                    if exists:
                        known[at] = self.block(job, block_of(missing.pop(at)[0].index))
                if not any(exist):
                    _pause()
            else:
                known |= missing
                missing = {}
        raise RetryLater("busy_table", "The table is too busy to store the photos; try again.")

    def entries_stored(self, job: Job, first: int, length: int) -> int:
        """How many files of a ZIP's span have been stored."""
        numbers = range(block_of(first), block_of(first + length - 1) + 1) if length else range(0)
        span = range(first, first + length)
        return sum(file.index in span for n in numbers for file in self.block(job, n))

    def arrived(self, file: File) -> bool:
        """Queue an upload whose bytes are at `file.source`. False if it was not waited for."""
        return self._move(
            file,
            FileStatus.AWAITING_UPLOAD,
            FileStatus.QUEUED,
            source=_text(file.source),
            size=file.size,
        )

    def expanding(self, file: File) -> bool:
        """Record that the upload is a ZIP, at `file.source`, which is being dispatched."""
        return self._move(
            file,
            FileStatus.AWAITING_UPLOAD,
            FileStatus.EXPANDING,
            source=_text(file.source),
            size=file.size,
        )

    def expanded(self, file: File) -> bool:
        """Record that all photos of a ZIP have been dispatched."""
        return self._move(file, FileStatus.EXPANDING, FileStatus.EXPANDED)

    def rejected(self, file: File, error: Mapping[str, str]) -> bool:
        """Record that the upload could not be read, or never came."""
        return self._move(file, file.status, FileStatus.FAILED, error=dict(error))

    def upload_cancelled(self, file: File) -> bool:
        """Record that the job was stopped before the upload arrived."""
        return self._move(file, FileStatus.AWAITING_UPLOAD, FileStatus.CANCELLED)

    def requeued(self, file: File) -> bool:
        """Begin a new attempt: `file.attempt` plus one, by `file.retry`, with `file.options`.

        An upload is read from `file.source`, which may have been replaced since.
        """
        entry = file.source is None or file.source.entry is not None
        source = None if entry else _text(file.source)
        return self._again(file, FileStatus.QUEUED, source=source, size=file.size)

    def awaited(self, file: File) -> bool:
        """Begin a new attempt that takes the upload from the bucket anew."""
        return self._again(file, FileStatus.AWAITING_UPLOAD)

    def failed_again(self, file: File, error: Mapping[str, str]) -> bool:
        """Record a new attempt that fails at once."""
        return self._again(file, FileStatus.FAILED, error=dict(error))

    def ended(
        self,
        file: File,
        status: FileStatus,
        result: ResultInfo | None = None,
        error: Mapping[str, str] | None = None,
    ) -> bool:
        """Record that a photo has ended. False if it had already, or another attempt has begun."""
        return self._move(
            file,
            FileStatus.QUEUED,
            status,
            result=result and items.result_map(result),
            error=error and dict(error),
        )

    def cancelled(self, file: File) -> bool:
        """Record that a queued photo is not to be processed. One that has a result keeps it."""
        after = FileStatus.SUCCEEDED if file.result else FileStatus.CANCELLED
        return self._move(file, FileStatus.QUEUED, after)

    def forget(self, job_id: str) -> None:
        """Delete the job's own item. From then on its id is unknown."""
        self.table.delete_item(Key={"pk": items.partition(job_id), "sk": items.JOB})

    def delete_block(self, job_id: str, number: int) -> None:
        """Delete the files of a block of a forgotten job."""
        self._delete_partition(items.block_partition(job_id, number))

    def delete_rest(self, job_id: str) -> None:
        """Delete the tally and the followers of a forgotten job, and its files if it is legacy."""
        self._delete_partition(items.partition(job_id))

    def delete_file(self, file: File) -> None:
        """Delete a file's own item, which a worker has stored after its job was deleted."""
        self.table.delete_item(Key=items.file_key(file))

    def _get(self, pk: str, sk: str) -> dict[str, Any] | None:
        return self.table.get_item(Key={"pk": pk, "sk": sk}, ConsistentRead=True).get("Item")

    def _put(self, item: dict[str, Any], condition: Any) -> bool:
        try:
            self.table.put_item(Item=item, ConditionExpression=condition)
        except ClientError as error:
            return _refused(error)
        return True

    def _query(self, condition: Any, **more: Any) -> Iterator[dict[str, Any]]:
        query = {"KeyConditionExpression": condition, "ConsistentRead": True, **more}
        while True:
            page = self.table.query(**query)
            yield from page["Items"]
            if "LastEvaluatedKey" not in page:
                return
            query["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    def _delete_partition(self, pk: str) -> None:
        keys = self._query(Key("pk").eq(pk), ProjectionExpression="pk, sk")
        with self.table.batch_writer() as batch:
            for key in list(keys):
                batch.delete_item(Key={"pk": key["pk"], "sk": key["sk"]})

    def _new_item(self, item: dict[str, Any]) -> dict[str, Any]:
        return {
            "Put": {
                "TableName": self.table.name,
                "Item": item,
                "ConditionExpression": "attribute_not_exists(pk)",
            }
        }

    def _add_legacy_entries(self, job: Job, files: Sequence[File]) -> list[File]:
        for file in files:
            self._put(items.file_item(file, job.expires_at), Attr("pk").not_exists())
        stored = (self.file(job.job_id, file.file_id) for file in files)
        return [file for file in stored if file]

    def _again(self, file: File, after: FileStatus, **values: Any) -> bool:
        return self._move(
            file,
            file.status,
            after,
            attempt=file.attempt + 1,
            retry=file.retry,
            options=file.options,
            **values,
        )

    def _move(self, file: File, before: FileStatus, after: FileStatus, **values: Any) -> bool:
        """False if the file has moved meanwhile. Raises ValueError for an illegal move."""
        if after not in FILE_MOVES[before]:
            raise ValueError(f"a file cannot move from {before} to {after}")
        if file.status is not before:
            return False
        own = {} if file.stored else items.file_item(file, file.expires_at)
        new = own | values | {"status": after.value}
        keep = {name: v for name, v in new.items() if v is not None and name not in ("pk", "sk")}
        stale = [
            name for name in ("error", *(["result"] if after in _ENDED else ())) if name not in keep
        ]
        condition = "#status = :before AND #attempt = :now"
        expected = {":before": before.value, ":now": file.attempt}
        if not file.stored:
            condition, expected = "attribute_not_exists(pk)", {}
        names = {*keep, *stale, *(("status", "attempt") if file.stored else ())}
        try:
            self.table.update_item(
                Key=items.file_key(file),
                UpdateExpression="SET "
                + ", ".join(f"#{name} = :{name}" for name in keep)
                + (" REMOVE " + ", ".join(f"#{name}" for name in stale) if stale else ""),
                ConditionExpression=condition,
                ExpressionAttributeNames={f"#{name}": name for name in names},
                ExpressionAttributeValues={f":{name}": v for name, v in keep.items()} | expected,
            )
        except ClientError as error:
            return _refused(error)
        return True


def _text(source: Source | None) -> str | None:
    return items.source_text(source) if source else None


def _pause() -> None:
    time.sleep(random.uniform(0.005, 0.1))  # noqa: S311 - jitter


def _refused(error: ClientError) -> bool:
    """False if a condition failed. Raises any other error."""
    if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
        raise error
    return False


def _failed_conditions(error: ClientError) -> list[bool]:
    """For each item of a cancelled transaction, whether its condition failed.

    Raises any error that is neither that nor a throttle or a conflict, which may be tried again.
    """
    reasons: Any = error.response.get("CancellationReasons", [])
    codes = [reason.get("Code") for reason in reasons]
    if not {"ConditionalCheckFailed", *_THROTTLES} & set(codes):
        raise error
    return [code == "ConditionalCheckFailed" for code in codes]
