"""The table: all reads and writes of a job and its files by id."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.conditions import Attr, Key
from botocore.exceptions import ClientError

from darkroom.aws import items
from darkroom.endings import NEVER_UPLOADED
from darkroom.errors import NotFound, RetryLater
from darkroom.files import File, ResultInfo
from darkroom.jobs import Job
from darkroom.states import FILE_MOVES, FileStatus

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table

TRANSACTION = 100
"""The most items in one transaction."""
_TRIES = 40


@dataclass(frozen=True, slots=True)
class JobTable:
    """Every write is conditional on the state it moves from, so a repeat changes nothing."""

    table: Table

    def get(self, job_id: str) -> Job | None:
        response = self.table.get_item(
            Key={"pk": items.partition(job_id), "sk": items.JOB}, ConsistentRead=True
        )
        return items.job_from(response["Item"]) if "Item" in response else None

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
        """Store a job and its uploads. False if the job exists already.

        The job's item is written last, so that a job that can be read is complete.
        """
        for start in range(0, len(files), TRANSACTION):
            self.add_files(files[start : start + TRANSACTION], job.expires_at)
        try:
            self.table.put_item(
                Item=items.job_item(job), ConditionExpression=Attr("pk").not_exists()
            )
        except ClientError as error:
            return _refused(error)
        return True

    def change(self, job_id: str, change: Callable[[Job], Job]) -> tuple[Job, bool]:
        """Apply a pure change to the stored job, again to the newer job if another write was first.

        Returns the resulting job, and whether this call changed it. Raises NotFound, RetryLater.
        """
        for _ in range(_TRIES):
            job = self.require(job_id)
            changed = change(job)
            if changed is job:
                return job, False
            try:
                self.table.put_item(
                    Item=items.job_item(changed),
                    ConditionExpression=Attr("sequence").eq(job.sequence),
                )
            except ClientError as error:
                _refused(error)
                time.sleep(random.uniform(0.005, 0.1))  # noqa: S311 - jitter
            else:
                return changed, True
        raise RetryLater("busy_job", "Too many writes change this job at once; try again.")

    def file(self, job_id: str, file_id: str) -> File | None:
        response = self.table.get_item(
            Key={"pk": items.partition(job_id), "sk": items.FILE + file_id}, ConsistentRead=True
        )
        return items.file_from(response["Item"]) if "Item" in response else None

    def files(self, job_id: str) -> Iterator[File]:
        """All files of a job, in the order of their ids."""
        cursor: str | None = ""
        while cursor is not None:
            page, cursor = self.page(job_id, limit=None, after=cursor)
            yield from page

    def page(
        self, job_id: str, *, limit: int | None, after: str = "", status: FileStatus | None = None
    ) -> tuple[list[File], str | None]:
        """Up to `limit` files after file id `after`, and the next page's `after` (None: the end).

        Without a limit a page is 1 MB, as DynamoDB sets it. With `status` a page may hold fewer
        files, even none, and not be the last.
        """
        query: dict[str, Any] = {
            "KeyConditionExpression": Key("pk").eq(items.partition(job_id))
            & Key("sk").between(items.FILE + after + " ", items.FILE + "~"),
            "ConsistentRead": True,
        }
        if limit is not None:
            query["Limit"] = limit
        if status is not None:
            query["FilterExpression"] = Attr("status").eq(status.value)
        response = self.table.query(**query)
        last = response.get("LastEvaluatedKey")
        return (
            [items.file_from(item) for item in response["Items"]],
            None if last is None else str(last["sk"]).removeprefix(items.FILE),
        )

    def add_files(self, files: Sequence[File], expires_at: float) -> None:
        """Store up to 100 new files in one transaction. Files that exist stay as they are."""
        puts: list[Any] = [
            {
                "Put": {
                    "TableName": self.table.name,
                    "Item": items.file_item(file, expires_at),
                    "ConditionExpression": "attribute_not_exists(pk)",
                }
            }
            for file in files
        ]
        while puts:
            try:
                self.table.meta.client.transact_write_items(TransactItems=puts)
            except ClientError as error:
                existing = _existing(error)
                puts = [put for put, exists in zip(puts, existing, strict=True) if not exists]
            else:
                return

    def arrived(self, file: File) -> bool:
        """Queue an upload whose bytes are at `file.source`. False if it was not waited for."""
        source = items.source_text(file.source) if file.source else None
        return self._move(
            file, FileStatus.AWAITING_UPLOAD, FileStatus.QUEUED, source=source, size=file.size
        )

    def expanded(self, file: File) -> bool:
        """Record that the upload was a ZIP and all its photos have been dispatched."""
        return self._move(file, FileStatus.AWAITING_UPLOAD, FileStatus.EXPANDED)

    def rejected(self, file: File, error: Mapping[str, str]) -> bool:
        """Record that the upload could not be read."""
        return self._move(file, FileStatus.AWAITING_UPLOAD, FileStatus.FAILED, error=dict(error))

    def upload_cancelled(self, file: File) -> bool:
        """Record that the job was stopped before the upload arrived."""
        return self._move(file, FileStatus.AWAITING_UPLOAD, FileStatus.CANCELLED)

    def requeued(self, file: File, attempt: int) -> bool:
        """Requeue a failed or cancelled file. A file without a source fails again instead."""
        if file.source:
            return self._move(file, file.status, FileStatus.QUEUED, attempt=attempt)
        error = dict(file.error or NEVER_UPLOADED.as_dict())
        return self._move(file, file.status, FileStatus.FAILED, attempt=attempt, error=error)

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

    def forget(self, job_id: str) -> None:
        """Delete the job's own item. From then on its id is unknown."""
        self.table.delete_item(Key={"pk": items.partition(job_id), "sk": items.JOB})

    def delete_items(self, job_id: str) -> None:
        """Delete all other items of a forgotten job: files and followers."""
        query: dict[str, Any] = {
            "KeyConditionExpression": Key("pk").eq(items.partition(job_id)),
            "ProjectionExpression": "pk, sk",
        }
        while True:
            page = self.table.query(**query)
            with self.table.batch_writer() as batch:
                for item in page["Items"]:
                    batch.delete_item(Key={"pk": item["pk"], "sk": item["sk"]})
            if "LastEvaluatedKey" not in page:
                return
            query["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    def _move(self, file: File, before: FileStatus, after: FileStatus, **values: Any) -> bool:
        """False if the file has moved meanwhile. Raises ValueError for an illegal move."""
        if after not in FILE_MOVES[before]:
            raise ValueError(f"a file cannot move from {before} to {after}")
        new = {"status": after.value} | {k: v for k, v in values.items() if v is not None}
        stale = "" if after in {FileStatus.FAILED, FileStatus.SKIPPED} else " REMOVE #error"
        try:
            self.table.update_item(
                Key={"pk": items.partition(file.job_id), "sk": items.FILE + file.file_id},
                UpdateExpression="SET " + ", ".join(f"#{name} = :{name}" for name in new) + stale,
                ConditionExpression="#status = :before AND #attempt = :now",
                ExpressionAttributeNames={
                    f"#{name}": name for name in {*new, "attempt", *(["error"] if stale else [])}
                },
                ExpressionAttributeValues={f":{name}": value for name, value in new.items()}
                | {":before": before.value, ":now": file.attempt},
            )
        except ClientError as error:
            return _refused(error)
        return True


def _refused(error: ClientError) -> bool:
    """False if a condition failed. Raises any other error."""
    if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
        raise error
    return False


def _existing(error: ClientError) -> list[bool]:
    """For each put of a refused transaction, whether its item exists already."""
    reasons = error.response.get("CancellationReasons", [])
    codes = [reason.get("Code") for reason in reasons]
    if "ConditionalCheckFailed" not in codes:
        raise error
    return [code == "ConditionalCheckFailed" for code in codes]
