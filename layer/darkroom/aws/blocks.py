"""The blocks of a job's files in the table."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

from boto3.dynamodb.conditions import Attr, Key
from botocore.exceptions import ClientError

from darkroom.aws import block_items, items
from darkroom.aws.backoff import CONDITION_FAILED, PASSING, reasons
from darkroom.aws.table_access import TRIES, TableAccess, pause
from darkroom.errors import RetryLater
from darkroom.files import File
from darkroom.jobs import Job, file_id
from darkroom.spans import BLOCK, block_of
from darkroom.states import FileStatus

_FILE_ID: Final = re.compile(r"[0-9]{6}")


class Blocks(TableAccess):
    """Files are read as they are now: their rows in the block, and what has happened since."""

    __slots__ = ()

    def file(self, job_id: str, file_id: str) -> File | None:
        if not _FILE_ID.fullmatch(file_id):
            return None
        block = items.block_partition(job_id, block_of(int(file_id)))
        item = self._get(block, items.FILE + file_id)
        if item and "source" in item:
            return items.file_from(item)
        listed = self._get(block, items.BLOCK)
        rows = {row.file_id: row for row in block_items.block_from(listed)} if listed else {}
        if item or file_id in rows:
            return items.file_from(item, rows.get(file_id)) if item else rows[file_id]
        item = self._get(items.partition(job_id), items.FILE + file_id)
        return items.file_from(item) if item else None

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
        rows = block_items.block_from(listed) if listed else []
        return [
            items.file_from(own[row.file_id], row) if row.file_id in own else row for row in rows
        ]

    def add_uploads(self, files: Sequence[File], expires_at: float) -> bool:
        """Store a block of declared uploads. False if it exists already; it is unchanged then."""
        return self._put(block_items.block_item(files, expires_at), Attr("pk").not_exists())

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
                    ":source": zip_file.source and items.source_text(zip_file.source),
                },
            }
        }
        for _ in range(TRIES):
            if not missing:
                return [known[at] for at in range(len(blocks))]
            puts = [
                self._new_item(block_items.block_item(b, job.expires_at)) for b in missing.values()
            ]
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
                    pause()
            else:
                known |= missing
                missing = {}
        raise RetryLater("busy_table", "The table is too busy to store the photos; try again.")

    def entries_stored(self, job: Job, first: int, length: int) -> int:
        """How many files of a ZIP's span have been stored."""
        numbers = range(block_of(first), block_of(first + length - 1) + 1) if length else range(0)
        span = range(first, first + length)
        return sum(file.index in span for n in numbers for file in self.block(job, n))

    def delete_block(self, job_id: str, number: int) -> None:
        """Delete the files of a block of a forgotten job."""
        self._delete_partition(items.block_partition(job_id, number))

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


def _failed_conditions(error: ClientError) -> list[bool]:
    """For each item of a cancelled transaction, whether its condition failed.

    Raises any error that is neither that nor a throttle or a conflict, which may be tried again.
    """
    codes = reasons(error)
    if not {CONDITION_FAILED, *PASSING} & set(codes):
        raise error
    return [code == CONDITION_FAILED for code in codes]
